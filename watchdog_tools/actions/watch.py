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
from watchdog_tools.actions.run import now
from watchdog_tools.actions.signature import WATCH, sign
from watchdog_tools.actions.turn import stood_aside
from watchdog_tools.result import OK, UNKNOWN, Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.run import Run

_BREATH = 0.1  # seconds between starts that fail, where --backoff asks for none
_MOST = 6  # things done that a line has room for
_DID = ("started", "restarted", "adopted")
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


def watch(run: Run, begun: float) -> Result | None:
    """Watch until the period is over and the next run is there, or nobody comes. Return the last verdict, if any.

    begun: when the run began (monotonic clock, seconds); the period counts from there.
    """
    until = begun + run.order.watch
    bell = Bell()
    sign(run.lock, run.order.every + run.order.act_limit, WATCH)
    tick = time.monotonic()
    result: Result | None = None
    died, due, yielded = False, tick, False
    while not run.alone():
        if not run.lock.ours():
            return _ended(run, result, "its lock was replaced, so the watch ends")
        if run.lock.wanted("hand") and not yielded:
            if not _aside(run, until):
                return _ended(run, result, "the watch ends, since an operator has the lock")
            due, yielded = 0.0, True  # the world is another now: a look comes before the next courtesy
            continue
        yielded = False
        this = time.monotonic()
        if this >= tick + run.order.every:  # one look for all that were missed
            tick = max(tick + run.order.every, this - run.order.every)
        if died or this >= due:
            run.quiet = result is not None and not died  # the guard need not wake up for a look
            result = _round(run, result, died=died)
        sign(run.lock, run.order.every + run.order.act_limit, WATCH)  # one that is stopped is noticed by that
        if run.alone() or _over(run, until):
            break
        due = min(_due(run, result, tick), until + LINGER)
        died = _sleep(run, bell, due)
    return _ended(run, result)


def _round(run: Run, before: Result | None, *, died: bool) -> Result:
    """Take one round. A look that our guard's end cut short leaves the verdict as it was."""
    run.mercy = False  # each look may start one, soon after the boot
    if before is not None:
        run.notes.clear()
        run.steps.clear()
        if before.reason in _DID:
            pid = before.details.get("pid")  # none is known of what --oneshot starts
            run.done.append(f"{before.reason} (pid {pid})" if pid else before.reason)
    done, dead = len(run.done), run.born if died else None
    result = take_round(run)
    if run.born and run.born is dead:  # whatever has not buried it: a dead one's pidfd would wake us for ever
        run.let_go()
    if before is not None and result.reason == "signal":
        begun, last = run.steps[0][1], run.steps[-1][1]
        if died or last != begun:
            return Result(UNKNOWN, f"{run.name}: the watch was ended while {last}", reason="ended")
        return before
    if len(run.done) > done or result.reason in _DID:
        run.acted = result.reason or run.acted
    return result


def _due(run: Run, result: Result | None, tick: float) -> float:
    """Return when to look next: after --every, or when the policy lets a start be made."""
    moment = tick + run.order.every
    this = time.monotonic()
    if result and result.reason in _WAITS and not run.mercy:
        verdict = policy.judge(run.past, run.order.limits, now())
        moment = min(moment, this + max((verdict.until - now()) / 1000, _BREATH))
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


def _aside(run: Run, until: float) -> bool:
    """Let an operator have the lock, who comes first. Return whether it is ours again."""
    try:
        return stood_aside(run.order, run.directory, run.lock, run.life, until + LINGER)
    except CannotLock:
        return False


def _ended(run: Run, result: Result | None, words: str = "") -> Result | None:
    """Return the last verdict, with what was done."""
    if result is None:
        return None
    said = [result.summary]
    if run.done:
        more = len(run.done) - _MOST
        said.append(f"meanwhile {f'{more} more, ' if more > 0 else ''}{', '.join(run.done[-_MOST:])}")
    result.summary = "; ".join(filter(None, [*said, words]))
    if result.state == OK and not result.reason:
        result.reason = run.acted
    return result
