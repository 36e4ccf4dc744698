"""TOUCH: write a record by rename, so that a reader sees the old one or the new one; set a bad one aside."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.record import Record


def write(directory: int, name: str, record: Record) -> None:
    """Replace the record of NAME. Only who holds NAME's lock may. Raise OSError; the old one stays then.

    No fsync: what a crash of the machine loses, the new boot id voids anyway, and a dying disk must
    not hang the last line of defence.
    """
    scratch = f"{name}.record.tmp"  # one fixed name under the lock: leftovers cannot pile up
    _remove(directory, scratch)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(scratch, flags, 0o644, dir_fd=directory)
    try:
        try:
            data = record.dump()
            if os.write(descriptor, data) != len(data):
                raise OSError(28, os.strerror(28))
        finally:
            os.close(descriptor)
        os.rename(scratch, f"{name}.record", src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        _remove(directory, scratch)
        raise


def set_aside(directory: int, name: str) -> None:
    """Keep an unusable record as NAME.corrupt (one is kept), out of the way of the next one."""
    _remove(directory, f"{name}.corrupt")
    try:
        os.rename(f"{name}.record", f"{name}.corrupt", src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        return  # the next record replaces it anyway


def _remove(directory: int, name: str) -> None:
    """Remove what stands in our way; a directory that is not empty is moved out of it."""
    try:
        os.unlink(name, dir_fd=directory)
    except IsADirectoryError:
        os.rename(name, f"{name}.{time.time_ns()}", src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        return
