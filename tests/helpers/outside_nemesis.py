"""Who strikes at the services of the soak from outside: kills, stops, copies, forges, and an operator's orders."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from helpers.components import NOBODY
from helpers.observations import Violation, now
from helpers.outside_families import Families
from helpers.outside_services import BOUND, PERIOD, Service
from helpers.processes import look
from helpers.soak import SLACK


class Nemesis(Families):
    """Who strikes. Each strike returns what it was, empty where nobody was there to be struck."""

    def strike(self) -> None:
        """Break something."""
        kinds: dict[Callable[[], str], int] = {
            self.kill_service: 6, self.stop_service: 2, self.kill_run: 4, self.stop_run: 3, self.ask_run: 1,
            self.order: 3, self.delete: 1,
        }  # fmt: skip
        if "copy1" in self.services:
            kinds |= {self.copy_record: 2, self.copy_directory: 1}
        if "jail" in self.services:
            kinds |= {self.order_in_jail: 1}
        if "marked" in self.services:
            kinds |= {self.forge: 2}
        if "planted" in self.services:
            kinds |= {self.plant: 1}
        if any(each.wrapped for each in self.services.values()):
            kinds |= {self.kill_wrapper: 4}
        if any(each.members for each in self.services.values()):
            kinds |= {self.orphan: 2}
        what = self.random.choices(list(kinds), list(kinds.values()))[0]
        self.count(what())

    def count(self, name: str) -> None:
        """Note a strike."""
        if name:
            self.struck[name] += 1
            self.calm = now()

    def kill_service(self, *names: str) -> str:
        """Kill an instance, a worker, a job."""
        life = self.instance(*names)
        if not life:
            return ""
        self.blame(life)
        return self.send(look(life.pid), signal.SIGKILL, f"kill {life.name}") and "kill service"

    def stop_service(self) -> str:
        """Stop an instance for a while."""
        life = self.instance()
        seen = look(life.pid) if life else None
        if not life or not seen or life.hung or self.service_of(life).follows:
            return ""
        life.hung = True
        return self.pause(seen, f"stop {life.name}") and "stop service"

    def kill_run(self) -> str:
        """Kill one process of a run."""
        ours = self.ours()
        return self.send(self.random.choice(ours), signal.SIGKILL, "kill run") if ours else ""

    def stop_run(self) -> str:
        """Stop one process of a run; it goes on a little later."""
        ours = [seen for seen in self.ours() if seen.pid not in self.stopped]
        return self.pause(self.random.choice(ours), "stop run") if ours else ""

    def ask_run(self) -> str:
        """Ask a run to end."""
        return self.ask(self.random.choice(self.runs)) if self.runs else ""

    def order(self, *names: str) -> str:
        """Let an operator have a say about one service."""
        known = [name for name, each in self.services.items() if each.foreground and (not names or name in names)]
        if not known:
            return ""
        service = self.services[self.random.choice(known)]
        if self.random.random() < 0.5:
            self.done(self.operate(service, "restart"))
            return "restart"
        if self.done(self.operate(service, "stop")) == 0:
            self._is_gone(service)
        self.stay(self.random.choice((0.0, 1.0, 3.0)))
        if not self.stay(BOUND, lambda: not self.is_kept(service) or self.done(self.operate(service, "resume")) == 0):
            raise Violation(f"the pause of {service.name} cannot be ended")
        self.done(self.operate(service, "start"))
        return "stop and start"

    def _is_gone(self, service: Service) -> None:
        """See that nothing of a service lives that was stopped. Raise Violation."""
        self.oracle.look()
        left = self.oracle.scope(service.name)
        if left:
            raise Violation(f"{service.name} was stopped, and lives: {[(life.name, life.pid) for life in left]}")

    def is_kept(self, service: Service) -> bool:
        """Whether it is known here to an operator: it is not where all state of one that is well by a check is gone."""
        place = Path(f"{service.jail or ''}{service.state}")
        return (place / f"{service.known_as}.record").exists() or (place / "pause" / service.known_as).exists()

    def delete(self) -> str:
        """Delete all state while no run is alive, and one of the services perhaps dead."""
        if self.strangers:  # who was never seen to be kept here, and is dead, may well be what a stranger calls itself
            self.heal()
            self.stay(BOUND, self.all_live)
        traceless = self.traceless()
        self.still()
        if (self.strangers and not self.all_live()) or not all(map(self.is_whole, traceless)):
            self.go_on()
            return ""
        if not self.strangers and not traceless:
            self.random.choice((self.kill_service, str))()
        for directory in (self.cast.state, self.cast.other):
            self.forget(directory)
        for life in self.oracle.everyone():  # that its parent had ended with 0 is forgotten, so that it may be replaced
            life.struck = life.struck or not self.service_of(life).foreground
        self.go_on()
        if self.strangers:  # until then, who dies is again one that was never seen to be kept here
            self.stay(BOUND, self.all_recorded)
        self.stay(BOUND, lambda: all(map(self.is_recorded, traceless)))
        return "delete state"

    def copy_record(self) -> str:
        """Give a service the record of another one."""
        self.still()
        if self.random.random() < 0.7:
            self.kill_service("copy2")
        _copy(self.cast.state / "copy1.record", self.cast.state / "copy2.record")
        self.go_on()
        self.stay(2 * PERIOD)
        self.order("copy2")
        return "copy record"

    def copy_directory(self) -> str:
        """Give the other state directory what is in the first."""
        self.still()
        if self.random.random() < 0.7:
            self.kill_service("copy1-elsewhere")
        self.forget(self.cast.other)
        _copy(self.cast.state, self.cast.other)
        self.go_on()
        self.stay(BOUND, lambda: not self.oracle.down("copy1-elsewhere"))
        self.stay(2 * PERIOD)  # a run of its own has been there
        self.order("copy1-elsewhere")
        return "copy directory"

    def order_in_jail(self) -> str:
        """Let the operator of the other root have a say."""
        return self.order("jail-inside") and "order in the other root"

    def forge(self) -> str:
        """Let strangers pretend to be our services, and kill those."""
        self.dismiss()
        for name in self.random.sample(("forged", "app", "known0", "script"), 2):
            self.stranger(name)
        for name in ("marked", "forged"):
            life = self.instance(name)
            variables = _marks(life.pid) if life else []
            if variables:
                self.stranger(name, *variables)
        if self.random.random() < 0.3:
            self.count(self.delete())
        self.kill_service("forged")
        self.kill_service("marked")
        self.stay(2 * PERIOD)
        return "forge"

    def plant(self) -> str:
        """Let a stranger write a pidfile where anybody may."""
        self.still()
        if self.kill_service("planted"):
            path = self.cast.sticky / "planted.pid"
            path.unlink(missing_ok=True)
            path.write_text(f"{self.stranger('planted').pid}\n")
            os.chown(path, NOBODY, NOBODY)
        self.go_on()
        self.stay(2 * PERIOD)
        return "plant pidfile"

    def soak(self, seconds: float) -> None:
        """Storms and calms by turns. Raise Violation."""
        until = now() + seconds
        self._calm()
        while now() < until:
            for _ in range(self.random.randint(2, 10)):
                self.strike()
                self.stay(self.random.choice((0.0, 0.05, 0.2, 0.5, 1.0)))
                if now() > until:
                    break
            self._calm()

    def _calm(self) -> None:
        self.heal()
        self.stay(BOUND + SLACK, self.all_work)
        self.stay(self.random.choice((1.0, 2.0, 5.0)))

    def finish(self) -> None:
        """End it as an operator would, and see that nothing is left. Raise Violation."""
        self._calm()
        self.still()
        for service in self.services.values():
            if not (service.foreground and self.is_kept(service)):
                continue
            # on a machine with more to do, what was killed may not be gone in time: that is said, and ordered again
            if not self.stay(BOUND, lambda each=service: self.done(self.operate(each, "stop")) == 0):  # type: ignore[misc]
                raise Violation(f"the operator's stop of {service.name} failed")
            self._is_gone(service)
        self.dismiss()


def _copy(one: Path, other: Path) -> None:
    if one.exists():
        subprocess.run(["cp", "-aT", one, other], check=True)


def _marks(pid: int) -> list[str]:
    """Return the variables of ours in its environment, with @ for its pid and ticks."""
    seen = look(pid)
    try:
        lines = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
    own = [os.fsdecode(line) for line in lines if line.startswith(b"WATCHDOG_TOOLS_")]
    return [line.replace(f"{pid}:{seen.ticks}", "@", 1) for line in own] if seen else []
