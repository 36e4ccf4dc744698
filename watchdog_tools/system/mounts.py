"""The mount that an open file or a path lies on, by the kernel's own table: its device and kind of file system."""

from __future__ import annotations

import os

from watchdog_tools.system.proc import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_TABLE = 16 << 20  # bytes; a host of many containers has thousands of lines
_LINKS = 40  # as many as the kernel follows
_HANGING = (
    *("nfs", "cifs", "smb", "9p", "ceph", "afs", "lustre", "gfs", "ocfs", "glusterfs", "orangefs", "beegfs", "gpfs"),
    *("fuse", "autofs"),  # another process answers
)


def line(descriptor: int) -> bytes:
    """Return the line of /proc/self/mountinfo of the file's mount, empty where there is none. Raise OSError."""
    facts = read("self", f"fdinfo/{descriptor}") or b""
    number = facts.partition(b"mnt_id:")[2].split(None, 1)[:1]
    for each in (read("self", "mountinfo", _TABLE) or b"").split(b"\n"):
        if number and each.split(b" ", 1)[:1] == number:
            return each
    return b""


def file_system(descriptor: int) -> str:
    """Return the kind of file system, `tmpfs` or `nfs4`; empty where it cannot be told."""
    try:
        found = line(descriptor)
    except OSError:
        return ""
    return found.partition(b" - ")[2].split(b" ", 1)[0].decode("ascii", "replace")


def is_local(path: str) -> bool:
    """Whether no component of an absolute path lies on a file system that somebody else may let hang.

    The kernel's table is asked before each component is touched, links included. Raise OSError.
    """
    kinds = _kinds()
    left = [part for part in path.split("/") if part]
    here, links = "/", 0
    while not kinds.get(here, "").startswith(_HANGING):
        try:
            link = os.readlink(here) if here != "/" else ""
        except OSError:  # no link, or not there
            link = ""
        links += bool(link)
        if links > _LINKS:
            return False
        if link:
            left = [part for part in link.split("/") if part] + left
            here = "/" if link.startswith("/") else os.path.dirname(here)
        elif left:
            here = os.path.normpath(os.path.join(here, left.pop(0)))
        else:
            return True
    return False


def kind_at(path: str) -> str:
    """Return the kind of file system of `path` (absolute, no links), empty where it cannot be told.

    By the table alone: of a disk that is dead nothing can be asked.
    """
    try:
        kinds = _kinds()
    except OSError:
        return ""
    while path not in kinds and path != "/":
        path = os.path.dirname(path)
    return kinds.get(path, "")


def shown(path: str, kind: str) -> list[str]:
    """Return where mounts of a kind of file system show `path`, which counts from that file system's root.

    Raise OSError.
    """
    places = []
    for root, point, found in _points():
        if found == kind and "/.." not in root and (root in ("/", path) or path.startswith(f"{root}/")):
            places.append(f"{point}{path.removeprefix(root if root != '/' else '')}".rstrip("/"))
    return [place for place in places if place]


def _points() -> Iterator[tuple[str, str, str]]:
    """Yield the root (within its file system), the mount point and the kind of each mount we see. Raise OSError."""
    for each in (read("self", "mountinfo", _TABLE) or b"").split(b"\n"):
        fields = each.split(b" ", 5)
        if len(fields) > 5:  # noqa: PLR2004 -- number, parent, device, root, mount point, and the rest
            kind = fields[5].partition(b" - ")[2].split(b" ", 1)[0].decode("ascii", "replace")
            yield _plain(fields[3]), _plain(fields[4]), kind


def _kinds() -> dict[str, str]:
    """Return the kind of file system at each mount point; of several at one point the last is seen. Raise OSError."""
    return {point: kind for _, point, kind in _points()}


def _plain(path: bytes) -> str:
    """Undo the kernel's escapes: a backslash, and the octal number of a byte."""
    first, *rest = path.split(b"\\")
    return os.fsdecode(first + b"".join(bytes([int(each[:3], 8)]) + each[3:] for each in rest))
