"""The pause of a NAME: it counts only from a file that nobody else can have written."""

from __future__ import annotations

import os
import time

from watchdog_tools import state as statedir
from watchdog_tools.core import pause as pauses
from watchdog_tools.core.record import Corrupt
from watchdog_tools.core.text import human_duration, quoted
from watchdog_tools.system import boot_id, local_time, uptime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core.pause import Pause


def read(place: str, name: str, owner: int | None = None) -> tuple[Pause | None, str]:
    """Return the pause of NAME that holds now, None if there is none; and why a file is not believed, or nothing.

    place: of statedir.pause_directory. owner: whose pauses count, ours if None; another one's are only read.
    """
    if not statedir.pause_present(place, name):
        return None, ""
    try:
        pause = _parsed(place, name, owner)
        if pause is None or remaining(pause):
            return pause, ""
        if pauses.begins_in_future(pause, int(uptime() * 1000), boot_id()):
            raise Corrupt("it begins in the future")
    except (statedir.StateDirError, ValueError) as error:
        return None, f"the pause of {name} is ignored: {error}"
    except OSError as error:
        return None, f"the pause of {name} is ignored: it cannot be read: {error.strerror}"
    return None, ""


def remaining(pause: Pause) -> int:
    """Return the milliseconds that a pause holds from now on, 0 if it is over."""
    return pauses.remaining(pause, int(uptime() * 1000), boot_id(), time.time())


def until(pause: Pause) -> str:
    """Return the words for a pause that holds: until when, for how long, and why."""
    if pause.until_boot:
        return "paused until the next boot" + (f" ({quoted(pause.reason)})" if pause.reason else "")
    seconds = max(round(remaining(pause) / 1000), 1)  # what was asked for just now is said as it was asked for
    reason = f": {quoted(pause.reason)}" if pause.reason else ""
    return f"paused until {local_time(time.time() + seconds)} ({human_duration(seconds)}{reason})"


def _parsed(place: str, name: str, owner: int | None) -> Pause | None:
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


def write(place: str, pause: Pause, *, default: bool) -> None:
    """Replace the pause of its NAME in `place`. Raise StateDirError, OSError; an older pause stays then.

    default: the state directory is a default one, so that all levels of `place` may be created.
    """
    from watchdog_tools.state import files  # a run that finds a pause does without

    everything = statedir.pause_levels(place, default=default)
    os.close(files.make(os.path.dirname(place), levels=everything))
    directory = files.make(place, levels=everything)
    try:  # no NAME begins with a dot; and there is no lock, so a scratch file of our own
        files.replace(directory, pause.name, pause.dump(), 0o644, f".{pause.name}.{os.getpid()}")
    finally:
        os.close(directory)


def remove(place: str, name: str) -> bool:
    """Remove the pause of NAME; return whether there was a file. Raise StateDirError, OSError."""
    from watchdog_tools.state import files

    return files.remove_at(place, name)
