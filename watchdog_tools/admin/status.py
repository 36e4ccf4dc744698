"""What status says, in its probe worker: records, pauses and last words become rows and one verdict."""

from __future__ import annotations

import os
import time

from watchdog_tools.admin.state_dir import StateDir
from watchdog_tools.core import CRITICAL, OK, UNKNOWN, Result, worst
from watchdog_tools.core.record import Seen
from watchdog_tools.core.service_state import STATES, service_state
from watchdog_tools.core.struct import Struct
from watchdog_tools.core.text import aligned, human_duration, quoted
from watchdog_tools.ensure_running import containment
from watchdog_tools.state import StateDirError, default, instance, pause
from watchdog_tools.state import seen as last_seen
from watchdog_tools.system import boot_id, uptime
from watchdog_tools.system.identity import here
from watchdog_tools.system.proc import ProcUnavailable, mounted
from watchdog_tools.system.relatives import left_by, ticks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.admin.pause import PauseFacts
    from watchdog_tools.core.pause import Pause

    Rows = list[tuple["Row", Result]]

_START_SECONDS = 1.0  # of --start-seconds, as it is by default
_NAMED = 5  # names that the one line shows
_NEVER = "it was never kept here"
_ALIVE = {True: "alive", False: "down", None: "not known to run"}
_MOST = 500  # services; a Result must go through a pipe, and a person must read it


class Row(Struct):
    """What the long output shows of one service, and JSON: there each field is a detail.

    pid: of its instance that lives, None for none. since, wait: seconds. last_time: of its last event, epoch.
    seen: seconds since a run for it was complete, None where none was in this boot. unseen: that it was longer ago than
    --max-age allows, in words, or empty.
    """

    name: str
    keeper: str
    state_dir: str
    alive: bool | None
    pid: int | None
    restarts: int | None
    starts: int | None
    since: float | None
    wait: float
    last: str
    last_time: float | None
    notes: list[str]
    containment: str | None
    paused_left: float | None
    paused_until: int | None
    paused_until_boot: bool
    paused_reason: str
    seen: float | None
    unseen: str


def status(names: tuple[str, ...], directory: str | None, max_age: float | None, *, more: bool) -> Result:
    """Return the verdict on `names`, all if empty, with that on each one.

    max_age: seconds in which a run for each must have been complete, None for any. more: show the containment, and when
    that was.
    """
    places = _places(directory)
    asked = [
        (place, name)
        for place in places
        for name in place.names(remembered=max_age is not None)
        if not names or name in names
    ]
    asked += [(places[0], name) for name in names if name not in {known for _, known in asked}]
    rows = [_row(place, name, max_age) for place, name in asked[:_MOST]]
    notes = [place.note for place in places if place.note]
    notes += [f"{len(asked) - _MOST} more are not shown"] if len(asked) > _MOST else []
    where = " or ".join(place.path for place in places)
    if not rows:
        return Result(UNKNOWN, "; ".join([f"nothing is kept in {where}", *notes]), reason="nothing", target=where)
    each = [result for _, result in rows]
    state = worst([*(result.state for result in each), *[UNKNOWN] * len(notes)])
    return Result(
        state,
        "; ".join([_sentence(rows, state), *notes]),
        target=where,
        each=each,
        lines=_table(rows, keepers=len({row.state_dir for row, _ in rows}) > 1, more=more, seen=more or bool(max_age)),
    )


def _places(directory: str | None) -> list[StateDir]:
    if directory:
        return [StateDir(directory, os.geteuid())]
    roots = StateDir(default(0), 0)
    if os.geteuid() == 0:
        return [roots]
    try:
        return [StateDir(default(os.geteuid()), os.geteuid()), roots]
    except StateDirError:  # who has no home keeps nothing
        return [roots]


def _row(place: StateDir, name: str, max_age: float | None) -> tuple[Row, Result]:
    """Return what is shown of one service, and the verdict on it, whose details docs/json.md documents."""
    order, note = pause.read(place.pauses, name, place.uid)
    seen, trouble = _seen(place, name)
    last, doubt = place.last_run(name)
    stands = service_state(
        seen.record, alive=seen.alive, paused=order is not None, now=int(uptime() * 1000), boot=boot_id(),
        verdict=last.state if last and not trouble else None,
    )  # fmt: skip
    remains = _left_behind(place, name, seen)
    when, said = place.last_event(name)
    known = seen.record or trouble or order or (last and last.in_this_boot) or place.is_known(name)
    unseen = last_seen.words(last) if last and known and max_age and last.age > max_age else ""
    doubt = doubt if max_age else ""  # else nobody asked
    notes = [quoted(each) for each in (unseen, doubt, note, trouble, remains, "" if known else _NEVER) if each]
    row = Row(
        name=name, keeper=place.keeper, state_dir=place.path, alive=stands.alive,
        pid=seen.record.pid or None if seen.record and seen.alive and stands.alive else None,
        restarts=stands.restarts, starts=stands.starts,
        since=None if stands.since is None else stands.since / 1000, wait=stands.wait / 1000, last=said,
        last_time=when or None, notes=notes,
        containment=containment.kind(place.owner(name), seen.record.pid) if seen.alive and seen.record else None,
        seen=round(last.age, 3) if last and last.in_this_boot else None, unseen=unseen,
        **_order(order),
    )  # fmt: skip
    words = f"{name} is {stands.word}" + (", " + "; ".join(notes) if notes else "")
    state = worst([STATES[stands.word], *([CRITICAL] if unseen else []), *([UNKNOWN] if doubt else [])])
    return row, Result(state, words, reason=stands.word, target=name, details=row.plain())


