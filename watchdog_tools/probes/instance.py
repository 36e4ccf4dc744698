"""LOOK: the instance that we started, by its record, and whether that very process lives.

The record is read bounded, never through a link, and never believed blindly.
"""

from __future__ import annotations

import os
import stat

from watchdog_tools.record import FOUND, LONGEST, Corrupt, Record, Seen, parse
from watchdog_tools.system import identity, statedir


def look(path: str, name: str) -> Seen:
    """Return what the record of NAME in the directory `path` says now. Raise proc.Unseen."""
    try:
        directory = statedir.enter(path)
    except statedir.NoState as error:
        return Seen(None, alive=False, note="" if error.missing else str(error))
    try:
        return look_in(directory, name)
    finally:
        os.close(directory)


def look_in(directory: int, name: str) -> Seen:
    """Return what the record of NAME says, in a directory that is open already. Raise proc.Unseen."""
    try:
        record = _read(directory, name)
    except Corrupt as error:
        return Seen(None, alive=False, note=f"the record of {name} is not usable: {error}", corrupt=True)
    except OSError as error:
        return Seen(None, alive=False, note=f"the record of {name} cannot be read: {error.strerror}")
    ours = record is not None and record.phase != FOUND
    return Seen(record, alive=record is not None and ours and identity.alive(record.identity))


def _read(directory: int, name: str) -> Record | None:
    """Return the record of NAME in the state directory, None if there is none.

    Raise Corrupt with a sentence for one that is torn, foreign or from the future; OSError.
    """
    data = _contents(directory, f"{name}.record")
    return None if data is None else parse(data)


def _contents(directory: int, name: str) -> bytes | None:
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
