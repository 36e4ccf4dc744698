"""TOUCH: say what happened. JSON lines beside the record, bounded in size; one datagram to syslog if asked for.

A side channel that fails changes words, never a verdict: both return a sentence, or nothing.
"""

from __future__ import annotations

import os
import time

try:  # the encoder in C alone: `json` brings `re` along, which a watcher would carry for as long as it stays
    from _json import encode_basestring_ascii as quote
except ImportError:
    from json.encoder import encode_basestring_ascii as quote

_LARGEST = 256 * 1024  # bytes, then the file becomes NAME.events.1, of which one is kept
_DAEMON_NOTICE = 3 * 8 + 5  # syslog priority: facility daemon, severity notice
_DAEMON_ERROR = 3 * 8 + 3


def note(directory: int, name: str, event: str, **facts: object) -> str:
    """Append one event of NAME. Only who holds NAME's lock does."""
    words = {"time": round(time.time(), 3), "name": name, "event": event, **facts}
    line = "{" + ", ".join(f"{quote(key)}: {_value(value)}" for key, value in words.items()) + "}\n"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(f"{name}.events", flags, 0o644, dir_fd=directory)
        try:
            if os.fstat(descriptor).st_size > _LARGEST:
                os.rename(f"{name}.events", f"{name}.events.1", src_dir_fd=directory, dst_dir_fd=directory)
            os.write(descriptor, line.encode("ascii"))
        finally:
            os.close(descriptor)
    except OSError as error:
        return f"the event log cannot be written: {error.strerror}"
    return ""


def _value(value: object) -> str:
    return str(value) if isinstance(value, int | float) else quote(str(value))


def syslog(name: str, words: str, *, bad: bool, path: str = "/dev/log") -> str:
    """Send one datagram, never waiting."""
    from watchdog_tools.system.dial import datagram

    priority = _DAEMON_ERROR if bad else _DAEMON_NOTICE
    text = f"<{priority}>watchdog-tools[{os.getpid()}]: {name}: {words}"
    try:
        datagram(path, text.encode("ascii", "backslashreplace"))
    except OSError as error:
        return f"syslog did not take it: {error.strerror}"
    return ""
