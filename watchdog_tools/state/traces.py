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

STATE, LOCK, MEMORY, PAUSE, SAID, KEPT = "state", "lock", "memory", "pause", "said", "kept"  # where; `_directories`
_TEMPORARY = ".tmp"

# Where, and what in the place of {}: NAME. The last ones say that NAME was kept here: what is killed halfway is found
# again. Logs and the command line lay in the state directory before they were moved.
TRACES = (
    (STATE, "{}.record"), (STATE, "{}.corrupt"), (STATE, "{}.start"), (STATE, "{}.seen"),
    (PAUSE, "{}"),
    *((SAID, f"{command}.{{}}") for command in scripts()),
    *((where, f"{{}}.{log}") for where in (STATE, MEMORY) for log in ("events", "events.1", "evidence", "evidence.1")),
    (LOCK, "{}.command"), (MEMORY, "{}.command"), (MEMORY, "{}.known"), (KEPT, "{}"),
)  # fmt: skip
# What stays.
LOCK_FILES = ("{}.lock", "{}.operator", "{}.waiting", "{}.memory")


def present(path: str, uid: int, name: str) -> bool:
    """Whether anything of NAME is kept in the state directory `path` of `uid`, or for it."""
    directories = _directories(path, uid)
    return any(
        os.path.lexists(f"{directories[where]}/{file.format(name)}{end}")
        for where, file in TRACES
        for end in ("", _TEMPORARY)
    )


def was_locked(path: str, name: str) -> bool:
    """Whether NAME ever had a lock in the state directory `path`: it was kept there once, if nothing else is left."""
    return any(os.path.lexists(f"{path}/{LOCKS}/{file.format(name)}") for file in LOCK_FILES)


def remove(path: str, uid: int, name: str) -> tuple[list[str], list[str]]:
    """Remove it all; only who holds NAME's lock may.

    Return what was removed, in the order of the table, and sentences about what could not be: the rest goes all the
    same. Raise StateDirError for a directory that we may not use.
    """
    directories = _directories(path, uid)
    removed: list[str] = []
    kept: list[str] = []
    for where, file in TRACES:
        for each in (file.format(name), f"{file.format(name)}{_TEMPORARY}"):
            shown = each if where in {STATE, MEMORY} else f"{where}/{each}"
            try:
                if files.remove_at(directories[where], each):
                    removed.append(shown)
            except OSError as error:
                kept.append(f"{shown}: {error.strerror}")
    for where in (PAUSE, SAID):
        for each in _scratch(directories[where], [file.format(name) for place, file in TRACES if place == where]):
            try:
                files.remove_at(directories[where], each)
            except OSError as error:
                kept.append(f"{where}/{each}: {error.strerror}")
    waiting.remove_hint(name)
    return list(dict.fromkeys(removed)), list(dict.fromkeys(kept))


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
        SAID: f"{memory}/said", KEPT: f"{memory}/kept",
    }  # fmt: skip
