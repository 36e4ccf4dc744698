"""The only print: one write to standard output, bounded in time and length, whatever reads it."""

from __future__ import annotations

import os
import select

from watchdog_tools.text import LINE, printable

_PIPE = 4096  # bytes that a pipe takes in one piece (PIPE_BUF)


def put(line: str, more: tuple[str, ...] = (), seconds: float = 0.5) -> None:
    """Write `line`, and the lines of `more`, if there is room within `seconds`.

    A full pipe, a full disk, a closed descriptor: the line is lost, the exit code is not.
    """
    whole = "\n".join([_bounded(line), *(_bounded(each) for each in more)]) + "\n"
    data = whole.encode("ascii", "backslashreplace")
    try:
        poll = select.poll()
        poll.register(1, select.POLLOUT)
        while data and any(event & select.POLLOUT for _, event in poll.poll(seconds * 1000)):
            data = data[os.write(1, data[:_PIPE]) :]
    except OSError:
        return


def _bounded(line: str) -> str:
    text = printable(line)
    return text if len(text) < LINE else f"{text[: LINE - 4]}..."
