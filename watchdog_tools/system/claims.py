"""Which processes are another service's: by the mark that they carry, or by that service's record."""

from __future__ import annotations

from watchdog_tools.system import identity, marks, proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from watchdog_tools.core.marks import Mark
    from watchdog_tools.core.owner import Owner


def find(
    pids: Iterable[int], owner: Owner, own: int | None, leaders: Mapping[int, str], *, with_descendants: bool
) -> dict[int, str]:
    """Return the processes among `pids` that another service claims, each with that service's name.

    own: the pid of our own live instance, if one lives; what comes from it is ours, whoever is above it. leaders: live
    instances by the records of other NAMEs, pid -> NAME. with_descendants: what came from another's live instance is
    that one's as well. Anybody can write a mark into an environment of their own, and by that only disown themselves.
    """
    found: dict[int, str] = {}
    for pid in pids:
        mark = marks.of(pid)
        if mark and mark.owner.is_same(owner):
            continue
        if mark and (with_descendants or mark.pid == pid or not _is_alive(mark)):
            found[pid] = _owner_words(mark, owner)
            continue
        name = _leader_name(pid, own, leaders, with_descendants=with_descendants)
        if name:
            found[pid] = name
    return found


def any_is_ours(pids: Iterable[int], owner: Owner) -> bool:
    """Whether one of the processes carries our own mark."""
    return any(mark and mark.owner.is_same(owner) for mark in map(marks.of, pids))


def _is_alive(mark: Mark) -> bool:
    leader = identity.of(mark.pid)
    return leader is not None and leader[1] == mark.ticks


def _owner_words(mark: Mark, owner: Owner) -> str:
    other = mark.owner
    if (other.uid, other.directory) != (owner.uid, owner.directory):
        return str(other)
    return other.name if other.name != owner.name else f"{other.name} in another root directory or container"


def _leader_name(pid: int, own: int | None, leaders: Mapping[int, str], *, with_descendants: bool) -> str:
    """Return the NAME whose live instance it is, or comes from by session or parents; empty for none, or ours."""
    above = 0
    while pid > 1 and pid not in (above, own):
        if pid in leaders:
            return leaders[pid]
        found = proc.stat(pid) if with_descendants else None
        if found is None or found.session == own:
            return ""
        if found.session in leaders:
            return leaders[found.session]
        pid, above = found.parent, pid
    return ""
