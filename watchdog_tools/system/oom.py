"""Has the kernel killed a process for memory? Its log says so by pid; its counters say that it killed some process."""

from __future__ import annotations

import os
import stat
import time

from watchdog_tools.system import ticks_to_seconds, uptime
from watchdog_tools.system.identity import here
from watchdog_tools.system.proc import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.system.identity import Identity

_FIRST = ("4026531836", "4026531834")  # the kernel's own inodes of the first pid and time namespace
_DEVICE = os.makedev(1, 11)  # some containers have a link to the console in the place of /dev/kmsg
_RECORD = 8192  # bytes; the longest record of the kernel's log
_SECONDS = 0.1  # for reading the log, of which (m) 421 records take 1.6 ms
_USER = 8  # priorities from here on are of what a process wrote there
_LARGEST = 1 << 16  # bytes of /proc/vmstat


class Toll:
    """How many processes the kernel had killed for memory at a moment; -1 where that is not to be known.

    file: what counts those of the process's own memory group, empty where there is none. group: its count then.
    machine: that of the whole machine.
    """

    __slots__ = ("file", "group", "machine")

    def __init__(self, pid: int) -> None:
        """Count now."""
        self.file = group_file(pid)
        self.group = _count(self.file) if self.file else -1
        self.machine = _count("/proc/vmstat")

    def risen(self) -> bool:
        """Whether it has killed one since: of its own group where that is known, else anywhere."""
        now = _count(self.file) if self.group >= 0 else -1
        return now > self.group if now >= 0 else self.risen_anywhere()

    def risen_anywhere(self) -> bool:
        """Whether it has killed any process of the machine since."""
        return _count("/proc/vmstat") > self.machine >= 0


def any_kill() -> bool:
    """Whether the kernel has killed a process for memory since the boot, as far as it says."""
    return _count("/proc/vmstat") != 0


def group_file(pid: int) -> str:
    """Return the file that counts the kills in the memory group of a process, empty where none is found."""
    for line in (read(pid, "cgroup") or b"").decode("utf-8", "surrogateescape").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if "memory" in controllers.split(","):
            file = f"/sys/fs/cgroup/memory{path}/memory.oom_control"
        elif number == "0":
            file = f"/sys/fs/cgroup{path}/memory.events"
        else:
            continue
        if "/.." not in path and os.path.exists(file):
            return file
    return ""


def logged(identity: Identity) -> bool:
    """Whether the kernel's log says that it killed exactly this process for memory.

    It names processes as the first pid namespace does. Its clock is that of no process: a message counts as
    younger than the process within a second, and what the monotonic clock has been corrected by since the boot.
    """
    if here()[1:] != _FIRST:
        return False
    drift = abs(time.monotonic() - time.clock_gettime(time.CLOCK_MONOTONIC_RAW))
    earliest = time.monotonic() - (uptime() - ticks_to_seconds(identity[1])) - drift - 1
    try:
        descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY)
    except OSError:  # for root alone, on many machines
        return False
    try:
        found = os.fstat(descriptor)
        return stat.S_ISCHR(found.st_mode) and found.st_rdev == _DEVICE and _told(descriptor, identity[0], earliest)
    finally:
        os.close(descriptor)


def _told(log: int, pid: int, earliest: float) -> bool:
    wanted = b"ut of memory: Killed process %d (" % pid  # "Out of memory", "Memory cgroup out of memory"
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        try:
            record = os.read(log, _RECORD)
        except BrokenPipeError:  # what we had not read yet is gone for newer messages
            continue
        except OSError:  # EAGAIN: that was the last one
            return False
        if wanted in record and _is_kill(record, wanted, earliest):
            return True
    return False


def _is_kill(record: bytes, wanted: bytes, earliest: float) -> bool:
    """Whether a record `PRIORITY,NUMBER,MICROSECONDS,FLAGS;TEXT` is the kernel's own, that one, and young enough."""
    head, _, text = record.partition(b";")
    fields = head.split(b",")
    lead = text.partition(wanted)[0]
    return lead in (b"O", b"Memory cgroup o") and int(fields[0]) < _USER and int(fields[2]) / 1e6 >= earliest


def _count(file: str) -> int:
    """Return the number behind `oom_kill` in a file of `key value` lines, -1 where there is none."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return -1
    try:
        data = b""
        while len(data) < _LARGEST and (chunk := os.read(descriptor, 4096)):
            data += chunk
    except OSError:  # the group is gone
        return -1
    finally:
        os.close(descriptor)
    number = (b"\n" + data).partition(b"\noom_kill ")[2].partition(b"\n")[0]
    return int(number) if number.isdigit() else -1
