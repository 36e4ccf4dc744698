"""TOUCH: processes that are to end together, held by identity: one that is re-parented meanwhile is still known.

Who is spared, and who is left in the end.
"""

from __future__ import annotations

import _signal
import os
import select
import time

from watchdog_tools.core.struct import Struct
from watchdog_tools.system import memory, proc, signals
from watchdog_tools.system.identity import alive, handle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from typing import Self

    from watchdog_tools.core.owner import Owner
    from watchdog_tools.system.identity import Identity

_KILL_SECONDS = 1.5  # seconds of KILL: what forks while it is killed is met again, and big memory takes its time to go
_ROUND_SECONDS = 0.1  # seconds for those that were killed to go, before the others are looked for
_SEARCH_GAP = 0.05  # seconds between two searches, at least
_GUARDLESS_SECONDS = 10.0  # seconds of grace that are left once our guard is gone: what `docker stop` gives, too


class Survivor(str):
    """Who is left, in words: `pid 12 (stuck in the kernel)`. pid: 0 for nobody that can be told. uid: whose it is."""

    __slots__ = ("pid", "uid")

    pid: int
    uid: int | None

    def __new__(cls, identity: Identity, reason: str = "", sentence: str = "") -> Self:
        """Return the words; `sentence` in the place of the usual ones."""
        words = super().__new__(cls, sentence or f"pid {identity[0]} ({reason or 'still alive'})")
        words.pid = identity[0]
        words.uid = memory.owner(identity[0]) if identity[0] else None
        return words


class Spared(Struct, frozen=True):
    """Who is no part of a service, though it comes from its instance.

    owner: whose the service is: what is in another service's control group is that one's. others: pids of the live
    instances of other NAMEs, by their records.
    """

    owner: Owner | None = None
    others: frozenset[int] = frozenset()


NOBODY_SPARED = Spared()


class ProcessSet:
    """Those to be ended. `find` yields members, given those known; `before_kill` comes before each KILL.

    search_interval: seconds after which a wait looks for new members; they are remembered even if nothing leads to
    them later.
    kill_only: pids of members that get KILL alone: what is between us and the instance would pass TERM on to us.
    """

    __slots__ = ("_before_kill", "_denied", "_find", "_kill_only", "_known", "_search_interval")

    def __init__(
        self,
        find: Callable[[Iterable[Identity]], Iterable[Identity]],
        before_kill: Callable[[ProcessSet], None],
        search_interval: float,
        kill_only: Collection[int] = (),
    ) -> None:
        """Take the four as the class describes them."""
        self._find = find
        self._before_kill = before_kill
        self._search_interval = search_interval
        self._kill_only = kill_only
        self._known: dict[Identity, None] = {}  # as a set that keeps its order
        self._denied: set[Identity] = set()

    def end(self, seconds: float, parent_fd: int) -> list[Identity]:
        """TERM, `seconds` for all of them to go, KILL. Return who is still there. Raise ProcUnavailable.

        parent_fd: the descriptor that tells of our guard's end, or -1. The step is finished all the same.
        """
        self.refresh()
        for number in (_signal.SIGTERM, _signal.SIGCONT):  # a stopped process sees TERM only after CONT
            self.send(number)
        if self._gone(_Grace(seconds, parent_fd)):
            return []
        until = time.monotonic() + _KILL_SECONDS
        while True:
            self._before_kill(self)
            self.refresh(_signal.SIGKILL)
            self.send(_signal.SIGKILL)
            if self._gone(_Grace(_ROUND_SECONDS, -1), _signal.SIGKILL):
                return []
            survivors = self.survivors()
            if time.monotonic() >= until or self._denied.issuperset(survivors):
                return survivors

    def refresh(self, number: int = 0) -> bool:
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

    def survivors(self) -> list[Identity]:
        """Return the members that live."""
        return [identity for identity in self._known if alive(identity)]

    def reason(self, identity: Identity) -> str:
        """Return why a member lives in spite of KILL, as far as is known, or an empty string."""
        if identity in self._denied:
            return os.strerror(1)
        states = [proc.stat(f"{identity[0]}/task/{thread}") for thread in proc.threads(identity[0])]
        return "stuck in the kernel" if any(found and found.state == "D" for found in states) else ""

    def _send(self, identity: Identity, number: int) -> None:
        if number != _signal.SIGKILL and identity[0] in self._kill_only:
            return
        descriptor = handle(identity)
        if descriptor is None:
            return
        if not signals.send(descriptor, number):
            self._denied.add(identity)
        os.close(descriptor)

    def _gone(self, grace: _Grace, number: int = 0) -> bool:
        """Wait until none is left that was signalled, and no new one is found. Return whether all are gone."""
        spared = self._kill_only if number != _signal.SIGKILL else ()
        while True:
            signalled = [each for each in self._known if each not in self._denied and each[0] not in spared]
            waited = all(self._ended(identity, grace) for identity in signalled)
            if not waited and grace.remaining() <= 0:
                return False
            if not self.refresh(number) and waited:
                return not (self._denied or self._kill_only) or not self.survivors()
            time.sleep(min(_SEARCH_GAP, grace.remaining()))

    def _ended(self, identity: Identity, grace: _Grace) -> bool:
        descriptor = handle(identity)
        if descriptor is None:
            return True
        try:
            return grace.ended(descriptor, self._search_interval)
        finally:
            os.close(descriptor)


class _Grace:
    """How long a wait may still take; the end of our guard shortens it."""

    __slots__ = ("_parent_fd", "_until")

    def __init__(self, seconds: float, parent_fd: int) -> None:
        self._parent_fd = parent_fd
        self._until = time.monotonic() + seconds

    def remaining(self) -> float:
        return max(self._until - time.monotonic(), 0)

    def ended(self, descriptor: int, most: float) -> bool:
        """Wait for the end of a process, `most` seconds at once. Return whether it came."""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if self._parent_fd >= 0:
            poll.register(self._parent_fd, 0)
        events = [number for number, _ in poll.poll(min(self.remaining(), most) * 1000)]
        if self._parent_fd in events:
            self._until = min(self._until, time.monotonic() + _GUARDLESS_SECONDS)
            self._parent_fd = -1
        return descriptor in events
