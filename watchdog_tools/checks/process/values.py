"""The types of check-process's options, as converted. Loaded by type checkers only."""

from __future__ import annotations

from typing import Literal

from watchdog_tools.cli.values import CheckValues


class Values(CheckValues):
    """The options as converted; a test holds the names against the table."""

    command: tuple[str, ...]
    argument_array: str | None
    ereg_argument_array: str | None
    user: str | None
    ppid: int | None
    state: str | None
    vsz: int | None
    rss: int | None
    no_kthreads: bool
    exe: str | None
    pidfile: str | None
    traditional: bool
    metric: Literal["PROCS", "RSS", "VSZ", "CPU", "ELAPSED", "FDS", "THREADS"]
    absent: bool
    list: bool
