"""LOOK: the instance that we started, by its record, and whether that very process lives.

The record is read bounded, never through a link, and never believed blindly.
"""

from __future__ import annotations

import os

from watchdog_tools.record import FOUND, LONGEST, Record, Seen, parse
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


def look_in(directory: int, name: str, owner: int | None = None) -> Seen:
    """Return what the record of NAME says, in a directory that is open already. Raise proc.Unseen.

    owner: whose record is believed, ours if None.
    """
    try:
        record = _read(directory, name, owner)
    except ValueError as error:
        return Seen(None, alive=False, note=f"the record of {name} is not usable: {error}", corrupt=True)
    except OSError as error:
        return Seen(None, alive=False, note=f"the record of {name} cannot be read: {error.strerror}")
    ours = record is not None and record.phase != FOUND
    return Seen(record, alive=record is not None and ours and identity.alive(record.identity))


def _read(directory: int, name: str, owner: int | None) -> Record | None:
    """Return the record of NAME in the state directory, None if there is none.

    Raise ValueError with a sentence for one that is torn, foreign or from the future; OSError.
    """
    data = statedir.contents(directory, f"{name}.record", LONGEST, owner)
    return None if data is None else parse(data)
