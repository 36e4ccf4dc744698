"""One process as facts that are read from /proc when somebody asks for them, once each."""

from __future__ import annotations

import os

from watchdog_tools.system import proc


class Gone(Exception):  # noqa: N818 -- not an error: processes end
    """The process ended while we looked at it."""


class Process:
    """One process; each fact is read once. `line`: its arguments, a NUL behind each; an empty one is asked for again.

    Reading a fact raises Gone where the process has ended, PermissionError where even that is hidden.
    """

    __slots__ = ("_exe", "_stat", "_status", "figure", "line", "pid")

    def __init__(self, pid: int, line: bytes) -> None:
        self.pid = pid
        self.line = line
        self._exe: str | bool | None = False
        self._stat: proc.Stat | None = None
        self._status: dict[str, str] | None = None
        self.figure: float | None = None
        if not line:
            self._ask_again()

    @property
    def argv(self) -> list[str]:
        """The arguments as words."""
        return os.fsdecode(self.line.removesuffix(b"\0")).split("\0") if self.line else []

    def joined(self) -> bytes:
        """Return the arguments joined by blanks, as ps shows them."""
        return self.line.replace(b"\0", b" ").rstrip(b" ")

    @property
    def exe(self) -> str | None:
        """The path of the executable, empty where there is none, None where we may not know."""
        if isinstance(self._exe, bool):
            try:
                self._exe = proc.exe(self.pid) or self._other_exe()
            except PermissionError:
                self._exe = None
        return self._exe

    def has_its_exe(self) -> bool:
        """Return whether the path of its executable means the same file here.

        In a user namespace of one's own anybody may mount any file at any path.
        """
        from watchdog_tools.system import identity

        try:
            return identity.is_near(self.pid) or os.path.samefile(f"/proc/{self.pid}/exe", self.exe or "")
        except OSError:
            return False

    @property
    def stat(self) -> proc.Stat:
        """What /proc/PID/stat says."""
        if self._stat is None:
            self._stat = proc.stat(self.pid)
            if self._stat is None:
                raise Gone
        return self._stat

    @property
    def uid(self) -> int:
        """The effective uid; /proc/PID itself belongs to root where the process is not dumpable."""
        return int(self._field("Uid").split()[1])

    @property
    def local(self) -> bool:
        """Whether it is of our own pid namespace: there it has one number, as seen through our /proc."""
        return len(self._field("NSpid").split()) == 1 and self._field("Tgid") == str(self.pid)

    def kib(self, field: str) -> int:
        """Return a size of /proc/PID/status in KiB, 0 for a kernel thread."""
        return int(self._field(field).partition(" ")[0] or 0)

    def _field(self, name: str) -> str:
        if self._status is None:
            self._status = proc.status(self.pid)
            if self._status is None:
                raise Gone
        return self._status.get(name, "")

    def _other_exe(self) -> str:
        if not self._is_alive():
            return ""
        from watchdog_tools.system import memory  # few ever need it

        return memory.exe(self.pid) or ""

    def _is_alive(self) -> bool:
        """Whether it may show more than it did: neither a kernel thread nor a zombie, which have nothing."""
        return self.stat.running and not self.stat.kernel

    def _ask_again(self) -> None:
        """Take what was not there at once: of an exec's middle, or of another thread where the main one has ended."""
        if self._is_alive():
            from watchdog_tools.system import memory

            self.line = memory.cmdline(self.pid) or b""
            self._stat = None  # it may have been another thread's
