"""TOUCH: fork, let the caller write down who was born, then let it go. Each step may be the last one of ours."""

from __future__ import annotations

import _signal
import os
import select
import time

from watchdog_tools.actions.child import Ties, become
from watchdog_tools.actions.plan import CannotStart
from watchdog_tools.system import signals
from watchdog_tools.system.identity import of, pidfd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.actions.plan import Plan
    from watchdog_tools.names import Owner
    from watchdog_tools.system.identity import Identity

EXEC_SECONDS = 5.0  # seconds for the child to prepare and exec; a dead network disk can hold it for ever


class Born:
    """A process that was let go and has executed its command; `handle` is its pidfd.

    child: it is our own, so that its number stays its own until we reap it.
    """

    __slots__ = ("child", "handle", "identity")

    def __init__(self, identity: Identity, handle: int, *, child: bool = False) -> None:
        """Take the fields as the class describes them."""
        self.child = child
        self.identity = identity
        self.handle = handle

    def ended(self, seconds: float, *wake: int) -> bool:
        """Wait for its end up to `seconds`, or until one of `wake` is readable. Return whether it ended."""
        poll = select.poll()
        for descriptor in (self.handle, *wake):
            poll.register(descriptor, select.POLLIN)
        until = time.monotonic() + seconds
        events = poll.poll(max(until - time.monotonic(), 0) * 1000)
        return any(descriptor == self.handle for descriptor, _ in events)

    def fate(self) -> str:
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


def spawn(
    plan: Plan, lock: int, owner: Owner | None, commit: Callable[[Identity], None], seconds: float = EXEC_SECONDS
) -> Born:
    """Start one instance. `commit` writes the record and re-checks the lock; if it raises, nothing starts.

    owner: None, with a lock of -1, for a command that is no instance. seconds: for the child to exec.
    Raise CannotStart with the child's own words, OSError where no process is to be had, whatever `commit` raises.
    """
    go, release = os.pipe()
    trouble, report = os.pipe()
    pid = os.fork()
    if not pid:
        become(plan, Ties(go, report, lock), owner)
    os.close(go)
    os.close(report)
    try:
        handle = pidfd(pid)
    except OSError:
        _unborn(pid, release, trouble)
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
        os.close(trouble)
        _bury(pid, handle)
        raise
    os.close(release)
    words = _last_words(trouble, handle, seconds)
    os.close(trouble)
    if words or identity is None:
        _bury(pid, handle)
        raise CannotStart(words or "the child ended before it was started")
    return Born(identity, handle, child=True)


def _last_words(trouble: int, handle: int, seconds: float) -> str:
    """Return what the child could not do, empty if it has executed its command."""
    poll = select.poll()
    poll.register(trouble, select.POLLIN)
    if not poll.poll(seconds * 1000):
        signals.send(handle, _signal.SIGKILL)
        return f"the command was not executed within {seconds:g} s (a network disk?)"
    return os.read(trouble, 512).decode("ascii", "replace")


def _unborn(pid: int, release: int, trouble: int) -> None:
    """End a child that was never let go and cannot be held. It is not reaped yet, so that its number is its own."""
    os.close(release)
    os.close(trouble)
    os.kill(pid, _signal.SIGKILL)
    until = time.monotonic() + 1.0
    while not os.waitpid(pid, os.WNOHANG)[0] and time.monotonic() < until:
        time.sleep(0.001)


def _bury(pid: int, handle: int) -> None:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    if poll.poll(1000):
        os.waitpid(pid, 0)
    os.close(handle)
