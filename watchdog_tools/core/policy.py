"""The restart policy. May a start be made now, and what does each event leave in a service's history?

Pure functions of history, limits and now, in milliseconds of the boot clock.
"""

from __future__ import annotations

from watchdog_tools.core.record import MOST
from watchdog_tools.core.struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core.config import Limits
    from watchdog_tools.core.record import History

NOW, BACKOFF, HELD = "now", "backoff", "held"

_SPREAD = 0.25  # of a delay is jitter, so that a fleet does not start in step


class Permission(Struct, frozen=True):
    """`kind` is NOW, BACKOFF or HELD; `until` when that ends. new_hold: the hold begins with this very answer."""

    kind: str
    until: int = 0
    new_hold: bool = False


def judge(history: History, limits: Limits, now: int) -> Permission:
    """Return whether a start may be made at `now`.

    A time that lies ahead is of another time namespace, or wrong: it must not hold anything down.
    """
    history = after_stable(history, limits, now)
    if limits.count:
        room = _room(history, limits, now)
        held = history.held_until if history.held_until <= now + limits.hold else 0
        if room > now and not held:
            return Permission(kind=HELD, until=max(now + limits.hold, room), new_hold=True)
        if max(held, room) > now:
            return Permission(kind=HELD, until=max(held, room))
    base = _base(history, now)
    until = base + delay(history.attempts, limits, base) if base else 0
    return Permission(kind=BACKOFF, until=until) if until > now else Permission(kind=NOW)


def next_start(history: History, limits: Limits, now: int) -> int:
    """Return when a start may be made if no hold begins meanwhile; 0 for now. A hold counts once it is begun."""
    permission = judge(history, limits, now)
    return _room(history, limits, now) if permission.new_hold else permission.until


def after_stable(history: History, limits: Limits, now: int) -> History:
    """Return the history as health for --stable has mended it: no attempts count, and no hold."""
    if history.healthy_since and 0 <= now - history.healthy_since >= limits.stable:
        return history.replace(attempts=0, held_until=0)
    return history


def with_start(history: History, now: int) -> History:
    """Return the history with a start that is about to be made."""
    return history.replace(starts=(*history.starts, now)[-MOST:], held_until=0, healthy_since=0, failed_at=0)


def with_attempt(history: History) -> History:
    """Return the history with that start counted as an attempt: it was let go."""
    return history.replace(attempts=history.attempts + 1)


def with_failure(history: History, limits: Limits, at: int, now: int) -> History:
    """Return the history with the first sign, at `at`, that the instance is failing or dead; later ones change nothing.

    What health for --stable has mended stays mended.
    """
    history = after_stable(history, limits, now)
    return history if history.failed else history.replace(failed_at=max(at, history.last), healthy_since=0)


def with_health(history: History, now: int) -> History:
    """Return the history with a check that found the service healthy."""
    return history.replace(healthy_since=history.healthy_since or now, failed_at=0)


def with_hold(history: History, limits: Limits, now: int) -> History:
    """Return the history with a hold that begins now."""
    return history.replace(held_until=now + limits.hold)


def without_old_starts(history: History, limits: Limits, now: int) -> History:
    """Return the history without the starts that have left the window by age."""
    return history.replace(starts=tuple(at for at in history.starts if at == history.last or now - at < limits.window))


def delay(attempts: int, limits: Limits, seed: int = 0) -> int:
    """Return the milliseconds between a failure and the next start: doubled each time, with jitter.

    attempts: starts in a row of which none has been stable. seed: what the jitter is drawn from.
    """
    if attempts <= 0:
        return 0
    plain = min(limits.first << min(attempts - 1, 30), limits.longest)
    drawn = (seed * 2_654_435_761 + attempts * 40_503) % (1 << 32) / (1 << 32)
    sign = 1 if plain < limits.longest else -1
    return max(min(int(plain * (1 + sign * _SPREAD * drawn)), limits.longest), min(limits.first, limits.longest))


def _base(history: History, now: int) -> int:
    """Return when the last failure was seen; where none was, when the last start was made."""
    return next((at for at in (history.failed_at, history.last) if 0 < at <= now), 0)


def _room(history: History, limits: Limits, now: int) -> int:
    """Return when the window has room for one more start; 0 if it has."""
    inside = [at for at in history.starts if at <= now < at + limits.window]
    return inside[-limits.count] + limits.window if len(inside) >= limits.count else 0
