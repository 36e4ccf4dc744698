"""The command line by which a NAME was last started or adopted, for the operator's start, restart and stop."""

from __future__ import annotations

import errno
import os
import time

from watchdog_tools import state as statedir
from watchdog_tools.core.record import Corrupt
from watchdog_tools.core.saved_command import LARGEST, TOO_LONG, SavedCommand, parse
from watchdog_tools.state import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def read(path: str, name: str) -> SavedCommand | None:
    """Return what was last saved of NAME, None if it was never kept in the state directory `path`.

    It is in the memory, and beside the locks, where a release before the memory looks; the later one counts.
    Raise StateDirError for a directory that we may not use, Corrupt with a sentence for a file that is not believed.
    """
    old = f"{path}/{files.LOCKS}"
    try:
        saved = _read(statedir.memory_directory(path, os.geteuid()), name)
    except statedir.StateDirError:  # what is there in /run will do
        saved = _read(old, name)
        if saved is None:
            raise
        return saved
    try:
        other = _read(old, name)
    except (statedir.StateDirError, Corrupt):
        if saved is None:
            raise
        return saved
    return max(filter(None, (saved, other)), key=lambda each: each.wall, default=None)


def _read(place: str, name: str) -> SavedCommand | None:
    try:
        directory = statedir.enter(place)
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


def dump(argv: Sequence[str]) -> bytes:
    """Return the file's bytes for this run's words behind the program's own name.

    One that is too long is TOO_LONG: an older one would be another command line, none would say that nothing was kept.
    """
    try:
        cwd = os.getcwd()
    except OSError:  # it was removed; whatever needs it cannot be started from there again
        cwd = "/"
    data = SavedCommand(argv=tuple(argv), cwd=cwd, wall=int(time.time())).dump()
    return TOO_LONG if len(data) >= LARGEST else data


def write(directory: int, name: str, data: bytes) -> str:
    """Replace NAME.command in an open directory. Return what hindered that, or that it is TOO_LONG, or nothing.

    Only who holds NAME's lock may.
    """
    try:
        files.replace(directory, f"{name}.command", data, 0o600)
    except OSError as error:
        return f"the command line cannot be kept: {error.strerror}"
    return f"the command line cannot be kept: {os.strerror(errno.E2BIG)}" if data == TOO_LONG else ""
