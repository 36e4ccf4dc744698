"""TOUCH: create the state directory, as much of it as is ours to create, and refuse a network file system."""

from __future__ import annotations

import os

from watchdog_tools.system.mounts import file_system
from watchdog_tools.system.statedir import NoState, enter

LOCKS = "lock"
_NETWORK = ("nfs", "cifs", "smb", "9p", "ceph", "afs", "lustre", "fuse.sshfs", "fuse.glusterfs", "gfs", "ocfs")


def prepare(path: str, *, levels: bool) -> int:
    """Return a descriptor of the verified directory, created where it is missing. Raise NoState.

    levels: create all of them (our default place); otherwise only the last one.
    """
    directory = make(path, levels=levels)
    kind = file_system(directory)
    if kind.startswith(_NETWORK):
        os.close(directory)
        raise NoState(f"no state directory: {path} is on {kind}, where locks do not exclude other hosts")
    return directory


def make(path: str, *, levels: bool) -> int:
    """Do as `prepare` does, for files that need no lock: any file system will do. Raise NoState."""
    try:
        _create(path, levels=levels)
        return enter(path)
    except OSError as error:
        raise NoState(f"no state directory: {path}: {error.strerror}") from None


def _create(path: str, *, levels: bool) -> None:
    try:  # what is above must be ours to create in, or root would where somebody else leads it
        os.close(enter(path))
    except NoState as error:
        if not error.missing:
            raise
    else:
        return
    above = os.path.dirname(path)
    if levels and not os.path.isdir(above):
        _create(above, levels=True)
    # root's records are for everyone's eyes (status), a user's are not
    mode = 0o755 if os.geteuid() == 0 else 0o700
    try:
        os.mkdir(path, mode)
    except FileExistsError:  # another run was faster; `enter` verifies what is there
        return
