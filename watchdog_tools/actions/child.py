"""TOUCH: what the child does between fork and exec. It does all that can fail, then waits for one byte.

Until that byte comes it holds the lock; if its parent dies it ends without having been anything.
"""

from __future__ import annotations

import _signal
import errno
import os
import stat

from watchdog_tools.core.marks import COMMAND, command_mark, mark_variables
from watchdog_tools.system.path_trust import doubtful_log
from watchdog_tools.system.proc import stat as process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from watchdog_tools.actions.start_plan import StartPlan
    from watchdog_tools.core.config import StartOptions
    from watchdog_tools.core.owner import Owner

ALIVE = b"!"  # the first that a child says: one that was killed at its birth says nothing
# what a child goes by while it does what a dead disk can hold: who finds it in D knows what it is (at most 15 bytes)
STEPS = {"cwd": b"start: cwd", "log": b"start: log", "exec": b"start: exec"}


class ChildFds:
    """The only descriptors that a child keeps until it execs: the go pipe, the errno pipe and the lock (or -1).

    group: the directory of a control group that it was not born in and has to enter, or -1.
    """

    __slots__ = ("go", "group", "lock", "report")

    def __init__(self, go: int, report: int, lock: int, group: int = -1) -> None:
        """Take the descriptors, all close-on-exec and above 2."""
        self.go = go
        self.group = group
        self.report = report
        self.lock = lock


def exec_child(plan: StartPlan, fds: ChildFds, owner: Owner | None) -> NoReturn:
    """Turn this fork into the instance, or say into the errno pipe reason not, and end.

    owner: None for a command that is no instance, so that no run ever adopts it.
    """
    step = "preparing"
    try:
        os.write(fds.report, ALIVE)
        _enter_group(fds.group)  # before all else: afterwards it may have another uid, and children
        os.setsid()
        _signals()
        _close_others(fds)
        _oom_score()
        comm = _open_comm()
        step = "setting limits"
        set_limits(plan.start_options)
        step = "becoming the user"
        if plan.identity:
            switch_user(*plan.identity)
        step = f"changing to {plan.start_options.cwd}"
        _set_comm(comm, "cwd")
        os.chdir(plan.start_options.cwd)
        os.umask(plan.start_options.umask)
        step = f"opening {plan.start_options.log or '/dev/null'}"
        _set_comm(comm, "log")
        _open_standard_fds(plan.start_options.log, trust_any=plan.start_options.trust_any)
        env = _mark(owner) | plan.env
        _set_comm(comm, "exec")
        step = f"executing {plan.start_options.argv[0]}"
        if os.read(fds.go, 1):
            os.execve(plan.executable, plan.start_options.argv, env)  # noqa: S606 -- argv, never a shell
    except Exception as error:  # noqa: BLE001 -- its words are all that remains of it
        reason = getattr(error, "strerror", None) or error
        os.write(fds.report, f"{step}: {reason}".encode("ascii", "backslashreplace"))
    finally:
        os._exit(127)


def _enter_group(group: int) -> None:
    """Go into a control group, where that is possible: without one it is started all the same."""
    if group < 0:
        return
    try:
        descriptor = os.open("cgroup.procs", os.O_WRONLY, dir_fd=group)
        try:
            os.write(descriptor, b"0")
        finally:
            os.close(descriptor)
    except OSError:
        return


def _open_comm() -> int:
    """Return a descriptor of this process's name, -1 without one; as another user we could not open it any more."""
    try:
        return os.open("/proc/self/comm", os.O_WRONLY)
    except OSError:
        return -1


def _set_comm(comm: int, step: str) -> None:
    if comm >= 0:
        try:
            os.write(comm, STEPS[step])
        except OSError:  # then it goes by our own name
            return


def _mark(owner: Owner | None) -> dict[str, str]:
    own = process("self")
    ticks = own.ticks if own else 0
    if owner:
        return mark_variables(os.getpid(), ticks, owner)
    return {COMMAND: command_mark(os.getpid(), ticks)}


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


def _close_others(fds: ChildFds) -> None:
    kept = {0, 1, 2, fds.go, fds.report, fds.lock}
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


def set_limits(options: StartOptions) -> None:
    """Take on --nofile and --nice, which a user may not. Raise OSError."""
    if options.nofile:
        import resource

        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, options.nofile)
        except ValueError as error:
            raise OSError(errno.EPERM, f"--nofile: {error}") from None
    if options.nice is not None:
        try:
            os.setpriority(os.PRIO_PROCESS, 0, options.nice)
        except OSError as error:
            raise OSError(error.errno, f"--nice: {error.strerror}") from None


def _open_standard_fds(log: str | None, *, trust_any: bool) -> None:
    """Put 0 on /dev/null, 1 and 2 on the log or /dev/null; opened as the user that we have become."""
    null = os.open("/dev/null", os.O_RDWR)
    output = _open_log(log, trust_any=trust_any) if log else null
    for source, number in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, number)
    for descriptor in {null, output}:
        os.close(descriptor)


def _open_log(path: str, *, trust_any: bool) -> int:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NOCTTY | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, 0o640)
    except OSError as error:
        raise OSError(error.errno, "it is a symbolic link") if error.errno == errno.ELOOP else error from None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(22, "it is not a regular file")
    reason = doubtful_log(path, found) if os.geteuid() == 0 and not trust_any else ""
    if reason:  # others may have been quicker than we since its path was verified
        raise OSError(1, reason)
    os.set_blocking(descriptor, True)
    return descriptor


def switch_user(uid: int, gid: int, groups: list[int]) -> None:
    """Take on these ids, for good. Raise OSError."""
    if os.geteuid() == 0:
        os.setgroups(groups)
    os.setgid(gid)
    os.setuid(uid)
