"""An action worker: a fork that locks, stops and starts. No deadline of a check kills it; it is asked to finish."""

from __future__ import annotations

import _signal
import time

from watchdog_tools.system import null_standard
from watchdog_tools.workers import gather
from watchdog_tools.workers.worker import PARTING, Fork, Progress, T_co

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_STUCK = 1.0  # seconds past its limit, which is the sum of all that it may do


class ActionWorker(Fork[T_co]):
    """A fork that acts. Closing our end of the pipe between us asks it to finish the step that it is in."""

    __slots__ = ()

    def _prepare(self, parent_fd: int, deadline: float) -> None:
        del parent_fd  # its end is no signal here: the work asks for it between its steps
        null_standard(replace=True)  # it may outlive us, and must not hold our caller's pipe
        # one that hangs where nothing should (a dead disk; an interpreter that retries for ever to get memory)
        # must not hold the lock for ever; killed anywhere, it is safe
        _signal.setitimer(_signal.ITIMER_REAL, deadline - time.monotonic() + _STUCK)


def act(work: Callable[[Progress, int], T_co], limit: float, cancel_fd: int, grace: float) -> ActionWorker[T_co]:
    """Run `work` in an action worker for up to `limit` seconds; return it, with its result or last words.

    cancel_fd: a descriptor whose readability ends the wait. Then, and after the limit, it has `grace`
    seconds to finish its step; it is never killed. Raise OSError where there is no process to be had.
    """
    worker = ActionWorker(work, time.monotonic() + limit)
    gather([worker], time.monotonic() + limit, cancel_fd)
    if worker.result is None:
        worker.leave()
        gather([worker], time.monotonic() + grace)
    worker.leave()
    if worker.result is not None or worker.silent:
        worker.reap(time.monotonic() + PARTING)
    return worker
