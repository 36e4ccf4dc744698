"""What there is of a service besides its record: instances, and what came from one that is gone.

That is its control group's members, its session, and whatever inherited its mark. Each of these proves it: others can
neither enter the group nor the session, and a mark counts by the uid that has it.
"""

from __future__ import annotations

import os

from watchdog_tools.system import cgroups, identity, marks, memory, proc
from watchdog_tools.system.cgroups import NoGroup
from watchdog_tools.system.identity import alive, here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from watchdog_tools.core.marks import Mark
    from watchdog_tools.core.owner import Owner
    from watchdog_tools.core.record import Record
    from watchdog_tools.system.identity import Identity

_RESERVED = 301  # pids that are never given a second time round


class Relatives:
    """What there is of one service besides what its record says.

    instances: identities of ours, by their mark or by that of their control group. remains: pids of what an instance
    that is gone left behind: members of its control group, its session, and what inherited its mark. daemons: those of
    them that a daemon is known to consist of. strays: identities of such of other uids, where we are root, by a mark
    alone or in a session of their own. claimed: (pid, uid) of processes with our mark as their own that are of a uid we
    would not start: any local user can write one, so that proves nothing.
    """

    __slots__ = ("claimed", "daemons", "instances", "remains", "strays")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.instances: list[tuple[int, int, str, str, str]] = []
        self.remains: list[int] = []
        self.daemons: list[int] = []
        self.strays: list[tuple[int, int, str, str, str]] = []
        self.claimed: list[tuple[int, int]] = []


def find(owner: Owner, target: int, last: Record | None = None, until: int = 0) -> Relatives:
    """Return what there is of the service of `owner`. Raise proc.ProcUnavailable.

    target: the uid that an instance is started with. last: the record of an instance that is gone, which still lived
    `until` (milliseconds of the boot clock). An environment that cannot be read is no mark and no veto; a control group
    that cannot be used is none.
    """
    found = Relatives()
    pids = proc.user_pids()
    for pid in pids:
        mark = marks.of(pid)
        if mark and mark.owner.is_same(owner):
            _classify(found, pid, mark, frozenset({owner.uid, target}), target)
    if last and last.pid:
        _add_remains(found, in_session(last.identity, found.remains, ticks(until), pids))
    try:
        _search_group(found, owner, frozenset({owner.uid, target}))
    except cgroups.NoGroup:
        pass
    return found


def _search_group(found: Relatives, owner: Owner, uids: frozenset[int]) -> None:
    """Take what the control group proves: its instance, whatever user that has become, or what it left behind."""
    group = cgroups.find(owner)
    if group is None:
        return
    try:
        members = group.members() if group.populated() else []
        leader, became = group.leader() if members else (None, b"")
    finally:
        group.close()
    if leader and leader[0] in members and identity.alive(leader):
        found.claimed = [each for each in found.claimed if each[0] != leader[0]]
        if leader not in found.instances:
            found.instances.append(leader)
    if not found.instances and became != cgroups.ONESHOT:
        _add_remains(found, [pid for pid in members if not _is_a_users_own(pid, leader, uids)])
        known = {*found.remains, *(each[0] for each in found.strays)}
        found.strays += [each for pid in members if pid not in known and (each := identity.of(pid))]
        found.daemons = [pid for pid in found.remains if pid in members] if became == cgroups.DAEMON else []


def _is_a_users_own(pid: int, leader: Identity | None, uids: frozenset[int]) -> bool:
    """Whether a member is another user's, in a session of its own: a job below a cron; no start waits long for it."""
    return leader is not None and memory.owner(pid) not in uids and proc.session(pid) != leader[0]


def _add_remains(found: Relatives, pids: list[int]) -> None:
    """Add what an instance that is gone left behind, whatever its user: no other process can get there."""
    instances = {each[0] for each in found.instances}
    known = {*found.remains, *instances}
    found.remains += [pid for pid in pids if pid not in known and marks.is_alive(pid)]
    found.strays = [each for each in found.strays if each[0] not in found.remains]
    found.claimed = [each for each in found.claimed if each[0] not in found.remains]


