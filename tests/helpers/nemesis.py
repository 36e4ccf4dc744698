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
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from helpers.commands import BIN
from helpers.processes import Seen, everyone, look
from helpers.witness import Broken, Instances, Life, Ran, Story, now, wait_until_gone

PERIOD = 3.0  # seconds between two runs of cron
SLACK = 10.0  # seconds for a machine that has more to do
TICK = 0.02
NAME = "x"
OPTIONS = (
    *("--start-seconds", "0.1", "--startup-timeout", "5s", "--lock-wait", "1s", "-t", "3s"),
    *("--retries", "1", "--retry-delay", "100ms", "--stop-timeout", "500ms"),
    *("--backoff", "100ms:1s", "--limit", "none", "--stable", "2s"),
)
WATCH = ("--watch", "3s", "--every", "500ms")
# How long there may be none, once nobody strikes any more: until the next run of cron comes, should no watcher be
# left (PERIOD); another run at work is waited for (its 5 s for a child that does not execute, 2.5 s to stop a sick
# one, 1 s of lock-wait), the looks and retries (1 s), the longest backoff (1 s), and until it is seen to have started.
BOUND = PERIOD + 5.0 + 2.5 + 1.0 + 1.0 + 1.0 + 0.1 + SLACK
EXPECTED = {"x.record", "x.record.tmp", "x.corrupt", "x.events", "x.events.1", "lock", "pause"}
LOCKS = {f"x.{kind}" for kind in ("lock", "next", "hand", "command", "command.tmp")}


