"""watchdog-tools history: what happened to a service, and what was done. It reads; it takes no lock, writes nothing."""

from __future__ import annotations

import time

from watchdog_tools.admin.service import service_name, state_dir, state_option
from watchdog_tools.cli.command import Command, Option, UsageError
from watchdog_tools.cli.common_options import common
from watchdog_tools.core.struct import Struct
from watchdog_tools.workers import Check, run_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.command import Values
    from watchdog_tools.core import Result

_ACCEPTED = "accepted: 2h, 3d, 20:15, 2026-11-27, '2026-11-27 20:15', 2026-11-27T19:15:00Z"
_FORMS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")  # local time; with a Z it is UTC


class Query(Struct):
    """What was asked for. directory: the state directory that was said, or None. since: epoch, or None. more: -v."""

    name: str
    directory: str | None
    since: float | None
    more: bool


def moment(word: str, now: float) -> float:
    """Return the moment, in seconds since the epoch, of a duration before `now` or of a time. Raise ValueError."""
    from watchdog_tools.core.text import duration

    try:
        return now - duration(word)
    except ValueError:
        pass
    utc = word.endswith("Z")
    today = time.strftime("%Y-%m-%d", time.localtime(now))
    for text, hour_alone in ((word.removesuffix("Z"), False), (f"{today} {word}", True)):
        for form in _FORMS:
            try:
                parsed = time.strptime(text, form)
            except ValueError:
                continue
            if not utc:
                found = time.mktime(parsed)
                if hour_alone and found > now:  # asked for at 00:10, 23:50 is that of yesterday
                    found = time.mktime((*parsed[:2], parsed.tm_mday - 1, *parsed[3:6], 0, 0, -1))
                return found
            import calendar

            return float(calendar.timegm(parsed))
    raise ValueError(f"{word[:80]!r} is neither a duration nor a time; {_ACCEPTED}")


def _configure(values: Values) -> Query:
    try:
        since = moment(values["since"], time.time()) if values["since"] else None
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--since: {error}") from None
    name = service_name(values["args"][0])
    return Query(name=name, directory=state_dir(values), since=since, more=bool(values["verbose"]))


def _run(query: Query, values: Values, cancel_fd: int) -> Result | None:
    def probe(_progress: object) -> Result:
        from watchdog_tools.admin.history import history

        return history(query.name, query.directory, query.since, more=query.more)

    seconds, state = values["timeout"]
    results = run_all([Check(probe, target=query.name, on_timeout=state)], seconds, cancel_fd)
    return results[0] if results else None


COMMAND = Command(
    name="watchdog-tools history",
    label="HISTORY",
    summary="Show what happened to a service and what was done: one line for each event, the newest last.",
    arguments=("NAME", (1, 1), "name of the service"),
    options=(
        Option("--since", "D|TIME", "events of the last D, or since a time; without it the last 50", group="Events"),
        state_option(),
        *common(limit_of="reading the events", consumer=False),
    ),
    configure=_configure,
    run=_run,
    rows=lambda _query: True,
    target=lambda query: query.name,
    examples=(
        ("watchdog-tools history web --since 3d -v", "three days, each death with the end of its log"),
        ("watchdog-tools history web -o json | jq .details", "one object an event, for programs"),
    ),
    exits=(
        ("0", "shown, also where nothing has happened yet"),
        ("3", "NAME was never kept here, or its events are another user's; or wrong usage"),
        ("bool", "0 works, 1 does not"),
    ),
    notes="TIME is local: 20:15 (the last one), 2026-11-27, '2026-11-27 20:15'; with T and Z it is UTC,"
    " 2026-11-27T19:15:00Z. -v adds the last lines that a service wrote to its --log before it died. Events are kept up"
    " to 256 KiB and one older file of that size; docs/events.md has what each one says.",
)
