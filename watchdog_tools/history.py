"""Words: how each event changes what the policy knows of the past. Milliseconds of the boot clock."""

from __future__ import annotations

from watchdog_tools.record import MOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.record import History


def started(past: History, now: int) -> History:
    """Return the history with a start that is about to be made."""
    return past.but(starts=(*past.starts, now)[-MOST:], held=0, good=0, ended=0)


def counted(past: History) -> History:
    """Return it with that start counted as an attempt: it was let go."""
    return past.but(attempts=past.attempts + 1)


def failed(past: History, at: int) -> History:
    """Return it with the first sign, at `at`, that the instance is failing or dead; later ones change nothing."""
    return past if past.over else past.but(ended=max(at, past.last), good=0)


def healthy(past: History, now: int) -> History:
    """Return it with a look that found the service healthy."""
    return past.but(good=past.good or now, ended=0)