class World:
    """The service, its cron, and all that is done to them."""

    def __init__(self, room: Path, seed: int) -> None:
        """Mount the small disk; nothing runs yet."""
        self.random = random.Random(seed)  # noqa: S311 -- no secret
        self.room = room
        self.state = room / "state"
        self.clock = room / "clock"
        self.clock.write_text("+0\n")
        self.story = Story()
        self.instances = Instances(room, self.story)
        self.runs: list[Ran] = []
        self.ended = 0
        self.struck: Counter[str] = Counter()
        self.stopped: dict[int, tuple[float, Seen]] = {}  # pid -> when it goes on
        self.calm = now()  # since when nothing that we did is in the way of a start
        self.strangers: list[tuple[float, subprocess.Popen[bytes]]] = []  # with an instance's former pid, until when
        self.emptied = 0.0  # when the disk is emptied again; 0: it is not full
        self.paused = False
        self.cron: float | None = now()  # when the next run begins; None: cron is held off
        self.worst = 0.0  # seconds without any since everything was put right
        self.library = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
        for place, size in ((self.state, "1m"), (Path("/dev/shm"), "4m")):
            place.mkdir(mode=0o700, exist_ok=True)
            _do("mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "none", str(place))
        self.kinds = {
            "watch": (*WATCH, "--check", self.instances.check),
            "plain": ("--check", self.instances.check),
            "without a check": (),
        }
        self.limits = {kind: self._limit(*options) for kind, options in self.kinds.items()}

    def _words(self, *options: str) -> list[str]:
        own = (NAME, "--state-dir", str(self.state), *OPTIONS, *options)
        # an instance would share the library's semaphore with the run, and wait for ever for one that was killed
        return [str(BIN / "ensure-running"), *own, "--env", "LD_PRELOAD=", "--", *self.instances.command]

    def _limit(self, *options: str) -> float:
        """Return the seconds that a run may take, as it says itself."""
        words = self._words("--dry-run", *options)
        said = subprocess.run(words, capture_output=True, text=True, check=False).stdout
        amount, unit = said.partition("a run may take ")[2].split()[:2]
        return float(amount) * {"s": 1, "min": 60}[unit]

    # -- what happens ------------------------------------------------------------------------------------------------

    def start(self, what: str, words: list[str], limit: float, *, faked: bool = False) -> Ran:
        """Start one of our commands."""
        env = {"PATH": "/usr/bin:/bin", "WDT_TEST_TOKEN": os.environ.get("WDT_TEST_TOKEN", "")}
        if faked and self.library:
            env |= {"LD_PRELOAD": str(self.library), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
            env |= {"FAKETIME_TIMESTAMP_FILE": str(self.clock), "FAKETIME_CACHE_DURATION": "1"}
        out = tempfile.TemporaryFile(dir=self.room)  # noqa: SIM115 -- closed when it is judged
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd="/")
        self.story.tell(f"{what}{' with a clock of its own' if faked else ''}: pid {child.pid}")
        run = Ran(what, child, out, limit)
        self.runs.append(run)
        return run

    def ensure(self, kind: str) -> None:
        """Begin a run, as cron would."""
        words = self._words(*self.kinds[kind])
        self.start(f"ensure-running ({kind})", words, self.limits[kind], faked=self.random.random() < 0.5)

    def operate(self, verb: str, *options: str) -> Ran:
        """Give an operator's order."""
        words = [str(BIN / "watchdog-tools"), verb, NAME, "-s", str(self.state), *options]
        return self.start(f"watchdog-tools {verb}", words, self.limits["plain"] + 10)

    def step(self) -> None:
        """Let a moment pass, and hold everybody to their promises. Raise Broken."""
        time.sleep(TICK)
        if self.cron is not None and now() >= self.cron:
            self.cron = max(self.cron + PERIOD, now())
            self.ensure("watch")
        if self.emptied and now() >= self.emptied:
            self.empty()
        for pid, (until, _) in list(self.stopped.items()):
            if now() >= until:
                self.resume(pid)
        self.instances.look()
        for run in [run for run in self.runs if run.child.poll() is not None]:
            self.runs.remove(run)
            self.ended += 1
            self.story.tell(f"pid {run.child.pid} ended: {run.judge(self.instances)}")
            for left in Path("/dev/shm").glob(f"*faketime*_{run.child.pid}"):  # a reused pid would stumble over it
                left.unlink()
        for until, stranger in list(self.strangers):
            seen = look(stranger.pid)
            if seen is None or seen.state != "S":
                raise Broken(f"a stranger with an instance's former pid was signalled: {seen}")
            if now() >= until:
                self.strangers.remove((until, stranger))
                stranger.kill()
                stranger.wait()
        self._hold()

    def _hold(self) -> None:
        late = [run for run in self.runs if run.late(SLACK)]
        if late:
            raise Broken(f"not ended within {late[0].limit:.0f} s: {late[0].what} (pid {late[0].child.pid})")
        if self.stopped or self.emptied or self.paused or self.cron is None:
            self.calm = now()
        if self.instances.down:
            none = now() - max(self.instances.down, self.calm)
            self.worst = max(self.worst, none)
            if none > BOUND:
                raise Broken(f"no instance works for {none:.1f} s, and nobody is in its way")

    def stay(self, seconds: float, done: Callable[[], object] = lambda: False) -> bool:
        """Let time pass until `done`; return whether it is."""
        until = now() + seconds
        while not (whether := bool(done())) and now() < until:
            self.step()
        return whether

    # -- strikes -----------------------------------------------------------------------------------------------------

    def strike(self) -> None:
        """Break something."""
        kinds = {
            self.kill_run: 6, self.stop_run: 5, self.ask_run: 2, self.kill_service: 6, self.stop_service: 2,
            self.fill: 1, self.delete: 2, self.jump: 2, self.order: 2, self.plain: 3, self.ambush: 5,
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
        return self._send(seen, signal.SIGKILL, f"kill {kind}") if seen else ""

    def stop_run(self) -> str:
        """Stop one process of a run; it goes on a little later."""
        kind, seen = self._victim()
        if seen is None or seen.pid in self.stopped:
            return ""
        return self._pause(seen, f"stop {kind}")

    def ask_run(self) -> str:
        """Ask a run to end."""
        run = self.random.choice(self.runs) if self.runs else None
        return self._ask(run) if run else ""

    def _ask(self, run: Ran) -> str:
        """Ask it once it listens: what comes in the first milliseconds of the interpreter ends that without a line."""
        if not self.stay(SLACK, lambda: _listens(run.child.pid) or run not in self.runs):
            raise Broken(f"{run.what} (pid {run.child.pid}) does not come to listen to signals")
        return self._send(look(run.child.pid), signal.SIGTERM, "ask guard")

    def kill_service(self) -> str:
        """Kill the instance."""
        life = self._instance()
        return self._send(look(life.pid), signal.SIGKILL, "kill service") if life else ""

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
        self.stay(1, lambda: (seen := look(stranger.pid)) and seen.state == "S")
        self.story.tell(f"a stranger has the pid {life.pid}")
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
            return self._pause(seen, "stop service")
        return self._send(seen, signal.SIGSTOP, "hang service")

    def fill(self) -> str:
        """Fill the disk of the state, for a while."""
        if self.emptied:
            return ""
        self.emptied = now() + self.random.uniform(0.3, 3)
        with contextlib.suppress(OSError), (self.state / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(b"x" * 4096)
        self.story.tell("the disk is full")
        return "fill disk"

    def empty(self) -> None:
        """Give the disk room again."""
        self.emptied = 0.0
        (self.state / "filler").unlink(missing_ok=True)
        self.story.tell("the disk has room")

    def delete(self) -> str:
        """Delete all state, where no run is between taking its lock and writing `running`, nor stopped."""
        if self.random.random() < 0.3:
            return self._delete_alone()
        if self.stopped or self._operators() or not self.settled():
            return ""
        self._forget()
        return "delete state"

    def _delete_alone(self) -> str:
        """Delete it while no run is alive, and the service perhaps dead."""
        self.heal()
        self.cron, cron = None, self.cron
        for run in list(self.runs):
            self._ask(run)
        if not self.stay(SLACK + 10, lambda: not self._ours()):
            raise Broken(f"asked to end, and still alive: {self._ours()}")
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
        self.story.tell("the state is deleted")
        self.paused = False

    def settled(self) -> bool:
        """Whether the record tells of the instance that works, and that nobody has stopped lately."""
        living = self.instances.living()
        try:
            record = (self.state / f"{NAME}.record").read_text()
        except OSError:
            return False
        fine = len(living) == 1 and not living[0].hung and now() - self.instances.touched > 2
        return fine and f"\nphase=running\npid={living[0].pid}\n" in record

    def jump(self) -> str:
        """Set the clock of the runs that have one of their own."""
        self.clock.write_text(f"{self.random.choice(('-400d', '-3h', '-20s', '+0', '+20s', '+3h', '+400d'))}\n")
        self.story.tell(f"the clock jumps to {self.clock.read_text().strip()}")
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

    # -- who is who --------------------------------------------------------------------------------------------------

    def _ours(self) -> list[Seen]:
        """Return the processes of runs."""
        seen = (look(pid) for pid in everyone())
        names = (str(BIN / "ensure-running"), str(BIN / "watchdog-tools"))
        return [each for each in seen if each and each.state not in "ZX" and set(names) & set(each.argv[:3])]

    def _operators(self) -> bool:
        return any(str(BIN / "watchdog-tools") in seen.argv[:3] for seen in self._ours())

    def _victim(self) -> tuple[str, Seen | None]:
        """Return a kind, and one process of it: of few waiters one is met as often as one of many forks."""
        kinds: dict[str, list[Seen]] = {}
        for seen in self._ours():
            kinds.setdefault(self._kind(seen), []).append(seen)
        if not kinds:
            return "", None
        kind = self.random.choice(sorted(kinds))
        return kind, self.random.choice(kinds[kind])

    def _kind(self, seen: Seen) -> str:
        guards = {run.child.pid for run in self.runs}
        if seen.pid in guards:
            return "guard"
        if seen.parent not in guards:
            orphan = seen.parent == 1
            return "orphaned actor" if orphan else "fork"
        held = _open_files(seen.pid)
        if any(name.startswith(f"{NAME}.next") for name in held):
            return "waiter"
        if not any(name.startswith(f"{NAME}.lock") for name in held):
            return "looker"
        with contextlib.suppress(OSError, ValueError):
            signed = (self.state / "lock" / f"{NAME}.lock").read_text()
            if int(signed.split()[0]) == seen.pid and signed.endswith("--watch\n"):
                return "watcher"
        return "actor"

    def _instance(self) -> Life | None:
        living = self.instances.living()
        return self.random.choice(living) if living else None

    def _send(self, seen: Seen | None, number: int, what: str) -> str:
        """Signal a process, if it is still the one that was seen."""
        if seen is None:
            return ""
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(seen.pid)
            try:
                found = look(seen.pid)
                if found is None or found.ticks != seen.ticks:
                    return ""
                signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)
            if what:
                self.story.tell(f"{what} (pid {seen.pid})")
            for run in self.runs:
                run.struck = run.struck or (run.child.pid == seen.pid and number == signal.SIGKILL)
            return what
        return ""

    def _pause(self, seen: Seen, what: str) -> str:
        seconds = self.random.choice((0.05, 0.5, 2.0, 6.0))
        if not self._send(seen, signal.SIGSTOP, f"{what} for {seconds} s"):
            return ""
        self.stopped[seen.pid] = now() + seconds, seen
        for run in self.runs:
            run.stopped += seconds if run.child.pid == seen.pid else 0
        return what

    def resume(self, pid: int) -> None:
        """Let a stopped process go on."""
        _, seen = self.stopped.pop(pid)
        self._send(seen, signal.SIGCONT, "goes on")
        for life in self.instances.living():
            if life.pid == pid:
                life.hung = False
                self.instances.touched = now()

    # -- the whole ---------------------------------------------------------------------------------------------------

    def heal(self) -> None:
        """Put everything right: nobody is stopped, the disk has room, no pause is in force."""
        for pid in list(self.stopped):
            self.resume(pid)
        if self.emptied:
            self.empty()
        while self.paused:
            run = self.operate("resume")
            if not self.stay(run.limit + SLACK, lambda: run.child.returncode is not None):
                raise Broken("resume does not end")
            self.paused = (self.state / "pause" / NAME).exists()
        self.story.tell("all is put right")
        self.calm = now()

    def soak(self, seconds: float) -> None:
        """Storms and calms by turns. Raise Broken."""
        until = now() + seconds
        while now() < until:
            for _ in range(self.random.randint(1, 12)):
                self.strike()
                self.stay(self.random.choice((0.0, 0.05, 0.2, 0.5, 1.0)))
            self.heal()
            self.stay(BOUND + SLACK, lambda: not self.instances.down)
            self.stay(self.random.choice((0.0, 0.5, 2.0, 4.0)))

    def finish(self) -> None:
        """End it as an operator would, and see that nothing is left. Raise Broken."""
        self.heal()
        self.stay(BOUND + SLACK, lambda: not self.instances.down and self.settled())
        if len(self.instances.living()) != 1:
            raise Broken(f"at the end there live {self.instances.living()}")
        self.cron = None
        self.stay(20, lambda: not self.strangers)
        for run in list(self.runs):
            self._ask(run)
        if not self.stay(SLACK + 10, lambda: not self._ours()):
            raise Broken(f"asked to end, and still alive: {self._ours()}")
        stop = self.operate("stop")
        self.stay(stop.limit + SLACK, lambda: stop not in self.runs)
        if stop.child.returncode != 0:
            raise Broken(f"stop: exit {stop.child.returncode}")
        if wait_until_gone([pid for pid in everyone() if pid != 1], 5):
            raise Broken(f"left running: {[look(pid) for pid in everyone() if pid != 1]}")
        left = {each.name for each in self.state.iterdir()} - EXPECTED
        left |= {each.name for each in (self.state / "lock").iterdir()} - LOCKS
        if left:
            raise Broken(f"left behind: {left}")
        _do("umount", str(self.state))  # it fails where somebody still has a file open

    def summary(self) -> str:
        """Return what it came to, in one line."""
        strikes = ", ".join(f"{kind} {count}" for kind, count in sorted(self.struck.items()))
        gap = max(self.instances.gaps(), default=0.0)
        return (
            f"{self.ended} runs, {sum(self.struck.values())} strikes ({strikes}), {len(self.instances.lives)} starts, "
            f"longest time with none {gap:.2f} s, {self.worst:.2f} s once nobody struck (bound {BOUND:.1f} s)"
        )


def _open_files(pid: int) -> list[str]:
    names = []
    with contextlib.suppress(OSError):
        for each in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                names.append(each.readlink().name)
    return names


def _listens(pid: int) -> bool:
    """Whether the process catches SIGTERM."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        caught = next((line.split()[1] for line in lines if line.startswith("SigCgt:")), "0")
        return bool(int(caught, 16) >> signal.SIGTERM - 1 & 1)
    return False


def _do(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Broken(f"{' '.join(words)}: {done.stderr.strip()}")


def inside(room: Path, seconds: float, seed: int) -> int:
    """Soak, in the namespaces; tell the story of a broken promise."""
    world = World(room, seed)
    problem = ""
    try:
        world.soak(seconds)
        world.finish()
    except Broken as broken:
        problem = str(broken)
        print("\n".join(world.story.lines))
        events = world.state / f"{NAME}.events"
        if events.exists():
            print("".join(events.read_text().splitlines(keepends=True)[-20:]), end="")
        for seen in world._ours():
            print(f"alive: {seen}")
    print(f"seed {seed}: {world.summary()}, {f'PROBLEM: {problem}' if problem else 'no problem'}")
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
    room = Path(tempfile.mkdtemp(prefix="wdt-soak-", dir="/tmp"))
    try:
        words = ["--minutes", str(given.minutes), "--seed", str(given.seed), "--inside", str(room)]
        # a shell is the first process there: it reaps orphans
        shell = ["unshare", "-pfm", "--mount-proc", "--kill-child", "sh", "-c", '"$@"; exit', "sh"]
        return subprocess.run([*shell, sys.executable, "-m", "helpers.nemesis", *words], check=False).returncode
    finally:
        shutil.rmtree(room)


if __name__ == "__main__":
    sys.exit(main())
