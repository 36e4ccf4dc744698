"""The mount that an open file lies on, by the kernel's own table: its device and its kind of file system."""

from __future__ import annotations

from watchdog_tools.system.proc import read

_TABLE = 16 << 20  # bytes; a host of many containers has thousands of lines


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
