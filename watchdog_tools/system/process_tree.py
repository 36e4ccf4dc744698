"""Processes that provably belong together, this run among them; signals to them, through pidfds that were verified."""

from __future__ import annotations

import _signal
import os

from watchdog_tools.system import cgroups, marks, memory, proc, signals
from watchdog_tools.system.identity import alive, handle, here, of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from watchdog_tools.core.owner import Owner
    from watchdog_tools.system.identity import Identity

_ROUNDS = 5  # a family that forks while it is killed is met again


def in_session(leader: int) -> list[int]:
    """Return the live processes of a session whose leader is our own child and not reaped yet.

    Until then its number is its own. Raise proc.ProcUnavailable.
    """
    return [pid for pid in proc.pids() if _belongs(pid, leader)]


def signal_all(pids: list[int], number: int) -> None:
    """Send a signal to each of them that still lives."""
    for pid in pids:
        identity = of(pid)
        descriptor = handle(identity) if identity else None
        if descriptor is None:
            continue
        signals.send(descriptor, number)
        os.close(descriptor)


def kill_session(leader: int) -> None:
    """Kill what is left of a session: a plugin's `timeout` is in a process group of its own."""
    for _ in range(_ROUNDS):
        members = in_session(leader)
        if not members:
            return
        try:
            signal_all(members, _signal.SIGKILL)
        except OSError:  # no pidfd is to be had: then no plugin was run, and what is left is our worker on its way out
            return


def ancestors() -> list[int]:
    """Return the pids of our parent, its parent, and so on."""
    return _above(os.getppid())


def descendants(roots: Iterable[Identity], owner: Owner | None = None, others: Container[int] = ()) -> list[Identity]:
    """Return the live processes that descend from `roots` by their parents' pids. Raise proc.ProcUnavailable.

    An instance that another run keeps, and what is below it, is no part of them: it is one of `others` (those of other
    records), in another control group than that of `owner`, or carries a mark as its own.
    """
    seen = {pid: found for pid in proc.pids() if (found := proc.stat(pid)) and found.running}
    children: dict[int, list[int]] = {}
    for pid, each in seen.items():
        children.setdefault(each.parent, []).append(pid)
    place, queue = here(), list(roots)
    known = {identity[0] for identity in queue}
    below: list[Identity] = []
    for parent in queue:  # grows while it is read
        for pid in children.get(parent[0], []):
            child = (pid, seen[pid].ticks, *place)
            if pid not in known and _is_child(child, parent) and not _is_kept(child, owner, others):
                known.add(pid)
                below.append(child)
                queue.append(child)
    return below


def belongs(pid: int, leader: Identity, uids: frozenset[int]) -> bool:
    """Whether a process is of the family of a live `leader`: itself, of its session, below it, or marked by it.

    uids: whose marks count. Raise proc.ProcUnavailable.
    """
    found = proc.stat(pid)
    if found is None or not found.running:
        return False
    # while it lives, nobody else can have a session of its number
    return (
        leader[0] in (pid, found.session, *_above(found.parent))
        or (marks.descends(pid, *leader[:2]) and marks.is_alive_of(pid, uids))
    ) and alive(leader)


def comes_from_instance(name: str, directory: str | None = None) -> bool:
    """Whether this process comes from an instance of NAME, alive or dead, as a mark or its control group says.

    directory: the state directory that was said, None for whichever. No disk and no account is asked, so that nothing
    but another process's memory can hold it up. A mark is anybody's word; here it costs no more than some patience.
    """
    if cgroups.is_named(os.getpid(), name):
        return True
    found = (marks.of(pid) for pid in (os.getpid(), *ancestors()))  # sudo clears the environment that it hands on
    whose = [mark.owner for mark in found if mark and mark.owner.uid == os.geteuid()]
    return any(owner.name == name and directory in (None, owner.directory) for owner in whose)


def _above(pid: int) -> list[int]:
    """Return `pid` and the pids above it, up to process 1."""
    found = [pid]
    while found[-1] > 1:
        above = proc.stat(found[-1])
        found.append(above.parent if above else 0)
    return found


def _is_kept(child: Identity, owner: Owner | None, others: Container[int]) -> bool:
    """Whether it is another service's instance. Root does not believe that of a user's process that merely says so."""
    pid, ticks = child[:2]
    if pid in others or (owner and cgroups.is_elsewhere(owner, pid)):
        return True
    return marks.descends(pid, pid, ticks) and (os.geteuid() != 0 or memory.owner(pid) == 0)


def _is_child(child: Identity, parent: Identity) -> bool:
    """Whether it is a child of exactly that process: who lives afterwards has had its number all the time."""
    if child[1] < parent[1]:
        return False
    found = proc.stat(child[0])
    return found is not None and found.ticks == child[1] and found.parent == parent[0] and alive(parent)


def _belongs(pid: int, leader: int) -> bool:
    found = proc.stat(pid)
    return found is not None and found.running and found.session == leader
