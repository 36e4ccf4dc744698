"""What a process is set up with: signals as a readable descriptor, and an import path without accidents.

So `poll` ends on a signal, and nothing is raised in the middle of a step.
"""

from __future__ import annotations

import _signal
import os
import sys

# What ends a process that does not handle it, and what a scheduler, a terminal or a limit sends.
_ENDING = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGVTALRM",
           "SIGPROF", "SIGIO")  # fmt: skip


class Signals:
    """Ending signals, caught from now on: `cancel_fd` becomes readable, `name()` says which came first."""

    __slots__ = ("cancel_fd",)

    def __init__(self) -> None:
        """Catch them. A signal that the caller told us to ignore (nohup) stays ignored."""
        self.cancel_fd, write = os.pipe()
        os.set_blocking(write, False)
        _signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)  # ignored, it would leave nothing to wait for
        numbers = [getattr(_signal, name) for name in _ENDING]
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, numbers)
        for number in numbers:
            if _signal.getsignal(number) != _signal.SIG_IGN:
                _signal.signal(number, _nothing)

    def name(self) -> str:
        """Return the name of the first signal that came."""
        import signal

        return signal.Signals(os.read(self.cancel_fd, 1)[0]).name


def _nothing(_number: int, _frame: object) -> None:
    """Do nothing: the byte in the pipe is the message."""


def isolate() -> None:
    """Replace this process by `python -I` on the same words, unless our own package comes from there.

    It guards against accidents only: who controls the environment of root owns the run anyway.
    """
    if sys.flags.isolated or not in_force() or ours_is_there():
        return
    os.execv(sys.executable, [sys.executable, "-I", *sys.argv])  # noqa: S606 -- ourselves


def in_force() -> list[str]:
    """Return the places outside the installation that modules may come from."""
    places = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    if os.environ.get("PYTHONHOME"):
        places.append(os.environ["PYTHONHOME"])
    site = sys.modules.get("site")
    user = getattr(site, "USER_SITE", None)
    if user and getattr(site, "ENABLE_USER_SITE", False) and user in sys.path:
        places.append(user)
    return places


def ours_is_there() -> bool:
    """Whether this very package was loaded from one of those places, so that -I would lose it."""
    return any(os.path.abspath(__file__).startswith(os.path.abspath(place) + os.sep) for place in in_force())
