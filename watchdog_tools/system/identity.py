"""Who a process is: pid, start ticks, boot id, and the inodes of its pid and time namespaces.

A pid alone is recycled; ticks compare only within one boot and one time namespace.
"""

from __future__ import annotations

import errno
import os

from watchdog_tools.system import boot_id
from watchdog_tools.system.proc import ProcUnavailable, stat

Identity = tuple[int, int, str, str, str]

_NO_PIDFD = "pidfd_open is refused (it needs Linux 5.3 or later, and a seccomp profile that allows it)"


_here: list[tuple[str, str, str]] = []  # it is the same for as long as a process lives


def here() -> tuple[str, str, str]:
    """Return what identities of this moment share: boot id, pid and time namespace."""
    if not _here:
        _here.append((boot_id(), _namespace("pid"), _namespace("time")))
    return _here[0]


def of(pid: int) -> Identity | None:
    """Return the identity of a live process, None if there is none. Raise ProcUnavailable."""
    found = stat(pid)
    if found is None or not found.running:
        _certain(pid, gone=found is None)
        return None
    return (pid, found.ticks, *here())


def alive(identity: Identity) -> bool:
    """Whether exactly this process still lives. A zombie does not. Raise ProcUnavailable."""
    pid, ticks, *place = identity
    if pid < 1 or tuple(place) != here():
        return False
    found = stat(pid)
    if found is None:
        _certain(pid, gone=True)
        return False
    return found.ticks == ticks and found.running


def handle(identity: Identity) -> int | None:
    """Return a pidfd of exactly this process, None if it is gone. The identity is verified after opening."""
    try:
        descriptor = pidfd(identity[0])
    except ProcessLookupError:
        return None
    if alive(identity):
        return descriptor
    os.close(descriptor)
    return None


def pidfd(pid: int) -> int:
    """Return a pidfd of whatever has this number now. Raise OSError, with a sentence where none is to be had at all.

    An old kernel does not know the call, and a seccomp profile older than the call refuses it with EPERM.
    """
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EPERM):
            raise OSError(error.errno, _NO_PIDFD) from None
        raise


def require_pidfd() -> None:
    """Raise OSError where pidfds are not to be had: before anything is started that would have to be held by one."""
    os.close(pidfd(os.getpid()))


def is_timed_elsewhere(pid: int) -> bool:
    """Whether a process is in another time namespace, as far as we may see: its ticks differ by where they are read."""
    theirs = _namespace("time", pid)
    return bool(theirs) and theirs != _namespace("time")


def is_near(pid: int, *kinds: str) -> bool:
    """Whether a process is of our own namespaces of these kinds (pid and user, if none is named), as far as we see."""
    return all(_namespace(kind, pid) in ("", _namespace(kind)) for kind in kinds or ("pid", "user"))


def shares_root(pid: int) -> bool:
    """Whether a process has our root directory, as far as we may see."""
    try:
        return os.path.samefile(f"/proc/{pid}/root", "/")
    except OSError:
        return False


def _certain(pid: int, *, gone: bool) -> None:
    """Raise ProcUnavailable where /proc shows no such process but the kernel knows one, or /proc is not there."""
    if not gone:
        return
    if stat("self") is None:
        raise ProcUnavailable("/proc is not mounted, or is not that of our pid namespace")
    try:
        os.kill(pid, 0)  # hidepid hides even our own processes where they are not dumpable
    except ProcessLookupError:
        return
    except PermissionError:
        pass
    if stat(pid) is None:  # it may have been born between the two looks
        raise ProcUnavailable(f"process {pid} exists, but /proc hides it")


def _namespace(kind: str, pid: int | str = "self") -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}").partition("[")[2].rstrip("]")
    except OSError:
        return ""
