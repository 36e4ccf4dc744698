"""TOUCH: the state directory is made, as much of it as is ours; the one way in which a file in it is replaced."""

from __future__ import annotations

import errno
import os
import time

from watchdog_tools.state import StateDirError, enter
from watchdog_tools.system.mounts import file_system

LOCKS = "lock"
_NETWORK = ("nfs", "cifs", "smb", "9p", "ceph", "afs", "lustre", "fuse.sshfs", "fuse.glusterfs", "gfs", "ocfs")


def prepare(path: str, *, levels: bool) -> int:
    """Return a descriptor of the verified directory, created where it is missing. Raise StateDirError.

    levels: create all of them (our default place); otherwise only the last one.
    """
    directory = make(path, levels=levels)
    kind = file_system(directory)
    if kind.startswith(_NETWORK):
        os.close(directory)
        raise StateDirError(f"no state directory: {path} is on {kind}, where locks do not exclude other hosts")
    return directory


def make(path: str, *, levels: bool) -> int:
    """Do as `prepare` does, for files that need no lock: any file system will do. Raise StateDirError."""
    try:
        _create(path, levels=levels)
        return enter(path)
    except OSError as error:
        raise StateDirError(f"no state directory: {path}: {error.strerror}") from None


def _create(path: str, *, levels: bool) -> None:
    try:  # what is above must be ours to create in, or root would where somebody else leads it
        os.close(enter(path))
    except StateDirError as error:
        if not error.missing:
            raise
    else:
        return
    above = os.path.dirname(path)
    if levels and not os.path.isdir(above):
        _create(above, levels=True)
    # root's records are for everyone's eyes (status), a user's are not
    mode = 0o755 if os.geteuid() == 0 else 0o700
    umask = os.umask(0o022)  # whatever the caller's is
    try:
        os.mkdir(path, mode)
    except FileExistsError:  # another run was faster; `enter` verifies what is there
        return
    finally:
        os.umask(umask)


def replace(directory: int, name: str, data: bytes, mode: int, scratch: str = "") -> None:
    """Replace a file by rename: a reader sees the old one or the new one. Raise OSError; the old one stays then.

    scratch: the name under which it is written, NAME.tmp if empty: one fixed name for who holds NAME's lock, so that
    leftovers cannot pile up. No fsync: what a crash of the machine loses, the new boot id voids anyway, and a dying
    disk must not hang the last line of defence.
    """
    scratch = scratch or f"{name}.tmp"
    remove(directory, scratch)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(scratch, flags, mode, dir_fd=directory)
    try:
        try:
            if os.write(descriptor, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)
        move(directory, scratch, name)
    except OSError:
        remove(directory, scratch)
        raise


def move(directory: int, old: str, new: str) -> None:
    """Rename a file, whatever is at its new name. Raise OSError."""
    try:
        os.rename(old, new, src_dir_fd=directory, dst_dir_fd=directory)
    except IsADirectoryError:
        _set_aside(directory, new)
        os.rename(old, new, src_dir_fd=directory, dst_dir_fd=directory)


def remove(directory: int, name: str) -> None:
    """Remove what stands in our way, if it can be; a directory is moved out of it. Raise OSError where that fails."""
    try:
        os.unlink(name, dir_fd=directory)
    except IsADirectoryError:
        _set_aside(directory, name)
    except OSError:
        return


def remove_at(path: str, name: str) -> bool:
    """Remove a file in the directory `path`, each level verified. Return whether it was there.

    Raise StateDirError for a directory that we may not use, and OSError.
    """
    try:
        directory = enter(path)
    except StateDirError as error:
        if error.missing:
            return False
        raise
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return False
    finally:
        os.close(directory)
    return True


def _set_aside(directory: int, name: str) -> None:
    os.rename(name, f"{name}.{time.time_ns()}", src_dir_fd=directory, dst_dir_fd=directory)
