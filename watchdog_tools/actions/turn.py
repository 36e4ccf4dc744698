"""TOUCH: whose turn it is. A run takes the lock or leaves, a watch waits for it, an operator comes first."""

from __future__ import annotations

import select
import time

from watchdog_tools.actions.lock import Lock
from watchdog_tools.actions.order import LINGER
from watchdog_tools.actions.signature import WATCH, poke, sign
from watchdog_tools.system.looker import is_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.order import Order
    from watchdog_tools.system.looker import Say

_PATIENCE = 0.25  # seconds for a watcher to notice
_YIELD = 0.2  # seconds that others have to take the lock, which an operator wants
_COURTESY = 5  # times that an operator comes first, before the service does
_GLANCE = 0.1  # seconds: a watcher that asks whether NAME.next is held holds it for a moment


def taken(order: Order, directory: int, lock: Lock, say: Say, life: int) -> bool:
    """Return whether `lock` is ours now. Raise CannotLock."""
    if order.hand:
        hand = Lock(directory, order.path, order.name, "hand")
        return hand.take(order.lock_wait, life) and _asked_for(order, lock, life)
    if not order.watch:
        return lock.take(order.lock_wait, life)
    if lock.take(0, life, aside=True):
        return True
    say("local", "waiting for another run to end its watch")
    return _next(order, directory, lock, life, time.monotonic() + order.watch + LINGER)


def stood_aside(order: Order, directory: int, lock: Lock, life: int, until: float) -> bool:
    """Let an operator have the lock. Return whether it is ours again by `until` (monotonic clock, seconds).

    Meanwhile we are the next run; where another one is that already, it goes on in our place. Raise CannotLock.
    """
    lock.release()
    _rest(life)
    return _next(order, directory, lock, life, until)


def _asked_for(order: Order, lock: Lock, life: int) -> bool:
    """Take the lock as an operator, and wake each watcher that holds it meanwhile: it stands aside."""
    until = time.monotonic() + order.lock_wait
    while True:
        poke(lock)
        if lock.take(_PATIENCE, life):
            return True
        if time.monotonic() >= until or is_over(life):
            return False


def _next(order: Order, directory: int, lock: Lock, life: int, until: float) -> bool:
    """Wait for the lock as the next run; two of them would be one too many. An operator still comes first."""
    following = Lock(directory, order.path, order.name, "next")
    if not following.take(_GLANCE, life, aside=True):
        return False
    sign(following, until - time.monotonic(), WATCH)  # it may be stopped when it gets the lock
    try:
        for _ in range(_COURTESY):
            if not lock.wait(until - time.monotonic(), life):
                return False
            if not lock.wanted("hand"):
                return True
            lock.release()
            _rest(life)
        return lock.wait(until - time.monotonic(), life)  # whoever holds that file does not want the lock
    finally:
        following.let_go()


def _rest(life: int) -> None:
    poll = select.poll()
    poll.register(life, 0)
    poll.poll(_YIELD * 1000)
