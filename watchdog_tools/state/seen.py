"""LOOK: when was the last complete run of ensure-running for a NAME? `instance.write_seen` writes it to NAME.seen.

Ages are those of the boot clock: no jump of the wall clock makes a dead cron look alive.
"""

from __future__ import annotations

import os
import time

from watchdog_tools import state as statedir
from watchdog_tools.core.record import Corrupt
from watchdog_tools.core.struct import Struct
from watchdog_tools.core.text import human_duration
from watchdog_tools.system import local_time, uptime
from watchdog_tools.system.identity import here

_LENGTH = 36 + 1 + 15 + 1 + 12 + 1  # boot id, milliseconds, time namespace; what is behind is of no release
_AHEAD = 1.0  # seconds: the file may be written while we read
_HALF_DAY = 43200.0  # seconds
_MEMORY = (".command", ".events", ".events.1")  # what stays of a NAME in the memory


class LastSeen(Struct):
    """When a run was last complete.

    age: seconds since then, or since the boot if none was in it. in_this_boot: whether one was.
    """

    age: float
    in_this_boot: bool


def last_seen(directory: int, name: str, owner: int) -> LastSeen:
    """Return when a run for NAME was last complete. Raise Corrupt with a sentence for what is not to be believed.

    directory: the state directory, open, -1 where there is none. owner: whose word counts.
    """
    try:
        data = statedir.contents(directory, f"{name}.seen", _LENGTH, owner) if directory >= 0 else None
    except ValueError as error:
        raise Corrupt(f"{name}.seen is not believed: {error}") from None
    except OSError as error:
        raise Corrupt(f"{name}.seen cannot be read: {error.strerror}") from None
    now = uptime()
    then = None if data is None else _milliseconds(data, name)
    if then is None:
        return LastSeen(age=now, in_this_boot=False)
    age = now - then / 1000
    if age < -_AHEAD:
        raise Corrupt(f"{name}.seen is not believed: it is of the future")
    return LastSeen(age=max(age, 0.0), in_this_boot=True)


def _milliseconds(data: bytes, name: str) -> int | None:
    """Return the moment that the file tells of, None for one of another boot. Raise Corrupt."""
    words = data.decode("ascii", "replace").split()
    if len(data) != _LENGTH or data[-1:] != b"\n" or len(words) != 3 or not words[1].isdigit():  # noqa: PLR2004
        raise Corrupt(f"{name}.seen is torn, until the next run")
    boot, _, timens = here()
    if words[0] != (boot or "-"):
        return None
    if words[2] != (timens or "-"):
        raise Corrupt(f"{name}.seen is of another time namespace, whose clock is not ours")
    return int(words[1])


def is_known(path: str, directory: int, name: str, owner: int) -> bool:
    """Whether anything of NAME was ever kept in the state directory `path` of `owner`, also before the last boot.

    directory: it, open, -1 where there is none. A pause alone does not tell: what it names may be mistyped.
    """
    memory = statedir.memory_directory(path, owner)
    files = [f"{memory}/{name}{suffix}" for suffix in _MEMORY]
    files += [f"{path}/lock/{name}.command", f"{memory}/kept/{name}"]  # of releases before the memory
    beside = [f"{name}.seen", f"{name}.record"] if directory >= 0 else []
    return any(_is_there(file, directory) for file in beside) or any(map(os.path.lexists, files))


def _is_there(file: str, directory: int) -> bool:
    try:
        os.stat(file, dir_fd=directory, follow_symlinks=False)
    except OSError:
        return False
    return True


def clock(age: float) -> str:
    """Return when that was as a person says it: `03:12`, with the date where that was not in the last half day."""
    moment = local_time(time.time() - age)
    return moment[11:16] if age < _HALF_DAY else moment[:16]


def words(found: LastSeen) -> str:
    """Return what is said of one that was not seen for too long."""
    since = human_duration(found.age)
    if not found.in_this_boot:
        return f"not seen in this boot, which began {since} ago"
    return f"not seen for {since}: no run of cron since {clock(found.age)}"
