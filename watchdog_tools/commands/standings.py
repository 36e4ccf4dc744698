"""What status says, in its looker: records, pauses and last words become rows and one verdict."""

from __future__ import annotations

import os
import time

from watchdog_tools.cli.values import is_service
from watchdog_tools.columns import aligned
from watchdog_tools.names import Owner
from watchdog_tools.probes import history, instance, paused
from watchdog_tools.result import OK, UNKNOWN, Result, worst
from watchdog_tools.standing import STATES, Standing, standing
from watchdog_tools.system.clock import boot_id, uptime
from watchdog_tools.system.identity import here
from watchdog_tools.system.proc import Unseen, mounted
from watchdog_tools.system.statedir import NoState, default, enter, pauses
from watchdog_tools.system.statedir import place as statedir_place
from watchdog_tools.text import quoted
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.options import Values
    from watchdog_tools.pauses import Pause

_NAMED = 5  # names that the one line shows
_MOST = 500  # services; a Result must go through a pipe, and a person must read it


class Place:
    """A state directory to look into. uid: whose it is, and whose files in it are believed."""

    __slots__ = ("directory", "note", "path", "uid")

    def __init__(self, path: str, uid: int) -> None:
        """Open it; `directory` is -1 where there is none, and `note` says why if that is not plain."""
        self.path = path
        self.uid = uid
        self.directory, self.note = -1, ""
        try:
            self.directory = enter(path, reading=True)
            self.uid = os.fstat(self.directory).st_uid
        except NoState as error:
            self.note = "" if error.missing else str(error)

    @property
    def pauses(self) -> str:
        """The directory of the pauses."""
        return pauses(self.path, self.uid)

    @property
    def keeper(self) -> str:
        """The name of the user who keeps what is in it."""
        import pwd

        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    def owner(self, name: str) -> Owner:
        """Return whose the instance called `name` in it is."""
        return Owner(name=name, uid=self.uid, directory=self.path, place=statedir_place(self.path))

    def names(self) -> list[str]:
        """Return the NAMEs that have a record or a pause; `note` says what cannot be listed."""
        found = set(self._listed(self.directory, ".record")) if self.directory >= 0 else set()
        try:
            orders = enter(self.pauses, reading=True)
        except NoState:
            return sorted(found)
        found.update(name for name in self._listed(orders) if paused.look(self.pauses, name, self.uid)[0])
        os.close(orders)
        return sorted(found)

    def _listed(self, directory: int, suffix: str = "") -> list[str]:
        try:
            return list(filter(is_service, history.names(directory, suffix)))
        except OSError as error:
            self.note = f"{self.path} cannot be listed: {error.strerror}"
            return []


def standings(names: tuple[str, ...], directory: str | None) -> Result:
    """Return the verdict on `names`, all if empty; details `each` are those on each one."""
    places = _places(directory)
    asked = [(place, name) for place in places for name in place.names() if not names or name in names]
    asked += [(places[0], name) for name in names if name not in {known for _, known in asked}]
    rows = [_row(place, name) for place, name in asked[:_MOST]]
    notes = [place.note for place in places if place.note]
    notes += [f"{len(asked) - _MOST} more are not shown"] if len(asked) > _MOST else []
    where = " or ".join(place.path for place in places)
    if not rows:
        return Result(UNKNOWN, "; ".join([f"nothing is kept in {where}", *notes]), reason="nothing", target=where)
    state = worst([*(row.state for row in rows), *[UNKNOWN] * len(notes)])
    return Result(
        state,
        "; ".join([_sentence(rows, state), *notes]),
        target=where,
        details={"each": [row.pack() for row in rows]},
        lines=_table(rows, keepers=len({row.target for row in rows}) > 1),
    )


def _places(directory: str | None) -> list[Place]:
    if directory:
        return [Place(directory, os.geteuid())]
    roots = Place(default(0), 0)
    if os.geteuid() == 0:
        return [roots]
    try:
        return [Place(default(os.geteuid()), os.geteuid()), roots]
    except NoState:  # who has no home keeps nothing
        return [roots]


