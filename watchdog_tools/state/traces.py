"""TOUCH: all that a NAME leaves behind in files, as one table; `remove` deletes it, but for its locks.

A lock file is never deleted, here neither: a run that has it open and one that makes a new one would both hold "the"
lock. It is empty of meaning, takes one inode, and a NAME that comes back uses it again.
"""

from __future__ import annotations

import os

from watchdog_tools import scripts, state
from watchdog_tools.state import files
from watchdog_tools.state.files import LOCKS
from watchdog_tools.system import waiting

STATE, LOCK, MEMORY, PAUSE, KEPT = "state", "lock", "memory", "pause", "kept"  # where; `_directories`
_TEMPORARY = ".tmp"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Where, and what in the place of {}: NAME. The last ones say that NAME was kept here: what is killed halfway is found
# again. Logs and the command line lay in the state directory before they were moved.
TRACES = (
    (STATE, "{}.record"), (STATE, "{}.corrupt"), (STATE, "{}.start"), (STATE, "{}.seen"),
    (PAUSE, "{}"),
    *((where, f"said/{command}.{{}}") for where in (STATE, MEMORY) for command in scripts()),
    *((where, f"{{}}.{log}") for where in (STATE, MEMORY) for log in ("events", "events.1", "evidence", "evidence.1")),
    (LOCK, "{}.command"), (MEMORY, "{}.command"), (MEMORY, "{}.known"), (KEPT, "{}"),
)  # fmt: skip
# What stays.
LOCK_FILES = ("{}.lock", "{}.operator", "{}.waiting", "{}.memory")


def present(path: str, uid: int, name: str) -> bool:
    """Whether anything of NAME is kept in the state directory `path` of `uid`, or for it."""
    directories = _directories(path, uid)
    return any(os.path.lexists(f"{directories[where]}/{file}") for where, file in _files(name))


def was_locked(path: str, name: str) -> bool:
    """Whether NAME ever had a lock in the state directory `path`: it was kept there once, if nothing else is left."""
    return any(os.path.lexists(f"{path}/{LOCKS}/{file.format(name)}") for file in LOCK_FILES)


def remove(path: str, uid: int, name: str) -> tuple[list[str], list[str]]:
    """Remove it all; only who holds NAME's lock may.

    Return what was removed, in the order of the table, and sentences about what could not be: the rest goes all the
    same. Raise StateDirError for a directory that we may not use.
    """
    directories = _directories(path, uid)
    said = [f"{command}.{name}" for command in scripts()]
    places = [(directories[PAUSE], [name]), *((f"{directories[where]}/said", said) for where in (STATE, MEMORY))]
    every = [(directories[where], each, each if where in {STATE, MEMORY} else f"{where}/{each}")
             for where, each in _files(name)]  # fmt: skip
    every += [(place, each, each) for place, written in places for each in _scratch(place, written)]
    removed: list[str] = []
    kept: list[str] = []
    for place, file, shown in every:
        try:
            if files.remove_at(place, file):
                removed.append(shown)
        except OSError as error:
            kept.append(f"{shown}: {error.strerror}")
    waiting.remove_hint(name)
    return list(dict.fromkeys(removed)), list(dict.fromkeys(kept))


def _files(name: str) -> Iterator[tuple[str, str]]:
    """Yield where a file of NAME may be, and its name there.

    What ends with NAME itself has no temporary one: with that end it is the file of another NAME, `web.tmp`.
    """
    for where, file in TRACES:
        yield where, file.format(name)
        if not file.endswith("{}"):
            yield where, f"{file.format(name)}{_TEMPORARY}"


def _scratch(path: str, names: list[str]) -> list[str]:
    """Return the scratch files of some files in a directory, `.FILE.PID`, that a killed writer has left there."""
    try:
        return [each for each in os.listdir(path) if each[:1] == "." and each[1:].rpartition(".")[0] in names]
    except OSError:  # none, or not ours to list: then nothing was written there
        return []


def _directories(path: str, uid: int) -> dict[str, str]:
    memory = state.memory_directory(path, uid)
    return {
        STATE: path, LOCK: f"{path}/{LOCKS}", MEMORY: memory, PAUSE: state.pause_directory(path, uid),
        KEPT: f"{memory}/kept",
    }  # fmt: skip
