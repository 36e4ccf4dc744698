"""TOUCH: write an operator's pause by rename, and take it back."""

from __future__ import annotations

import os

from watchdog_tools.actions.statedir import make
from watchdog_tools.system.statedir import NoState, enter, pause_levels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.pauses import Pause


def write(place: str, pause: Pause, *, default: bool) -> None:
    """Replace the pause of its NAME in `place`. Raise NoState, OSError; an older pause stays then.

    default: the state directory is a default one, so that all levels of `place` may be created.
    """
    everything = pause_levels(place, default=default)
    os.close(make(os.path.dirname(place), levels=everything))
    directory = make(place, levels=everything)
    scratch = f".{pause.name}.{os.getpid()}"  # no NAME begins with a dot; no lock, so a file of our own
    try:
        _remove(directory, scratch)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        descriptor = os.open(scratch, flags, 0o644, dir_fd=directory)
        try:
            data = pause.dump()
            if os.write(descriptor, data) != len(data):
                raise OSError(28, os.strerror(28))
        finally:
            os.close(descriptor)
        os.rename(scratch, pause.name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        _remove(directory, scratch)
        raise
    finally:
        os.close(directory)


def remove(place: str, name: str) -> bool:
    """Remove the pause of NAME; return whether there was a file. Raise NoState, OSError."""
    try:
        directory = enter(place)
    except NoState as error:
        if error.missing:
            return False
        raise
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return False
    finally:
        os.close(directory)
    return True


def _remove(directory: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=directory)
    except OSError:
        return
