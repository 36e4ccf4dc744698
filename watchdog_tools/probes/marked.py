"""LOOK: what carries the mark of a service: its instances, what they left behind, and who merely says so."""

from __future__ import annotations

from watchdog_tools.names import Marked
from watchdog_tools.system import identity, marks, memory, proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.names import Mark, Owner
    from watchdog_tools.system.identity import Identity


def find(owner: Owner, target: int) -> Marked:
    """Return what carries the mark of `owner`. target: the uid that an instance is started with. Raise proc.Unseen.

    An environment that cannot be read is no mark and no veto.
    """
    found = Marked()
    for pid in proc.user_pids():
        mark = marks.of(pid)
        if mark and mark.owner.is_same(owner):
            _sort(found, pid, mark, frozenset({owner.uid, target}), target)
    return found


def _sort(found: Marked, pid: int, mark: Mark, uids: frozenset[int], target: int) -> None:
    live, uid = identity.of(pid), memory.owner(pid)
    if live is None or uid is None:
        return
    if mark.pid == pid and _is(live, mark):
        if uid == target:
            found.instances.append(live)
        else:
            found.claimed.append((pid, uid))
        return
    leader = identity.of(mark.pid)
    if leader and _is(leader, mark):
        return
    if uid in uids:
        found.remains.append(pid)
    elif mark.owner.uid == 0:
        found.strays.append(live)


def _is(live: Identity, mark: Mark) -> bool:
    """Whether the process with the mark's pid is the one that was marked.

    One of another time namespace has other ticks to us than to who marked it; its pid is its own all the same.
    """
    return live[1] == mark.ticks or identity.is_timed_elsewhere(live[0])
