"""Reading /proc: one process at a time, with plain system calls, tolerant of processes that end meanwhile.

(m) At 3,000 processes one file each takes 40 ms this way, against 550-900 ms for psutil.process_iter.
A file of a process is None when the process is gone; PermissionError means that we may not look.
"""

from __future__ import annotations

import os

PIECE = 4096  # bytes; most command lines fit in, and each stat line, of some 300
_LINES = 4 << 20  # bytes; the longest that the kernel lets anybody execute is a quarter of the stack limit
_STATUS = 1 << 20  # bytes; some 1,500, but each group of its user's adds to it
_TURNS = 200  # (m) one of 2,000 reads of a thread that execs in a loop met that; on a busy machine 20 in a row
KTHREAD = 0x00200000  # PF_KTHREAD


class ProcUnavailable(OSError):  # noqa: N818 -- it says what, not that it is an error
    """We cannot look: /proc is not mounted, or is not that of our pid namespace."""


def pids() -> list[int]:
    """Return the pids that /proc shows us. Raise ProcUnavailable where it shows none, not even our own."""
    mounted()
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError as error:
        raise ProcUnavailable(f"cannot read /proc: {error.strerror}") from None


def user_pids() -> list[int]:
    """Return the pids that /proc shows us but those of kernel threads, which have neither arguments nor environment.

    Raise ProcUnavailable. What kthreadd has started, one file tells: to ask each of them takes half of a search.
    """
    found = pids()
    first = stat(2)
    kernel = read("2/task/2", "children", _STATUS) if first and first.kernel and first.parent == 0 else None
    skipped = {2, *map(int, (kernel or b"").split())} if kernel else set()
    return [pid for pid in found if pid not in skipped]


def mounted() -> None:
    """Raise ProcUnavailable where /proc is not mounted, or numbers processes as another namespace does."""
    try:
        own = os.readlink("/proc/self")
    except OSError:
        own = ""
    if own != str(os.getpid()):
        raise ProcUnavailable("/proc is not mounted, or is not that of our pid namespace")


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


def piece(pid: int | str, name: str) -> bytes | None:
    """Return what the kernel gives of a short file at once, None if the process is gone.

    Half the price of `read`, which asks until there is no more; a full piece may not be all.
    """
    try:
        descriptor = os.open(f"/proc/{pid}/{name}", os.O_RDONLY)
    except (FileNotFoundError, ProcessLookupError):
        return None
    try:
        return os.read(descriptor, PIECE)
    except ProcessLookupError:
        return None
    finally:
        os.close(descriptor)


def cmdline(pid: int | str) -> bytes | None:
    """Return the arguments, a NUL behind each; None if gone.

    Empty for a kernel thread, a zombie, or where a second look is due: system/memory.py takes it.
    """
    line = piece(pid, "cmdline")
    return read(pid, "cmdline", _LINES) if line is not None and len(line) == PIECE else line


def exe(pid: int | str) -> str | None:
    """Return the path of the executable; None if gone or a kernel thread. Raise PermissionError.

    A file that was replaced or deleted meanwhile keeps its name: ` (deleted)` is cut off.
    """
    try:
        return os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
    except (FileNotFoundError, ProcessLookupError):
        return None


def threads(pid: int) -> list[str]:
    """Return the ids of a process's threads; empty if it is gone."""
    try:
        return os.listdir(f"/proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError):
        return []


class Stat:
    """What /proc/PID/stat says. `state`: one letter; `ticks`: start since boot in clock ticks."""

    __slots__ = ("comm", "group", "kernel", "parent", "session", "state", "threads", "ticks")

    def __init__(self, line: bytes) -> None:
        """Parse the line; the name in it may hold blanks and parentheses."""
        self.comm = line[line.index(b"(") + 1 : line.rindex(b")")]
        fields = line[line.rindex(b")") + 2 :].split()
        self.state = chr(fields[0][0])
        self.parent = int(fields[1])
        self.group = int(fields[2])
        self.session = int(fields[3])
        self.kernel = bool(int(fields[6]) & KTHREAD)
        self.threads = int(fields[17])
        self.ticks = int(fields[19])

    @property
    def running(self) -> bool:
        """Whether it is a process still: a zombie is not, unless its main thread alone has ended.

        X with another thread is met for a moment while that one takes the main thread's place for an exec.
        """
        return self.state not in "ZXx" or self.threads > 1


def stat(pid: int | str) -> Stat | None:
    """Return what /proc/PID/stat says, None if the process is gone."""
    line = stat_line(pid)
    return Stat(line) if line else None


def session(pid: int) -> int:
    """Return the session of a process, 0 if it is gone: a quarter of the price of all that `stat` tells."""
    line = piece(pid, "stat")
    found = int(line[line.rindex(b")") + 2 :].split(None, 4)[3]) if line else 0
    if line and found < 1:  # -1 in the middle of an exec: `stat` asks again
        seen = stat(pid)
        return seen.session if seen else 0
    return found


def stat_line(pid: int | str) -> bytes | None:
    """Return /proc/PID/stat, None if the process is gone.

    Without a thread it is being reaped, or one of its threads takes the main one's number for an exec: asked again.
    """
    line = piece(pid, "stat")
    for _ in range(_TURNS):
        if not line or line[line.rindex(b")") + 2 :].split(None, 18)[17] != b"0":
            break
        os.sched_yield()  # whoever is at it may have to wait for a processor
        line = piece(pid, "stat")
    return line


def status(pid: int | str) -> dict[str, str] | None:
    r"""Return the fields of /proc/PID/status, e.g. `Uid` -> `0\t0\t0\t0`; None if gone."""
    data = read(pid, "status", _STATUS)
    if data is None:
        return None
    lines = data.decode("ascii", "replace").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def hangs(pid: int) -> tuple[int, str, str] | None:
    """Return start ticks and switches of context of a process in uninterruptible sleep, None for any other.

    Where it says the same a moment later, it has waited all the time: (m) runs that contend for a disk or for the
    kernel's locks are met in that state again and again, though they go on in between.
    """
    seen = stat(pid)
    fields = status(pid) if seen and seen.state == "D" else None
    if seen is None or fields is None:
        return None
    return seen.ticks, fields.get("voluntary_ctxt_switches", ""), fields.get("nonvoluntary_ctxt_switches", "")


def hidden() -> bool:
    """Whether other users' processes are hidden from us (mount option hidepid)."""
    try:
        return piece(1, "stat") is None
    except PermissionError:
        return True
