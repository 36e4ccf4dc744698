"""Who holds a socket: the processes that have its inode among their descriptors."""

from __future__ import annotations

import os

from watchdog_tools.system import proc
from watchdog_tools.who import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator


class Holder:
    """A process: its arguments, and its executable; that is None where we may not read it."""

    __slots__ = ("argv", "exe", "pid")

    def __init__(self, pid: int) -> None:
        """Read what /proc shows."""
        self.pid = pid
        line = proc.read(pid, "cmdline") or b""
        self.argv = line.decode("utf-8", "surrogateescape").removesuffix("\0").split("\0") if line else []
        self.exe: str | None = None
        try:
            self.exe = proc.exe(pid) or ""
        except PermissionError:
            pass

    def named(self, name: str) -> bool:
        """Whether it is called `name`, as check-process means it."""
        return name in names(self.argv, self.exe or "")

    def may_be(self, name: str) -> bool:
        """Whether it may be called `name`: where the executable is hidden, the kernel's 15 bytes are a hint."""
        if self.exe is not None:
            return self.named(name)
        comm = (proc.read(self.pid, "comm") or b"").removesuffix(b"\n")
        return self.named(name) or comm == name.encode("utf-8", "surrogateescape")[:15]


def holders(inodes: Container[str]) -> tuple[list[Holder], list[Holder]]:
    """Return who holds one of the sockets, and whose descriptors we may not look at.

    Raise proc.Unseen without a usable /proc.
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


def _sockets(pid: int) -> Iterator[str]:
    directory = f"/proc/{pid}/fd"
    for name in os.listdir(directory):
        try:
            link = os.readlink(f"{directory}/{name}")
        except FileNotFoundError:
            continue
        if link.startswith("socket:["):
            yield link[8:-1]
