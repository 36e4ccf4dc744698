"""TOUCH: a watch takes one round after another, for a period of cron.

It holds the instance by its pidfd, and acts at once on its end.
"""

from __future__ import annotations

import _signal
import os
import select
import time

from watchdog_tools.actions import spawn
from watchdog_tools.actions.context import Run, now
from watchdog_tools.actions.lock import OPERATOR, WAITING, CannotLock
from watchdog_tools.actions.lock_queue import AS_FORGET, AS_WATCH, last_order, write_owner, yield_lock
from watchdog_tools.actions.round import take_round
from watchdog_tools.actions.time_limit import LINGER, round_limit
from watchdog_tools.core import CRITICAL, OK, UNKNOWN, Result, policy
from watchdog_tools.net.shutdown import is_shutting_down
from watchdog_tools.state import instance
from watchdog_tools.system.cgroups import refusal
from watchdog_tools.workers.worker import is_over

_MIN_WAIT = 0.1  # seconds between starts that fail, where --backoff asks for none
_SEEN_EVERY = 5.0  # seconds
_SHOWN = 6  # things done that a line has room for
_ACTED = ("started", "restarted", "adopted")
_WAITING_REASONS = ("backoff", "failed", "died", "held")  # reasons that end at a moment that the policy knows


class WakeUp:
    """SIGUSR1 as a readable descriptor: an operator sends it, so as not to wait for the next check."""

    __slots__ = ("readable",)

    def __init__(self) -> None:
        """Listen from now on."""
        self.readable, writable = os.pipe()
        os.set_blocking(self.readable, False)
        os.set_blocking(writable, False)
        _signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
        _signal.signal(_signal.SIGUSR1, lambda *_: None)

    def clear(self) -> None:
        """Forget the signals that came."""
        try:
            os.read(self.readable, 64)
        except BlockingIOError:
            return


def watch(run: Run, begun: float) -> Result | None:
    """Watch until the period is over and the next run is there, or nobody comes. Return the last verdict, if any.

    begun: when the run began (monotonic clock, seconds); the period counts from there.
    """
    until = begun + run.config.watch
    if run.waited and last_order(run.lock):  # it was here before the order, perhaps with an older line
        return _ordered_end(run, last_order(run.lock))
    wake_up = WakeUp()
    if run.config.stopping.containment == "auto" and not refusal():
        spawn.warm_up()
    is_shutting_down()  # what asks that is loaded by now, not between a death and the next start
    usual = run.config.every + round_limit(run.config)
    write_owner(run.lock, usual, AS_WATCH)
    tick = time.monotonic()
    result: Result | None = None
    died, due, yielded = False, tick, False
    while not is_over(run.guard):
        if not run.lock.is_ours():
            return _ended(run, result, "its lock was replaced, so the watch ends")
        if run.lock.is_held(OPERATOR) and not yielded:
            if not _yield_to_operator(run, until):
                return _ended(run, result, "the watch ends, since an operator has the lock")
            if last_order(run.lock):
                return _ordered_end(run, last_order(run.lock))
            due, yielded = 0.0, True  # much may have changed: a check comes before the lock is yielded again
            continue
        yielded = False
        clock = time.monotonic()
        if clock >= tick + run.config.every:  # one check for all that were missed
            tick = max(tick + run.config.every, clock - run.config.every)
        if died or clock >= due:
            run.quiet = result is not None and not died  # the guard need not wake up for a check
            result = _round(run, result, died=died)
        write_owner(run.lock, usual, AS_WATCH)  # one that is stopped is noticed by that
        if is_over(run.guard) or _period_is_over(run, until):
            break
        due = min(_next_check(run, result, tick), until + LINGER)
        died = _sleep(run, wake_up, due)
    return _ended(run, result)


