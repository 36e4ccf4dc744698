"""TOUCH: end what we made: a session that we lead, and every process that provably came from it."""

from __future__ import annotations

import signal
import time

from watchdog_tools.system import marks
from watchdog_tools.system.family import in_session, signal_all
from watchdog_tools.system.identity import alive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.spawn import Born

_GRACE = 1.0  # seconds between TERM and KILL
_ROUNDS = 5  # a family that forks while it is killed is met again


def end_family(born: Born, uids: frozenset[int]) -> list[int]:
    """End what we started, with its session and its descendants. Return the pids that could not be ended.

    uids: whose marks count.
    """

    def family() -> list[int]:
        return sorted({*_session(born), *marks.family(*born.identity[:2], uids)})

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


def _session(born: Born) -> list[int]:
    """Return its session's processes, as long as the leader's number is certainly still its own."""
    return in_session(born.identity[0]) if born.child or alive(born.identity) else []
