"""The command line by which a NAME was last started or adopted, for the operator's start, restart and stop."""

from __future__ import annotations

import errno
import os
import time

from watchdog_tools import state as statedir
from watchdog_tools.core.record import Corrupt
from watchdog_tools.core.saved_command import LARGEST, SavedCommand, parse
from watchdog_tools.state import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def read(path: str, name: str) -> SavedCommand | None:
    """Return what the state directory `path` holds for NAME, None if it was never kept here.

    Raise StateDirError for a directory that we may not use, Corrupt with a sentence for a file that is not believed.
    """
    try:
        directory = statedir.enter(f"{path}/lock")
    except statedir.StateDirError as error:
        if error.missing:
            return None
        raise
    try:
        data = statedir.contents(directory, f"{name}.command", LARGEST)
        return None if data is None else parse(data)
    except ValueError as error:
        raise Corrupt(str(error)) from None
    except OSError as error:
        raise Corrupt(f"it cannot be read: {error.strerror}") from None
    finally:
        os.close(directory)


def save(directory: int, name: str, argv: Sequence[str], path: str) -> list[str]:
    """Save this run's own words, and that NAME ever was kept. Return sentences about what could not be.

    directory: that of the locks, open. Only who holds NAME's lock may. argv: the words behind the program's own name.
    path: the state directory.
    """
    try:
        cwd = os.getcwd()
    except OSError:  # it was removed; whatever needs it cannot be started from there again
        cwd = "/"
    failed = []
    try:
        write(directory, name, argv, cwd)
    except OSError as error:
        failed.append(f"the command line cannot be kept: {error.strerror}")
    place = statedir.kept_directory(path)
    if place and not os.path.lexists(f"{place}/{name}"):
        failed += _remember_name(name, place)
    return failed


def write(directory: int, name: str, argv: Sequence[str], cwd: str) -> None:
    """Replace NAME.command in the open directory of the locks. Only who holds NAME's lock may. Raise OSError.

    argv: the run's words behind the program's own name. cwd: its working directory, or empty. One that is too long
    to be kept leaves none: an older one is another command line.
    """
    data = SavedCommand(argv=tuple(argv), cwd=cwd, wall=int(time.time())).dump()
    if len(data) >= LARGEST:
        files.remove(directory, f"{name}.command")
        raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
    files.replace(directory, f"{name}.command", data, 0o600)


def _remember_name(name: str, place: str) -> list[str]:
    """Leave a file that says after a reboot, too, that NAME was kept here. Return as `save` does."""
    try:
        directory = files.make(place, levels=True)
        try:
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644, dir_fd=directory))
        finally:
            os.close(directory)
    except (statedir.StateDirError, OSError) as error:
        return [f"that it was kept cannot be remembered: {getattr(error, 'strerror', None) or error}"]
    return []
