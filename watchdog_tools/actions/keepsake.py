"""TOUCH: keep the command line that keeps NAME, for the operator's own hand."""

from __future__ import annotations

import os

from watchdog_tools.actions import commandfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.run import Run


def keepsake(run: Run) -> None:
    """Store this run's own words, unless an operator's order has brought it here."""
    if run.order.hand:
        return
    try:
        cwd = os.getcwd()
    except OSError:  # it was removed; whatever needs it cannot be started from there again
        cwd = "/"
    try:
        commandfile.write(run.lock.directory, run.name, run.order.words, cwd)
    except OSError as error:
        run.note(f"the command line cannot be kept: {error.strerror}")