def _seen(place: StateDir, name: str) -> tuple[Seen, str]:
    """Return what its record says, and why that is less than it could be, or nothing."""
    if place.directory < 0:
        return Seen(None, alive=False), ""
    try:
        mounted()  # or each would be called down, as of another boot
        seen = instance.read_in(place.directory, place.owner(name))
    except ProcUnavailable as error:
        return Seen(None, alive=False), str(error)
    if seen.record and seen.record.pid and seen.record.boot == boot_id() and seen.record.identity[2:] != here():
        return Seen(None, alive=False), f"{name} is kept in another pid or time namespace, where we cannot look"
    return seen, seen.note


def _left_behind(place: StateDir, name: str, seen: Seen) -> str:
    """Return what its instance left behind when it ended, in words, or nothing."""
    record = seen.record
    if record is None or seen.alive or not record.pid or record.identity[2:] != here():
        return ""
    seen.lived(_START_SECONDS)
    try:
        pids, _ = left_by(place.owner(name), record.identity, frozenset({place.uid}), ticks(seen.until))
    except ProcUnavailable:
        return ""
    more = ", ..." if len(pids) > _NAMED else ""
    return f"its last instance left pid {', '.join(map(str, pids[:_NAMED]))}{more} behind" if pids else ""


def _order(order: Pause | None) -> PauseFacts:
    from watchdog_tools.admin.pause import facts

    if order:
        return facts(order)
    return {"paused_left": None, "paused_until": None, "paused_until_boot": False, "paused_reason": ""}


def _sentence(rows: Rows, state: int) -> str:
    """Return `3 services: 2 running, 1 down; web: down`."""
    counts = {word: sum(result.reason == word for _, result in rows) for word in STATES}
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    bad = [
        (row, result)
        for row, result in rows
        if result.state != OK and not (row.unseen and STATES[result.reason] in (OK, UNKNOWN))
    ]
    bad.sort(key=lambda each: each[1].state != state)
    head = f"{len(rows)} service{'s' * (len(rows) != 1)}: {said}"
    named = _few([_named(row, result) for row, result in bad])
    return "; ".join(filter(None, [head, _unseen([row for row, _ in rows if row.unseen]), named]))


def _unseen(rows: list[Row]) -> str:
    """Return `web, db not seen for 7 min: no run of cron since 03:12`: what is said of the last one that was."""
    if not rows:
        return ""
    last = min(rows, key=lambda row: float("inf") if row.seen is None else row.seen)
    return f"{_few([row.name for row in rows])} {last.unseen}"


def _few(words: list[str]) -> str:
    more = [f"and {len(words) - _NAMED} more"] if len(words) > _NAMED else []
    return ", ".join([*words[:_NAMED], *more])


def _named(row: Row, result: Result) -> str:
    if _NEVER in row.notes:
        return f"{row.name} was never kept here"
    return f"{row.name}: {row.notes[0] if STATES[result.reason] == OK else result.reason}"


def _table(rows: Rows, *, keepers: bool, more: bool, seen: bool) -> list[str]:
    head: tuple[str, ...] = ("NAME", "STATE", "SINCE", "STARTS", "HELD/PAUSED", "LAST")
    cells = [_cells(row, result.reason) for row, result in rows]
    if keepers:
        head = ("KEEPER", *head)
        cells = [(row.keeper, *each) for (row, _), each in zip(rows, cells, strict=True)]
    if seen:
        head = (*head[:-1], "SEEN", head[-1])
        ages = ["-" if row.seen is None else f"{human_duration(row.seen)} ago" for row, _ in rows]
        cells = [(*each[:-1], age, each[-1]) for age, each in zip(ages, cells, strict=True)]
    if more:
        head = (*head[:-1], "CONTAINMENT", head[-1])
        cells = [(*each[:-1], row.containment or "-", each[-1]) for (row, _), each in zip(rows, cells, strict=True)]
    return aligned([head, *cells])


def _cells(row: Row, word: str) -> tuple[str, ...]:
    since = "-" if row.since is None else human_duration(row.since)
    held = f"next start in {human_duration(row.wait)}" if row.wait else "-"
    if row.paused_left is not None or row.paused_until_boot:
        ending = f": {row.paused_reason}" if row.paused_reason else ""
        left = f"{human_duration(max(round(row.paused_left or 0), 1))} left"
        held = ("until the next boot" if row.paused_until_boot else left) + ending
    age = f"{human_duration(max(time.time() - row.last_time, 0))} ago: " if row.last_time else ""
    last = "; ".join([*([f"{age}{row.last}"] if row.last else []), *row.notes]) or "-"
    shown = f"paused, {_ALIVE[row.alive]}" if word == "paused" else word
    counts = [str(count) for count in (row.restarts, row.starts) if count is not None]
    return row.name, shown, since, "/".join(counts) or "-", held, last
