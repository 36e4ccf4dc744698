"""What the verbs of watchdog-tools share: their options, the service that they are about, and a fork that acts."""

from __future__ import annotations

import os
import select
import time

from watchdog_tools.cli.common import common
from watchdog_tools.cli.options import Option, Wrong
from watchdog_tools.cli.values import directory, service
from watchdog_tools.names import Owner
from watchdog_tools.result import UNKNOWN, Result
from watchdog_tools.system.statedir import NoState, default, pauses, place
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.cli.options import Values
    from watchdog_tools.system.looker import Say

_GRACE = 1.0  # seconds that a fork has to finish its step when we are told to end
_STATE = "State and acting"

EXITS = (
    ("0", "done, or nothing was to be done; the service is as it was asked for"),
    ("1", "degraded"),
    ("2", "down, though it was to be up; or alive, though it was to be down"),
    ("3", "not done: never kept here, another run has the lock, could not look or write; or wrong usage"),
    ("bool", "0 works, 1 does not"),
)


class Service:
    """A NAME that an operator speaks of. directory: the state directory that was said, None for the default."""

    __slots__ = ("directory", "name", "values")

    def __init__(self, name: str, values: Values) -> None:
        """Take the fields as the class describes them; `values` holds the options as converted."""
        self.name = name
        self.directory: str | None = values["state_dir"]
        self.values = values

    @property
    def path(self) -> str:
        """The state directory. Raise NoState. It may ask NSS, so only forks call it."""
        return self.directory or default(os.geteuid())

    @property
    def owner(self) -> Owner:
        """Whose its instance is. Raise NoState."""
        path = self.path
        return Owner(name=self.name, uid=os.geteuid(), directory=path, place=place(path))

    @property
    def pauses(self) -> str:
        """The directory of its pauses. Raise NoState."""
        return pauses(self.path, os.geteuid())


def options(*own: Option) -> tuple[Option, ...]:
    """Return the options of a verb that acts: its own, and those of all."""
    return (*own, state_option(), *common(of_look="reading and writing state", consumer=False))


def state_option() -> Option:
    """Return the option that says where state is."""
    return Option("-s --state-dir", "DIR", "as ensure-running has it (default: /run/watchdog-tools for root, else "
                  "~/.local/state/watchdog-tools)", group=_STATE)  # fmt: skip


def length_option(default_length: str = "24h") -> Option:
    """Return the option that says how long a pause holds."""
    return Option("--for", "D", "for so long; then it ends by itself", "span", default_length, group="How long",
                  name="span")  # fmt: skip


def reason_option() -> Option:
    """Return the option that says why."""
    return Option("--reason", "TEXT", "why, for those who wonder", group="How long")


def lock_option() -> Option:
    """Return the option that bounds the wait for a run at work."""
    return Option("--lock-wait", "D", "wait for a run that is at work", "duration", "10s", group=_STATE)


def settle(values: Values) -> Service:
    """Return the service that the words name. Raise Wrong."""
    place_settled(values)
    return Service(named(values["args"][0]), values)


def place_settled(values: Values) -> None:
    """Replace the state directory by its one spelling. Raise Wrong."""
    try:
        values["state_dir"] = values["state_dir"] and directory(values["state_dir"])
    except ValueError as error:
        raise Wrong(f"--state-dir: {error}") from None


def named(word: str) -> str:
    """Return `word` if it is a NAME. Raise Wrong."""
    try:
        return service(word)
    except ValueError as error:
        raise Wrong(str(error)) from None


def acted(what: Service, wake: int, work: Callable[[Say], Result]) -> Result | None:
    """Have a fork do `work`, which no deadline kills in the middle. None if `wake` came first and nothing was said."""
    from watchdog_tools.system.actor import act

    seconds, state = what.values["timeout"]

    def guarded(say: Say, _life: int) -> Result:
        os.umask(0o022)
        try:
            return work(say)
        except NoState as error:
            return Result(UNKNOWN, f"{what.name}: {error}; nothing done", reason="no-state")
        except OSError as error:
            return Result(UNKNOWN, f"{what.name}: {error.strerror or error}; nothing done", reason="resources")

    try:
        actor = act(guarded, seconds, wake, _GRACE)
    except OSError as error:
        return Result(UNKNOWN, f"{what.name}: cannot fork: {error.strerror}; nothing done", reason="resources")
    if actor.result or _readable(wake):
        return actor.result
    if actor.silent:
        return Result(UNKNOWN, f"{what.name}: the run was killed while {actor.words}", reason="crashed")
    late = UNKNOWN if state is None else state
    words = f"{what.name}: not done within {spoken(seconds)}, still {actor.words}"
    return Result(late, words, reason="timeout")


def _readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def clock(wall: float) -> str:
    """Return a moment as the clock on the wall shows it: `2026-11-24 15:30:00`."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(wall))
    except (OverflowError, ValueError, OSError):
        return "a time beyond the calendar"
