"""What history says, in its probe worker: the events of one service, with the evidence of each death where asked."""

from __future__ import annotations

import os
from collections import deque

from watchdog_tools.admin.state_dir import StateDir
from watchdog_tools.core import NAMES, OK, UNKNOWN, Result
from watchdog_tools.core.events import ordered_by, words
from watchdog_tools.core.text import quoted
from watchdog_tools.state import StateDirError, default, events
from watchdog_tools.system import local_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Event = dict[str, object]

USUAL = 50  # events that are shown where --since does not say
_MOST = 500  # events, or so many bytes: a Result must go through a pipe, and a person must read it
_BYTES = 256 * 1024
_WORDS = 400  # bytes of one event
_NEAR = 2.0  # seconds between a death's event and its evidence, which are written one behind the other


def history(name: str, directory: str | None, since: float | None, *, more: bool) -> Result:
    """Return the events of NAME, the newest last: those since a moment (epoch), else the last USUAL.

    more: with the evidence of each death, which is the keeper's alone to read.
    """
    place = _place(name, directory)
    if not place.may_read(name):
        words_ = f"the events of {name} are those of {place.keeper}, and not ours to read"
        return Result(UNKNOWN, words_, reason="permission", target=name, details={"name": name})
    shown, count, torn = _chosen(place, name, since)
    if not (count or torn or place.is_known(name)):
        return Result(
            UNKNOWN, f"{name} was never kept here ({place.path})", reason="never-kept", target=name,
            details={"name": name},
        )  # fmt: skip
    evidence = list(_evidence(place, name)) if more else []
    for event in shown if evidence else ():
        _join(event, evidence)
    cut = _within(shown)
    said = [f"{name}: {len(cut)} event{'s' * (len(cut) != 1)}"]
    said += [f"the last of {count}" + (" (--since shows more)" if since is None else "")] if len(cut) < count else []
    said += [f"{torn} line{'s' * (torn != 1)} cannot be read"] if torn else []
    return Result(
        OK, "; ".join(said), target=name, details={"name": name},
        lines=[line for event in cut for line in _lines(event)], each=[_result(name, event) for event in cut],
    )  # fmt: skip


def _place(name: str, directory: str | None) -> StateDir:
    """Return where it is kept: in the caller's own place, else where an ordinary user knows root's."""
    uid = os.geteuid()
    if directory:
        return StateDir(directory, uid)
    roots = StateDir(default(0), 0)
    if uid == 0:
        return roots
    try:
        own = StateDir(default(uid), uid)
    except StateDirError:  # who has no home keeps nothing
        return roots
    return roots if roots.is_known(name) and not own.is_known(name) else own


def _chosen(place: StateDir, name: str, since: float | None) -> tuple[list[Event], int, int]:
    """Return the newest that were asked for, how many there are of such, and how many lines are torn."""
    newest: deque[Event] = deque(maxlen=USUAL if since is None else _MOST)
    count = torn = 0
    for event in place.events(name):
        if event is None:
            torn += 1
        elif since is None or _epoch(event) >= since:
            newest.append(event)
            count += 1
    return list(newest), count, torn


def _evidence(place: StateDir, name: str) -> Iterator[Event]:
    for event in place.events(name, events.EVIDENCE):
        if event and isinstance(event.get("lines"), list):
            yield event


def _join(event: Event, evidence: list[Event]) -> None:
    """Give a death the end of the log that was kept of it."""
    for each in evidence:
        same = (each.get("event"), each.get("pid")) == (event["event"], event.get("pid"))
        if same and abs(_epoch(each) - _epoch(event)) < _NEAR:
            event.update(log=each.get("log"), lines=each["lines"])
            evidence.remove(each)
            return


def _within(shown: list[Event]) -> list[Event]:
    """Return the newest that fit."""
    left = _BYTES
    for index in range(len(shown) - 1, -1, -1):
        left -= len(repr(shown[index]))
        if left < 0:
            return shown[index + 1 :]
    return shown


def _epoch(event: Event) -> float:
    epoch = event["epoch"]
    return epoch if isinstance(epoch, float) else 0.0


def _lines(event: Event) -> list[str]:
    """Return the line of an event, and below it the end of the log."""
    evidence = {key: event[key] for key in ("log", "lines") if key in event}
    plain = {key: value for key, value in event.items() if key not in evidence}
    by = ordered_by(event)
    head = f"{local_time(_epoch(event))}  {words(plain, _WORDS)}{f' ({by})' if by else ''}"
    lines = evidence.get("lines")
    if not isinstance(lines, list) or not lines:
        return [head]
    return [
        head,
        f"    {quoted(str(evidence.get('log')))} ended with:",
        *(f"    {quoted(str(e), _WORDS)}" for e in lines),
    ]


def _result(name: str, event: Event) -> Result:
    """Return an event as -o json shows it: its facts are the details."""
    state, reason = event.get("state"), event.get("reason")
    return Result(
        NAMES.index(state) if isinstance(state, str) and state in NAMES else OK,
        words({key: value for key, value in event.items() if key not in ("log", "lines")}, _WORDS),
        reason=reason if isinstance(reason, str) and "schema" in event else "",
        target=name,
        details={**event, "name": name},
    )
