"""TOUCH: fork, let the caller write down who was born, then let it go. Each step may be the last one of ours.

Into a control group it is born by clone3, by way of `_ctypes`, which nothing on a healthy path loads. (m) A write to
cgroup.procs waits for the kernel, 4.5 ms after a quiet moment; a birth in the group costs 0.7 ms. The interpreter's
after-fork hooks do not run: the child is single-threaded, and only prepares and execs.
"""

from __future__ import annotations

import _signal
import os
import select
import sys
import time

from watchdog_tools.actions.child import ALIVE, ChildFds, exec_child
from watchdog_tools.actions.start_plan import CannotStart
from watchdog_tools.core.struct import Struct
from watchdog_tools.system import signals
from watchdog_tools.system.cgroups import NoGroup
from watchdog_tools.system.identity import of, pidfd
from watchdog_tools.system.proc import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.actions.start_plan import StartPlan
    from watchdog_tools.core.config import StartOptions
    from watchdog_tools.core.owner import Owner
    from watchdog_tools.system.cgroups import Group
    from watchdog_tools.system.identity import Identity

EXEC_SECONDS = 5.0  # seconds for the child to prepare and exec; a dead network disk can hold it for ever
_CLONE3 = 435  # the same number on every architecture that Linux has learned since 2019
_INTO_CGROUP = 0x200000000  # since Linux 5.7
# flags, pidfd, child_tid, parent_tid, exit_signal, stack and its size, tls, set_tid and its size, cgroup: 8 bytes each
_FIELDS = 11
_stuck_children: list[int] = []  # children that were given up, and hold the lock for as long as they live


class Child(Struct):
    """A process that was let go and has executed its command; `handle` is its pidfd.

    ours: it is our own child, so that its number stays its own until we reap it.
    """

    identity: Identity
    handle: int
    ours: bool = False

    def ended(self, seconds: float, *cancel_fd: int) -> bool:
        """Wait for its end up to `seconds`, or until one of `cancel_fd` is readable. Return whether it ended."""
        poll = select.poll()
        for descriptor in (self.handle, *cancel_fd):
            poll.register(descriptor, select.POLLIN)
        until = time.monotonic() + seconds
        events = poll.poll(max(until - time.monotonic(), 0) * 1000)
        return any(descriptor == self.handle for descriptor, _ in events)

    def exit_status(self) -> str:
        """Return how it ended, for one that has: `exited with 3`, `was killed by SIGSEGV`."""
        try:
            done, status = os.waitpid(self.identity[0], os.WNOHANG)
        except ChildProcessError:  # an earlier run's child, which init reaps
            return "ended"
        if not done:  # a tracer has not let go of it yet
            return "ended"
        if os.WIFSIGNALED(status):
            return f"was killed by {signals.name(os.WTERMSIG(status))}"
        return f"exited with {os.waitstatus_to_exitcode(status)}"


class _KilledAtBirth(Exception):  # noqa: N818 -- a fact about a child
    """It was killed as it was born, by the kernel or by somebody who watched."""


def spawn(  # noqa: PLR0913, PLR0917 -- the last two have defaults
    plan: StartPlan, lock: int, owner: Owner | None, commit: Callable[[Identity], None], seconds: float = EXEC_SECONDS,
    group: Group | None = None,
) -> Child:  # fmt: skip
    """Start one instance. `commit` writes the record and re-checks the lock; if it raises, nothing starts.

    owner: None, with a lock of -1, for a command that is no instance. seconds: for the child to exec.
    group: the control group in which it is to be born.
    Raise CannotStart with the child's own words, OSError where no process is to be had, whatever `commit` raises.
    """
    words = stuck_child(plan.start_options) if lock >= 0 else ""
    if words:
        raise CannotStart(words)

    def attempt(*, inside: bool) -> Child:
        go, release = os.pipe()
        errors, report = os.pipe()
        pid = _forked(plan, ChildFds(go, report, lock), owner, group, inside=inside)
        return _release(pid, lock, commit, (release, errors), seconds)

    try:
        return attempt(inside=True)
    except _KilledAtBirth:
        pass
    try:
        return attempt(inside=False)
    except _KilledAtBirth:
        raise CannotStart("the child ended before it was started") from None


