"""The first line of our code that a console script runs."""

from __future__ import annotations

import sys

from watchdog_tools.cli.isolation import isolate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def start(name: str) -> NoReturn:
    """Run the console script `name`, isolated from what the environment adds to the import path."""
    isolate()
    from watchdog_tools.cli.guard import guard
    from watchdog_tools.cli.inner import find

    guard(find(name), sys.argv[1:])
