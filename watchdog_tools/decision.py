"""Words: what a run does next. A pure function of what was seen; the dry run prints the same."""

from __future__ import annotations

from watchdog_tools.record import COMMAND, ENDED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.health import Health
    from watchdog_tools.record import Record

NOTHING = "nothing to do"
VETO = "may not act"
KEEP = "take over what lives"
ADOPT = "adopt by its mark"
FOUND = "found, but failing"
IN_FLIGHT = "start in progress"
WAIT = "back off"
START = "start"


def decide(  # noqa: PLR0913 -- one way out for each decision, one argument for each fact
    health: Health, record: Record | None, *, alive: bool, marked: int, wait: int, flight: int
) -> str:
    """Return what to do.

    alive: the record's very process lives. marked: instances found by their mark. wait: milliseconds
    of backoff left. flight: milliseconds for which an ended --oneshot command still counts as a start
    in progress.
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
    if record and record.phase in (COMMAND, ENDED) and flight > 0:
        return IN_FLIGHT
    return WAIT if wait > 0 else START
