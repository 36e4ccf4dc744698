"""The first of our code that a console script runs: keep accidents out of the import path, then on to the guard."""

from __future__ import annotations

import gc
import os
import sys

from watchdog_tools.cli.process_setup import Signals, isolate
from watchdog_tools.system import null_standard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def start(name: str) -> NoReturn:
    """Run the console script `name`, isolated from what the environment adds to the import path."""
    try:
        null_standard()  # first: the pipe of the signals would take a closed stdout's place, and the line with it
        signals = Signals()
        isolate()
        gc.disable()  # a process that lives for milliseconds collects no garbage worth 0.7 M instructions
        from watchdog_tools.cli.command import find
        from watchdog_tools.cli.guard import guard

        command = find(name)
    except BaseException as error:  # noqa: BLE001 -- no memory, no descriptors, a broken installation
        words = f"{name} UNKNOWN - cannot be loaded: {type(error).__name__}: {error}"[:1000]
        try:
            os.write(1, "".join(char if " " <= char <= "~" else "?" for char in words).encode() + b"\n")
        finally:
            os._exit(3)
    guard(command, sys.argv[1:], signals)
