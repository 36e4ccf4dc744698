"""Words: may a start be made now? A pure function of history, limits and now. Milliseconds of the boot clock."""

from __future__ import annotations

from watchdog_tools import history

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.record import History

NOW, BACKOFF, HELD = "now", "backoff", "held"

_SPREAD = 0.25  # of a delay is jitter, so that a fleet does not start in step


class Limits:
    """--backoff FIRST:LONGEST, --limit COUNT/WINDOW (count 0: none), --hold, --stable; spans in milliseconds."""

    __slots__ = ("count", "first", "hold", "longest", "stable", "window")

    def __init__(  # noqa: PLR0913 -- a record, built by keyword
        self,
        *,
        first: int = 1_000,
        longest: int = 300_000,
        count: int = 5,
        window: int = 600_000,
        hold: int = 900_000,
        stable: int = 600_000,
    ) -> None:
        """Take the fields as the class describes them."""
        self.first = first
        self.longest = longest
        self.count = count
        self.window = window
        self.hold = hold
        self.stable = stable


class Verdict:
    """`kind` is NOW, BACKOFF or HELD; `until` when that ends. fresh: the hold begins with this verdict."""

    __slots__ = ("fresh", "kind", "until")

    def __init__(self, kind: str, until: int = 0, *, fresh: bool = False) -> None:
        """Take the fields as the class describes them."""
        self.kind = kind
        self.until = until
        self.fresh = fresh


def judge(past: History, limits: Limits, now: int) -> Verdict:
    """Return whether a start may be made at `now`.

    A time that lies ahead is of another time namespace, or a lie: it must not hold anything down.
    """
    past = earned(past, limits, now)
    if limits.count:
        room = _room(past, limits, now)
        held = past.held if past.held <= now + limits.hold else 0
        if room > now and not held:
            return Verdict(HELD, max(now + limits.hold, room), fresh=True)
        if max(held, room) > now:
            return Verdict(HELD, max(held, room))
    base = _base(past, now)
    until = base + delay(past.attempts, limits, base) if base else 0
    return Verdict(BACKOFF, until) if until > now else Verdict(NOW)


def opens(past: History, limits: Limits, now: int) -> int:
    """Return when a start may be made if no hold begins meanwhile; 0 for now. A hold counts once it is begun."""
    verdict = judge(past, limits, now)
    return _room(past, limits, now) if verdict.fresh else verdict.until


def earned(past: History, limits: Limits, now: int) -> History:
    """Return the history as health for --stable has mended it: no attempts count, and no hold."""
    if past.good and 0 <= now - past.good >= limits.stable:
        return past.but(attempts=0, held=0)
    return past


def failed(past: History, limits: Limits, at: int, now: int) -> History:
    """Return the history with the first sign of a failure, at `at`; what health for --stable has mended stays so."""
    return history.failed(earned(past, limits, now), at)


def held(past: History, limits: Limits, now: int) -> History:
    """Return the history with a hold that begins now."""
    return past.but(held=now + limits.hold)


def kept(past: History, limits: Limits, now: int) -> History:
    """Return the history without the starts that have left the window by age."""
    return past.but(starts=tuple(at for at in past.starts if at == past.last or now - at < limits.window))


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


def _base(past: History, now: int) -> int:
    """Return when the last failure was seen; where none was, when the last start was made."""
    return next((at for at in (past.ended, past.last) if 0 < at <= now), 0)


def _room(past: History, limits: Limits, now: int) -> int:
    """Return when the window has room for one more start; 0 if it has."""
    inside = [at for at in past.starts if at <= now < at + limits.window]
    return inside[-limits.count] + limits.window if len(inside) >= limits.count else 0
