"""TOUCH: keep the command line that keeps NAME, for the operator's own hand, and that it ever was kept."""

from __future__ import annotations

import os

from watchdog_tools.actions import commandfile
from watchdog_tools.actions.statedir import make
from watchdog_tools.system import statedir

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
    place = statedir.kept(run.order.path)
    if place and not os.path.lexists(f"{place}/{run.name}"):
        _remember(run, place)


def _remember(run: Run, place: str) -> None:
    """Leave a file that says after a reboot, too, that NAME was kept here."""
    try:
        directory = make(place, levels=True)
        try:
            os.close(os.open(run.name, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644, dir_fd=directory))
        finally:
            os.close(directory)
    except (statedir.NoState, OSError) as error:
        run.note(f"that it was kept cannot be remembered: {getattr(error, 'strerror', None) or error}")
