"""TOUCH: lock, look again, decide, act, look until healthy. Killed anywhere, it leaves one instance or none."""

from __future__ import annotations

import os
import time

from watchdog_tools.actions import turn
from watchdog_tools.actions.lock import CannotLock, Lock
from watchdog_tools.actions.round import take_round
from watchdog_tools.actions.run import Run, down, left
from watchdog_tools.actions.signature import HAND, ONCE, sign, stuck
from watchdog_tools.actions.standstill import healthy
from watchdog_tools.actions.statedir import prepare
from watchdog_tools.actions.watch import watch  # not when the lock is ours: who stands in line must be quick then
from watchdog_tools.decision import HAND_START, HAND_STOP
from watchdog_tools.record import RUNNING
from watchdog_tools.result import CRITICAL, OK, UNKNOWN, WARNING, Result
from watchdog_tools.system.statedir import NoState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.order import Order
    from watchdog_tools.health import Health
    from watchdog_tools.system.looker import Say


def keep(order: Order, why: str, say: Say, life: int) -> Result:
    """Do for the service what it needs. `why`: the words of the look that found it down.

    life: the descriptor that tells of the guard's end; then no further step is begun.
    """
    os.umask(0o022)
    try:
        return _kept(order, why, say, life)
    except OSError as error:  # the machine fails us in the middle: the service's verdict stays
        return _without_hands(order, why, f"{error.strerror}; nothing more was done", "resources", life)


def _kept(order: Order, why: str, say: Say, life: int) -> Result:
    begun = time.monotonic()
    try:
        directory = prepare(order.path, levels=order.levels)
        lock = Lock(directory, order.path, order.name)
        say("local", "waiting for the lock")
        taken = turn.taken(order, directory, lock, say, life)
    except (NoState, CannotLock) as error:
        return _without_hands(order, why, f"{error}; nothing started", "no-state", life)
    if not taken:
        return _beside(order, directory, why, lock, life)
    run = Run(order, directory, lock, say, life)
    if order.watch:
        verdict = watch(run, begun)
        return told(run, verdict) if verdict else _beside(order, directory, why, lock, life)
    sign(lock, order.limit, HAND if order.hand else ONCE)
    if order.hand == HAND_START:
        run.note(order.resume())
    result = take_round(run)
    if run.done and order.hand != HAND_STOP:  # its own words say it all
        result.summary = "; ".join([result.summary, *run.done])
    return told(run, result)


def told(run: Run, result: Result) -> Result:
    """Return the verdict with the run's notes, and how long each of its steps took."""
    result.summary = "; ".join([result.summary, *run.notes])
    result.lines = (*result.lines, *run.timed())
    return result


def _beside(order: Order, directory: int, why: str, lock: Lock, life: int) -> Result:
    """Another run has the lock: look once more, and report."""
    if order.hand:  # how the service is says nothing about an order that was not carried out
        words = stuck(lock, order.limit) or "another run has the lock"
        return Result(UNKNOWN, f"{order.name}: {why}, and not done: {words}", reason="lock-held")
    health = order.look(life)
    if health is None:
        return left(order)
    if health.works:
        return healthy(order, health)
    seen = order.seen(directory, order.owner)
    if not health.asked and seen.alive and seen.record and seen.record.phase == RUNNING:
        return Result(OK, f"{order.name} is running (pid {seen.record.pid})")
    holder = stuck(lock, order.limit)
    if holder:
        return down(order, why, holder, "lock-held")
    words = f"{order.name} is not up ({why}); another run is repairing it"
    return Result(WARNING, words, reason="repairing")


def _without_hands(order: Order, why: str, words: str, reason: str, life: int) -> Result:
    """No state directory or no lock to be had: the verdict stays the service's, unless an order was not carried out."""
    if order.hand:
        state = UNKNOWN if reason == "no-state" else CRITICAL
        return Result(state, f"{order.name}: {why}, and not done: {words}", reason=reason)
    health: Health | None = order.look(life)
    if health and health.works:
        result = healthy(order, health)
        result.summary += f"; {words}"
        return result
    return down(order, why, words, reason)
