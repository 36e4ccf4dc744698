"""LOOK: the instance that we started, by its record, and whether that very process lives."""

from __future__ import annotations

import os

from watchdog_tools.record import Corrupt, Seen
from watchdog_tools.system import identity, records, statedir


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
        record = records.read(directory, name)
    except Corrupt as error:
        return Seen(None, alive=False, note=f"the record of {name} is not usable: {error}", corrupt=True)
    except OSError as error:
        return Seen(None, alive=False, note=f"the record of {name} cannot be read: {error.strerror}")
    return Seen(record, alive=record is not None and identity.alive(record.identity))
