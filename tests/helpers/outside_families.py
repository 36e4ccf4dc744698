"""Strikes at one of a service's processes alone: its wrapper, its master; and what then becomes of the others."""

from __future__ import annotations

import signal

from helpers.observations import Violation
from helpers.outside_oracle import Testified
from helpers.outside_services import BOUND, PERIOD, Service
from helpers.outside_soak import Outside
from helpers.processes import look
from helpers.soak import SLACK

JOBS = 8  # of one service, of which the oldest are ended


class Families(Outside):
    """Services of more than one process. Each strike returns what it was, empty where nobody was there."""

    def service_of(self, life: Testified) -> Service:
        """Return whose it is."""
        return self.services[self.cast.owners[life.name]]

    def blame(self, life: Testified) -> None:
        """Remember that we have killed it; who loses a master may be ended for that."""
        life.struck = True
        if life.name in self.services:
            for each in self.oracle.scope(life.name):
                each.struck = True

    def kill_wrapper(self) -> str:
        """Kill what waits for an instance, and that alone."""
        life = self.instance(*(name for name, each in self.services.items() if each.wrapped))
        seen = look(life.pid) if life else None
        if not life or not seen or seen.parent != life.parent:
            return ""
        self.blame(life)
        return self.send(look(life.parent), signal.SIGKILL, f"kill what waits for {life.name}") and "kill wrapper"

    def orphan(self) -> str:
        """Kill a master alone, with some of what it leaves behind stopped. Raise Violation if they are not ended."""
        self.heal()
        master = self.instance(*(name for name, each in self.services.items() if each.members))
        if not master:
            return ""
        service = self.service_of(master)
        left = [life for name in service.members for life in self.oracle.living(name)]
        for life in left:
            if self.random.random() < 0.5:
                self._hang(life, forever=not service.process)
        self.blame(master)
        if not self.send(look(master.pid), signal.SIGKILL, f"kill {master.name}"):
            return ""
        if service.process:
            self._trim(service)
            self.stay(2 * PERIOD)
        elif not self.stay(BOUND + SLACK, lambda: all(life.ended for life in left)):
            raise Violation(f"what {master.name} left behind lives on: {[life for life in left if not life.ended]}")
        return "orphan"

    def _hang(self, life: Testified, *, forever: bool) -> None:
        life.hung = True
        seen = look(life.pid)
        if forever:
            self.send(seen, signal.SIGSTOP, f"stop {life.name}")
        elif seen:
            self.pause(seen, f"stop {life.name}")

    def _trim(self, service: Service) -> None:
        """End the oldest jobs."""
        for name in service.members:
            for life in self.oracle.living(name)[:-JOBS]:
                life.struck = True
                self.send(look(life.pid), signal.SIGKILL, f"kill {name}")

    def is_whole(self, service: Service) -> bool:
        """Whether it and its own workers live, and no earlier one's."""
        pids = {life.pid for life in self.oracle.living(service.name)}
        return bool(pids) and all(life.parent in pids for name in service.members for life in self.oracle.living(name))

    def traceless(self) -> list[Service]:
        """Return those of whose workers only a record tells, if their master is dead: without groups, that is."""
        found = (each for each in self.services.values() if "--workers" in each.listens)
        return [] if self.cast.contained else list(found)
