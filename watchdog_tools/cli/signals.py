"""Signals as a readable descriptor, so that `poll` ends on them and nothing is raised in the middle of a step."""

from __future__ import annotations

import _signal
import os

# What ends a process that does not handle it, and what a scheduler, a terminal or a limit sends.
_ENDING = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGVTALRM",
           "SIGPROF", "SIGIO")  # fmt: skip


class Signals:
    """Ending signals, caught from now on: `wake` becomes readable, `name()` says which came first."""

    __slots__ = ("wake",)

    def __init__(self) -> None:
        """Catch them. A signal that the caller told us to ignore (nohup) stays ignored."""
        self.wake, write = os.pipe()
        os.set_blocking(write, False)
        _signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)  # ignored, it would leave nothing to wait for
        numbers = [getattr(_signal, name) for name in _ENDING]
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, numbers)
        for number in numbers:
            if _signal.getsignal(number) != _signal.SIG_IGN:
                _signal.signal(number, _noted)

    def name(self) -> str:
        """Return the name of the first signal that came."""
        import signal

        return signal.Signals(os.read(self.wake, 1)[0]).name


def _noted(_number: int, _frame: object) -> None:
    """Do nothing: the byte in the pipe is the message."""
