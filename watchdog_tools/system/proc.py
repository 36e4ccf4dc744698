"""Reading /proc: one process at a time, with plain system calls, tolerant of processes that end meanwhile.

(m) At 3,000 processes one file each takes 40 ms this way, against 550-900 ms for psutil.process_iter.
A file of a process is None when the process is gone; PermissionError means that we may not look.
"""

from __future__ import annotations

import os

_STAT = 1024  # bytes; a stat line has some 300


class Unseen(OSError):
    """We cannot look: /proc is not mounted, or is not that of our pid namespace."""


def pids() -> list[int]:
    """Return the pids that /proc shows us. Raise Unseen where it shows none, not even our own."""
    try:
        found = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError as error:
        raise Unseen(f"cannot read /proc: {error.strerror}") from None
    if os.getpid() not in found:
        raise Unseen("/proc is not mounted, or is not that of our pid namespace")
    return found


def read(pid: int | str, name: str, limit: int = 4096) -> bytes | None:
    """Return up to `limit` bytes of /proc/PID/NAME, None if the process is gone."""
    try:
        descriptor = os.open(f"/proc/{pid}/{name}", os.O_RDONLY)
    except (FileNotFoundError, ProcessLookupError):
        return None
    try:
        data = chunk = os.read(descriptor, limit)
        while chunk and len(data) < limit:  # /proc gives long files in pieces
            chunk = os.read(descriptor, limit - len(data))
            data += chunk
    except ProcessLookupError:
        return None
    finally:
        os.close(descriptor)
    return data


def exe(pid: int | str) -> str | None:
    """Return the path of the executable; None if gone or a kernel thread. Raise PermissionError.

    A file that was replaced or deleted meanwhile keeps its name: ` (deleted)` is cut off.
    """
    try:
        return os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
    except (FileNotFoundError, ProcessLookupError):
        return None


class Stat:
    """What /proc/PID/stat says. `state`: one letter; `ticks`: start since boot in clock ticks."""

    __slots__ = ("comm", "group", "parent", "session", "state", "ticks")

    def __init__(self, line: bytes) -> None:
        """Parse the line; the name in it may hold blanks and parentheses."""
        self.comm = line[line.index(b"(") + 1 : line.rindex(b")")]
        fields = line[line.rindex(b")") + 2 :].split()
        self.state = chr(fields[0][0])
        self.parent = int(fields[1])
        self.group = int(fields[2])
        self.session = int(fields[3])
        self.ticks = int(fields[19])

    @property
    def running(self) -> bool:
        """Whether it is a process still: a zombie is not."""
        return self.state not in "ZXx"


def stat(pid: int | str) -> Stat | None:
    """Return what /proc/PID/stat says, None if the process is gone."""
    line = read(pid, "stat", _STAT)
    return Stat(line) if line else None


def status(pid: int | str) -> dict[str, str] | None:
    """Return the fields of /proc/PID/status, e.g. `Uid` -> `0\\t0\\t0\\t0`; None if gone."""
    data = read(pid, "status")
    if data is None:
        return None
    lines = data.decode("ascii", "replace").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def hidden() -> bool:
    """Whether other users' processes are hidden from us (mount option hidepid)."""
    try:
        return read(1, "stat", _STAT) is None
    except PermissionError:
        return True
