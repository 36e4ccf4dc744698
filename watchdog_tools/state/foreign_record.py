"""A record that does not say that it is this service's: another one's, a copy, or of an earlier release."""

from __future__ import annotations

from watchdog_tools.core.text import quoted
from watchdog_tools.system import identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core.owner import Owner
    from watchdog_tools.core.record import Record


def verify(record: Record, owner: Owner, *, alive: bool) -> None:
    """Raise ValueError with a sentence for the record of another service, or of another place."""
    name, _, rest = record.owner.partition(" ")
    directory = rest.partition(" ")[2]
    if not record.owner:
        if alive:
            _of_an_older_release(record, owner)
    elif name != owner.name:
        raise ValueError(f"it is that of {quoted(name, 64)}")
    elif directory != owner.path:
        raise ValueError(f"it is a copy, from {quoted(directory)}")
    elif not (alive and identity.shares_root(record.pid)):  # else its disk was mounted anew, and has another number
        raise ValueError("it is of another root directory or container")


def _of_an_older_release(record: Record, owner: Owner) -> None:
    """Raise ValueError where the process of a record that does not say whose it is carries the mark of another one."""
    from watchdog_tools.system import marks

    mark = marks.of(record.pid)
    if mark and mark.pid == record.pid and not mark.owner.is_same(owner):
        raise ValueError(f"its process is of {quoted(mark.owner.name, 64)}")
