"""The formats: each is a module with `render(result, run) -> lines`, for verdicts and for usage errors alike.

And the only print: to standard output, bounded in time, whatever reads it.
"""

from __future__ import annotations

import os
import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from watchdog_tools.core import Result

    Format = Literal["text", "json", "zabbix", "prometheus"]

_PIPE = 4096  # bytes that a pipe takes in one piece (PIPE_BUF)

# Name of the module -> what help adds to it.
FORMATS: dict[Format, str] = {"text": "", "json": "", "zabbix": "the bare value", "prometheus": ""}


class Invocation:
    """What a format may tell of a command's run besides its Result.

    name: the command's. label: the word in front of its line, `PORT`. started: seconds since the epoch. duration:
    seconds. host: this machine's name. verbose: whether the long output is wanted.
    """

    __slots__ = ("duration", "host", "label", "name", "started", "verbose")

    def __init__(  # noqa: PLR0913 -- a record, built by keyword
        self, *, name: str, label: str, started: float, duration: float, host: str, verbose: bool
    ) -> None:
        """Take the fields as the class describes them."""
        self.name = name
        self.label = label
        self.started = started
        self.duration = duration
        self.host = host
        self.verbose = verbose


def render(form: Format, result: Result, run: Invocation) -> list[str]:
    """Return the lines of a result in a format of FORMATS, whose module alone is loaded."""
    module = __import__(f"watchdog_tools.outputs.{form}", fromlist=["render"])
    lines: list[str] = module.render(result, run)
    return lines


def write(*lines: str, seconds: float = 0.5) -> bool:
    """Write `lines`, printable each, in one piece if a pipe takes it, and if there is room within `seconds`.

    A full pipe, a full disk, a closed descriptor: the line is lost, the exit code is not. Return whether all was taken.
    """
    data = "".join(f"{line}\n" for line in lines).encode("ascii", "backslashreplace")
    try:
        poll = select.poll()
        poll.register(1, select.POLLOUT)
        while data and any(event & select.POLLOUT for _, event in poll.poll(seconds * 1000)):
            data = data[os.write(1, data[:_PIPE]) :]
    except OSError:
        return False
    return not data
