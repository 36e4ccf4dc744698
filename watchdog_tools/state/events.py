"""TOUCH: say what happened, in JSON lines beside the record, bounded in size; LOOK what was said last.

A side channel that fails changes words, never a verdict: it returns a sentence, or nothing.
"""

from __future__ import annotations

import os
import stat
import time

from watchdog_tools.core.text import human_duration, quoted

try:  # the encoder in C alone: `json` brings `re` along, which a watcher would carry for as long as it stays
    from _json import encode_basestring_ascii as quote
except ImportError:
    from json.encoder import encode_basestring_ascii as quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST = 256 * 1024  # bytes, then the file becomes NAME.events.1, of which one is kept
_TAIL = 4096  # bytes; one event has some hundred
_PLAIN = ("how", "why", "reason")  # their values are sentences


def note(directory: int, name: str, event: str, facts: Mapping[str, object], *, evidence: bool = False) -> str:
    """Append one event of NAME. Only who holds NAME's lock does.

    evidence: into a file for the keeper's eyes alone, since it quotes a log that others may not read.
    """
    file, mode, what = ("evidence", 0o600, "evidence") if evidence else ("events", 0o644, "event log")
    words = {"time": round(time.time(), 3), "name": name, "event": event, **facts}
    try:
        _append(directory, f"{name}.{file}", words, mode)
    except OSError as error:
        return f"the {what} cannot be written: {error.strerror}"
    return ""


def _append(directory: int, file: str, words: dict[str, object], mode: int) -> None:
    line = "{" + ", ".join(f"{quote(key)}: {_value(value)}" for key, value in words.items()) + "}\n"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(file, flags, mode, dir_fd=directory)
    try:
        if os.fstat(descriptor).st_size > _LARGEST:
            os.rename(file, f"{file}.1", src_dir_fd=directory, dst_dir_fd=directory)
        os.write(descriptor, line.encode("ascii"))
    finally:
        os.close(descriptor)


def size(text: str) -> int:
    """Return the bytes that a text takes in an event."""
    return len(quote(text))


def _value(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return str(value) if isinstance(value, int | float) else quote(str(value))


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
    when, what, _, seconds = (event.pop(key, "") for key in ("time", "event", "name", "seconds"))
    if isinstance(seconds, int) and 0 <= seconds < 1 << 40:
        what = f"{what} for {human_duration(seconds)}"
    if what == "stopped" and event.get("why") == "ordered":
        what, event["why"] = "stopped by order", ""
    if event.get("how") == "ended":  # nobody knows how, and the event says that it did
        event["how"] = ""
    facts = ", ".join(str(value) if key in _PLAIN else f"{key} {value}" for key, value in event.items() if value != "")
    sane = isinstance(when, int | float) and 0 <= when < 1 << 40
    return float(when) if sane else 0.0, quoted(f"{what}: {facts}" if facts else str(what), 120)
