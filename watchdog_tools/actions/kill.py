"""TOUCH: end what we made with all that came from it; what was merely found alone, with its descendants (P5).

What we made: the members of its control group, its session, its descendants while it lives, and what carries its mark.
"""

from __future__ import annotations

import _signal
import os
import time

from watchdog_tools.actions.control_group import NOBODY, Members, this_run
from watchdog_tools.actions.kill_set import NOBODY_SPARED, ProcessSet, Spared, Survivor
from watchdog_tools.core.marks import MARK
from watchdog_tools.system import marks, proc, signals
from watchdog_tools.system.identity import alive, handle, here
from watchdog_tools.system.process_tree import ancestors, descendants

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from watchdog_tools.actions.spawn import Child
    from watchdog_tools.system.cgroups import Group
    from watchdog_tools.system.identity import Identity

_SEARCH = 0.2  # seconds: a found one's children are known only as long as their parents live
_FREEZES = 20  # rounds of STOP at most, until nobody forks any more
_GAP = 0.02  # seconds between two checks
_NO_SEARCH = 3600.0  # no search: a mark is found as well afterwards


def end_own(  # noqa: PLR0913 -- most have defaults
    child: Child,
    uids: frozenset[int],
    seconds: float,
    parent_fd: int = -1,
    *,
    kind: str = MARK,
    group: Group | None = None,
    spared: Spared = NOBODY_SPARED,
) -> list[Survivor]:
    """End what we started with all that came from it. TERM, `seconds`, KILL.

    Return who is left; none means that all are proved gone. It takes two
    seconds more than `seconds` at most. It must not be reaped before. Raise ProcUnavailable.

    uids: whose marks count; with none only the session does. kind: the mark's name. parent_fd: as in ProcessSet.end.
    group: the service's control group, whose members are ended too. spared: what belongs to other services.
    """
    own = _Own(child, uids, kind, Members(group), spared)
    processes = ProcessSet(own.find, own.before_kill, _NO_SEARCH, own.wrappers)
    survivors = [
        Survivor(identity, processes.reason(identity) or own.reason(identity))
        for identity in processes.end(seconds, parent_fd)
    ]
    return survivors or _in_group(own.members)


def end_alone(child: Child, seconds: float, parent_fd: int = -1) -> list[Survivor]:
    """End an instance and nothing that came from it (--kill-mode process). Return as `end_own` does."""
    processes = ProcessSet(
        lambda _known: [child.identity] if alive(child.identity) else [], lambda _processes: None, _NO_SEARCH
    )
    return [Survivor(identity, processes.reason(identity)) for identity in processes.end(seconds, parent_fd)]


def end_all(
    find: Callable[[Iterable[Identity]], Iterable[Identity]],
    seconds: float,
    parent_fd: int = -1,
    group: Group | None = None,
) -> list[Survivor]:
    """End whatever `find` yields, again and again, and the members of `group`. Return as `end_own` does."""
    members = Members(group)
    processes = ProcessSet(
        lambda known: [*members.identities(), *find(known)],
        lambda _processes: members.kill_group(),
        _NO_SEARCH,
        ancestors(),
    )
    survivors = [Survivor(identity, processes.reason(identity)) for identity in processes.end(seconds, parent_fd)]
    return survivors or _in_group(members)


def _in_group(members: Members) -> list[Survivor]:
    """Return words where somebody is in the control group still, though nobody was found."""
    return [] if members.become_empty() else [Survivor(NOBODY, sentence="its control group is not empty")]


def end_briefly(identities: list[Identity], seconds: float = 0.5) -> None:
    """TERM, and after `seconds` at most KILL, whoever of these still lives; nobody is waited for any longer.

    Our own ancestors get KILL alone.
    """
    spared = ancestors()
    told = [each for each in identities if each[0] not in spared]
    for number in (_signal.SIGTERM, _signal.SIGCONT):
        _send(told, number)
    until = time.monotonic() + seconds
    while time.monotonic() < until and any(alive(each) for each in told):
        time.sleep(_GAP)
    _send(identities, _signal.SIGKILL)


def _send(identities: list[Identity], number: int) -> None:
    for identity in identities:
        descriptor = handle(identity)
        if descriptor is not None:
            signals.send(descriptor, number)
            os.close(descriptor)


def end_found(
    identity: Identity, seconds: float, parent_fd: int = -1, spared: Spared = NOBODY_SPARED
) -> list[Survivor]:
    """End a process that we did not start, alone with its descendants: never its group or session.

    Return who is left, as `end_own` does, or why nothing was sent at all. Raise ProcUnavailable.
    """
    if not alive(identity):
        return []
    reason = _refusal(identity[0])
    if reason:
        return [Survivor(identity, sentence=reason)]

    def find(known: Iterable[Identity]) -> list[Identity]:
        roots = [each for each in known if alive(each)] or [identity]
        return [*roots, *descendants(roots, spared.owner, spared.others)]

    processes = ProcessSet(find, _freeze, _SEARCH)
    return [Survivor(each, processes.reason(each)) for each in processes.end(seconds, parent_fd)]


class _Own:
    """What a process of ours consists of now. wrappers: pids that are between it and this run, which it started."""

    __slots__ = ("_child", "_kind", "_leader", "_run", "_spared", "_ticks", "_uids", "members", "wrappers")

    def __init__(self, child: Child, uids: frozenset[int], kind: str, members: Members, spared: Spared) -> None:
        self._child = child
        self._kind = kind
        self.members = members
        self._uids = uids
        self._spared = spared
        self._leader, self._ticks = child.identity[:2]
        self._run = [pid for pid in this_run() if pid != self._leader]
        self.wrappers = [pid for pid in ancestors() if pid != self._leader]

    def find(self, known: Iterable[Identity]) -> Iterator[Identity]:
        """Yield its members, the newest first: those are the ones that go on forking."""
        place = here()
        yield from self.members.identities()
        if self._uids and alive(self._child.identity):
            below = descendants([self._child.identity], self._spared.owner, self._spared.others)
            yield from (each for each in below if each[0] not in self._run)
        certain = self._child.ours or alive(self._child.identity)
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

    def before_kill(self, processes: ProcessSet) -> None:
        """Kill its control group and its process group, at a stroke that no fork escapes; not with this run in it."""
        del processes
        self.members.kill_group()
        if any((found := proc.stat(pid)) and found.group == self._leader for pid in self._run):
            return
        if not self._child.ours:
            signals.send_to_group(self._child.handle, _signal.SIGKILL)
            return
        try:
            os.killpg(self._leader, _signal.SIGKILL)  # not reaped yet: the number is its own
        except OSError:  # nobody is left in it, or nobody that we may signal
            return

    def reason(self, identity: Identity) -> str:
        """Return why one of them was not met."""
        found = proc.stat(identity[0])
        return "left the session" if found and found.session != self._leader else ""

    def _marked(self, pid: int) -> bool:
        return (
            bool(self._uids)
            and marks.descends(pid, self._leader, self._ticks, self._kind)
            and marks.is_alive_of(pid, self._uids)
        )


def _freeze(processes: ProcessSet) -> None:
    """Stop them all first: what one forks just before it is killed would be an orphan that nothing leads to."""
    for _ in range(_FREEZES):
        processes.send(_signal.SIGSTOP)
        grown = processes.refresh(_signal.SIGSTOP)
        states = [proc.stat(identity[0]) for identity in processes.survivors()]
        if not grown and all(found is None or found.state in "TtDZX" for found in states):
            return
        time.sleep(0.005)


def _refusal(pid: int) -> str:
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
