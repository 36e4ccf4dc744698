"""LOOK: a fork of ours that holds the lock and cannot end: it hangs in the kernel, mostly on a dead disk before exec.

Only a run that did not get the lock asks, and only where the service is down.
"""

from __future__ import annotations

import os
import time

from watchdog_tools.actions.child import STEPS
from watchdog_tools.system import proc, ticks_to_seconds, uptime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.lock import Lock
    from watchdog_tools.core.config import StartOptions

_MOMENT = 0.3  # seconds; who hangs at both ends of it hangs
_KILLED = 1 << 8  # SIGKILL in a mask of pending signals


def stuck_start(lock: Lock, last_owner: tuple[int, int], start_options: StartOptions) -> str:
    """Return a sentence about a fork of ours that holds the lock and is stuck for certain, empty where none is.

    last_owner: pid and start ticks of whoever wrote itself into the lock. Certain: it was killed and lives on, or
    whoever forked it is gone while it prepares; both mean that nobody waits for it.
    """
    try:
        found = [(pid, seen) for pid in proc.pids() if (seen := proc.stat(pid)) and _may_hold(pid, seen, lock)]
        before = {pid: proc.hangs(pid) for pid, _ in found}
    except OSError:
        return ""
    if found:
        time.sleep(_MOMENT)
    for pid, seen in found:
        hangs = before[pid]
        if (
            hangs
            and proc.hangs(pid) == hangs
            and (_is_killed(pid) or (step(seen.comm, start_options) and _is_gone(last_owner)))
        ):
            age = uptime() - ticks_to_seconds(seen.ticks)
            return f"lock held for {age:.0f} s by pid {pid}, {described(seen.comm, start_options)}"
    return ""


def described(comm: bytes, start_options: StartOptions) -> str:
    """Return what a stuck process of ours is, in words, by the name that it goes by."""
    doing = step(comm, start_options)
    if doing:
        return f"a start of ours that is stuck in the kernel while {doing}"
    return "a run of ours that is stuck in the kernel"


def step(comm: bytes, start_options: StartOptions) -> str:
    """Return what a child that prepares was doing, in words; empty for any other process."""
    where = {"cwd": start_options.cwd, "log": start_options.log or "/dev/null", "exec": start_options.argv[0]}
    key = next((key for key, name in STEPS.items() if name == comm), "")
    verb = {"cwd": "changing to", "log": "opening", "exec": "executing"}
    return f"{verb[key]} {where[key]}" if key else ""


def is_stuck(pid: int) -> bool:
    """Whether a child of ours, not reaped yet, lives on though it was killed. One that has ended is reaped."""
    try:
        return not os.waitpid(pid, os.WNOHANG)[0]
    except ChildProcessError:
        return False


def _may_hold(pid: int, seen: proc.Stat, lock: Lock) -> bool:
    """Whether a process in uninterruptible sleep has the lock's file open. Only the links are read, never a disk."""
    if seen.state != "D" or seen.kernel:
        return False
    try:
        links = [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]
    except OSError:  # it has ended, or we may not look
        return False
    return lock.path in links


def _is_killed(pid: int) -> bool:
    fields = proc.status(pid) or {}
    return any(int(fields.get(key, "0"), 16) & _KILLED for key in ("SigPnd", "ShdPnd"))


def _is_gone(last_owner: tuple[int, int]) -> bool:
    pid, ticks = last_owner
    seen = proc.stat(pid) if pid else None
    return bool(pid) and (seen is None or seen.ticks != ticks or not seen.running)
