"""What a pidfile says, trusted no further than its bytes."""

from __future__ import annotations

import os
import stat
import time

from watchdog_tools.checks.process import scan
from watchdog_tools.checks.process.verdict import Found
from watchdog_tools.core.text import quoted
from watchdog_tools.system import proc, ticks_to_seconds, uptime
from watchdog_tools.workers.worker import LOCAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.checks.process.filter import ProcessQuery
    from watchdog_tools.workers.worker import Progress

_SIZE = 256  # bytes of a first line: Postfix writes 28 blanks before the pid; sendmail, PostgreSQL have more lines
_CLOCK_SLACK = 5  # seconds; between a process and its pidfile the clock may have been set by so much
_IN_MEMORY = ("tmpfs", "ramfs")  # what lies there is of this boot, whatever its date
_PID_MAX = 4194304  # the kernel's own limit, where /proc does not say


class PidfileUnusable(Exception):  # noqa: N818 -- the sentence is what matters
    """The file cannot be read or is no pidfile: nothing is known, neither up nor down."""


def find(query: ProcessQuery, path: str, progress: Progress) -> Found:
    """Return what there is of the process that the pidfile at `path` names. Raise ScanUnavailable."""
    progress(LOCAL, "reading the pidfile")
    try:
        pid, doubt = read(path)
    except PidfileUnusable as unusable:
        raise scan.ScanUnavailable(str(unusable), "pidfile") from None
    if pid == 1 and not query.by_name():  # in a container it is the service, elsewhere it is init
        raise scan.ScanUnavailable(
            f"pidfile {quoted(path)}: 1 is a pid of a service only in a container; accepted: "
            "with a NAME or --exe beside it", "pidfile",
        )  # fmt: skip
    found = scan.find(query, progress, [] if pid is None else [pid])
    if pid is None:
        found.missing = "absent", "there is no such file"
    elif doubt:
        return _of_another(pid, doubt, found)
    elif not (found.processes or found.zombies or found.undecided):
        found.missing = "stale", f"stale, pid {pid} is {scan.describe(pid)}"
    return found


def _of_another(pid: int, doubt: str, found: Found) -> Found:
    """Return that nothing was found; `stale-boot` where who has its pid now could be the one, `stale` where not."""
    other = Found()
    if found.processes or found.undecided or found.hidden:
        other.missing = "stale-boot", f"stale? {doubt} (pid {pid})"
    else:
        other.missing = "stale", f"stale, {doubt}, and pid {pid} is {scan.describe(pid)}"
    return other


def read(path: str) -> tuple[int | None, str]:
    """Return its pid (None: there is no file), and what makes it doubtful: "it was written before this boot".

    Raise PidfileUnusable with one sentence. It must be a plain file whose first line is one pid, and no symbolic
    link: whoever may make one in that directory would choose which process we probe.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise PidfileUnusable(f"pidfile {quoted(path)} cannot be read: {_error_text(reason)}") from None
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise PidfileUnusable(f"pidfile {quoted(path)} is not a regular file")
        pid = _pid(os.read(descriptor, _SIZE + 1), path)
        return pid, _why_stale(descriptor, pid, facts.st_mtime)
    except OSError as error:
        raise PidfileUnusable(f"pidfile {quoted(path)} cannot be read: {error.strerror}") from None
    finally:
        os.close(descriptor)


def _why_stale(descriptor: int, pid: int, written: float) -> str:
    """Return why the file may not mean the process that has its pid now: it is older than that, and lies on a disk."""
    boot = time.time() - uptime()
    try:
        process = proc.stat(pid)
    except PermissionError:
        process = None
    if written >= (boot + ticks_to_seconds(process.ticks) - _CLOCK_SLACK if process else boot):
        return ""
    from watchdog_tools.system.mounts import file_system  # few have such a date

    if file_system(descriptor) in _IN_MEMORY:
        return ""
    return "it was written before this boot" if written < boot else "it is older than that process"


def _pid(data: bytes, path: str) -> int:
    first, end, _ = data.partition(b"\n")
    digits = first.strip(b" \t\r")
    if not digits:
        raise PidfileUnusable(f"pidfile {quoted(path)} is unreadable: it is empty")
    whole = end or len(data) <= _SIZE
    if not whole or not digits.isdigit() or len(digits) > 10:  # noqa: PLR2004
        raise PidfileUnusable(f"pidfile {quoted(path)} is unreadable: {quoted(data, 40)} is not one pid")
    pid = int(digits)
    if not 1 <= pid <= _pid_max():  # 0 is our own group to kill()
        raise PidfileUnusable(f"pidfile {quoted(path)} is unreadable: {pid} is not a pid of a service")
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


def _error_text(reason: str | None) -> str:
    return "it is a symbolic link" if reason and reason.startswith("Too many levels") else str(reason)
