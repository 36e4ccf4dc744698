"""A schedule of cron: when was it last due? Pure: the moment and the time zone are given.

The rules are those of Debian's cron(8), which cronsim follows. A clock that is set forward, as in spring, runs at once
what it skipped, and one that is set back runs nothing twice; but where the minute or the hour begins with `*`, a job
follows the clock.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_WORDS = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
_FIELDS = ("minute", "hour", "day of month", "month", "day of week")
_ACCEPTED = f"accepted: '30 2 * * *', five fields as in a crontab, or {', '.join(_WORDS)}"
_LOCAL = "/etc/localtime"  # the zone of cron, whatever TZ says in a shell
_SIGNS = str.maketrans(",-/*", "    ")
_NAMED = _FIELDS[3:]
_DIGITS = 100  # that cron does not read any more


class UnknownZone(ValueError):  # noqa: N818 -- a fact about a word, said in one sentence
    """There is no such time zone here."""


class Schedule:
    """When a job of cron is due. text: as it was given. zone: the time zone of that cron."""

    __slots__ = ("_expression", "text", "zone")

    def __init__(self, text: str, zone: str | None) -> None:
        """Read it. zone: its name, None for the machine's. Raise ValueError, UnknownZone with a sentence."""
        self.text = text
        self._expression = _expression(text)
        self.zone = _zone(zone)

    def newest(self, until: float) -> datetime | None:
        """Return the last moment at or before `until` (seconds since the epoch) when it was due, None for never."""
        end = datetime.fromtimestamp(until, UTC).astimezone(self.zone).replace(microsecond=1)
        found = next(CronSim(self._expression, end, reverse=True), None)
        if found is None:
            return None
        # backwards, what is due in the hour that is twice there is found too early: go on from what was found
        for later in CronSim(self._expression, found):
            if later.timestamp() > until:
                break
            found = later
        return found


def _expression(text: str) -> str:
    """Return the five fields. Raise ValueError where cron would not take the line, or would never run it."""
    said = text[:80]
    words = text.lower().split()
    if words == ["@reboot"]:
        raise ValueError(f"@reboot is no time of day; {_ACCEPTED}")
    if len(words) == 1 and words[0] in _WORDS:
        return _WORDS[words[0]]
    if len(words) != len(_FIELDS):
        raise ValueError(f"{said!r} has {len(words)} fields; {_ACCEPTED}")
    for word, field in zip(words, _FIELDS, strict=True):
        if not _is_crons(word, named=field in _NAMED):
            raise ValueError(f"the {field} of {said!r} is {word[:80]!r}, which cron does not take; {_ACCEPTED}")
    expression = " ".join(words)
    try:
        found = next(CronSim(expression, datetime(2000, 1, 1, tzinfo=UTC)), None)
    except CronSimError as error:
        wrong = str(error).removeprefix("Bad ").replace("-", " ")
        raise ValueError(f"the {wrong} of {said!r} is out of range; {_ACCEPTED}") from None
    if found is None:
        raise ValueError(f"{said!r} never comes")
    return expression


def _is_crons(word: str, *, named: bool) -> bool:
    """Whether cron knows such a field: cronsim takes L, W, # and a step from a single number, too. named: `mon`."""
    steps = [term.partition("/") for term in word.split(",")]
    if any(slash and first != "*" and "-" not in first for first, slash, _ in steps):
        return False
    parts = word.translate(_SIGNS).split()
    return word.isascii() and all(
        (part.isdigit() and len(part) < _DIGITS) or (named and part.isalpha()) for part in parts
    )


def _zone(name: str | None) -> ZoneInfo:
    try:
        if name is not None:
            return ZoneInfo(name)
        with open(_LOCAL, "rb") as file:
            return ZoneInfo.from_file(file, key="local")
    except FileNotFoundError:
        return ZoneInfo("UTC")
    except (OSError, ValueError, LookupError):
        raise UnknownZone(f"{(name or _LOCAL)[:80]!r} is no time zone here; accepted: Europe/Berlin, UTC") from None
