"""TOUCH: end what we made with all that came from it; what was merely found alone, with its descendants (P5)."""

from __future__ import annotations

import _signal
import os
import time

from watchdog_tools.actions.pack import Pack
from watchdog_tools.names import MARK
from watchdog_tools.system import marks, proc, signals
from watchdog_tools.system.family import ancestors, descendants
from watchdog_tools.system.identity import alive, handle, here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from watchdog_tools.actions.spawn import Born
    from watchdog_tools.system.identity import Identity

_SEARCH = 0.2  # seconds: a found one's children are known only as long as their parents live
_FREEZES = 20  # rounds of STOP at most, until nobody forks any more
_GAP = 0.02  # seconds between two looks
_OTHERS = 3600.0  # no search: a mark is found as well afterwards


def end_own(born: Born, uids: frozenset[int], seconds: float, life: int = -1, kind: str = MARK) -> list[str]:
    """End what we started: its session, and every process that carries its mark. TERM, `seconds`, KILL.

    Return who is left, in words, `pid 12 (stuck in the kernel)`; none means that all are proved gone. It takes two
    seconds more than `seconds` at most. It must not be reaped before. Raise proc.Unseen.

    uids: whose marks count; with none only the session does. kind: the mark's name. life: as in Pack.end.
    """
    own = _Own(born, uids, kind)
    pack = Pack(own.find, own.strike, _OTHERS)
    return [_said(identity, pack.why(identity) or own.why(identity)) for identity in pack.end(seconds, life)]


def end_all(find: Callable[[Iterable[Identity]], Iterable[Identity]], seconds: float, life: int = -1) -> list[str]:
    """End whatever `find` yields, again and again. Return who is left, in words, as `end_own` does."""
    pack = Pack(find, lambda _pack: None, _OTHERS)
    return [_said(identity, pack.why(identity)) for identity in pack.end(seconds, life)]


def end_briefly(identities: list[Identity], seconds: float = 0.5) -> None:
    """TERM, and after `seconds` at most KILL, whoever of these still lives; nobody is waited for any longer."""
    for number in (_signal.SIGTERM, _signal.SIGCONT):
        _send(identities, number)
    until = time.monotonic() + seconds
    while time.monotonic() < until and any(alive(each) for each in identities):
        time.sleep(_GAP)
    _send(identities, _signal.SIGKILL)


def _send(identities: list[Identity], number: int) -> None:
    for identity in identities:
        descriptor = handle(identity)
        if descriptor is not None:
            signals.send(descriptor, number)
            os.close(descriptor)


def end_found(identity: Identity, seconds: float, life: int = -1) -> list[str]:
    """End a process that we did not start, alone with its descendants: never its group or session.

    Return who is left, in words, as `end_own` does, or why nothing was sent at all. Raise proc.Unseen.
    """
    if not alive(identity):
        return []
    why = _spared(identity[0])
    if why:
        return [why]

    def find(known: Iterable[Identity]) -> list[Identity]:
        roots = [each for each in known if alive(each)] or [identity]
        return [*roots, *descendants(roots)]

    pack = Pack(find, _freeze, _SEARCH)
    return [_said(each, pack.why(each)) for each in pack.end(seconds, life)]


class _Own:
    """What a process of ours consists of now."""

    __slots__ = ("_born", "_kind", "_leader", "_run", "_ticks", "_uids")

    def __init__(self, born: Born, uids: frozenset[int], kind: str) -> None:
        self._born = born
        self._kind = kind
        self._uids = uids
        self._leader, self._ticks = born.identity[:2]
        above = [os.getpid(), *ancestors()]  # a cron that we keep may have started this very run
        self._run = above[: above.index(self._leader)] if self._leader in above else above

    def find(self, known: Iterable[Identity]) -> Iterator[Identity]:
        """Yield its members, the newest first: those are the ones that go on forking."""
        place = here()
        certain = self._born.child or alive(self._born.identity)
        others = []
        for pid in sorted(proc.pids(), reverse=True):
            found = proc.stat(pid)
            if found is None or found.kernel or not found.running or pid in self._run:
                continue
            identity = (pid, found.ticks, *place)
            inside = found.session == self._leader
            if (inside and certain) or identity in known or self._marked(pid):
                certain = certain or inside  # nobody gets a number that a session of one of ours has
                yield identity
            elif inside:
                others.append(identity)
        yield from others if certain else ()

    def strike(self, pack: Pack) -> None:
        """Kill its process group at one stroke, which no fork escapes, unless this run is in it."""
        del pack
        if any((found := proc.stat(pid)) and found.group == self._leader for pid in self._run):
            return
        if not self._born.child:
            signals.send_to_group(self._born.handle, _signal.SIGKILL)
            return
        try:
            os.killpg(self._leader, _signal.SIGKILL)  # not reaped yet: the number is its own
        except OSError:  # nobody is left in it, or nobody that we may signal
            return

    def why(self, identity: Identity) -> str:
        """Return why one of them was not met."""
        found = proc.stat(identity[0])
        return "left the session" if found and found.session != self._leader else ""

    def _marked(self, pid: int) -> bool:
        return (
            bool(self._uids)
            and marks.descends(pid, self._leader, self._ticks, self._kind)
            and marks.counts(pid, self._uids)
        )


def _freeze(pack: Pack) -> None:
    """Stop them all first: what one forks just before it is killed would be an orphan that nothing leads to."""
    for _ in range(_FREEZES):
        pack.send(_signal.SIGSTOP)
        grown = pack.grow(_signal.SIGSTOP)
        states = [proc.stat(identity[0]) for identity in pack.left()]
        if not grown and all(found is None or found.state in "TtDZX" for found in states):
            return
        time.sleep(0.005)


def _spared(pid: int) -> str:
    """Return why this process is never signalled, or an empty string."""
    if pid == 1:
        return "pid 1 is never ended"
    if pid == os.getpid():
        return f"pid {pid} is this run itself"
    if pid in ancestors():
        return f"pid {pid} is an ancestor of this run"
    found, status = proc.stat(pid), proc.status(pid)
    if found and found.kernel:
        return f"pid {pid} is a kernel thread"
    if status and len(status.get("NSpid", "").split()) > 1:
        return f"pid {pid} is in another pid namespace"
    return ""


def _said(identity: Identity, why: str) -> str:
    return f"pid {identity[0]} ({why or 'still alive'})"
