"""The soak from outside: services, the runs that keep them, operators, strangers, and another root."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.commands import BIN
from helpers.components import NOBODY, need
from helpers.observations import Ran, Violation, now
from helpers.outside_oracle import Oracle, Testified
from helpers.outside_programs import FOR, install
from helpers.outside_services import BOUND, PERIOD, Cast, Service
from helpers.processes import look
from helpers.soak import SLACK, Soak, do, takes

TICK = 0.02
LATE = 1.0  # seconds in which one that lives has testified
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
USER = 64123  # nobody's uid; in the namespace it is a user's, with a home of mode 0700


@dataclass
class Run(Ran):
    """A run, made for the service of that name."""

    service: str = ""


class Outside(Soak):
    """Services that are kept at once, and all that is done to them."""

    def __init__(self, room: Path, seed: int, scenes: list[str], uid: int = 0, **groups: Any) -> None:
        """Make the directories, the user and the other root; nothing runs yet.

        uid: whose runs they are. groups: what Cast is told of containment.
        """
        super().__init__(room, seed)
        self.uid = uid
        self.bin = BIN
        self.period = PERIOD
        self.cast = Cast(room, scenes, uid, **groups)
        self.services = self.cast.services
        install(self.cast.programs, sorted({each.program for each in self.services.values()}))
        self.oracle = Oracle(self.cast.testimony, self.cast.owners, self.log, uid)
        members = {name: each.process for each in self.services.values() for name in each.members}
        self.oracle.free = {name for name in self.services if name in {"away1", "known1"}} | set(members)
        self.oracle.kept = {name for name, process in members.items() if process}
        _loopback_up()
        self._make_user()
        self._make_places()
        self.strangers: dict[int, subprocess.Popen[bytes]] = {}
        self.claims: list[tuple[float, float, str, str]] = []  # that a service is well: until, since when, which, words
        self.held = False  # whether cron is held off
        begun = now()
        self.due = {name: begun + self.random.uniform(0, PERIOD) for name in self.services}
        self.limits = {name: self._limit(each) for name, each in self.services.items()}
        self.worst = 0.0  # seconds without any of one service since everything was put right

    def _make_user(self) -> None:
        """Give the user an account in this namespace alone."""
        if not self.uid:
            return
        home = self.room / "home"
        home.mkdir(mode=0o700)
        os.chown(home, self.uid, self.uid)
        for name, line in (("passwd", f"wdt:x:{self.uid}:{self.uid}::{home}:/bin/sh"), ("group", f"wdt:x:{self.uid}:")):
            own, real = self.room / name, Path("/etc", name)
            own.write_text(real.read_text() + line + "\n")
            do("mount", "--bind", str(own), str(real))

    def _make_places(self) -> None:
        var = self.cast.state.parent
        var.mkdir(mode=0o755)
        os.chown(var, self.uid, self.uid)
        self.cast.sticky.mkdir()
        self.cast.sticky.chmod(0o1777)
        if "jail" not in self.services:
            return
        self.cast.jail.mkdir()
        do("mount", "--rbind", "/", str(self.cast.jail))
        inside = f"{self.cast.jail}{var}"
        do("mount", "-t", "tmpfs", "-o", f"size=1m,mode=755,uid={self.uid},gid={self.uid}", "none", inside)

    def _limit(self, service: Service) -> float:
        words, popen = self._as(service, self.cast.ensure(service, str(self.bin / "ensure-running"), "--dry-run"))
        return takes(words, cwd="/", **popen)

    def _as(self, service: Service, words: list[str]) -> tuple[list[str], dict[str, Any]]:
        """Return the words, and Popen's options, that run them as the services' user, in the service's root."""
        if service.jail:
            return [need("chroot"), f"--userspec={self.uid}:{self.uid}", "--groups=", str(service.jail), *words], {}
        return words, {"user": self.uid, "group": self.uid, "extra_groups": []} if self.uid else {}

    # -- what happens ------------------------------------------------------------------------------------------------

    def ensure(self, service: Service) -> Ran:
        """Begin a run, as cron would."""
        run = Run(f"ensure-running {service.name}", self.limits[service.name], sure=True, service=service.name)
        return self._launch(run, self.cast.ensure(service, str(self.bin / "ensure-running")))

    def operate(self, service: Service, verb: str, *options: str) -> Ran:
        """Give an operator's order."""
        words = [str(self.bin / "watchdog-tools"), verb, service.known_as, "-s", str(service.state), *options]
        run = Run(f"watchdog-tools {verb} {service.name}", self.limits[service.name] + 10, service=service.name)
        return self._launch(run, words)

    def _launch(self, run: Run, words: list[str]) -> Ran:
        words, popen = self._as(self.services[run.service], words)
        return self.launch(run, words, {FOR: run.service}, **popen)

    def step(self) -> None:
        """Let a moment pass, and hold everybody to their promises. Raise Violation."""
        time.sleep(TICK)
        for name, service in self.services.items():
            if not self.held and now() >= self.due[name]:
                self.due[name] = max(self.due[name] + self.period, now())
                self.ensure(service)
        self.goes_on()
        self.oracle.look()
        for run in self.over():
            self.ends(run)
        self._verify()
        for pid in self.strangers:
            seen = look(pid)
            if seen is None or seen.state in "TZX":
                raise Violation(f"a stranger was signalled: {seen}")
        if self.stopped or self.held:
            self.calm = now()
        for name in self._workers():
            down = self.oracle.down(name)
            none = now() - max(down, self.calm) if down else 0.0
            self.worst = max(self.worst, none)
            if none > BOUND:
                raise Violation(f"no instance of {name} works for {none:.1f} s, and nobody is in its way")

    def ends(self, run: Ran) -> None:
        """Oracle a run that has ended."""
        name = run.service  # type: ignore[attr-defined]
        fine: list[tuple[float, float]] = []
        said = run.judge(lambda since, until: fine.append((until + LATE, since)) is None)
        late = 2 * LATE if self.services[name].wrapped else 0.0
        self.claims += [(until + late, since, name, said) for until, since in fine]
        self.log.add(f"{run.what}, pid {run.child.pid} ended: {said}")

    def _verify(self) -> None:
        """See that where a run said that all is well, an instance lived. Raise Violation."""
        for claim in [claim for claim in self.claims if now() > claim[0]]:
            self.claims.remove(claim)
            until, since, name, words = claim
            # what waits for it is what a run sees: it is there before, and a moment longer
            slack = LATE if self.services[name].wrapped else 0.0
            if not self.oracle.lived(name, since - slack, until):
                raise Violation(f"a run says that all is well, but no instance of {name} lived: {words}")

    def all_work(self) -> bool:
        """Whether each service works."""
        return all(not self.oracle.down(name) for name in self._workers())

    def _workers(self) -> list[str]:
        """Return who is to work: all but the jobs that others carry."""
        return [name for name in self.cast.owners if name not in self.oracle.kept]

    def all_live(self) -> bool:
        """Whether each service that strangers could be taken for has an instance, at this moment."""
        return all(self.oracle.living(each.name) for each in self._named())

    def all_recorded(self) -> bool:
        """Whether each service that strangers could be taken for has a record."""
        return all(map(self.is_recorded, self._named()))

    def is_recorded(self, service: Service) -> bool:
        """Whether it has a record."""
        return (service.state / f"{service.known_as}.record").exists()

    def _named(self) -> list[Service]:
        return [each for each in self.services.values() if "--process" in each.checks]

    def still(self) -> None:
        """Hold cron off until no run is alive; nobody is between taking a lock and writing `running` then."""
        self.held = True
        self.heal()
        for run in list(self.runs):
            self.ask(run)
        if not self.stay(SLACK + 10, lambda: not self.ours()):
            raise Violation(f"asked to end, and still alive: {self.ours()}")

    def go_on(self) -> None:
        """Let cron begin again, now."""
        self.held = False
        for name in self.due:
            self.due[name] = now() + self.random.uniform(0, 0.5)

    def resume(self, pid: int) -> None:
        """Let a stopped process go on."""
        super().resume(pid)
        for life in self.oracle.everyone():
            if life.pid == pid:
                life.hung = False
                life.upset = now()

    def heal(self) -> None:
        """Put everything right: nobody is stopped, no pidfile is another's."""
        for pid in list(self.stopped):
            self.resume(pid)
        for planted in self.cast.sticky.iterdir():
            if planted.stat().st_uid == NOBODY:
                planted.unlink()
                for life in self.oracle.living("planted"):  # without a pidfile it is not well, as its check has it
                    life.upset = now()
        self.log.add("all is put right")
        self.calm = now()

    # -- others --------------------------------------------------------------------------------------------------------

    def stranger(self, name: str, *variables: str) -> subprocess.Popen[bytes]:
        """Start a process of another user, with that name and that environment."""
        words = [str(self.cast.programs / "forger"), name, *variables]
        child = subprocess.Popen(words, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/")
        self.strangers[child.pid] = child
        return child

    def dismiss(self) -> None:
        """End all strangers."""
        for child in self.strangers.values():
            child.kill()
            child.wait()
        self.strangers.clear()

    def instance(self, *names: str) -> Testified | None:
        """Return one that lives, of these services or of all."""
        self.oracle.look()  # its pid may be another's by now
        living = [life for life in self.oracle.everyone() if not names or life.name in names]
        return self.random.choice(living) if living else None

    def forget(self, directory: Path) -> None:
        """Delete a state directory."""
        shutil.rmtree(directory, ignore_errors=True)

    def summary(self) -> str:
        """Return what it came to, in one line."""
        strikes = ", ".join(f"{kind} {count}" for kind, count in sorted(self.struck.items()))
        ended = ", ".join(f"by {tool} {count}" for tool, count in sorted(self.oracle.ended_by.items()))
        return (
            f"{len(self.services)} services, {self.ended} runs, {sum(self.struck.values())} strikes ({strikes}), "
            f"{self.oracle.starts()} starts, ended: {ended or 'none'}, "
            f"longest with none of one {self.worst:.2f} s once nobody struck (bound {BOUND:.1f} s)"
        )


def _loopback_up() -> None:
    """As `ip link set lo up` would, where there may be no ip."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
