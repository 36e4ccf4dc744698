"""watchdog-tools status: how everything that is kept here stands. It reads; it takes no lock and writes nothing."""

from __future__ import annotations

from watchdog_tools.cli.common import common
from watchdog_tools.cli.options import Command
from watchdog_tools.commands.operating import named, place_settled, state_option
from watchdog_tools.system.looks import Job, look_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.options import Values
    from watchdog_tools.result import Result


class Asked:
    """What was asked for. names: empty for all. directory: the state directory that was said, or None."""

    __slots__ = ("directory", "names")

    def __init__(self, names: tuple[str, ...], directory: str | None) -> None:
        """Take the fields as the class describes them."""
        self.names = names
        self.directory = directory


def _settle(values: Values) -> Asked:
    place_settled(values)
    values["verbose"] = 1  # the rows are what it is asked for
    return Asked(tuple(dict.fromkeys(named(word) for word in values["args"])), values["state_dir"])


def _run(asked: Asked, values: Values, wake: int) -> Result | None:
    def look(_say: object) -> Result:
        from watchdog_tools.commands.standings import standings

        return standings(asked.names, asked.directory)

    seconds, state = values["timeout"]
    results = look_all([Job(look, target=asked.directory or "", on_timeout=state)], seconds, wake)
    return results[0] if results else None


COMMAND = Command(
    name="watchdog-tools status",
    label="STATUS",
    summary="A line for each service that is kept here: its state, since when, restarts, pause, last words.",
    arguments=("[NAME]...", (0, -1), "these services only"),
    options=(state_option(), *common(of_look="the whole look")),
    settle=_settle,
    run=_run,
    target=lambda asked: asked.directory or "",
    examples=(
        ("watchdog-tools status", "all that we keep; for an ordinary user also what root keeps"),
        ("watchdog-tools status web -o json", "one object a line, for programs"),
    ),
    exits=(
        ("0", "all are running, up or paused"),
        ("1", "one is starting"),
        ("2", "one is down, failing, in backoff, or held"),
        ("3", "nothing is kept here; could not look; or wrong usage"),
        ("bool", "0 works, 1 does not (docker, k8s, cron)"),
    ),
    notes="It believes the records and asks nothing but whether the recorded process lives; what the service answers"
    " is ensure-running's to ask. up is said of a --oneshot service, which has no process that we know.",
)
