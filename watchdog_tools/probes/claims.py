"""LOOK: which processes are another service's: by the mark that they carry, or by that service's record."""

from __future__ import annotations

from watchdog_tools.system import identity, marks, proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from watchdog_tools.names import Mark, Owner


def find(pids: Iterable[int], owner: Owner, own: object, leaders: Mapping[int, str], *, family: bool) -> dict[int, str]:
    """Return the processes among `pids` that another service claims, each with that service's name.

    own: the pid of our own live instance, if one lives; what comes from it is ours, whoever is above it. leaders: live
    instances by the records of other NAMEs, pid -> NAME. family: what came from another's live instance is that one's
    as well. Anybody can write a mark into an environment of their own, and by that only disown themselves.
    """
    found: dict[int, str] = {}
    for pid in pids:
        mark = marks.of(pid)
        if mark and mark.owner.is_same(owner):
            continue
        if mark and (family or mark.pid == pid or not _lives(mark)):
            found[pid] = _said(mark, owner)
            continue
        name = _led(pid, own, leaders, family=family)
        if name:
            found[pid] = name
    return found


def ours(pids: Iterable[int], owner: Owner) -> bool:
    """Whether one of the processes carries our own mark."""
    return any(mark and mark.owner.is_same(owner) for mark in map(marks.of, pids))


def _lives(mark: Mark) -> bool:
    leader = identity.of(mark.pid)
    return leader is not None and leader[1] == mark.ticks


def _said(mark: Mark, owner: Owner) -> str:
    other = mark.owner
    if (other.uid, other.directory) != (owner.uid, owner.directory):
        return str(other)
    return other.name if other.name != owner.name else f"{other.name} in another root directory or container"


def _led(pid: int, own: object, leaders: Mapping[int, str], *, family: bool) -> str:
    """Return the NAME whose live instance it is, or comes from by session or parents; empty for none, or ours."""
    above = 0
    while pid > 1 and pid not in (above, own):
        if pid in leaders:
            return leaders[pid]
        found = proc.stat(pid) if family else None
        if found is None or found.session == own:
            return ""
        if found.session in leaders:
            return leaders[found.session]
        pid, above = found.parent, pid
    return ""
