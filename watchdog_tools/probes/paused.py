"""LOOK: the pause of a NAME. An order counts only from a file that nobody else can have written."""

from __future__ import annotations

import os
import time

from watchdog_tools import pauses
from watchdog_tools.record import Corrupt
from watchdog_tools.system import statedir
from watchdog_tools.system.clock import boot_id, uptime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.pauses import Pause


def look(place: str, name: str, owner: int | None = None) -> tuple[Pause | None, str]:
    """Return the pause of NAME that holds now, None if there is none; and why a file is not believed, or nothing.

    place: of statedir.pauses. owner: whose orders count, ours if None; another one's are only read.
    """
    if not statedir.pause_present(place, name):
        return None, ""
    try:
        pause = _read(place, name, owner)
        if pause is None or left(pause):
            return pause, ""
        if pauses.ahead(pause, int(uptime() * 1000), boot_id()):
            raise Corrupt("it begins in the future")
    except (statedir.NoState, ValueError) as error:
        return None, f"the pause of {name} is ignored: {error}"
    except OSError as error:
        return None, f"the pause of {name} is ignored: it cannot be read: {error.strerror}"
    return None, ""


def left(pause: Pause) -> int:
    """Return the milliseconds that a pause holds from now on, 0 if it is over."""
    return pauses.left(pause, int(uptime() * 1000), boot_id(), time.time())


def _read(place: str, name: str, owner: int | None) -> Pause | None:
    directory = statedir.enter(place, reading=owner is not None)
    try:
        if owner is not None and os.fstat(directory).st_uid != owner:
            raise Corrupt(f"its directory belongs to uid {os.fstat(directory).st_uid}")
        data = statedir.contents(directory, name, pauses.LARGEST, owner)
    finally:
        os.close(directory)
    if data is None:
        return None
    pause = pauses.parse(data)
    if pause.name != name:
        raise Corrupt("it is of another NAME")
    return pause
