"""TOUCH: an event becomes one JSON line of schema 1, bounded in size. Whatever writes events makes them here."""

from __future__ import annotations

import os
import time

from watchdog_tools.core import NAMES
from watchdog_tools.core.events import EVENTS, NOBODY, SCHEMA, SUDO_USER, Orderer
from watchdog_tools.core.text import quoted, shortened

try:  # the encoder in C alone: `json` brings `re` along, which a watcher would carry for as long as it stays
    from _json import encode_basestring_ascii as quote
except ImportError:
    from json.encoder import encode_basestring_ascii as quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST = 4096  # bytes of one event's line
_TEXT = (1024, 400, 100)  # bytes of one text in it; the next bound where the line is still too long
_ITEMS = 100  # of a list
_UNKNOWN = None, "", ()


def line(name: str, event: str, facts: Mapping[str, object], by: Orderer = NOBODY, *, most: int = LARGEST) -> str:
    """Return the line of an event that happens now, its newline included, of at most `most` bytes.

    facts: its pid, and its own fields. A text or a list that is too long for the line is cut.
    """
    state, reason, _ = EVENTS.get(event, _UNKNOWN)
    epoch = time.time()
    common = {
        "schema": SCHEMA, "time": rfc3339(epoch), "epoch": round(epoch, 3), "host": os.uname().nodename, "name": name,
        "event": event, "state": None if state is None else NAMES[state], "reason": reason, "pid": facts.get("pid"),
        "uid": by.uid, "sudo_user": None if by.sudo_user is None else quoted(by.sudo_user, SUDO_USER),
    }  # fmt: skip
    for text in (most, *_TEXT):
        made = _object({**common, **{key: _cut(value, text) for key, value in facts.items()}})
        if len(made) <= most:
            return made
    return _object(common)  # nothing that we write is like that


def rfc3339(epoch: float) -> str:
    """Return a moment in UTC, to the millisecond: `2026-11-27T19:49:02.123Z`."""
    whole, thousandths = divmod(round(epoch * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{thousandths:03d}Z"


def size(text: str) -> int:
    """Return the bytes that a text takes in an event."""
    return len(quote(text))


def _object(fields: Mapping[str, object]) -> str:
    return "{" + ", ".join(f"{quote(key)}: {_value(value)}" for key, value in fields.items()) + "}\n"


def _value(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return str(value) if isinstance(value, int | float) else quote(str(value))


def _cut(value: object, most: int) -> object:
    """Return a text that takes at most `most` bytes, a list of so many items at most; anything else as it is."""
    if isinstance(value, list):
        return [_cut(each, most) for each in value[:_ITEMS]]
    if not isinstance(value, str) or size(value) <= most:
        return value
    return shortened(value, most * len(value) // size(value))
