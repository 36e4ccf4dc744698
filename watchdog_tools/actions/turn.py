"""TOUCH: whose turn it is. A run takes the lock or leaves, a watch waits for it, an operator comes first."""

from __future__ import annotations

from watchdog_tools.actions.lock import Lock
from watchdog_tools.actions.order import LINGER
from watchdog_tools.actions.signature import poke

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.order import Order
    from watchdog_tools.system.looker import Say


def taken(order: Order, directory: int, lock: Lock, say: Say, life: int) -> bool:
    """Return whether `lock` is ours now. Raise CannotLock."""
    if order.hand:
        hand = Lock(directory, order.path, order.name, "hand")
        if not hand.take(order.lock_wait, life):
            return False
        poke(lock)
    if not order.watch:
        return lock.take(order.lock_wait, life)
    return lock.take(0, life, aside=True) or _next(order, directory, lock, say, life)


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
