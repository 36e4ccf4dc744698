"""Who carries a mark: the environment that a process was started with, which its children inherit."""

from __future__ import annotations

from watchdog_tools.core.marks import MARK, parse
from watchdog_tools.system import identity, memory, proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core.marks import Mark
    from watchdog_tools.core.owner import Owner

_LARGEST = 1 << 18  # bytes of an environment; a mark behind them is not found


def environ(pid: int, kind: str = MARK) -> bytes:
    """Return the environment if it holds a mark of that kind, else nothing: unreadable is no mark, and no veto."""
    try:
        found = memory.environ(pid, _LARGEST)
    except OSError:
        return b""
    return found if found and kind.encode() in found else b""


def descends(pid: int, leader: int, ticks: int, kind: str = MARK) -> bool:
    """Whether the process carries the mark that was put on (leader, ticks): it is that one, or came from it."""
    text = f"{kind}={leader}:{ticks}:".encode()
    return any(line.startswith(text) for line in environ(pid, kind).split(b"\0"))


def of(pid: int) -> Mark | None:
    """Return the mark that a process carries, as its own or inherited; None for none of our pid namespace.

    A mark with a place counts from any user namespace: a start command may make one for itself (`unshare -U`, bwrap).
    """
    mark = parse(environ(pid))
    near = mark and identity.is_near(pid, *(("pid",) if mark.owner.place else ("pid", "user")))
    return mark if near else None


def descendants(owner: Owner, leader: int, ticks: int) -> list[tuple[int, int]]:
    """Return (pid, uid) of the live processes that came from the instance (leader, ticks) of `owner`.

    Anybody can write a mark into an environment of their own: whose word counts, the uid tells.
    Raise proc.ProcUnavailable.
    """
    found = [(pid, memory.owner(pid)) for pid in proc.user_pids() if _is_of(of(pid), owner, leader, ticks)]
    return [(pid, uid) for pid, uid in found if uid is not None and is_alive(pid)]


def _is_of(mark: Mark | None, owner: Owner, leader: int, ticks: int) -> bool:
    return mark is not None and (mark.pid, mark.ticks) == (leader, ticks) and mark.owner.is_same(owner)


def is_alive_of(pid: int, uids: frozenset[int]) -> bool:
    """Whether it lives, and is a process of one of these uids."""
    return is_alive(pid) and memory.owner(pid) in uids


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and no zombie."""
    found = proc.stat(pid)
    return found is not None and found.running
