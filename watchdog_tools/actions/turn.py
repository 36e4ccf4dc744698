"""TOUCH: whose turn it is. A run takes the lock or leaves, a watch waits for it, an operator comes first."""

from __future__ import annotations

import time

from watchdog_tools.actions.lock import Lock
from watchdog_tools.actions.order import LINGER
from watchdog_tools.actions.signature import poke
from watchdog_tools.system.looker import is_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.order import Order
    from watchdog_tools.system.looker import Say

_PATIENCE = 0.25  # seconds for a watcher to notice


def taken(order: Order, directory: int, lock: Lock, say: Say, life: int) -> bool:
    """Return whether `lock` is ours now. Raise CannotLock."""
    if order.hand:
        hand = Lock(directory, order.path, order.name, "hand")
        return hand.take(order.lock_wait, life) and _asked_for(order, lock, life)
    if not order.watch:
        return lock.take(order.lock_wait, life)
    return lock.take(0, life, aside=True) or _next(order, directory, lock, say, life)


def _asked_for(order: Order, lock: Lock, life: int) -> bool:
    """Take the lock as an operator, and wake each watcher that holds it meanwhile: it stands aside."""
    until = time.monotonic() + order.lock_wait
    while True:
        poke(lock)
        if lock.take(_PATIENCE, life):
            return True
        if time.monotonic() >= until or is_over(life):
            return False


def _next(order: Order, directory: int, lock: Lock, say: Say, life: int) -> bool:
    """Wait for the lock as the next run; two of them would be one too many."""
    following = Lock(directory, order.path, order.name, "next")
    if not following.take(order.lock_wait, life, aside=True):
        return False
    say("local", "waiting for another run to end its watch")
    try:
        return lock.wait(order.watch + LINGER, life)
    finally:
        following.let_go()