def _round(run: Run, last: Result | None, *, died: bool) -> Result:
    """Take one round. A check that our guard's end cut short leaves the verdict as it was."""
    run.boot_grace = False  # each check may start one, soon after the boot
    if last is not None:
        run.notes.clear()
        run.steps.clear()
        if last.reason in _ACTED:
            pid = last.keeper.pid  # none is known of what --oneshot starts
            run.done.append(f"{last.reason} (pid {pid})" if pid else last.reason)
    done, dead = len(run.done), run.instance if died else None
    result = take_round(run)
    run.flush()
    _leave_word(run, result.state)
    if run.config.start_options.log_max:
        from watchdog_tools.actions import log_limit

        log_limit.in_watch(run)
    if run.instance and run.instance is dead:  # nobody has reaped it, and its pidfd would wake us for ever
        run.detach()
    if last is not None and result.reason == "signal":
        first_step, last_step = run.steps[0][1], run.steps[-1][1]
        if died or last_step != first_step:
            return Result(UNKNOWN, f"{run.name}: the watch was ended while {last_step}", reason="ended")
        return last
    if len(run.done) > done or result.reason in _ACTED:
        run.acted = result.reason or run.acted
    return result


def _leave_word(run: Run, state: int) -> None:
    """Say that a round is complete: a watch that hangs is noticed by its silence. Not at each of many a second."""
    clock = time.monotonic()
    if clock >= run.seen_again:
        run.seen_again = clock + _SEEN_EVERY
        instance.write_seen(run.directory, run.name, state)  # the run says at its end what hinders that


def _next_check(run: Run, result: Result | None, tick: float) -> float:
    """Return when to check next: after --every, or when the policy lets a start be made."""
    moment = tick + run.config.every
    clock = time.monotonic()
    if result and result.reason in _WAITING_REASONS and not run.boot_grace:
        permission = policy.judge(run.history, run.config.limits, now())
        moment = min(moment, clock + max((permission.until - now()) / 1000, _MIN_WAIT))
    return moment


def _sleep(run: Run, wake_up: WakeUp, due: float) -> bool:
    """Sleep until `due`. Return whether the instance's end ended that."""
    poll = select.poll()
    poll.register(run.guard, 0)
    poll.register(wake_up.readable, select.POLLIN)
    if run.instance:
        poll.register(run.instance.handle, select.POLLIN)
    # poll counts whole milliseconds: one too many is late, one too few is a wake-up for nothing
    events = poll.poll(max(due - time.monotonic(), 0) * 1000 + 0.999)
    wake_up.clear()
    return any(run.instance and descriptor == run.instance.handle for descriptor, _ in events)


def _period_is_over(run: Run, until: float) -> bool:
    """Whether the next run is there to take over, or does not come."""
    late = time.monotonic() - until
    return late >= 0 and (late >= LINGER or run.lock.is_held(WAITING))


def _yield_to_operator(run: Run, until: float) -> bool:
    """Let an operator have the lock, who comes first. Return whether it is ours again."""
    try:
        return yield_lock(run, until + LINGER)
    except CannotLock:
        return False


def _ordered_end(run: Run, order: str) -> Result:
    """Return the verdict of a watch whose service an operator has stopped or forgotten.

    Nothing is checked again, and nothing started: the line may be another one when it is resumed, or none.
    """
    if order == AS_FORGET:
        return Result(UNKNOWN, f"{run.name} was forgotten by order, so the watch ends", reason="forgotten")
    return Result(CRITICAL, f"{run.name} was stopped by order, so the watch ends", reason="paused")


def _ended(run: Run, result: Result | None, words: str = "") -> Result | None:
    """Return the last verdict, with what was done."""
    if result is None:
        return None
    said = [result.summary]
    if run.done:
        more = len(run.done) - _SHOWN
        said.append(f"meanwhile {f'{more} more, ' if more > 0 else ''}{', '.join(run.done[-_SHOWN:])}")
    result.summary = "; ".join(filter(None, [*said, words]))
    if result.state == OK and (not result.reason or (run.acted and result.reason == "changed")):
        result.reason = run.acted
    return result
