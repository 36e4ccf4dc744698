"""Words: what the words may ask of a process; system/process.py answers. Loaded by type checkers only."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object


class Stat(Protocol):
    """What a process is at the moment. `comm`: the kernel's 15 bytes of its name."""

    comm: bytes
    kernel: bool
    parent: int
    state: str
    ticks: int

    @property
    def running(self) -> bool:
        """Whether it is a process still, not a zombie."""


class Process(Protocol):
    """A process. `line`: its arguments, a NUL behind each; `figure`: what was measured of it."""

    pid: int
    line: bytes
    figure: float | None

    @property
    def argv(self) -> list[str]:
        """The arguments as words."""

    @property
    def exe(self) -> str | None:
        """The executable's path, empty where there is none, None where we may not know."""

    @property
    def stat(self) -> Stat:
        """What changes from look to look."""

    @property
    def uid(self) -> int:
        """The effective user."""

    def has_its_exe(self) -> bool:
        """Return whether the executable's path means the same file here."""

    def joined(self) -> bytes:
        """Return the arguments joined by blanks."""

    def kib(self, field: str) -> int:
        """Return a size, `VmSize` or `VmRSS`, in KiB."""
