"""Signals to processes that provably belong together, each through a pidfd whose identity was verified."""

from __future__ import annotations

import _signal
import os

from watchdog_tools.system import proc
from watchdog_tools.system.identity import handle, of

_ROUNDS = 5  # a family that forks while it is killed is met again


def in_session(leader: int) -> list[int]:
    """Return the live processes of a session whose leader is our own child and not reaped yet.

    Until then its number is its own. Raise proc.Unseen.
    """
    return [pid for pid in proc.pids() if _belongs(pid, leader)]


def signal_all(pids: list[int], number: int) -> None:
    """Send a signal to each of them that still lives."""
    import signal

    for pid in pids:
        identity = of(pid)
        descriptor = handle(identity) if identity else None
        if descriptor is None:
            continue
        try:
            signal.pidfd_send_signal(descriptor, number)
        except OSError:
            pass  # it has ended meanwhile
        os.close(descriptor)


def kill_session(leader: int) -> None:
    """Kill what is left of a session: a plugin's `timeout` is in a process group of its own."""
    for _ in range(_ROUNDS):
        members = in_session(leader)
        if not members:
            return
        signal_all(members, _signal.SIGKILL)


def _belongs(pid: int, leader: int) -> bool:
    found = proc.stat(pid)
    return found is not None and found.running and found.session == leader
