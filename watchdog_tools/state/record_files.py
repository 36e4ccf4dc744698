"""TOUCH: the record of an instance, and what it was started with. Who only reads does without."""

from __future__ import annotations

import os

from watchdog_tools.state import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core.record import Record


def write(directory: int, name: str, record: Record) -> None:
    """Replace the record of NAME. Only who holds NAME's lock may. Raise OSError; the old one stays then."""
    files.replace(directory, f"{name}.record", record.dump(), 0o644)


def write_baseline(directory: int, name: str, data: bytes) -> None:
    """Write down what the instance was started with, for its keeper alone: it has checksums of secrets.

    As `write`.
    """
    files.replace(directory, f"{name}.start", data, 0o600)


def set_aside(directory: int, name: str) -> None:
    """Keep an unusable record as NAME.corrupt (one is kept), out of the way of the next one."""
    files.remove(directory, f"{name}.corrupt")
    try:
        os.rename(f"{name}.record", f"{name}.corrupt", src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        return  # the next record replaces it anyway