def _release(pid: int, lock: int, commit: Callable[[Identity], None], pipes: tuple[int, int], seconds: float) -> Child:
    """Write down who was born, let it go, and hear whether it has executed its command. Raise as `spawn` does.

    pipes: our ends of the go pipe and the errno pipe, which are closed in any case.
    """
    release, errors = pipes
    try:
        handle = pidfd(pid)
    except OSError:
        _kill_unheld(pid, release, errors)
        raise
    try:
        identity = of(pid)
        if identity:
            commit(identity)
            os.write(release, b"!")
    except BrokenPipeError:
        identity = None  # it ended before; its words are in the errno pipe
    except BaseException:
        os.close(release)  # the child reads the end of the pipe and ends
        os.close(errors)
        _reap(pid, handle, lock)
        raise
    os.close(release)
    said = _read_report(errors, handle, seconds)
    os.close(errors)
    words = said.removeprefix(ALIVE.decode())
    if words or identity is None or not said:
        _reap(pid, handle, lock)
        if not said:
            raise _KilledAtBirth
        raise CannotStart(words or "the child ended before it was started")
    return Child(identity=identity, handle=handle, ours=True)


def _forked(plan: StartPlan, fds: ChildFds, owner: Owner | None, group: Group | None, *, inside: bool) -> int:
    """Fork the child. Return its pid, with the child's ends of the pipes closed.

    inside: it is born in the group; else, and where that is refused (an old kernel, a seccomp profile), it enters it.
    """
    pid = -1
    try:
        if group and inside:
            pid = fork_into(group.handle)
    except NoGroup:
        pass
    if pid < 0:
        fds.group = group.handle if group else -1
        pid = os.fork()
    if not pid:
        exec_child(plan, fds, owner)
    os.close(fds.go)
    os.close(fds.report)
    return pid


def stuck_child(start_options: StartOptions) -> str:
    """Return why none is started while an earlier child cannot end: a further one would hang where it hangs."""
    if not _stuck_children:
        return ""
    from watchdog_tools.actions import stuck_start

    _stuck_children[:] = filter(stuck_start.is_stuck, _stuck_children)
    if not _stuck_children:
        return ""
    seen = stat(_stuck_children[0])
    return f"pid {_stuck_children[0]}, {stuck_start.described(seen.comm if seen else b'', start_options)}"


def _read_report(errors: int, handle: int, seconds: float) -> str:
    """Return the child's sign of life, and what it could not do; that alone if it has executed its command."""
    poll = select.poll()
    poll.register(errors, select.POLLIN)
    said, until = b"", time.monotonic() + seconds
    while poll.poll(max(until - time.monotonic(), 0) * 1000):
        chunk = os.read(errors, 512)
        if not chunk:
            return said.decode("ascii", "replace")
        said += chunk
    signals.send(handle, _signal.SIGKILL)
    return f"{ALIVE.decode()}the command was not executed within {seconds:g} s (a network disk?)"


def _kill_unheld(pid: int, release: int, errors: int) -> None:
    """End a child that was never let go and cannot be held. It is not reaped yet, so that its number is its own."""
    os.close(release)
    os.close(errors)
    os.kill(pid, _signal.SIGKILL)
    until = time.monotonic() + 1.0
    while not os.waitpid(pid, os.WNOHANG)[0] and time.monotonic() < until:
        time.sleep(0.001)


def _reap(pid: int, handle: int, lock: int) -> None:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    if poll.poll(1000):
        os.waitpid(pid, 0)
    elif lock >= 0:
        _stuck_children.append(pid)
    os.close(handle)


def fork_into(handle: int) -> int:
    """Fork into the control group of a descriptor; return 0 in the child. Raise NoGroup where that is refused.

    (m) Linux 6.14, and the stable kernels from 5.15 on that have its "fix race between fork and cgroup.kill", compare
    how often the group was killed at one stroke with how often the parent's was, and kill the child as it is born where
    these differ: it gives no sign of life.
    """
    words = [0] * _FIELDS
    words[0], words[4], words[10] = _INTO_CGROUP, _signal.SIGCHLD, handle
    arguments = b"".join(word.to_bytes(8, sys.byteorder) for word in words)
    pid = _called(arguments)
    if pid < 0:
        raise NoGroup("clone3 into it was refused")
    return pid


def _called(arguments: bytes) -> int:
    """Call clone3 by libc's syscall(). The module that ctypes wraps will do: (m) a watcher carries 220 KiB less."""
    try:
        import _ctypes  # private to the interpreter, but the same from 3.11 to 3.13

        whole = _ctypes.dlopen(None, os.RTLD_NOW)  # type: ignore[arg-type]
        call = _ctypes.dlsym(whole, "syscall")
        return int(_ctypes.call_function(call, (_CLONE3, arguments, len(arguments))))
    except (ImportError, AttributeError, OSError) as error:  # built without it, or another one
        raise NoGroup(str(error)) from None


def warm_up() -> None:
    """Load what a start will need: a watcher has the time for that before an instance dies, and not after."""
    try:
        import _ctypes  # noqa: F401 -- for its being loaded
    except ImportError:
        return
