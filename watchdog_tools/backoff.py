"""Words: how long a start has to wait. A pure function of the last record and now."""

from __future__ import annotations

from watchdog_tools.record import FAILED, RUNNING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.record import Record

FIRST = 1_000  # milliseconds before the first repeated start; doubled each time
LONGEST = 300_000  # five minutes
STABLE = 600_000  # an instance that lived for ten minutes has earned a start without delay


def delay(attempts: int) -> int:
    """Return the milliseconds between start number `attempts` and the next one."""
    if attempts <= 0:
        return 0
    return min(FIRST << min(attempts - 1, 20), LONGEST)


def earned(last: Record | None, now: int, boot: str) -> int:
    """Return the starts in a row that count at `now`: none after a stable instance, or a reboot."""
    if last is None or last.boot != boot:
        return 0
    if last.phase == RUNNING and now - last.since >= STABLE:
        return 0
    return last.attempts


def wait(last: Record | None, now: int, boot: str) -> int:
    """Return the milliseconds until a start is allowed, 0 for now.

    A time that lies ahead is of another time namespace, or a lie: it must not hold anything down.
    """
    if last is None or last.boot != boot or last.since > now or last.phase not in (FAILED, RUNNING):
        return 0
    return max(last.since + delay(earned(last, now, boot)) - now, 0)
