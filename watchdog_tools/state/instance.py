"""The record of the instance that we started: LOOK whether that very process lives. `record_files` writes it.

It is read bounded, never through a link, and never believed blindly. And the other file that a run leaves, NAME.seen;
`seen` reads it. It is written here, since one more module would cost each healthy run 0.9 % of bare Python.
"""

from __future__ import annotations

import errno
import os
import stat

from watchdog_tools import state as statedir
from watchdog_tools.core.record import FOUND, LONGEST, Seen, parse
from watchdog_tools.system import identity, proc, uptime

_LARGEST = 16 << 10  # bytes of a baseline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core.owner import Owner

_SEEN_MODE = 0o644  # anybody may ask whether root's services are still kept
_SEEN_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK  # a FIFO in its place must not hang us


def read(owner: Owner) -> Seen:
    """Return what the record of a service says now. Raise ProcUnavailable."""
    try:
        directory = statedir.enter(owner.directory)
    except statedir.StateDirError as error:
        return Seen(None, alive=False, note="" if error.missing else str(error))
    try:
        return read_in(directory, owner)
    finally:
        os.close(directory)


def read_in(directory: int, owner: Owner) -> Seen:
    """Return what the record of a service says, in its directory that is open already. Raise ProcUnavailable.

    Only a file of the owner's uid is believed.
    """
    try:
        data = statedir.contents(directory, f"{owner.name}.record", LONGEST, owner.uid)
        record = None if data is None else parse(data)
        alive = record is not None and record.phase != FOUND and identity.alive(record.identity)
        if record and record.owner != owner.text:
            from watchdog_tools.state.foreign_record import verify

            verify(record, owner, alive=alive)
    except ValueError as error:
        return Seen(None, alive=False, note=f"the record of {owner.name} is not usable: {error}", corrupt=True)
    except proc.ProcUnavailable:
        raise
    except OSError as error:
        return Seen(None, alive=False, note=f"the record of {owner.name} cannot be read: {error.strerror}")
    seen = Seen(record, alive=alive)
    if alive:
        seen.baseline = _baseline(directory, owner)
    return seen


def _baseline(directory: int, owner: Owner) -> bytes:
    """Return what its instance was started with, nothing where that is not to be had: it is for words first."""
    try:
        return statedir.contents(directory, f"{owner.name}.start", _LARGEST, owner.uid) or b""
    except (OSError, ValueError):
        return b""


def leave_word(path: str, name: str, state: int, *, levels: bool, make: bool) -> str:
    """Do as `write_seen` does in the state directory `path`. Raise StateDirError.

    make: where it is missing it is made; levels: all of them, as in a default place. Where a reboot takes it away the
    memory says once that NAME was kept, though nothing was ever started: its silence is noticed behind the boot, too.
    """
    try:
        directory = statedir.enter(path)
    except statedir.StateDirError as error:
        if not (make and error.missing):
            raise
        from watchdog_tools.state import files

        os.umask(0o022)  # whatever the caller's is: others may read root's
        directory = files.prepare(path, levels=levels)
    try:
        said = write_seen(directory, name, state)
    finally:
        os.close(directory)
    memory = statedir.memory_directory(path, os.geteuid())
    if memory == path or any(os.access(f"{memory}/{name}.{kind}", os.F_OK) for kind in ("command", "known")):
        return said
    from watchdog_tools.state.memory import remember_name

    return said or remember_name(memory, name)


def write_seen(directory: int, name: str, state: int) -> str:
    """Say into an open, verified directory that a run for NAME is complete. Return why it could not be, or nothing.

    state: that of its verdict, all that is known of a service which was up from its first run: it has no record.
    One line of fixed width goes over the older one in one call: no scratch file, no rename, and so no lock.
    """
    boot, _, timens = identity.here()
    line = f"{boot or '-':36} {int(uptime() * 1000):015d} {timens or '-':>12} {state}\n".encode("ascii", "replace")
    file = f"{name}.seen"
    try:
        if _overwritten(directory, file, line):
            return ""
        from watchdog_tools.state import files

        files.remove(directory, file)
        made = _overwritten(directory, file, line)
    except OSError as error:
        return f"{file} cannot be written: {error.strerror}"
    return f"{file} was no file of ours with one name, and is made anew" if made else f"{file} cannot be written"


def _overwritten(directory: int, file: str, line: bytes) -> bool:
    """Write over NAME.seen, made where it is missing. Return whether it is a file of ours. Raise OSError."""
    try:
        descriptor = os.open(file, _SEEN_FLAGS, _SEEN_MODE, dir_fd=directory)
    except (IsADirectoryError, PermissionError):
        return False
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link, a FIFO
            return False
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_nlink != 1:
            return False
        if found.st_mode & 0o777 != _SEEN_MODE:  # it was created under another umask
            os.fchmod(descriptor, _SEEN_MODE)
        os.pwrite(descriptor, line, 0)
    finally:
        os.close(descriptor)
    return True
