"""What the verbs of watchdog-tools share: their options, the service that they are about, and a fork that acts."""

from __future__ import annotations

import os
import select

from watchdog_tools.cli.command import Command, Option, UsageError
from watchdog_tools.cli.common_options import common
from watchdog_tools.cli.converters import directory, service
from watchdog_tools.core import UNKNOWN, Result
from watchdog_tools.core.owner import Owner
from watchdog_tools.core.struct import Struct
from watchdog_tools.core.text import human_duration
from watchdog_tools.state import StateDirError, default, pause_directory, place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.cli.command import Values
    from watchdog_tools.workers.worker import Progress, T_co

    Run = Callable[["Service", Values, int], Result | None]

GRACE = 1.0  # seconds that a fork has to finish its step when we are told to end
_STATE = "State"
_NAME = ("NAME", (1, 1), "name of the service")

EXITS = (
    ("0", "done, or nothing to do: the service is as requested"),
    ("1", "degraded"),
    ("2", "down although it should be up, or alive although it should be down"),
    ("3", "not done: never kept here, another run has the lock, state cannot be read or written; or wrong usage"),
    ("bool", "0 works, 1 does not"),
)


class Service(Struct):
    """A NAME that an operator speaks of.

    name: empty for all that are kept here. directory: the state directory that was said, None for the default.
    values: the options as converted.
    """

    name: str
    directory: str | None
    values: Values

    @property
    def path(self) -> str:
        """The state directory. Raise StateDirError. It may ask NSS, so only forks call it."""
        return self.directory or default(os.geteuid())

    @property
    def owner(self) -> Owner:
        """Whose its instance is. Raise StateDirError."""
        path = self.path
        return Owner(name=self.name, uid=os.geteuid(), directory=path, place=place(path))

    @property
    def pauses(self) -> str:
        """The directory of its pauses. Raise StateDirError."""
        return pause_directory(self.path, os.geteuid())


def verb(  # noqa: PLR0913 -- what the tables of verbs differ in
    name: str,
    run: Run,
    *,
    summary: str,
    options: tuple[Option, ...],
    examples: tuple[tuple[str, str], ...],
    notes: str,
    exits: tuple[tuple[str, str], ...] = EXITS,
    every: bool = False,
) -> Command:
    """Return the table of a verb that acts on one service. every: or on all, with --all."""
    arguments = ("[NAME]", (0, 1), "name of the service; none with --all") if every else _NAME
    all_of_them = (Option("--all", "", "do it with each service that is kept here", group=_STATE),) if every else ()
    return Command(
        name=f"watchdog-tools {name}",
        label=name.upper(),
        summary=summary,
        arguments=arguments,
        options=(*all_of_them, *options),
        configure=configure,
        run=_about_it(run),
        rows=lambda service: not service.name,
        target=lambda service: service.name,
        examples=examples,
        exits=exits,
        notes=notes,
    )


def _about_it(run: Run) -> Run:
    """Return `run` so that whatever it returns, a failure too, names the service and its instance alike."""

    def about_it(service: Service, values: Values, cancel_fd: int) -> Result | None:
        result = run(service, values, cancel_fd)
        if result and service.name:
            result.target = service.name
            result.details = {"name": service.name, "pid": None, **result.details}
        return result

    return about_it


def options(*own: Option) -> tuple[Option, ...]:
    """Return the options of a verb that acts: its own, and those of all."""
    return (*own, state_option(), *common(limit_of="reading and writing state", consumer=False))


def state_option() -> Option:
    """Return the option that says where state is."""
    return Option("-s --state-dir", "DIR", "state directory of ensure-running [default: /run/watchdog-tools for root, "
                  "else ~/.local/state/watchdog-tools]", group=_STATE)  # fmt: skip


def pause_options() -> tuple[Option, ...]:
    """Return the options that say how long a pause holds, and why."""
    return (
        Option("--for", "D", "how long the pause lasts; it ends by itself [default: 24h]", "pause", group="Pause",
               name="span"),
        Option("--until-boot", "", "the pause ends with the next boot", group="Pause"),
        Option("--reason", "TEXT", "why; status shows it", group="Pause"),
    )  # fmt: skip


def lock_option() -> Option:
    """Return the option that bounds the wait for a run at work."""
    return Option("--lock-wait", "D", "wait up to D for a run in progress", "duration", "10s", group=_STATE)


def configure(values: Values) -> Service:
    """Return the service that the words name. Raise UsageError."""
    if values.get("until_boot") and values["span"] is not None:
        raise UsageError("--for and --until-boot exclude each other: both say when the pause ends")
    return Service(name=_one_or_all(values), directory=state_dir(values), values=values)


def _one_or_all(values: Values) -> str:
    """Return the NAME that was given, empty for --all. Raise UsageError."""
    if values.get("all"):
        if values["args"]:
            raise UsageError("NAME and --all exclude each other")
        return ""
    if not values["args"]:
        raise UsageError("missing argument: NAME, or --all for each service that is kept here")
    return service_name(values["args"][0])


def state_dir(values: Values) -> str | None:
    """Return the one spelling of the state directory that was said, None for none. Raise UsageError."""
    try:
        return directory(values["state_dir"]) if values["state_dir"] else None
    except ValueError as error:
        raise UsageError(f"--state-dir: {error}") from None


def service_name(word: str) -> str:
    """Return `word` if it is a NAME. Raise UsageError."""
    try:
        return service(word)
    except ValueError as error:
        raise UsageError(str(error)) from None


def run_action(what: Service, cancel_fd: int, work: Callable[[Progress], T_co]) -> T_co | Result | None:
    """Have a fork do `work`, which no deadline kills. None if `cancel_fd` came first and nothing was said.

    Return what `work` does, or a Result where it failed.
    """
    return run_action_under_lock(what, cancel_fd, lambda progress, _: work(progress), 0.0)


def run_action_under_lock(
    what: Service, cancel_fd: int, work: Callable[[Progress, int], T_co], lock_wait: float
) -> T_co | Result | None:
    """Do as `run_action` does. work: it is given a descriptor, too, which tells of the guard's end while it waits.

    lock_wait: seconds that it may take besides.
    """
    from watchdog_tools.workers.actions import act

    seconds, state = what.values["timeout"]
    seconds += lock_wait

    def guarded(progress: Progress, parent_fd: int) -> T_co | Result:
        os.umask(0o022)
        try:
            return work(progress, parent_fd)
        except StateDirError as error:
            return Result(UNKNOWN, f"{what.name}: {error}; nothing done", reason="no-state")
        except OSError as error:
            return Result(UNKNOWN, f"{what.name}: {error.strerror or error}; nothing done", reason="resources")

    try:
        worker = act(guarded, seconds, cancel_fd, GRACE)
    except OSError as error:
        return Result(UNKNOWN, f"{what.name}: cannot fork: {error.strerror}; nothing done", reason="resources")
    if worker.result is not None or _readable(cancel_fd):
        return worker.result
    if worker.silent:
        return Result(UNKNOWN, f"{what.name}: the run was killed while {worker.words}", reason="crashed")
    late = UNKNOWN if state is None else state
    words = f"{what.name}: not done within {human_duration(seconds)}, still {worker.words}"
    return Result(late, words, reason="timeout")


def _readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
