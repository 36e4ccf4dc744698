"""Signals without the module `signal`, whose enums cost half of bare Python to import: their names, and pidfds."""

from __future__ import annotations

import _signal

_ALIASES = ("SIGCLD", "SIGIOT", "SIGPOLL")  # second names of others
_TO_GROUP = 1 << 2  # PIDFD_SIGNAL_PROCESS_GROUP, since Linux 6.9


def name(number: int) -> str:
    """Return `SIGKILL` of 9, and `signal 41` of one that has no name."""
    for key, value in vars(_signal).items():
        if value == number and key.startswith("SIG") and "_" not in key and key not in _ALIASES:
            return str(key)
    return f"signal {number}"


def send(handle: int, number: int) -> bool:
    """Signal a process through its pidfd. Return False where we may not; one that has ended is no failure."""
    try:
        _signal.pidfd_send_signal(handle, number)
    except PermissionError:
        return False
    except ProcessLookupError:
        pass
    return True


def send_to_group(handle: int, number: int) -> None:
    """Signal the process group that the process of a pidfd leads, or led: no later one can have taken its number.

    An older kernel does nothing.
    """
    try:
        _signal.pidfd_send_signal(handle, number, None, _TO_GROUP)
    except OSError:
        return
