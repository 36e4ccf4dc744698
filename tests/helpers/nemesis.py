"""Cron keeps a service with ensure-running while somebody breaks whatever there is; see that every promise holds.

    cd tests; python -m helpers.nemesis --minutes N [--seed S]

Each 3 s a run with --watch begins, at times a plain one, and an operator restarts, pauses or resumes. Storms of
strikes come and go: guards, actors, watchers, waiters, their forks and the service are killed or stopped, the state's
disk is filled, the state is deleted, the clock of half of the runs jumps. After each storm all is put right, and then
an instance must work within BOUND. Everything happens in a pid and mount namespace: the end of its first process is
the end of all, and the state is a small disk of its own. The seed makes the same choices, not the same moments.
"""

# ruff: noqa: T201 -- it talks to a person

from __future__ import annotations

import argparse
import contextlib
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from helpers.cron_soak import BOUND, NAME, CronSoak
from helpers.observations import Life, Violation, now, wait_until_gone
from helpers.processes import Seen, everyone, look
from helpers.soak import SLACK, do, enclosed

EXPECTED = {
    "x.record",
    "x.record.tmp",
    "x.seen",
    "x.start",
    "x.start.tmp",
    "x.corrupt",
    "x.events",
    "x.events.1",
    "x.command",
    "x.command.tmp",
    "lock",
    "pause",
}
LOCKS = {f"x.{kind}" for kind in ("lock", "waiting", "operator", "command", "command.tmp")}


