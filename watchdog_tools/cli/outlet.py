"""The only print: to standard output, bounded in time, whatever reads it."""

from __future__ import annotations

import os
import select

_PIPE = 4096  # bytes that a pipe takes in one piece (PIPE_BUF)


def put(*lines: str, seconds: float = 0.5) -> None:
    """Write `lines`, printable each, in one piece if a pipe takes it, and if there is room within `seconds`.

    A full pipe, a full disk, a closed descriptor: the line is lost, the exit code is not.
    """
    data = "".join(f"{line}\n" for line in lines).encode("ascii", "backslashreplace")
    try:
        poll = select.poll()
        poll.register(1, select.POLLOUT)
        while data and any(event & select.POLLOUT for _, event in poll.poll(seconds * 1000)):
            data = data[os.write(1, data[:_PIPE]) :]
    except OSError:
        return
