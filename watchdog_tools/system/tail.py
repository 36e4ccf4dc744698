"""The end of a log that may be another user's: opened with that user's rights, regular, with one name, and bounded."""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    Ids = tuple[int, int, list[int]]

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY


def opened(path: str, ids: Ids | None) -> int:
    """Return a descriptor of a regular file with one name. Raise OSError.

    ids: (uid, gid, groups) of the user whose rights count, None for our own. Only root can take them on.
    """
    descriptor = _as(path, ids) if ids and os.geteuid() == 0 else os.open(path, _FLAGS)
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is no regular file, or has another name")


def _as(path: str, ids: Ids) -> int:
    """Open it with a user's rights, given back at once. The real uid stays root's, so that nobody can signal us."""
    uid, gid, groups = ids
    own_groups, own_gid = os.getgroups(), os.getegid()
    os.setgroups(groups)
    try:
        os.setegid(gid)
        os.seteuid(uid)
        return os.open(path, _FLAGS)
    finally:
        os.seteuid(0)
        os.setegid(own_gid)
        os.setgroups(own_groups)


def end_of(descriptor: int, begin: int, most: int) -> tuple[bytes, bool]:
    """Return up to `most` bytes of a file's end, none of what is before `begin`; and whether that is cut off.

    A file that is shorter than `begin` was emptied since, and counts from its own beginning. Raise OSError.
    """
    size = os.fstat(descriptor).st_size
    begin = begin if begin <= size else 0
    at = max(begin, size - most)
    return os.pread(descriptor, size - at, at), at > begin
