"""Who holds a socket: the processes that have its inode among their descriptors; and the file of a unix socket."""

from __future__ import annotations

import os

from watchdog_tools.system import memory, mounts, proc
from watchdog_tools.system.process_names import all_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator

_KIND, _SOCKET = 0o170000, 0o140000  # of a file's mode


class Holder:
    """A process: its arguments, and its executable; that is None where we may not read it."""

    __slots__ = ("argv", "exe", "pid")

    def __init__(self, pid: int) -> None:
        """Read what /proc shows."""
        self.pid = pid
        line = memory.cmdline(pid) or b""
        self.argv = line.decode("utf-8", "surrogateescape").removesuffix("\0").split("\0") if line else []
        self.exe: str | None = None
        try:
            self.exe = memory.exe(pid) or ""
        except PermissionError:
            pass

    def is_named(self, name: str) -> bool:
        """Whether it is called `name`, as check-process means it."""
        return name in all_names(self.argv, self.exe or "")

    def may_be(self, name: str) -> bool:
        """Whether it may be called `name`: where the executable is hidden, the kernel's 15 bytes are a hint."""
        if self.exe is not None:
            return self.is_named(name)
        comm = (proc.read(self.pid, "comm") or b"").removesuffix(b"\n")
        return self.is_named(name) or comm == name.encode("utf-8", "surrogateescape")[:15]


def find_holders(inodes: Container[str]) -> tuple[list[Holder], list[Holder]]:
    """Return who holds one of the sockets, and whose descriptors we may not read.

    Raise proc.ProcUnavailable without a usable /proc.
    """
    found: list[Holder] = []
    hidden: list[Holder] = []
    for pid in proc.pids():
        try:
            if any(inode in inodes for inode in _sockets(pid)):
                found.append(Holder(pid))
        except PermissionError:
            hidden.append(Holder(pid))
        except OSError:
            continue  # it has ended meanwhile
    return found, hidden


def socket_file(path: str) -> tuple[int, int]:
    """Return the inode of the socket at `path`, and the device of its file system, both as the kernel counts.

    stat() gives another device on btrfs and overlays; the table of mounts has the kernel's. Raise OSError.
    """
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)  # opens nothing, it only names the file
    try:
        found = os.fstat(descriptor)
        mount = mounts.line(descriptor)
    finally:
        os.close(descriptor)
    if found.st_mode & _KIND != _SOCKET:
        raise FileNotFoundError(2, "not a socket")
    if mount:
        major, _, minor = mount.split(None, 3)[2].partition(b":")
        return found.st_ino, int(major) << 20 | int(minor)
    return found.st_ino, os.major(found.st_dev) << 20 | os.minor(found.st_dev)


def _sockets(pid: int) -> Iterator[str]:
    directory = f"/proc/{pid}/fd"
    try:
        names = os.listdir(directory)
    except PermissionError:
        if not memory.is_own(pid):
            raise
        names = []
    if not names:  # a main thread that has ended has none, though its process lives
        directory = f"/proc/{memory.living(pid)}/fd"
        names = os.listdir(directory)
    for name in names:
        try:
            link = os.readlink(f"{directory}/{name}")
        except FileNotFoundError:
            continue
        if link.startswith("socket:["):
            yield link[8:-1]