def _row(place: Place, name: str) -> Result:
    """Return the verdict on one service; its details are documented in the README."""
    order, note = paused.look(place.pauses, name, place.uid)
    stands, trouble = _standing(place, name, paused_now=order is not None)
    when, said = history.last(place.directory, name, place.uid) if place.directory >= 0 else (0.0, "")
    notes = [quoted(each) for each in (note, trouble) if each]
    details = {
        "name": name, "keeper": place.keeper, "alive": stands.alive, "restarts": stands.restarts,
        "starts": stands.starts, "since": None if stands.since is None else stands.since / 1000,
        "wait": stands.wait / 1000, "last": said, "last_time": when or None, "notes": notes, **_order(order),
    }  # fmt: skip
    words = f"{name} is {stands.word}" + (", " + "; ".join(notes) if notes else "")
    return Result(STATES[stands.word], words, reason=stands.word, target=place.path, details=details)


def _standing(place: Place, name: str, *, paused_now: bool) -> tuple[Standing, str]:
    """Return how it stands, and why that is less than it could be, or nothing."""
    now, boot = int(uptime() * 1000), boot_id()
    if place.directory < 0:
        return standing(None, alive=False, paused=paused_now, now=now, boot=boot), ""
    try:
        mounted()  # or each would be called down, as of another boot
        seen = instance.look_in(place.directory, place.owner(name))
    except Unseen as error:
        return standing(None, alive=False, paused=paused_now, now=now, boot=boot), str(error)
    if seen.record and seen.record.pid and seen.record.boot == boot and seen.record.identity[2:] != here():
        words = f"{name} is kept in another pid or time namespace, where we cannot look"
        return standing(None, alive=False, paused=paused_now, now=now, boot=boot), words
    return standing(seen.record, alive=seen.alive, paused=paused_now, now=now, boot=boot), seen.note


def _order(order: Pause | None) -> dict[str, object]:
    from watchdog_tools.commands.pausing import facts

    return facts(order) if order else {"paused_left": None, "paused_until": None, "paused_reason": ""}


def _sentence(rows: list[Result], state: int) -> str:
    """Return `3 services: 2 running, 1 down; web: down`."""
    counts = {word: sum(row.reason == word for row in rows) for word in STATES}
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    bad = [row for row in rows if row.state != OK]
    named = [f"{row.details['name']}: {row.reason}" for row in sorted(bad, key=lambda row: row.state != state)]
    more = [f"and {len(named) - _NAMED} more"] if len(named) > _NAMED else []
    head = f"{len(rows)} service{'s' * (len(rows) != 1)}: {said}"
    return f"{head}; {', '.join([*named[:_NAMED], *more])}" if bad else head


def _table(rows: list[Result], *, keepers: bool) -> list[str]:
    head = ("NAME", "STATE", "SINCE", "RESTARTS", "HELD/PAUSED", "LAST")
    cells = [_cells(row.details, row.reason) for row in rows]
    if keepers:
        head = ("KEEPER", *head)  # type: ignore[assignment]
        cells = [(str(row.details["keeper"]), *each) for row, each in zip(rows, cells, strict=True)]
    return aligned([head, *cells])


def _cells(told: Values, word: str) -> tuple[str, ...]:
    since = "-" if told["since"] is None else spoken(told["since"])
    held = f"next start in {spoken(told['wait'])}" if told["wait"] else "-"
    if told["paused_left"] is not None:
        why = f": {told['paused_reason']}" if told["paused_reason"] else ""
        held = f"{spoken(max(round(told['paused_left']), 1))} left{why}"
    age = f"{spoken(max(time.time() - told['last_time'], 0))} ago: " if told["last_time"] else ""
    last = "; ".join([f"{age}{told['last']}" if told["last"] else "-", *told["notes"]])
    alive = ", alive" if word == "paused" and told["alive"] else ", down" if word == "paused" else ""
    counts = [str(count) for count in (told["restarts"], told["starts"]) if count is not None]
    restarts = "/".join(counts) or "-"
    return told["name"], f"{word}{alive}", since, restarts, held, last
