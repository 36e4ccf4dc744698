"""LOOK: the instance that we started. Its record and whether that very process lives; else its mark."""

from __future__ import annotations

import os

from watchdog_tools import names
from watchdog_tools.record import Corrupt, Seen
from watchdog_tools.system import identity, proc, records, statedir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.system.identity import Identity


def look(path: str, name: str) -> Seen:
    """Return what the record of NAME in the directory `path` says now. Raise proc.Unseen."""
    try:
        directory = statedir.enter(path)
    except statedir.NoState as error:
        return Seen(None, alive=False, note="" if error.missing else str(error))
    try:
        return look_in(directory, name)
    finally:
        os.close(directory)


def look_in(directory: int, name: str) -> Seen:
    """Return what the record of NAME says, in a directory that is open already. Raise proc.Unseen."""
    try:
        record = records.read(directory, name)
    except Corrupt as error:
        return Seen(None, alive=False, note=f"the record of {name} is not usable: {error}")
    except OSError as error:
        return Seen(None, alive=False, note=f"the record of {name} cannot be read: {error.strerror}")
    return Seen(record, alive=record is not None and identity.alive(record.identity))


class Owner:
    """Whose mark counts: `uid` the keeper's, `target` the uid that an instance is started with.

    executable: the start command's own file; as root we accept any uid of an instance that runs it,
    since a program may change its uid itself.
    """

    __slots__ = ("directory", "executable", "name", "target", "uid")

    def __init__(self, *, name: str, directory: str, uid: int, target: int, executable: str) -> None:
        """Take the fields as the class describes them."""
        self.name = name
        self.directory = directory
        self.uid = uid
        self.target = target
        self.executable = executable


def find(owner: Owner) -> list[Identity]:
    """Return every live process that carries our mark as its own. Raise proc.Unseen.

    An environment that cannot be read is no mark and no veto.
    """
    found = (_marked(pid, owner) for pid in proc.pids())
    return [each for each in found if each]


def _marked(pid: int, owner: Owner) -> Identity | None:
    try:
        environ = proc.read(pid, "environ", 1 << 18)
    except OSError:
        return None
    if not environ or names.MARK.encode() not in environ:
        return None
    own = names.marked(environ, owner.name, owner.uid, owner.directory)
    if own is None or own[0] != pid:
        return None
    live = identity.of(pid)
    return live if live and live[1] == own[1] and _is_target(pid, owner) else None


def _is_target(pid: int, owner: Owner) -> bool:
    status = proc.status(pid)
    if status is None:
        return False
    if int(status["Uid"].split()[1]) == owner.target:
        return True
    try:
        return owner.uid == 0 and proc.exe(pid) == owner.executable
    except PermissionError:
        return False
