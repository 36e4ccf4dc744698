"""The actor of ensure-running as a process's only job: the function that the guard forks, here unforked.

    python action_worker.py WHO-FIRST ARGUMENTS OF ensure-running …

A fault injector then has it as its first process. What it says is one line, `STATE SUMMARY`, as the
guard would get it. The modules that it loads late are loaded early, so that what it does between its
first touch of the state directory and its end is its work alone.

WHO-FIRST: `either` leaves forks alone. `parent` stops the child that is to become the instance where it was born,
`child` both sides, until somebody continues them; each prints `child PID` first.
"""

from __future__ import annotations

import encodings.ascii
import errno
import json
import os
import pwd
import signal
import sys
import time
from collections.abc import Callable
from typing import ParamSpec

import filelock

from watchdog_tools.actions import spawn
from watchdog_tools.cli import fast_parser
from watchdog_tools.cli.common_options import filled_in
from watchdog_tools.cli.converters import convert
from watchdog_tools.core import NAMES
from watchdog_tools.ensure_running import COMMAND
from watchdog_tools.ensure_running.act import acted
from watchdog_tools.ensure_running.config import Config
from watchdog_tools.workers.worker import Progress

spawn.warm_up()
EARLY = (encodings.ascii, errno, filelock, json, pwd)  # what an actor imports when it comes to need it

P = ParamSpec("P")
_met: list[int] = []  # the child that is stopped


def main(first: str, *words: str) -> None:
    """Act once, and say how it went."""
    if first != "either":
        os.fork = stopped(os.fork, both=first == "child")
        spawn.fork_into = stopped(spawn.fork_into, both=first == "child")
    config = parsed(list(words))
    null = os.open(os.devnull, os.O_WRONLY)
    life, guard = os.pipe()  # `guard` stays open: it lives as long as we do
    try:
        result = acted(config, "no instance", Progress(null, time.monotonic() + 60), life)
        line = f"{NAMES[result.state]} {result.summary}\n"
    except Exception as error:  # noqa: BLE001 -- as the fork that it is otherwise run in does
        line = f"UNKNOWN internal error: {type(error).__name__}: {error}\n"
    os.close(guard)
    os.write(1, line.encode())
    os._exit(0)


def parsed(words: list[str]) -> Config:
    """Return what the command line means, as the guard reads it."""
    raw = fast_parser.parse(COMMAND, words)
    assert raw is not None, f"not a plain command line: {words}"
    config = COMMAND.configure(filled_in(convert(COMMAND, raw), raw, {}))
    assert isinstance(config, Config)
    return config


def stopped(fork: Callable[P, int], *, both: bool) -> Callable[P, int]:
    """Return a fork whose child, and with `both` the parent too, stops before it does anything.

    A look's does not, nor does a second child that takes the place of one that was killed at its birth.
    """

    def fork_and_stop(*args: P.args, **kwargs: P.kwargs) -> int:
        pid = fork(*args, **kwargs)
        if _met or sys._getframe(1).f_globals["__name__"] != spawn.__name__:
            return pid
        _met.append(pid)
        if pid:
            os.write(1, f"child {pid}\n".encode())
        if both or not pid:
            os.kill(os.getpid(), signal.SIGSTOP)
        return pid

    return fork_and_stop


if __name__ == "__main__":
    main(*sys.argv[1:])
