"""watchdog-tools status: the state of everything that is kept here. It reads; it takes no lock and writes nothing."""

from __future__ import annotations

from watchdog_tools.admin.service import service_name, state_dir, state_option
from watchdog_tools.cli.command import Command, Option
from watchdog_tools.cli.common_options import common
from watchdog_tools.core.struct import Struct
from watchdog_tools.workers import Check, run_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.command import Values
    from watchdog_tools.core import Result


class Query(Struct):
    """What was asked for.

    names: empty for all. directory: the state directory that was said, or None. max_age: seconds, or None. more: -v.
    """

    names: tuple[str, ...]
    directory: str | None
    max_age: float | None
    more: bool


def _configure(values: Values) -> Query:
    names = tuple(dict.fromkeys(service_name(word) for word in values["args"]))
    return Query(names=names, directory=state_dir(values), max_age=values["max_age"], more=bool(values["verbose"]))


def _run(query: Query, values: Values, cancel_fd: int) -> Result | None:
    def probe(_progress: object) -> Result:
        from watchdog_tools.admin.status import status

        return status(query.names, query.directory, query.max_age, more=query.more)

    seconds, state = values["timeout"]
    results = run_all([Check(probe, target=query.directory or "", on_timeout=state)], seconds, cancel_fd)
    return results[0] if results else None


COMMAND = Command(
    name="watchdog-tools status",
    label="STATUS",
    summary="Show one line for each service that is kept here: its state, since when, starts, pause, last event.",
    arguments=("[NAME]...", (0, -1), "only these services"),
    options=(
        Option("--max-age", "D", "CRITICAL when no run of ensure-running for a service was complete within D: is cron"
               " still at work?", "span", group="Verdict"),
        state_option(), *common(limit_of="reading all state"),
    ),
    configure=_configure,
    run=_run,
    rows=lambda _query: True,
    target=lambda query: query.directory or "",
    examples=(
        ("watchdog-tools status", "all of the caller's services; for an ordinary user also root's"),
        ("watchdog-tools status --max-age 5m", "and none for which cron has stopped running ensure-running"),
        ("watchdog-tools status web -o json", "one JSON object a line, for programs"),
    ),
    exits=(
        ("0", "all are running, up or paused"),
        ("1", "one is starting"),
        ("2", "one is down, failing, in backoff, or held; with --max-age, not seen in time"),
        ("3", "nothing is kept here, or state cannot be read; or wrong usage"),
        ("bool", "0 works, 1 does not (docker, k8s, cron)"),
    ),
    notes="status trusts the records and only tests that the recorded process is alive; it runs no health checks. A"
    " --oneshot service, of which no process is known, is shown as up. With --max-age whatever was ever kept is shown,"
    " also before the boot; a paused service, too, is to be seen.",
)  # fmt: skip
