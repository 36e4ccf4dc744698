"""Reading the record and the lock file's owner: bounded, never through a link, never believed blindly."""

from __future__ import annotations

import os
import stat

from watchdog_tools.record import LONGEST, Corrupt, Record, parse


def read(directory: int, name: str) -> Record | None:
    """Return the record of NAME in the state directory, None if there is none.

    Raise Corrupt with a sentence for one that is torn, foreign or from the future; OSError.
    """
    data = contents(directory, f"{name}.record")
    return None if data is None else parse(data)


def contents(directory: int, name: str) -> bytes | None:
    """Return a small file of ours, None if there is none. Raise Corrupt if it is not ours, OSError."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a FIFO in its place must not hang us
    try:
        descriptor = os.open(name, flags, dir_fd=directory)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Corrupt(f"it cannot be opened: {error.strerror}") from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Corrupt("it is not a regular file")
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise Corrupt("others own it, or can write it")
        return os.read(descriptor, LONGEST)
    finally:
        os.close(descriptor)
