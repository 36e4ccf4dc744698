"""An actor: a fork that locks, stops and starts. No look's deadline kills it; it is asked to finish, and does."""

from __future__ import annotations

import _signal
import time

from watchdog_tools.system.descriptors import null_standard
from watchdog_tools.system.looker import PARTING, Fork, Say
from watchdog_tools.system.looks import gather

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.result import Result


_STUCK = 1.0  # seconds past its limit, which is the sum of all that it may do


class Actor(Fork):
    """A fork that acts. Closing our end of its life pipe asks it to finish the step that it is in."""

    __slots__ = ()

    def __init__(self, act: Callable[[Say, int], Result], deadline: float) -> None:
        """Fork it; it calls `act` with its voice and the descriptor that tells of our going."""

        def work(write: int, life: int) -> Result:
            null_standard(replace=True)  # it may outlive us, and must not hold our caller's pipe
            # one that hangs where nothing should (a dead disk; an interpreter that retries for ever to get memory)
            # must not hold the lock for ever; killed anywhere, it is safe
            _signal.setitimer(_signal.ITIMER_REAL, deadline - time.monotonic() + _STUCK)
            return act(Say(write, deadline), life)

        super().__init__(work)


def act(work: Callable[[Say, int], Result], limit: float, wake: int, grace: float) -> Actor:
    """Run `work` in an actor for up to `limit` seconds; return the actor, with its Result or last words.

    wake: a descriptor whose readability ends the wait. Then, and after the limit, it has `grace`
    seconds to finish its step; it is never killed. Raise OSError where there is no process to be had.
    """
    actor = Actor(work, time.monotonic() + limit)
    gather([actor], time.monotonic() + limit, wake)
    if actor.result is None:
        actor.leave()
        gather([actor], time.monotonic() + grace)
    actor.leave()
    if actor.result or actor.silent:
        actor.reap(time.monotonic() + PARTING)
    return actor
