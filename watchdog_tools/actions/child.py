"""TOUCH: what the child does between fork and exec. It does all that can fail, then waits for one byte.

Until that byte comes it holds the lock; if its parent dies it ends without having been anything.
"""

from __future__ import annotations

import _signal
import errno
import os
import stat

from watchdog_tools.actions import credentials
from watchdog_tools.names import COMMAND, mark, trace
from watchdog_tools.system.proc import stat as process
from watchdog_tools.system.trust import doubtful_log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from watchdog_tools.actions.plan import Plan
    from watchdog_tools.names import Owner


class Ties:
    """The only descriptors that a child keeps until it execs: the go pipe, the errno pipe and the lock (or -1)."""

    __slots__ = ("go", "lock", "trouble")

    def __init__(self, go: int, trouble: int, lock: int) -> None:
        """Take three descriptors, all close-on-exec and above 2."""
        self.go = go
        self.trouble = trouble
        self.lock = lock


def become(plan: Plan, ties: Ties, owner: Owner | None) -> NoReturn:
    """Turn this fork into the instance, or say into the errno pipe why not, and end.

    owner: None for a command that is no instance, so that no run ever adopts it.
    """
    step = "preparing"
    try:
        os.setsid()
        _signals()
        _close_others(ties)
        _oom_score()
        step = "becoming the user"
        if plan.identity:
            credentials.become(*plan.identity)
        step = f"changing to {plan.wish.cwd}"
        os.chdir(plan.wish.cwd)
        os.umask(plan.wish.umask)
        step = f"opening {plan.wish.log or '/dev/null'}"
        _standard(plan.wish.log, trust_any=plan.wish.trust_any)
        env = _mark(owner) | plan.env
        step = f"executing {plan.wish.argv[0]}"
        if os.read(ties.go, 1):
            os.execve(plan.executable, plan.wish.argv, env)  # noqa: S606 -- argv, never a shell
    except Exception as error:  # noqa: BLE001 -- its words are all that remains of it
        why = getattr(error, "strerror", None) or error
        os.write(ties.trouble, f"{step}: {why}".encode("ascii", "backslashreplace"))
    finally:
        os._exit(127)


def _mark(owner: Owner | None) -> dict[str, str]:
    own = process("self")
    ticks = own.ticks if own else 0
    if owner:
        return mark(os.getpid(), ticks, owner)
    return {COMMAND: trace(os.getpid(), ticks)}


def _signals() -> None:
    _signal.set_wakeup_fd(-1)
    for number in range(1, _signal.NSIG):
        if _signal.getsignal(number) == _signal.SIG_DFL:  # a table in memory: most need no system call
            continue
        try:
            _signal.signal(number, _signal.SIG_DFL)
        except (OSError, ValueError):  # KILL, STOP and the two that libc keeps to itself
            continue
    _signal.pthread_sigmask(_signal.SIG_SETMASK, [])


def _close_others(ties: Ties) -> None:
    kept = {0, 1, 2, ties.go, ties.trouble, ties.lock}
    for number in map(int, os.listdir("/proc/self/fd")):
        if number not in kept:
            try:
                os.close(number)
            except OSError:  # the listing's own descriptor
                continue


def _oom_score() -> None:
    try:
        descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        try:
            os.write(descriptor, b"0")
        finally:
            os.close(descriptor)
    except OSError:  # lowering it takes a capability
        return


def _standard(log: str | None, *, trust_any: bool) -> None:
    """Put 0 on /dev/null, 1 and 2 on the log or /dev/null; opened as the user that we have become."""
    null = os.open("/dev/null", os.O_RDWR)
    output = _log(log, trust_any=trust_any) if log else null
    for source, number in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, number)
    for descriptor in {null, output}:
        os.close(descriptor)


def _log(path: str, *, trust_any: bool) -> int:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NOCTTY | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, 0o640)
    except OSError as error:
        raise OSError(error.errno, "it is a symbolic link") if error.errno == errno.ELOOP else error from None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(22, "it is not a regular file")
    why = doubtful_log(path, found) if os.geteuid() == 0 and not trust_any else ""
    if why:  # others may have been quicker than we since its path was verified
        raise OSError(1, why)
    os.set_blocking(descriptor, True)
    return descriptor
