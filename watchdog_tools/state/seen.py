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

_LENGTH = 36 + 1 + 15 + 1 + 12 + 1 + 1 + 1  # boot id, milliseconds, time namespace, state; what is behind is ours not
_STATES = ("0", "1", "2", "3")
_AHEAD = 1.0  # seconds: the file may be written while we read
_HALF_DAY = 43200.0  # seconds


class LastSeen(Struct):
    """When a run was last complete.

    age: seconds since then, or since the boot if none was in it. in_this_boot: whether one was. state: that of its
    verdict, None where none was in this boot.
    """

    age: float
    in_this_boot: bool
    state: int | None = None


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
    found = None if data is None else _parsed(data, name)
    if found is None:
        return LastSeen(age=now, in_this_boot=False)
    then, state = found
    age = now - then / 1000
    if age < -_AHEAD:
        raise Corrupt(f"{name}.seen is not believed: it is of the future")
    return LastSeen(age=max(age, 0.0), in_this_boot=True, state=state)


def _parsed(data: bytes, name: str) -> tuple[int, int] | None:
    """Return the milliseconds and the state that the file tells of, None for another boot. Raise Corrupt."""
    words = data.decode("ascii", "replace").split()
    whole = len(data) == _LENGTH and data.endswith(b"\n") and len(words) == 4  # noqa: PLR2004 -- as written
    if not (whole and words[1].isdigit() and words[3] in _STATES):
        raise Corrupt(f"{name}.seen is torn, until the next run")
    boot, _, timens = here()
    if words[0] != (boot or "-"):
        return None
    if words[2] != (timens or "-"):
        raise Corrupt(f"{name}.seen is of another time namespace, whose clock is not ours")
    return int(words[1]), int(words[3])


def is_known(path: str, directory: int, name: str, owner: int) -> bool:
    """Whether anything of NAME was ever kept in the state directory `path` of `owner`, also before the last boot.

    directory: it, open, -1 where there is none. A pause does not tell, nor its event: what they name may be mistyped.
    What we may not see does not either, unlike for `statedir.was_kept`: a mistyped NAME must not look like a dead cron.
    """
    memory = statedir.memory_directory(path, owner)
    files = [f"{memory}/{name}.command", f"{memory}/{name}.known"]
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
