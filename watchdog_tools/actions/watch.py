"""TOUCH: stay for one period of cron; hold the instance by its pidfd, look again and again, act at once on its end."""

from __future__ import annotations

import _signal
import os
import select
import time

from watchdog_tools import policy
from watchdog_tools.actions.lock import CannotLock
from watchdog_tools.actions.order import LINGER
from watchdog_tools.actions.round import take_round
from watchdog_tools.actions.run import left, now
from watchdog_tools.actions.signature import WATCH, sign
from watchdog_tools.result import OK, Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.run import Run

_YIELD = 0.2  # seconds that others have to take the lock, which an operator wants
_WAITS = ("backoff", "failed", "died", "held")  # reasons that end at a moment that the policy knows


class Bell:
    """SIGUSR1 as a readable descriptor: an operator rings, so as not to wait for the next look."""

    __slots__ = ("heard",)

    def __init__(self) -> None:
        """Listen from now on."""
        self.heard, rings = os.pipe()
        os.set_blocking(self.heard, False)
        os.set_blocking(rings, False)
        _signal.set_wakeup_fd(rings, warn_on_full_buffer=False)
        _signal.signal(_signal.SIGUSR1, lambda *_: None)

    def silence(self) -> None:
        """Forget what has rung."""
        try:
            os.read(self.heard, 64)
        except BlockingIOError:
            return


def watch(run: Run, begun: float) -> Result:
    """Watch until the period is over and the next run is there, or nobody comes. Return the last verdict.

    begun: when the run began (monotonic clock, seconds); the period counts from there.
    """
    until = begun + run.order.watch
    bell = Bell()
    sign(run.lock, run.order.every + run.order.act_limit, WATCH)
    tick = time.monotonic()
    result: Result | None = None
    died, due = False, tick
    while not run.alone():
        if not run.lock.ours():
            return _ended(run, result, "its lock was replaced, so the watch ends")
        if not _first(run, until):
            return _ended(run, result, "another run has the lock, so the watch ends")
        this = time.monotonic()
        if this >= tick + run.order.every:  # one look for all that were missed
            tick = max(tick + run.order.every, this - run.order.every)
        if died or this >= due:
            run.quiet = result is not None and not died  # the guard need not wake up for a look
            result = _round(run, result)
        sign(run.lock, run.order.every + run.order.act_limit, WATCH)  # one that is stopped is noticed by that
        if run.alone() or _over(run, until):
            break
        due = _due(run, result, tick)
        died = _sleep(run, bell, due)
    return _ended(run, result)


def _round(run: Run, before: Result | None) -> Result:
    """Take one round. One that our guard's end cut short leaves the verdict as it was."""
    done = len(run.done)
    if before is not None:
        run.notes.clear()
        run.steps.clear()
    result = take_round(run)
    if run.born and run.born.ended(0):  # whatever has not buried it: a dead one's pidfd would wake us for ever
        run.let_go()
    if before is not None and result.reason == "signal":
        return before
    if len(run.done) > done or result.reason in ("started", "restarted", "adopted"):
        run.acted = result.reason or run.acted
    return result


def _due(run: Run, result: Result | None, tick: float) -> float:
    """Return when to look next: after --every, or when the policy lets a start be made."""
    moment = tick + run.order.every
    this = time.monotonic()
    if result and result.reason in _WAITS and not run.mercy:
        verdict = policy.judge(run.past, run.order.limits, now())
        moment = min(moment, this + max(verdict.until - now(), 0) / 1000)
    return moment


def _sleep(run: Run, bell: Bell, due: float) -> bool:
    """Sleep until `due`. Return whether the instance's death ended that."""
    poll = select.poll()
    poll.register(run.life, 0)
    poll.register(bell.heard, select.POLLIN)
    if run.born:
        poll.register(run.born.handle, select.POLLIN)
    # poll counts whole milliseconds: one too many is late, one too few is a wake-up for nothing
    events = poll.poll(max(due - time.monotonic(), 0) * 1000 + 0.999)
    bell.silence()
    return any(run.born and descriptor == run.born.handle for descriptor, _ in events)


def _over(run: Run, until: float) -> bool:
    """Whether the next run is there to take over, or does not come."""
    late = time.monotonic() - until
    return late >= 0 and (late >= LINGER or run.lock.wanted("next"))


def _first(run: Run, until: float) -> bool:
    """Let an operator have the lock, who comes first. Return whether it is ours again, or still."""
    while run.lock.wanted("hand"):
        run.lock.let_go()
        run.rest(_YIELD)
        try:
            run.lock.reopen()
            if not run.lock.wait(max(until + LINGER - time.monotonic(), LINGER), run.life):
                return False
        except CannotLock:
            return False
    return True


def _ended(run: Run, result: Result | None, words: str = "") -> Result:
    """Return the last verdict, with what was done."""
    if result is None:
        return left(run.order)
    if run.done:
        result.summary = f"{result.summary}; meanwhile {', '.join(run.done[-5:])}"
    if words:
        result.summary = f"{result.summary}; {words}"
    if result.state == OK and not result.reason:
        result.reason = run.acted
    return result
