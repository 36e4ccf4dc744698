"""TOUCH: who holds the lock, which it says in it, and who gets it next: a watch waits, an operator comes first.

By its limit, which stands there, who waits can tell a holder that is stuck. A run takes the lock or leaves.
"""

from __future__ import annotations

import _signal
import os
import select
import time

from watchdog_tools.actions.lock import OPERATOR, WAITING, Lock
from watchdog_tools.actions.time_limit import LINGER
from watchdog_tools.system import uptime
from watchdog_tools.system.identity import handle, here
from watchdog_tools.system.proc import stat as process
from watchdog_tools.workers.worker import is_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.context import Run

AS_RUN, AS_WATCH, AS_OPERATOR = "ensure-running", "ensure-running --watch", "watchdog-tools"  # what holds it
AS_STOP, AS_FORGET = f"{AS_OPERATOR} stop", f"{AS_OPERATOR} forget"  # behind these no watch of an old line goes on

_GRACE = 30.0  # seconds past a holder's own limit before it is called stuck
_WRITE_SECONDS = 0.3  # seconds within which whoever took the lock has written itself into it
_NOTICE_SECONDS = 0.25  # seconds for a watcher to notice
_YIELD_SECONDS = 0.2  # seconds that others have to take the lock, which an operator wants
_MAX_YIELDS = 5  # times that an operator comes first, before the service does
_PROBE_SECONDS = 0.1  # seconds: a watcher that asks whether NAME.waiting is held holds it for a moment


def write_owner(lock: Lock, limit: float, what: str = AS_RUN) -> None:
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


def stale_owner(lock: Lock, usual: float) -> str:
    """Return a sentence about a holder that is past its limit, or an empty string.

    usual: the limit, in seconds, of one that is not named in it; its time counts from the last one that is.
    """
    pid, ticks, held, limit = _read_owner(lock.descriptor, usual)
    if held < limit + _GRACE:
        return ""
    holder = process(pid)
    if holder and holder.ticks == ticks:
        how = {"T": " (stopped)", "D": " (stuck in the kernel)"}.get(holder.state, "")
        return f"lock held for {held:.0f} s by pid {pid}{how}"
    time.sleep(_WRITE_SECONDS)  # the words of an earlier holder: the present one may be about to write its own
    if _read_owner(lock.descriptor, usual)[:2] != (pid, ticks):
        return ""
    return _stopped_waiter(lock) or f"lock held by a process that is no run of ours ({lock.path})"


def last_owner(lock: Lock) -> tuple[int, int]:
    """Return the pid and the start ticks of whoever wrote itself into it last, zeros where nobody did in this boot."""
    return _read_owner(lock.descriptor, 0.0)[:2]


def last_order(lock: Lock) -> str:
    """Return AS_STOP or AS_FORGET where that is what had the lock last, else an empty string."""
    try:
        text = os.pread(lock.descriptor, 512, 0).decode("ascii", "replace")
    except OSError:
        return ""
    return next((order for order in (AS_STOP, AS_FORGET) if text.endswith(f" {order}\n")), "")


def _stopped_waiter(lock: Lock) -> str:
    """Return a sentence about a run that stood in line and is stopped: it has the lock, and is not named in it."""
    try:
        descriptor = os.open(f"{lock.path.rpartition('.')[0]}.{WAITING}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        pid, ticks, *_ = _read_owner(descriptor, 0.0)
    finally:
        os.close(descriptor)
    waiter = process(pid) if pid and lock.is_held(WAITING) else None
    if waiter is None or waiter.ticks != ticks or waiter.state != "T":
        return ""
    return f"lock held by pid {pid} (stopped), which stood in line for it"


def notify(lock: Lock) -> None:
    """Wake a watcher that holds it, so that it notices an operator at once."""
    pid, ticks, *_ = _read_owner(lock.descriptor, 0.0)
    try:
        watches = os.pread(lock.descriptor, 512, 0).endswith(f" {AS_WATCH}\n".encode())
        descriptor = handle((pid, ticks, *here())) if watches and pid else None
        if descriptor is not None:
            _signal.pidfd_send_signal(descriptor, _signal.SIGUSR1)
            os.close(descriptor)
    except OSError:
        return  # it notices at its next check


def _read_owner(descriptor: int, usual: float) -> tuple[int, int, float, float]:
    """Return the holder's pid and ticks, and the seconds that it has held the lock and may hold it."""
    unknown = 0, 0, time.time() - os.fstat(descriptor).st_mtime, usual
    try:
        words = os.pread(descriptor, 512, 0).decode("ascii", "replace").split()
        pid, ticks, since, limit = (int(words[index]) for index in (0, 1, 5, 6))
    except (OSError, ValueError, IndexError):
        return unknown
    if tuple(words[2:5]) != tuple(word or "-" for word in here()):
        return unknown  # of an earlier boot, or where pids mean others
    return pid, ticks, uptime() - since / 1000, limit / 1000


def take_lock(run: Run) -> bool:
    """Return whether the run's lock is ours now. Raise CannotLock."""
    config, lock = run.config, run.lock
    if config.operator:
        operator = Lock(run.directory, run.owner.directory, run.name, OPERATOR)
        return take_as_operator(operator, lock, config.lock_wait, run.guard)
    if not config.watch:
        return lock.take(config.lock_wait, run.guard)
    if lock.take(0, run.guard, in_fork=True):
        return True
    run.progress("local", "waiting for another run to end its watch")
    run.waited = True
    return _wait_in_line(run, time.monotonic() + config.watch + LINGER)


def yield_lock(run: Run, until: float) -> bool:
    """Let an operator have the lock. Return whether it is ours again by `until` (monotonic clock, seconds).

    Meanwhile we are the next run; where another one is that already, it goes on in our place. Raise CannotLock.
    """
    run.lock.release()
    _sleep(run.guard)
    return _wait_in_line(run, until)


def take_as_operator(operator: Lock, lock: Lock, wait: float, guard: int) -> bool:
    """Take both for an operator's order, and wake each watcher that holds the second one meanwhile: it stands aside.

    Each may take `wait` seconds. Return whether they are ours. Raise CannotLock.
    """
    if not operator.take(wait, guard):
        return False
    until = time.monotonic() + wait
    while True:
        notify(lock)
        if lock.take(_NOTICE_SECONDS, guard):
            return True
        if time.monotonic() >= until or is_over(guard):
            return False


def _wait_in_line(run: Run, until: float) -> bool:
    """Wait for the lock as the next run; two of them would be one too many. An operator still comes first."""
    lock, guard = run.lock, run.guard
    waiting = Lock(run.directory, run.owner.directory, run.name, WAITING)
    if not waiting.take(_PROBE_SECONDS, guard, in_fork=True):
        return False
    write_owner(waiting, until - time.monotonic(), AS_WATCH)  # it may be stopped when it gets the lock
    try:
        for _ in range(_MAX_YIELDS):
            if not lock.wait(until - time.monotonic(), guard):
                return False
            if not lock.is_held(OPERATOR):
                return True
            lock.release()
            _sleep(guard)
        return lock.wait(until - time.monotonic(), guard)  # whoever holds that file does not want the lock
    finally:
        waiting.close()


def _sleep(guard: int) -> None:
    poll = select.poll()
    poll.register(guard, 0)
    poll.poll(_YIELD_SECONDS * 1000)