class Nemesis(CronSoak):
    """Who strikes. Each strike returns what it was, empty where nobody was there to be struck."""

    def strike(self) -> None:
        """Break something."""
        kinds = {
            self.kill_run: 6, self.stop_run: 5, self.ask_run: 2, self.kill_service: 6, self.stop_service: 2,
            self.fill: 1, self.delete: 3, self.jump: 2, self.order: 2, self.plain: 3, self.ambush: 5,
            self.reuse: 2,
        }  # fmt: skip
        what = self.random.choices(list(kinds), list(kinds.values()))[0]
        name = what()
        if name:
            self.struck[name] += 1
            self.calm = now()

    def kill_run(self) -> str:
        """Kill one process of a run."""
        kind, seen = self._victim()
        return self.send(seen, signal.SIGKILL, f"kill {kind}") if seen else ""

    def stop_run(self) -> str:
        """Stop one process of a run; it goes on a little later."""
        kind, seen = self._victim()
        if seen is None or seen.pid in self.stopped:
            return ""
        return self.pause(seen, f"stop {kind}")

    def ask_run(self) -> str:
        """Ask a run to end."""
        run = self.random.choice(self.runs) if self.runs else None
        return self.ask(run) if run else ""

    def kill_service(self) -> str:
        """Kill the instance."""
        life = self._instance()
        return self.send(look(life.pid), signal.SIGKILL, "kill service") if life else ""

    def ambush(self) -> str:
        """Kill the instance, and whoever is about to repair that."""
        if not self.kill_service():
            return ""
        time.sleep(self.random.uniform(0, 0.25))
        self.instances.look()
        struck = self.random.choice((self.kill_run, self.kill_run, self.stop_run))()
        if struck:
            self.struck[struck] += 1
        return "kill service"

    def reuse(self) -> str:
        """Kill the instance, and give its pid to a stranger."""
        life, last = self._instance(), Path("/proc/sys/kernel/ns_last_pid")
        if not life or not last.exists() or not self.kill_service():
            return ""
        if wait_until_gone([life.pid], 0.5) or not self.stay(0.5, lambda: look(life.pid) is None):
            return "kill service"
        last.write_text(f"{life.pid - 1}\n")
        stranger = subprocess.Popen(["tail", "-f", "/dev/null"])
        if stranger.pid != life.pid:
            stranger.kill()
            stranger.wait()
            return "kill service"
        self.log.add(f"a stranger has the pid {life.pid}")
        self.strangers.append((now() + 10, stranger))
        return "reuse pid"

    def stop_service(self) -> str:
        """Stop the instance; at times it goes on later."""
        life = self._instance()
        seen = look(life.pid) if life else None
        if not life or not seen or life.hung:
            return ""
        life.hung = True
        if self.random.random() < 0.5:
            return self.pause(seen, "stop service")
        return self.send(seen, signal.SIGSTOP, "hang service")

    def fill(self) -> str:
        """Fill the disk of the state, for a while."""
        if self.emptied:
            return ""
        self.emptied = now() + self.random.uniform(0.3, 3)
        with contextlib.suppress(OSError), (self.state / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(b"x" * 4096)
        self.log.add("the disk is full")
        return "fill disk"

    def delete(self) -> str:
        """Delete all state, where no run is between taking its lock and writing `running`, nor stopped."""
        if self.random.random() < 0.4:
            return self._delete_alone()
        if self.stopped or self.operators() or not self.settled():
            return ""
        self._forget()
        return "delete state"

    def _delete_alone(self) -> str:
        """Delete it while no run is alive, and the service perhaps dead."""
        self.heal()
        self.cron, cron = None, self.cron
        for run in list(self.runs):
            self.ask(run)
        if not self.stay(SLACK + 10, lambda: not self.ours()):
            raise Violation(f"asked to end, and still alive: {self.ours()}")
        self.random.choice((self.kill_service, self.stop_service, str))()
        self._forget()
        self.cron = max(cron or 0, now())
        return "delete state between runs"

    def _forget(self) -> None:
        for _ in range(50):
            for each in self.state.iterdir():
                with contextlib.suppress(OSError):  # a run makes new files meanwhile
                    shutil.rmtree(each) if each.is_dir() else each.unlink()
            if not any(self.state.iterdir()):
                break
        self.log.add("the state is deleted")
        self.paused = False
        if self.random.random() < 0.5:
            self.ensure("without a check")  # which has nothing but the mark to go by

    def jump(self) -> str:
        """Set the clock of the runs that have one of their own."""
        self.clock.write_text(f"{self.random.choice(('-400d', '-3h', '-20s', '+0', '+20s', '+3h', '+400d'))}\n")
        self.log.add(f"the clock jumps to {self.clock.read_text().strip()}")
        return "jump clock"

    def order(self) -> str:
        """Let an operator have a say."""
        verb = self.random.choice(("restart", "restart", "pause", "resume"))
        if verb == "restart" and self.paused:
            verb = "resume"
        if verb == "pause":
            self.paused = True
        self.operate(verb, *(("--for", "20s") if verb == "pause" else ()))
        return f"operator: {verb}"

    def plain(self) -> str:
        """Begin a run without --watch."""
        self.ensure(self.random.choice(("plain", "without a check")))
        return ""

    def _victim(self) -> tuple[str, Seen | None]:
        """Return a kind, and one process of it: of few waiters one is met as often as one of many forks."""
        kinds: dict[str, list[Seen]] = {}
        for seen in self.ours():
            kinds.setdefault(self.kind(seen), []).append(seen)
        if not kinds:
            return "", None
        kind = self.random.choice(sorted(kinds))
        return kind, self.random.choice(kinds[kind])

    def kind(self, seen: Seen) -> str:
        """Return what a process of a run does there."""
        guards = {run.child.pid for run in self.runs}
        if seen.pid in guards:
            return "guard"
        if seen.parent not in guards:
            orphan = seen.parent == 1
            return "orphaned actor" if orphan else "fork"
        held = _open_files(seen.pid)
        if any(name.startswith(f"{NAME}.waiting") for name in held):
            return "waiter"
        if not any(name.startswith(f"{NAME}.lock") for name in held):
            return "looker"
        with contextlib.suppress(OSError, ValueError, IndexError):
            signed = (self.state / "lock" / f"{NAME}.lock").read_text()
            if int(signed.split()[0]) == seen.pid and signed.endswith("--watch\n"):
                return "watcher"
        return "actor"

    def _instance(self) -> Life | None:
        self.instances.look()  # its pid may be another's by now
        living = self.instances.living()
        return self.random.choice(living) if living else None

    def soak(self, seconds: float) -> None:
        """Storms and calms by turns. Raise Violation."""
        until = now() + seconds
        while now() < until:
            for _ in range(self.random.randint(1, 12)):
                self.strike()
                self.stay(self.random.choice((0.0, 0.05, 0.2, 0.5, 1.0)))
            self.heal()
            self.stay(BOUND + SLACK, lambda: not self.instances.down)
            self.stay(self.random.choice((0.0, 0.5, 2.0, 4.0)))

    def finish(self) -> None:
        """End it as an operator would, and see that nothing is left. Raise Violation."""
        self.heal()
        self.stay(BOUND + SLACK, lambda: not self.instances.down and self.settled())
        if len(self.instances.living()) != 1:
            raise Violation(f"at the end there live {self.instances.living()}")
        self.cron = None
        self.stay(20, lambda: not self.strangers)
        for run in list(self.runs):
            self.ask(run)
        if not self.stay(SLACK + 10, lambda: not self.ours()):
            raise Violation(f"asked to end, and still alive: {self.ours()}")
        if self.done(self.operate("stop")) != 0:
            raise Violation("the operator's stop failed")
        if wait_until_gone([pid for pid in everyone() if pid != 1], 5):
            raise Violation(f"left running: {[look(pid) for pid in everyone() if pid != 1]}")
        left = {each.name for each in self.state.iterdir()} - EXPECTED
        left |= {each.name for each in (self.state / "lock").iterdir()} - LOCKS
        if left:
            raise Violation(f"left behind: {left}")
        do("umount", str(self.state))  # it fails where somebody still has a file open


def _open_files(pid: int) -> list[str]:
    names = []
    with contextlib.suppress(OSError):
        for each in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                names.append(each.readlink().name)
    return names


def inside(room: Path, seconds: float, seed: int) -> int:
    """Soak, in the namespaces; print what happened before a broken promise."""
    soak = Nemesis(room, seed)
    problem = ""
    try:
        soak.soak(seconds)
        soak.finish()
    except Violation as broken:
        problem = str(broken)
        print("\n".join(soak.log.lines))
        events = soak.state / f"{NAME}.events"
        if events.exists():
            print("".join(events.read_text().splitlines(keepends=True)[-20:]), end="")
        for seen in soak.ours():
            print(f"alive: {seen}")
    print(f"seed {seed}: {soak.summary()}, {f'PROBLEM: {problem}' if problem else 'no problem'}")
    return 1 if problem else 0


def main() -> int:
    """Soak in namespaces of their own, and see that they leave nothing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--inside", type=Path)
    given = parser.parse_args()
    if given.inside:
        return inside(given.inside, given.minutes * 60, given.seed)
    print(f"seed {given.seed}", flush=True)
    return enclosed("helpers.nemesis", ["--minutes", str(given.minutes), "--seed", str(given.seed)])


if __name__ == "__main__":
    sys.exit(main())
