"""LOOK: the instance that we started, by its record, and whether that very process lives.

The record is read bounded, never through a link, and never believed blindly.
"""

from __future__ import annotations

import os

from watchdog_tools.record import FOUND, LONGEST, Record, Seen, parse
from watchdog_tools.system import identity, proc, statedir
from watchdog_tools.text import printable, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.names import Owner


def look(owner: Owner) -> Seen:
    """Return what the record of a service says now. Raise proc.Unseen."""
    try:
        directory = statedir.enter(owner.directory)
    except statedir.NoState as error:
        return Seen(None, alive=False, note="" if error.missing else str(error))
    try:
        return look_in(directory, owner)
    finally:
        os.close(directory)


def look_in(directory: int, owner: Owner) -> Seen:
    """Return what the record of a service says, in its directory that is open already. Raise proc.Unseen.

    Only a file of the owner's uid is believed.
    """
    try:
        record = _read(directory, owner)
        alive = record is not None and record.phase != FOUND and identity.alive(record.identity)
        if record and alive and not record.owner:
            _of_an_older_release(record, owner)
    except ValueError as error:
        return Seen(None, alive=False, note=f"the record of {owner.name} is not usable: {error}", corrupt=True)
    except proc.Unseen:
        raise
    except OSError as error:
        return Seen(None, alive=False, note=f"the record of {owner.name} cannot be read: {error.strerror}")
    return Seen(record, alive=alive)


def _read(directory: int, owner: Owner) -> Record | None:
    """Return the record in the state directory, None if there is none.

    Raise ValueError with a sentence for one that is torn, foreign or from the future; OSError.
    """
    data = statedir.contents(directory, f"{owner.name}.record", LONGEST, owner.uid)
    record = None if data is None else parse(data)
    if record and record.owner not in ("", owner.text):
        raise ValueError(f"it is {_whose(record.owner, owner)}")
    return record


def _whose(text: str, owner: Owner) -> str:
    """Return whose record it is, in words that follow "it is"."""
    name, _, rest = text.partition(" ")
    directory = rest.partition(" ")[2]
    if name != owner.name:
        return f"that of {quoted(name, 64)}"
    if directory != printable(owner.directory):
        return f"a copy, from {quoted(directory)}"
    return "of another root directory or container"


def _of_an_older_release(record: Record, owner: Owner) -> None:
    """Raise ValueError where the process of a record that does not say whose it is carries the mark of another one."""
    from watchdog_tools.system import marks

    mark = marks.of(record.pid)
    if mark and mark.pid == record.pid and not mark.owner.is_same(owner):
        raise ValueError(f"its process is of {quoted(mark.owner.name, 64)}")
