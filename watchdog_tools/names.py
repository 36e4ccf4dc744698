"""Words: the marks by which what we started is found again: an instance, or a command that a run needs done."""

from __future__ import annotations

MARK = "WATCHDOG_TOOLS_INSTANCE"
COMMAND = "WATCHDOG_TOOLS_COMMAND"  # of a hook and its like, which must never be taken for an instance
_MARK = 4200  # bytes of a mark at most; Python refuses to read longer numbers, loudly


def mark(pid: int, ticks: int, uid: int, name: str, directory: str) -> str:
    """Return the mark's value. PID and TICKS are the instance's own: its children inherit the text."""
    return f"{pid}:{ticks}:{uid}:{name}:{directory}"


def trace(pid: int, ticks: int) -> str:
    """Return the value of a command's mark: it only tells what came from it."""
    return f"{pid}:{ticks}:"


def marked(environ: bytes, name: str, uid: int, directory: str) -> tuple[int, int] | None:
    """Return (pid, ticks) of the mark in a process's environment, if it is of this keeper's NAME."""
    for line in environ.split(b"\0"):
        key, _, value = line.partition(b"=")
        if key == MARK.encode():
            pid, _, rest = value.partition(b":")
            ticks, _, rest = rest.partition(b":")
            ours = rest == f"{uid}:{name}:{directory}".encode("utf-8", "surrogateescape")
            numbers = len(value) < _MARK and pid.isdigit() and ticks.isdigit()
            return (int(pid), int(ticks)) if ours and numbers else None
    return None
