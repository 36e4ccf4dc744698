"""TOUCH: write into the memory of a NAME, which outlives a reboot, and bring there what an earlier release left.

Beside the record, in a user's own state directory, nothing is in the way. Root's default state is in /run and its
memory on a disk, which may be full, read-only or dead: whoever writes there is a fork with a deadline, and holds
lock/NAME.memory, so that where one hangs no other one is sent after it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time

from watchdog_tools import state as statedir
from watchdog_tools.core.struct import Struct
from watchdog_tools.state import events, files, saved_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core.owner import Owner

KIND = "memory"  # the lock beside NAME.lock
FAILED, BUSY = "what was done cannot be remembered", "an earlier run that writes there has not ended"
_NO_STATE = "no state directory: "
_PATIENCE, _POLL_SECONDS = 0.5, 0.02  # for another one who writes
_LARGEST = 300 * 1024  # bytes of a file of events that are brought along: more than any that was written
_BROUGHT = ("events.1", "events", "evidence.1", "evidence")  # an older file before the one that follows it


class Entry(Struct, frozen=True):
    """What is to be written: events, and bytes of the saved command line if that changed."""

    lines: tuple[events.Line, ...] = ()
    command: bytes = b""


def is_apart(owner: Owner) -> bool:
    """Whether the memory is another directory than the state, on a disk that may be dead."""
    return statedir.memory_directory(owner.directory, owner.uid) != owner.directory


def write(owner: Owner, state: int, entry: Entry) -> list[str]:
    """Write it. Return sentences about what could not be: a side channel that fails changes words.

    state: the state directory, open, or -1 where there is none yet.
    """
    if not is_apart(owner):
        return write_in(state, owner.name, entry)
    path = statedir.memory_directory(owner.directory, owner.uid)
    directory = lock = -1
    try:
        lock = _locked(state, owner.name)  # before the disk is touched
        directory = files.make(path, levels=True)
        if lock >= 0:
            _bring(state, directory, owner.name)
        return write_in(directory, owner.name, entry)
    except statedir.StateDirError as error:
        return [f"{FAILED}: {str(error).removeprefix(_NO_STATE)}"]
    except OSError as error:
        return [f"{FAILED}: {path}: {error.strerror}"]
    finally:
        for descriptor in (directory, lock):
            if descriptor >= 0:
                os.close(descriptor)


def remember_name(path: str, name: str) -> str:
    """Leave an empty file in the memory `path` that says that NAME is kept. Return why not, or nothing."""
    try:
        directory = files.make(path, levels=True)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
            os.close(os.open(f"{name}.known", flags, 0o644, dir_fd=directory))
        finally:
            os.close(directory)
    except statedir.StateDirError as error:
        return f"{FAILED}: {str(error).removeprefix(_NO_STATE)}"
    except OSError as error:
        return f"{FAILED}: {path}: {error.strerror}"
    return ""


def write_in(directory: int, name: str, entry: Entry) -> list[str]:
    """Write it into the open directory of the memory. Return as `write` does."""
    said = [events.append(directory, name, line) for line in entry.lines]
    if entry.command:
        said.append(saved_command.write(directory, name, entry.command))
    return list(dict.fromkeys(filter(None, said)))


def _locked(state: int, name: str) -> int:
    """Return a descriptor that holds lock/NAME.memory, -1 where no lock has ever been: nothing was left there either.

    Raise OSError, also where another one holds it for long.
    """
    if state < 0:
        return -1
    try:
        locks = statedir.descend(state, files.LOCKS)
    except statedir.StateDirError:
        return -1
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(f"{name}.{KIND}", flags, 0o600, dir_fd=locks)
    finally:
        os.close(locks)
    if _flocked(descriptor):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EBUSY, BUSY)


def _flocked(descriptor: int) -> bool:
    """Whether it could be locked soon."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= until:
                return False
            time.sleep(_POLL_SECONDS)
        else:
            return True


def _bring(state: int, directory: int, name: str) -> None:
    """Move what a release before the memory has left in the state directory; it stays there where that fails.

    Behind what is in the memory already: then that release has been here again.
    """
    for kind in _BROUGHT:
        file = f"{name}.{kind}"
        try:
            data = statedir.contents(state, file, _LARGEST)
        except (OSError, ValueError):  # not ours to believe, nor to remove
            continue
        if data is None:
            continue
        try:
            _join(directory, file, data, 0o640 if "events" in kind else 0o600)
            os.unlink(file, dir_fd=state)
        except OSError:
            return


def _join(directory: int, file: str, data: bytes, mode: int) -> None:
    try:
        before = statedir.contents(directory, file, _LARGEST) or b""
    except ValueError:  # it is none of ours, and is replaced
        before = b""
    if before and not before.endswith(b"\n"):
        before += b"\n"
    files.replace(directory, file, (before + data)[-_LARGEST:], mode)
