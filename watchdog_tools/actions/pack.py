"""TOUCH: processes that are to end together, held by identity: one that is re-parented meanwhile is still known."""

from __future__ import annotations

import _signal
import os
import select
import time

from watchdog_tools.system import proc, signals
from watchdog_tools.system.identity import alive, handle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from watchdog_tools.system.identity import Identity

_LAST = 1.5  # seconds of KILL: what forks while it is killed is met again, and big memory takes its time to go
_ROUND = 0.1  # seconds for those that were killed to go, before the others are looked for
_GAP = 0.05  # seconds between two searches, at least
_PARTING = 10.0  # seconds of grace that are left once our guard is gone: what `docker stop` gives, too


class Pack:
    """Those to be ended. `find` yields members, given those known; `strike` comes before each KILL.

    every: seconds after which a wait looks for new members; they are remembered even if nothing leads to them later.
    """

    __slots__ = ("_denied", "_every", "_find", "_known", "_strike")

    def __init__(
        self, find: Callable[[Iterable[Identity]], Iterable[Identity]], strike: Callable[[Pack], None], every: float
    ) -> None:
        """Take the three as the class describes them."""
        self._find = find
        self._strike = strike
        self._every = every
        self._known: dict[Identity, None] = {}  # as a set that keeps its order
        self._denied: set[Identity] = set()

    def end(self, seconds: float, life: int) -> list[Identity]:
        """TERM, `seconds` for all of them to go, KILL. Return who is still there. Raise proc.Unseen.

        life: the descriptor that tells of our guard's end, or -1. The step is finished all the same.
        """
        self.grow()
        for number in (_signal.SIGTERM, _signal.SIGCONT):  # a stopped process sees TERM only after CONT
            self.send(number)
        if self._gone(_Grace(seconds, life)):
            return []
        until = time.monotonic() + _LAST
        while True:
            self._strike(self)
            self.grow(_signal.SIGKILL)
            self.send(_signal.SIGKILL)
            if self._gone(_Grace(_ROUND, -1), _signal.SIGKILL):
                return []
            left = self.left()
            if time.monotonic() >= until or self._denied.issuperset(left):
                return left

    def grow(self, number: int = 0) -> bool:
        """Look for new members, and signal each as it is found. Return whether there were any."""
        before = len(self._known)
        for identity in self._find(self._known):
            if identity not in self._known:
                self._known[identity] = None
                if number:
                    self._send(identity, number)
        return len(self._known) > before

    def send(self, number: int) -> None:
        """Signal all members that live."""
        for identity in self._known:
            self._send(identity, number)

    def left(self) -> list[Identity]:
        """Return the members that live."""
        return [identity for identity in self._known if alive(identity)]

    def why(self, identity: Identity) -> str:
        """Return why a member lives in spite of KILL, as far as is known, or an empty string."""
        if identity in self._denied:
            return os.strerror(1)
        states = [proc.stat(f"{identity[0]}/task/{thread}") for thread in proc.threads(identity[0])]
        return "stuck in the kernel" if any(found and found.state == "D" for found in states) else ""

    def _send(self, identity: Identity, number: int) -> None:
        descriptor = handle(identity)
        if descriptor is None:
            return
        if not signals.send(descriptor, number):
            self._denied.add(identity)
        os.close(descriptor)

    def _gone(self, grace: _Grace, number: int = 0) -> bool:
        """Wait until none is left that we may signal, and no new one is found. Return whether all are gone."""
        while True:
            waited = all(self._ended(identity, grace) for identity in self._known if identity not in self._denied)
            if not waited and grace.left() <= 0:
                return False
            if not self.grow(number) and waited:
                return not self._denied or not self.left()
            time.sleep(min(_GAP, grace.left()))

    def _ended(self, identity: Identity, grace: _Grace) -> bool:
        descriptor = handle(identity)
        if descriptor is None:
            return True
        try:
            return grace.ended(descriptor, self._every)
        finally:
            os.close(descriptor)


class _Grace:
    """How long a wait may still take; the end of our guard shortens it."""

    __slots__ = ("_life", "_until")

    def __init__(self, seconds: float, life: int) -> None:
        self._life = life
        self._until = time.monotonic() + seconds

    def left(self) -> float:
        return max(self._until - time.monotonic(), 0)

    def ended(self, descriptor: int, most: float) -> bool:
        """Wait for the end of a process, `most` seconds at once. Return whether it came."""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if self._life >= 0:
            poll.register(self._life, 0)
        events = [number for number, _ in poll.poll(min(self.left(), most) * 1000)]
        if self._life in events:
            self._until = min(self._until, time.monotonic() + _PARTING)
            self._life = -1
        return descriptor in events
