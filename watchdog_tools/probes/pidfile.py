"""LOOK: what a pidfile says, trusted no further than its bytes."""

from __future__ import annotations

import os
import stat
import time

from watchdog_tools.system import clock, proc
from watchdog_tools.text import quoted

_SIZE = 256  # bytes of a first line: Postfix writes 28 blanks before the pid; sendmail, PostgreSQL have more lines
_SLACK = 5  # seconds; between a process and its pidfile the clock may have been set by so much
_MEMORY = ("tmpfs", "ramfs")  # what lies there is of this boot, whatever its date
_PID_MAX = 4194304  # the kernel's own limit, where /proc does not say


class Unreadable(Exception):  # noqa: N818 -- the sentence is what matters
    """The file cannot be read or is no pidfile: nothing is known, neither up nor down."""


def read(path: str) -> tuple[int | None, str]:
    """Return its pid (None: there is no file), and what makes it doubtful: "it was written before this boot".

    Raise Unreadable with one sentence. It must be a plain file whose first line is one pid, and no symbolic
    link: whoever may make one in that directory would choose what we look at.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise Unreadable(f"pidfile {quoted(path)} cannot be read: {_plain(why)}") from None
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise Unreadable(f"pidfile {quoted(path)} is not a regular file")
        pid = _pid(os.read(descriptor, _SIZE + 1), path)
        return pid, _doubt(descriptor, pid, facts.st_mtime)
    except OSError as error:
        raise Unreadable(f"pidfile {quoted(path)} cannot be read: {error.strerror}") from None
    finally:
        os.close(descriptor)


def _doubt(descriptor: int, pid: int, written: float) -> str:
    """Return why the file may not mean the process that has its pid now: it is older than that, and lies on a disk."""
    boot = time.time() - clock.uptime()
    try:
        process = proc.stat(pid)
    except PermissionError:
        process = None
    if written >= (boot + clock.seconds(process.ticks) - _SLACK if process else boot):
        return ""
    from watchdog_tools.system.mounts import file_system  # few have such a date

    if file_system(descriptor) in _MEMORY:
        return ""
    return "it was written before this boot" if written < boot else "it is older than that process"


def _pid(data: bytes, path: str) -> int:
    first, end, _ = data.partition(b"\n")
    digits = first.strip(b" \t\r")
    if not digits:
        raise Unreadable(f"pidfile {quoted(path)} is unreadable: it is empty")
    whole = end or len(data) <= _SIZE
    if not whole or not digits.isdigit() or len(digits) > 10:  # noqa: PLR2004
        raise Unreadable(f"pidfile {quoted(path)} is unreadable: {quoted(data, 40)} is not one pid")
    pid = int(digits)
    if not 1 <= pid <= _pid_max():  # 0 is our own group to kill()
        raise Unreadable(f"pidfile {quoted(path)} is unreadable: {pid} is not a pid of a service")
    return pid


def _pid_max() -> int:
    try:
        descriptor = os.open("/proc/sys/kernel/pid_max", os.O_RDONLY)
    except OSError:
        return _PID_MAX
    try:
        return int(os.read(descriptor, 32))
    except (OSError, ValueError):
        return _PID_MAX
    finally:
        os.close(descriptor)


def _plain(why: str | None) -> str:
    return "it is a symbolic link" if why and why.startswith("Too many levels") else str(why)
