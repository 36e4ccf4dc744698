"""LOOK: which NAMEs a directory tells of, and the last words of one's event log."""

from __future__ import annotations

import os
import stat

from watchdog_tools.text import quoted
from watchdog_tools.units import spoken

_TAIL = 4096  # bytes; one event has some hundred
_PLAIN = ("how", "why", "reason")  # their values are sentences


def names(directory: int, suffix: str = "") -> list[str]:
    """Return what stands before `suffix` in the names of an open directory's files, sorted; no hidden ones."""
    readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=directory)
    try:
        found = [name.removesuffix(suffix) for name in os.listdir(readable) if name.endswith(suffix)]
    finally:
        os.close(readable)
    return sorted(name for name in found if name[:1] not in ("", "."))


def last(directory: int, name: str, owner: int) -> tuple[float, str]:
    """Return when the last event of NAME was, in seconds since the epoch, and its words; (0, "") where none is.

    owner: whose log is believed.
    """
    try:
        line = _tail(directory, f"{name}.events", owner).rstrip(b"\n").rpartition(b"\n")[2]
        return _told(line) if line else (0.0, "")
    except (OSError, ValueError, RecursionError):
        return 0.0, ""


def _tail(directory: int, name: str, owner: int) -> bytes:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != owner or found.st_mode & 0o022:
            return b""
        return os.pread(descriptor, _TAIL, max(found.st_size - _TAIL, 0))
    finally:
        os.close(descriptor)


def _told(line: bytes) -> tuple[float, str]:
    """Return an event as (time, words). Raise ValueError, RecursionError."""
    import json

    event = json.loads(line)
    if not isinstance(event, dict):
        return 0.0, ""
    when = event.pop("time", None)
    what = event.pop("event", "")
    event.pop("name", None)
    seconds = event.pop("seconds", None)
    if isinstance(seconds, int) and 0 <= seconds < 1 << 40:
        what = f"{what} for {spoken(seconds)}"
    facts = ", ".join(str(value) if key in _PLAIN else f"{key} {value}" for key, value in event.items() if value != "")
    sane = isinstance(when, int | float) and 0 <= when < 1 << 40
    return float(when) if sane else 0.0, quoted(f"{what}: {facts}" if facts else str(what), 120)
