"""What events there are, in the table that docs/events.md shows, and what their lines say to a person."""

from __future__ import annotations

from watchdog_tools.core import CRITICAL, OK
from watchdog_tools.core.struct import Struct
from watchdog_tools.core.text import human_duration, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1
_COMMON = ("schema", "time", "epoch", "host", "name", "event", "state", "reason", "uid", "sudo_user")
_PLAIN = ("how", "why")  # their values are sentences
_LATEST = 1 << 38  # seconds since the epoch; what is later is no time of ours
SUDO_USER = 64  # bytes of a name that is text from outside


class Orderer(Struct, frozen=True):
    """Who ordered it: the real uid of the command, and who was called SUDO_USER where that was root; None else."""

    uid: int | None = None
    sudo_user: str | None = None


NOBODY = Orderer()  # what happened by itself, or by cron
HAPPENED = ("died", "recovered", "held")  # what nobody orders, though it may be seen by the run of an order
DEEDS = ("started", "restarted", "adopted", "reloaded")  # those that are told to cron; a stop is by the start behind it
# Event: (state, reason, own fields). State and reason are the service's as the event shows it, None and empty where it
# shows none; each event has `pid` and the fields that all have besides.
EVENTS: dict[str, tuple[int | None, str, tuple[str, ...]]] = {
    "started": (OK, "started", ("attempt",)),
    "restarted": (OK, "restarted", ("attempt",)),
    "adopted": (OK, "adopted", ()),
    "recovered": (OK, "", ()),
    "died": (CRITICAL, "died", ("how", "why")),
    "cannot start": (CRITICAL, "failed", ("why", "attempt")),
    "held": (CRITICAL, "held", ("seconds", "why")),
    "stopped": (None, "stopped", ("how", "why", "pids")),
    "cannot stop": (CRITICAL, "unstoppable", ("how", "why")),
    "start command ended": (None, "", ("how",)),
    "reloaded": (None, "reloaded", ("how",)),
    "paused": (None, "paused", ("seconds", "until", "why")),
    "resumed": (None, "resumed", ()),
    "record set aside": (None, "", ("why",)),
}


def parse(line: bytes) -> dict[str, object] | None:
    """Return the event of a line, None for one that is torn or none of ours.

    One of an earlier release has `time` as a number; it gets `epoch` here.
    """
    import json

    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        return None
    event = {key: value for key, value in event.items() if all(map(_is_plain, _listed(value)))}
    when = event.get("epoch") if "schema" in event else event.pop("time", None)
    event["epoch"] = float(when) if isinstance(when, int | float) and 0 <= when < _LATEST else 0.0
    return event


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _is_plain(value: object) -> bool:
    """Whether it is what an event has: text, a number that JSON knows, a truth value or nothing."""
    return value is None or isinstance(value, str | int) or (isinstance(value, float) and value - value == 0)


def words(event: Mapping[str, object], limit: int = 120) -> str:
    """Return an event of `parse` as a person reads it, without its time and name, quoted."""
    facts = {key: value for key, value in event.items() if key not in _COMMON and value not in ("", None)}
    if "schema" not in event and event.get("reason"):  # an operator's words; now it is one word for machines
        facts["why"] = event["reason"]
    what, seconds, until = event["event"], facts.pop("seconds", None), facts.pop("until", None)
    if isinstance(seconds, int) and 0 <= seconds < _LATEST:
        what = f"{what} for {human_duration(seconds)}"
    if until:
        what = f"{what} until {until}"
    if what == "stopped" and facts.get("why") == "ordered":
        what = "stopped by order"
        del facts["why"]
    if facts.get("how") == "ended":  # nobody knows how, and the event says that it did
        del facts["how"]
    said = ", ".join(str(value) if key in _PLAIN else f"{key} {value}" for key, value in facts.items())
    return quoted(f"{what}: {said}" if said else str(what), limit)


def ordered_by(event: Mapping[str, object]) -> str:
    """Return who ordered it, `by uid 0 (alice)`, or nothing."""
    uid, sudo_user = event.get("uid"), event.get("sudo_user")
    if not isinstance(uid, int):
        return ""
    return f"by uid {uid} ({quoted(str(sudo_user), SUDO_USER)})" if sudo_user else f"by uid {uid}"
