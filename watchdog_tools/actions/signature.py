"""TOUCH: who holds a lock writes that into it, with its limit: so that who waits can tell a holder that is stuck."""

from __future__ import annotations

import _signal
import os
import time

from watchdog_tools.system.clock import uptime
from watchdog_tools.system.identity import handle, here
from watchdog_tools.system.proc import stat as process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.lock import Lock

ONCE, WATCH, HAND = "ensure-running", "ensure-running --watch", "watchdog-tools"  # what a holder signs as

_GRACE = 30.0  # seconds past a holder's own limit before it is called stuck
_SIGNING = 0.3  # seconds within which whoever took the lock has signed it


def sign(lock: Lock, limit: float, what: str = ONCE) -> None:
    """Write who holds it, for how many seconds at most, and what it is."""
    pid = os.getpid()
    try:
        own = process(pid)
        words = (pid, own.ticks if own else 0, *here(), int(uptime() * 1000), int(limit * 1000))
        text = " ".join(str(word or "-") for word in words) + f" {what}\n"
        os.pwrite(lock.descriptor, text.encode("ascii"), 0)
        os.ftruncate(lock.descriptor, len(text))
    except OSError:
        return  # a full disk: the lock holds all the same, only its holder stays unnamed


def stuck(lock: Lock, usual: float) -> str:
    """Return a sentence about a holder that is past its limit, or an empty string.

    usual: the limit, in seconds, of one that has not signed; its time counts from the last signature.
    """
    pid, ticks, held, limit = _signed(lock.descriptor, usual)
    if held < limit + _GRACE:
        return ""
    holder = process(pid)
    if holder and holder.ticks == ticks:
        how = {"T": " (stopped)", "D": " (stuck in the kernel)"}.get(holder.state, "")
        return f"lock held for {held:.0f} s by pid {pid}{how}"
    time.sleep(_SIGNING)  # the words of an earlier holder: the present one may be about to sign
    if _signed(lock.descriptor, usual)[:2] != (pid, ticks):
        return ""
    return _heir(lock) or f"lock held by a process that is no run of ours ({lock.path})"


def _heir(lock: Lock) -> str:
    """Return a sentence about a run that stood in line and is stopped: it got the lock and never signed it."""
    try:
        descriptor = os.open(f"{lock.path.rpartition('.')[0]}.next", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        pid, ticks, *_ = _signed(descriptor, 0.0)
    finally:
        os.close(descriptor)
    heir = process(pid) if pid and lock.wanted("next") else None
    if heir is None or heir.ticks != ticks or heir.state != "T":
        return ""
    return f"lock held by pid {pid} (stopped), which stood in line for it"


def poke(lock: Lock) -> None:
    """Wake a watcher that holds it, so that it notices an operator at once."""
    pid, ticks, *_ = _signed(lock.descriptor, 0.0)
    try:
        watches = os.pread(lock.descriptor, 512, 0).endswith(f" {WATCH}\n".encode())
        descriptor = handle((pid, ticks, *here())) if watches and pid else None
        if descriptor is not None:
            _signal.pidfd_send_signal(descriptor, _signal.SIGUSR1)
            os.close(descriptor)
    except OSError:
        return  # it notices at its next look


def _signed(descriptor: int, usual: float) -> tuple[int, int, float, float]:
    """Return the holder's pid and ticks, and the seconds that it has held the lock and may hold it."""
    unsigned = 0, 0, time.time() - os.fstat(descriptor).st_mtime, usual
    try:
        words = os.pread(descriptor, 512, 0).decode("ascii", "replace").split()
        pid, ticks, since, limit = (int(words[index]) for index in (0, 1, 5, 6))
    except (OSError, ValueError, IndexError):
        return unsigned
    if tuple(words[2:5]) != tuple(word or "-" for word in here()):
        return unsigned  # signed before this boot, or where pids mean others
    return pid, ticks, uptime() - since / 1000, limit / 1000
