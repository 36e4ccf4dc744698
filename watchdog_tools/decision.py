"""Words: what a run does next. A pure function of what was seen; the dry run prints the same."""

from __future__ import annotations

from watchdog_tools.record import COMMAND, ENDED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.health import Health
    from watchdog_tools.record import Record

NOTHING = "do nothing"
VETO = "do nothing, as it cannot see enough"
KEEP = "finish the verification of the instance that lives"
ADOPT = "adopt the instance that carries its mark"
FOUND = "do nothing, as it is alive but failing"
DAEMON = "not start beside the daemon that it became"
IN_FLIGHT = "wait for the start in progress"
WAIT = "back off"
START = "start"


def decide(  # noqa: PLR0913 -- one way out for each decision, one argument for each fact
    health: Health, record: Record | None, *, alive: bool, marked: int, daemons: int, wait: int, flight: int
) -> str:
    """Return what to do.

    alive: the record's very process lives. marked: instances found by their mark. daemons: what lives
    on of an instance that turned itself into a daemon. wait: milliseconds of backoff left. flight:
    milliseconds for which an ended --oneshot command still counts as a start in progress.
    """
    if health.veto:
        return VETO
    if alive and record and record.phase != COMMAND:
        return KEEP
    if marked:  # healthy or not: its record is lost, and is made anew
        return ADOPT
    if not health.down:
        return NOTHING
    if alive:
        return IN_FLIGHT
    if health.exists:
        return FOUND
    if daemons:
        return DAEMON
    if record and record.phase in (COMMAND, ENDED) and flight > 0:
        return IN_FLIGHT
    return WAIT if wait > 0 else START
