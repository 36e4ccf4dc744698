"""The actor of ensure-running as a process's only job: the function that the guard forks, here unforked.

    python actor.py WHO-FIRST ARGUMENTS OF ensure-running …

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

import filelock

from watchdog_tools.actions import spawn
from watchdog_tools.cli import fast
from watchdog_tools.cli.common import settle
from watchdog_tools.cli.values import convert
from watchdog_tools.commands.acting import acted
from watchdog_tools.commands.ensure_running import COMMAND
from watchdog_tools.commands.keeping import Config
from watchdog_tools.result import NAMES
from watchdog_tools.system.looker import Say

EARLY = (encodings.ascii, errno, filelock, json, pwd)  # what an actor imports when it comes to need it
LOOK_SECONDS = 10.0


def main(first: str, *words: str) -> None:
    """Act once, and say how it went."""
    if first != "either":
        os.fork = stopped_fork(os.fork, both=first == "child")  # type: ignore[assignment]
    config = parsed(list(words))
    null = os.open(os.devnull, os.O_WRONLY)
    life, guard = os.pipe()  # `guard` stays open: it lives as long as we do
    try:
        result = acted(config, LOOK_SECONDS, "no instance", Say(null, time.monotonic() + 60), life)
        line = f"{NAMES[result.state]} {result.summary}\n"
    except Exception as error:  # noqa: BLE001 -- as the fork that it is otherwise run in does
        line = f"UNKNOWN internal error: {type(error).__name__}: {error}\n"
    os.close(guard)
    os.write(1, line.encode())
    os._exit(0)


def parsed(words: list[str]) -> Config:
    """Return what the command line means, as the guard reads it."""
    raw = fast.parse(COMMAND, words)
    assert raw is not None, f"not a plain command line: {words}"
    values = convert(COMMAND, raw)
    settle(values, raw, {})
    config = COMMAND.settle(values)
    assert isinstance(config, Config)
    return config


def stopped_fork(fork: Callable[[], int], *, both: bool) -> Callable[[], int]:
    """Return a fork whose child, and with `both` the parent too, stops before it does anything; a look's does not."""

    def stopped() -> int:
        pid = fork()
        if sys._getframe(1).f_globals["__name__"] != spawn.__name__:
            return pid
        if pid:
            os.write(1, f"child {pid}\n".encode())
        if both or not pid:
            os.kill(os.getpid(), signal.SIGSTOP)
        return pid

    return stopped


if __name__ == "__main__":
    main(*sys.argv[1:])
