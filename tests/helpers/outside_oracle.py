"""Judges services from outside, by what they testify: never two of one, never one ended by a run that is another's."""

from __future__ import annotations

import os
import select
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from helpers.observations import EventLog, Life, Violation, now

SILENT = 1.5  # seconds without a beat, after which one does not work; it beats each 0.2 s
YOUNG = 2.0  # seconds from its begin, in which a run may still be at work on it
UPSET = 10.0  # seconds after it was stopped by us, in which a check may still have failed


@dataclass
class Testified(Life):
    """An instance's. parent: who started it; struck: we have killed it, or its parent; told: a run has ended it."""

    name: str = ""
    parent: int = 0
    struck: bool = False
    told: bool = False
    upset: float = -UPSET  # when we last let it go on


class Oracle:
    """What all services testify.

    owners: the service of each that testifies: itself, or whose worker, program or job it is. free: whom a run of their
    own may end though they are well; kept: whom no run may end, nor an operator's order.
    """

    def __init__(self, room: Path, owners: dict[str, str], log: EventLog, uid: int = 0) -> None:
        """Make the directory that they testify in, which belongs to `uid`."""
        self.log = log
        self.room = room
        self.owners = owners
        self.free: set[str] = set()
        self.kept: set[str] = set()
        self.lives: dict[str, list[Testified]] = {name: [] for name in owners}
        self.born = now()
        self.unseen = 0  # how often nobody knows who it was that ended one
        self.ended_by: Counter[str] = Counter()
        self._read = 0
        room.mkdir()
        journal = room / "journal"
        journal.touch()
        for each, mode in ((room, 0o777), (journal, 0o666)):  # some are nobody's
            os.chown(each, uid, uid)
            each.chmod(mode)

    def living(self, name: str) -> list[Testified]:
        """Return those of a service that live, as of the last look."""
        return [life for life in self.lives[name] if not life.ended]

    def scope(self, service: str) -> list[Testified]:
        """Return all that live of a service, with its workers and programs, as of the last look."""
        names = [name for name, owner in self.owners.items() if owner == service and name not in self.kept]
        return [life for name in names for life in self.living(name)]

    def everyone(self) -> list[Testified]:
        """Return all that live."""
        return [life for name in self.lives for life in self.living(name)]

    def starts(self) -> int:
        """Return how many have begun."""
        return sum(map(len, self.lives.values()))

    def lived(self, name: str, since: float, until: float) -> bool:
        """Whether one lived at any moment of that time."""
        return any(life.begun <= until and (not life.ended or life.ended >= since) for life in self.lives[name])

    def down(self, name: str) -> float:
        """Return since when none works, 0 while one does."""
        try:
            beat = float((self.room / f"{name}.beat").read_text())
        except (OSError, ValueError):
            return self.born  # none has ever worked
        return beat if now() - beat > SILENT else 0.0

    def look(self) -> None:
        """Read what they wrote, and see who has ended. Raise Violation."""
        gone = [life for life in self.everyone() if select.select([life.handle], [], [], 0)[0]]
        for line in self._lines():
            word, name, pid, at, *more = line.split()
            self.log.add(f"{name} {pid}: {word} {' '.join(more)}")
            if word == "two":
                raise Violation(f"two of {name}: {pid} began while {[each.pid for each in self.living(name)]} lived")
            if word == "begin":
                self._meet(name, int(pid), float(at), int(more[0]))
            else:
                self._told(name, int(pid), *more)
        for life in gone:
            self._bury(life)

    def _meet(self, name: str, pid: int, begun: float, parent: int) -> None:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return  # its `term` is read already, or comes with the next look
        self.lives[name].append(Testified(pid, begun, handle, name=name, parent=parent))

    def _told(self, name: str, pid: int, sender: str, made_for: str, tool: str) -> None:
        """Oracle who asked it to end."""
        life = next((each for each in self.living(name) if each.pid == pid), None)
        what = f"{name}'s instance {pid} was ended by {tool} of {made_for} (pid {sender})"
        self.ended_by[tool] += 1
        if tool != "?" and name in self.kept:
            raise Violation(f"{what}, though the kill mode is process")
        if "?" in {tool, made_for}:  # gone by then, or another user's
            self.unseen += 1
        elif made_for != self.owners[name]:
            raise Violation(what)
        if life:
            life.told = True
        well = life and not (life.struck or life.hung or now() - life.upset < UPSET or now() - life.begun < YOUNG)
        if well and tool == "ensure-running" and name not in self.free:
            raise Violation(f"{what}, though it was well")

    def _bury(self, life: Testified) -> None:
        life.ended = now()
        os.close(life.handle)
        self.log.add(f"{life.name} {life.pid}: gone")
        if not (life.struck or life.told or life.hung):
            raise Violation(f"{life.name}'s instance {life.pid} was killed, by nobody who may")

    def _lines(self) -> list[str]:
        """Return what is new in the journal; each line was written at once."""
        with (self.room / "journal").open("rb") as journal:
            journal.seek(self._read)
            new = journal.read()
        self._read += len(new)
        return new.decode().splitlines()
