"""TOUCH: end what we made: a session that we lead, and every process that provably came from it."""

from __future__ import annotations

import signal
import time

from watchdog_tools.system import proc
from watchdog_tools.system.family import signal_all
from watchdog_tools.system.marks import descends

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.actions.spawn import Born

_GRACE = 1.0  # seconds between TERM and KILL
_ROUNDS = 5  # a family that forks while it is killed is met again


def end_family(born: Born) -> list[int]:
    """End an unreaped child of ours with all its descendants. Return the pids that could not be ended."""
    leader, ticks = born.identity[:2]
    family = _family(leader, ticks)
    for number in (signal.SIGTERM, signal.SIGCONT):  # a stopped process sees TERM only after CONT
        signal_all(family(), number)
    until = time.monotonic() + _GRACE
    while family() and time.monotonic() < until:
        born.ended(0.05)
    for _ in range(_ROUNDS):
        left = family()
        if not left:
            break
        signal_all(left, signal.SIGKILL)
        time.sleep(0.02)
    return family()


def _family(leader: int, ticks: int) -> Callable[[], list[int]]:
    """Return a function that lists the live processes of the leader's session, or with its mark."""

    def members() -> list[int]:
        return [pid for pid in proc.pids() if _is_member(pid, leader, ticks)]

    return members


def _is_member(pid: int, leader: int, ticks: int) -> bool:
    found = proc.stat(pid)
    if found is None or not found.running:
        return False
    # the leader is not reaped yet, so that its number is its own still
    return found.session == leader or descends(pid, leader, ticks)
