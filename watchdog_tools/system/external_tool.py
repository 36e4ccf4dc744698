"""Ask a tool of the system: where it is, and what it says, bounded in size and time."""

from __future__ import annotations

import os
import select
import sys
import time

from watchdog_tools.core.struct import Struct
from watchdog_tools.system.executables import located
from watchdog_tools.system.identity import pidfd, require_pidfd
from watchdog_tools.system.path_trust import untrusted_program

_PLACES = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ENOUGH = 65536  # bytes of each stream


class Answer(Struct):
    """How a tool ended: exit code (negative: a signal; None: not in time), and what it said."""

    code: int | None
    out: bytes
    err: bytes


def find(name: str) -> str | None:
    """Return the absolute path of the tool: in PATH, where systems keep them, or beside our interpreter.

    cron's PATH has neither /usr/local/bin nor the directory of a virtual environment. Root passes over what others
    could replace, but beside the interpreter that it runs already.
    """
    beside = os.path.dirname(sys.executable)
    for place in (*os.environ.get("PATH", "").split(":"), *_PLACES.split(":")):
        found = located(name, place)
        if found and (os.geteuid() or place == beside or not untrusted_program(found, _PLACES)):
            return found
    return located(name, beside)


def ask(argv: tuple[str, ...], limit: float | None = None) -> Answer:
    """Run a tool in the plainest locale, for `limit` seconds at most. Raise OSError if it cannot run.

    It dies with this probe worker, whose group it is in.
    """
    import subprocess

    require_pidfd()
    until = None if limit is None else time.monotonic() + limit
    tool = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",  # as a start command runs: a tool that looks for its configuration finds the same one
        env=os.environ | {"LC_ALL": "C"},
    )
    heard = _heard([pipe.fileno() for pipe in (tool.stdout, tool.stderr) if pipe], tool.pid, until)
    if heard is None:
        tool.kill()
    code = tool.wait()
    for pipe in (tool.stdout, tool.stderr):
        if pipe:
            pipe.close()
    if heard is None:
        return Answer(code=None, out=b"", err=b"")
    return Answer(code=code, out=heard[0], err=heard[1])


def _heard(streams: list[int], pid: int, until: float | None) -> tuple[bytes, bytes] | None:
    """Read both streams until they are closed, or the tool ended with nothing left to read; None if not in time."""
    said = dict.fromkeys(streams, b"")
    waiting = set(streams)
    handle = pidfd(pid)
    poll = select.poll()
    for descriptor in (*streams, handle):
        poll.register(descriptor, select.POLLIN)
    try:
        while waiting:
            left = None if until is None else (until - time.monotonic()) * 1000
            ready = [descriptor for descriptor, _ in poll.poll(left if left is None else max(left, 0))]
            if not ready:
                return None
            if ready == [handle]:
                break
            for descriptor in waiting.intersection(ready):
                chunk = os.read(descriptor, 65536)
                said[descriptor] = (said[descriptor] + chunk)[:_ENOUGH]
                if not chunk:
                    poll.unregister(descriptor)
                    waiting.discard(descriptor)
    finally:
        os.close(handle)
    return said[streams[0]], said[streams[1]]