def _classify(found: Relatives, pid: int, mark: Mark, uids: frozenset[int], target: int) -> None:
    live, uid = identity.of(pid), memory.owner(pid)
    if live is None or uid is None:
        return
    if mark.pid == pid and _is_marked_process(live, mark):
        if uid == target:
            found.instances.append(live)
        else:
            found.claimed.append((pid, uid))
        return
    leader = identity.of(mark.pid)
    if leader and _is_marked_process(leader, mark):
        return
    if uid in uids:
        found.remains.append(pid)
    elif mark.owner.uid == 0:
        found.strays.append(live)


def _is_marked_process(live: Identity, mark: Mark) -> bool:
    """Whether the process with the mark's pid is the one that was marked.

    One of another time namespace has other ticks to us than to who marked it; its pid is its own all the same.
    """
    return live[1] == mark.ticks or identity.is_timed_elsewhere(live[0])


def left_by(owner: Owner, instance: Identity, uids: frozenset[int], seen: int = 0) -> tuple[list[int], list[int]]:
    """Return the live processes that came from an instance of `owner` that is gone. Raise proc.ProcUnavailable.

    uids: whose marks are believed. The second list is of others who carry the mark, where we are root.
    seen: as in `in_session`.
    """
    marked = marks.descendants(owner, *instance[:2])
    ours = [pid for pid, uid in marked if uid in uids]
    certain = [*in_group(owner, instance), *in_session(instance, ours, seen)]
    ours += [pid for pid in dict.fromkeys(certain) if pid not in ours and marks.is_alive(pid)]
    return ours, [pid for pid, uid in marked if pid not in ours and owner.uid == 0]


def in_group(owner: Owner, instance: Identity) -> list[int]:
    """Return the members of the service's control group, where that is this instance's."""
    try:
        group = cgroups.find(owner)
        if group is None:
            return []
        try:
            return group.members() if group.leader()[0] == instance else []
        finally:
            group.close()
    except NoGroup:
        return []


def in_dead_group(owner: Owner) -> list[int]:
    """Return the members of the service's control group, where its instance is gone and has not become a daemon."""
    try:
        group = cgroups.find(owner)
        if group is None:
            return []
        try:
            leader, became = group.leader()
            gone = leader and leader[0] and became not in (cgroups.DAEMON, cgroups.ONESHOT) and not alive(leader)
            return group.members() if gone else []
        finally:
            group.close()
    except NoGroup:
        return []


def in_session(
    instance: Identity, proven: Collection[int] = (), seen: int = 0, pids: Iterable[int] | None = None
) -> list[int]:
    """Return the live processes of the session that an instance led, also where it is gone. Raise proc.ProcUnavailable.

    The number of a session is nobody else's for as long as somebody is in it. So one member that is known to have come
    from the instance proves all: one of `proven`, or one that began by `seen` (clock ticks), when it still lived.
    Without one they count only where no pid can have been given twice since the boot. pids: those to ask, if they are
    known already.
    """
    if instance[2:] != here():
        return []
    leader, ticks = instance[:2]
    members: dict[int, int] = {}
    for pid in proc.user_pids() if pids is None else pids:
        found = proc.stat(pid) if proc.session(pid) == leader else None
        if found is None or found.session != leader or found.ticks < ticks:
            continue
        if pid == leader and found.ticks != ticks:
            return []  # another one's by now
        if found.running:
            members[pid] = found.ticks
    known = any(pid == leader or pid in proven or began <= seen for pid, began in members.items())
    return list(members) if known or (members and _every_pid_is_new()) else []


def _every_pid_is_new() -> bool:
    """Whether fewer processes and threads have begun since the boot than there are pids."""
    try:
        limit = int(proc.read("sys/kernel", "pid_max", 64) or 0)
        lines = (proc.read("", "stat", 1 << 22) or b"").split(b"\n")
        begun = next(int(line.split()[1]) for line in lines if line.startswith(b"processes "))
    except (OSError, ValueError, StopIteration):
        return False
    return begun + _RESERVED < limit


def ticks(milliseconds: int) -> int:
    """Return a moment of the boot clock in clock ticks, as the start of a process is counted."""
    return milliseconds * os.sysconf("SC_CLK_TCK") // 1000
