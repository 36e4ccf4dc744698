"""A line for each process, for people: pid, user, state, executable, arguments."""

from __future__ import annotations

import pwd

from watchdog_tools.core.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchdog_tools.system.process import Process

_LINES = 100  # a page that still is read


def lines(processes: list[Process]) -> Iterator[str]:
    """Yield a line for each of the first hundred, and how many more there are."""
    for process in processes[:_LINES]:
        exe = "?" if process.exe is None else quoted(process.exe) or "-"
        args = quoted(process.joined() or b"[" + process.stat.comm + b"]")
        yield f"pid {process.pid} user {_user(process.uid)} state {process.stat.state} exe {exe} args {args}"
    if len(processes) > _LINES:
        yield f"and {len(processes) - _LINES} more"


def _user(uid: int) -> str:
    try:
        return quoted(pwd.getpwuid(uid).pw_name)
    except KeyError:
        return str(uid)
