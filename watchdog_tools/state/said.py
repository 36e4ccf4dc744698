"""What was last said for a NAME, on disk: it is believed only from a file that nobody else can have written.

It is in the memory. While that cannot be written, full or read-only, it is beside root's state, in /run: a full disk is
what outages come from, and each minute would say it again. Only forks call this: a disk may hang.
"""

from __future__ import annotations

import os

from watchdog_tools import state as statedir
from watchdog_tools.core import OK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core.said import Said
    from watchdog_tools.core.speaking import Speech

_LARGEST = 2048  # bytes; core.said, which a run that finds no file does without
_ABANDONED = 60  # seconds, for what takes less than one


def read(state: str, key: str) -> bytes | None:
    """Return the file of `key`, None where there is none that can be had. state: the state directory's path."""
    memory = statedir.memory_directory(state, os.geteuid())
    found = _read(state, key) if memory != state else None  # it is there only while it is the newer one
    return _read(memory, key) if found is None else found


def _read(above: str, key: str) -> bytes | None:
    place = f"{above}/said"
    try:
        os.stat(f"{place}/{key}", follow_symlinks=False)  # one call for the healthy minute
        directory = statedir.enter(place)
    except (OSError, statedir.StateDirError):
        return None
    try:
        return statedir.contents(directory, key, _LARGEST)
    except (OSError, ValueError):
        return None
    finally:
        os.close(directory)


def write(state: str, said: Said, *, default: bool) -> None:
    """Replace the file of a NAME. Raise StateDirError, OSError; the old one stays then.

    default: the state directory is a default one, so that all levels may be created.
    """
    from watchdog_tools.state import files

    memory = statedir.memory_directory(state, os.geteuid())
    try:
        _write(memory, said, default=default)
    except (OSError, statedir.StateDirError):
        if memory == state:
            raise
        _write(state, said, default=default)
    else:
        if memory != state:
            files.remove_at(f"{state}/said", said.key)


def _write(above: str, said: Said, *, default: bool) -> None:
    from watchdog_tools.state import files

    os.close(files.make(above, levels=default))
    directory = files.make(f"{above}/said", levels=default)
    try:  # there is no lock, so a scratch file of our own; no NAME begins with a dot
        _sweep(f"{above}/said", directory, said.key)
        files.replace(directory, said.key, said.dump(), 0o600, f".{said.key}.{os.getpid()}")
    finally:
        os.close(directory)


def _sweep(path: str, directory: int, key: str) -> None:
    """Remove the scratch files of writers that were killed: on a disk that is too slow each run would leave one."""
    import time

    for each in os.listdir(path):  # the descriptor is good for no list
        if each.rpartition(".")[0] != f".{key}":
            continue
        try:
            if time.time() - os.stat(each, dir_fd=directory, follow_symlinks=False).st_mtime > _ABANDONED:
                os.unlink(each, dir_fd=directory)
        except OSError:
            continue


def remove(state: str, key: str) -> None:
    """Remove the file of a NAME, if there is one. Raise StateDirError, OSError; the newest one stays then."""
    from watchdog_tools.state import files

    for above in dict.fromkeys((statedir.memory_directory(state, os.geteuid()), state)):
        files.remove_at(f"{above}/said", key)


def remembered(data: bytes | None, key: str) -> Said:
    """Return what a file says, as old as it is now; one that cannot be believed says as much as none."""
    import time

    from watchdog_tools.core.record import Corrupt
    from watchdog_tools.core.said import Said, aged, parse
    from watchdog_tools.system import boot_id, uptime

    try:
        said = parse(data, key) if data else Said(key=key)
    except Corrupt:
        said = Said(key=key)
    return aged(said, boot_id(), int(uptime() * 1000), int(time.time()))


def speech(last: Said, verdict: tuple[int, str], deeds: dict[str, int], remind: float) -> Speech:
    """Return what to say of a verdict: see `core.speaking.speak`. remind: seconds."""
    from watchdog_tools.core.speaking import speak

    return speak(last, verdict, deeds, int(remind * 1000), _moment)


def _moment(age: int) -> str:
    """Return the moment that is `age` milliseconds ago: `03:12` of today, else with its date."""
    import time

    now = time.time()
    wall, today = time.localtime(now - age / 1000), time.localtime(now)
    return time.strftime("%H:%M" if wall[:3] == today[:3] else "%Y-%m-%d %H:%M", wall)


def is_no_news(state: str, key: str, remind: float) -> bool:
    """Whether a healthy verdict, after nothing was done, is neither to be said nor to be remembered."""
    data = read(state, key)
    if data is None:
        return True
    found = speech(remembered(data, key), (OK, ""), {}, remind)
    return found.words is None and found.unsaid is None and not found.forget
