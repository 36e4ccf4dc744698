"""LOOK: instances of ours that no record tells of, by the mark in their environment."""

from __future__ import annotations

from watchdog_tools import names
from watchdog_tools.system import identity, marks, proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.system.identity import Identity


class Owner:
    """Whose mark counts: `uid` the keeper's, `target` the uid that an instance is started with.

    executables: the start command's own file, and its interpreter's; as root we accept any uid of an
    instance that runs one of them, since a program may change its uid itself.
    """

    __slots__ = ("directory", "executables", "name", "target", "uid")

    def __init__(self, *, name: str, directory: str, uid: int, target: int, executables: tuple[str, ...]) -> None:
        """Take the fields as the class describes them."""
        self.name = name
        self.directory = directory
        self.uid = uid
        self.target = target
        self.executables = executables


def find(owner: Owner) -> list[Identity]:
    """Return every live process that carries our mark as its own. Raise proc.Unseen.

    An environment that cannot be read is no mark and no veto.
    """
    found = (_marked(pid, owner) for pid in proc.pids())
    return [each for each in found if each]


def _marked(pid: int, owner: Owner) -> Identity | None:
    own = names.marked(marks.environ(pid), owner.name, owner.uid, owner.directory)
    if own is None or own[0] != pid:
        return None
    live = identity.of(pid)
    # one of another time namespace has other ticks to us than to who marked it; its pid is its own all the same
    same = live and (live[1] == own[1] or identity.is_timed_elsewhere(pid))
    return live if same and _is_target(pid, owner) else None


def _is_target(pid: int, owner: Owner) -> bool:
    status = proc.status(pid)
    if status is None:
        return False
    if int(status["Uid"].split()[1]) == owner.target:
        return True
    try:
        return owner.uid == 0 and proc.exe(pid) in owner.executables
    except PermissionError:
        return False
