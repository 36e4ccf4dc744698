"""The world of the soak: a service, the cron that keeps it, an operator, and what all of them are held to."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from helpers.commands import BIN
from helpers.processes import TOKEN, Seen, everyone, look
from helpers.witness import Broken, Instances, Ran, Story, now

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
            do("mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "none", str(place))
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
        env = {"PATH": "/usr/bin:/bin", TOKEN: os.environ.get(TOKEN, "")}
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
            if seen is None or seen.state in "TZX":
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

    def settled(self) -> bool:
        """Whether the record tells of the instance that works, and that nobody has stopped lately."""
        living = self.instances.living()
        try:
            record = (self.state / f"{NAME}.record").read_text()
        except OSError:
            return False
        fine = len(living) == 1 and not living[0].hung and now() - self.instances.touched > 2
        return fine and f"\nphase=running\npid={living[0].pid}\n" in record

    # -- signals ---------------------------------------------------------------------------------------------------

    def ours(self) -> list[Seen]:
        """Return the processes of runs."""
        seen = (look(pid) for pid in everyone())
        names = (str(BIN / "ensure-running"), str(BIN / "watchdog-tools"))
        return [each for each in seen if each and each.state not in "ZX" and set(names) & set(each.argv[:3])]

    def operators(self) -> bool:
        """Whether an operator's order is at work, or what is left of it."""
        return any(str(BIN / "watchdog-tools") in seen.argv[:3] for seen in self.ours())

    def send(self, seen: Seen | None, number: int, what: str) -> str:
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

    def pause(self, seen: Seen, what: str) -> str:
        """Stop a process for a while."""
        seconds = self.random.choice((0.05, 0.5, 2.0, 6.0))
        if not self.send(seen, signal.SIGSTOP, f"{what} for {seconds} s"):
            return ""
        self.stopped[seen.pid] = now() + seconds, seen
        for run in self.runs:
            run.stopped += seconds if run.child.pid == seen.pid else 0
        return what

    def resume(self, pid: int) -> None:
        """Let a stopped process go on."""
        _, seen = self.stopped.pop(pid)
        self.send(seen, signal.SIGCONT, "goes on")
        for life in self.instances.living():
            if life.pid == pid:
                life.hung = False
                self.instances.touched = now()

    def ask(self, run: Ran) -> str:
        """Ask it once it listens: what comes in the first milliseconds of the interpreter ends that without a line."""
        if not self.stay(SLACK, lambda: _listens(run.child.pid) or run not in self.runs):
            raise Broken(f"{run.what} (pid {run.child.pid}) does not come to listen to signals")
        return self.send(look(run.child.pid), signal.SIGTERM, "ask guard")

    def empty(self) -> None:
        """Give the disk room again."""
        self.emptied = 0.0
        (self.state / "filler").unlink(missing_ok=True)
        self.story.tell("the disk has room")

    def heal(self) -> None:
        """Put everything right: nobody is stopped, the disk has room, no pause is in force."""
        for pid in list(self.stopped):
            self.resume(pid)
        if self.emptied:
            self.empty()
        if self.paused:
            self.stay(self.limits["plain"] + SLACK, lambda: not self.operators())  # nobody pauses it after that
        while self.paused:
            self.done(self.operate("resume"))
            self.paused = (self.state / "pause" / NAME).exists()
        self.story.tell("all is put right")
        self.calm = now()

    def done(self, run: Ran) -> int:
        """Wait for the end of a run; return its exit code. Raise Broken."""
        self.stay(run.limit + SLACK, lambda: run not in self.runs)
        if run in self.runs:
            raise Broken(f"{run.what} does not end")
        return int(run.child.returncode)

    def summary(self) -> str:
        """Return what it came to, in one line."""
        strikes = ", ".join(f"{kind} {count}" for kind, count in sorted(self.struck.items()))
        gap = max(self.instances.gaps(), default=0.0)
        return (
            f"{self.ended} runs, {sum(self.struck.values())} strikes ({strikes}), {len(self.instances.lives)} starts, "
            f"longest time with none {gap:.2f} s, {self.worst:.2f} s once nobody struck (bound {BOUND:.1f} s)"
        )


def _listens(pid: int) -> bool:
    """Whether the process catches SIGTERM."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        caught = next((line.split()[1] for line in lines if line.startswith("SigCgt:")), "0")
        return bool(int(caught, 16) >> signal.SIGTERM - 1 & 1)
    return False


def do(*words: str) -> None:
    """Run a command of the system. Raise Broken if it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Broken(f"{' '.join(words)}: {done.stderr.strip()}")
