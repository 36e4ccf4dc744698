"""The soak of one service: the cron that keeps it, an operator, and what all of them are held to."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from helpers.commands import BIN
from helpers.observations import Instances, Ran, Violation, now
from helpers.processes import look
from helpers.soak import SLACK, Soak, do, takes

PERIOD = 3.0  # seconds between two runs of cron
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


class CronSoak(Soak):
    """The service, its cron, and all that is done to them."""

    def __init__(self, room: Path, seed: int) -> None:
        """Mount the small disk; nothing runs yet."""
        super().__init__(room, seed)
        self.state = room / "state"
        self.clock = room / "clock"
        self.clock.write_text("+0\n")
        self.instances = Instances(room, self.log)
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
        return takes(self._words("--dry-run", *options))

    # -- what happens ------------------------------------------------------------------------------------------------

    def start(self, what: str, words: list[str], limit: float, *, faked: bool = False) -> Ran:
        """Start one of our commands."""
        env = {}
        if faked and self.library:
            env |= {"LD_PRELOAD": str(self.library), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
            env |= {"FAKETIME_TIMESTAMP_FILE": str(self.clock), "FAKETIME_CACHE_DURATION": "1"}
            self.log.add("with a clock of its own:")
        # by the check, that one works which has testified
        sure = what in {"ensure-running (watch)", "ensure-running (plain)"}
        return self.launch(Ran(what, limit, sure=sure), words, env)

    def ensure(self, kind: str) -> None:
        """Begin a run, as cron would."""
        words = self._words(*self.kinds[kind])
        self.start(f"ensure-running ({kind})", words, self.limits[kind], faked=self.random.random() < 0.5)

    def operate(self, verb: str, *options: str) -> Ran:
        """Give an operator's order."""
        words = [str(BIN / "watchdog-tools"), verb, NAME, "-s", str(self.state), *options]
        return self.start(f"watchdog-tools {verb}", words, self.limits["plain"] + 10)

    def step(self) -> None:
        """Let a moment pass, and hold everybody to their promises. Raise Violation."""
        time.sleep(TICK)
        if self.cron is not None and now() >= self.cron:
            self.cron = max(self.cron + PERIOD, now())
            self.ensure("watch")
        if self.emptied and now() >= self.emptied:
            self.empty()
        self.goes_on()
        self.instances.look()
        for run in self.over():
            self.log.add(f"pid {run.child.pid} ended: {run.judge(self.instances.lived)}")
            for left in Path("/dev/shm").glob(f"*faketime*_{run.child.pid}"):  # a reused pid would stumble over it
                left.unlink()
        for until, stranger in list(self.strangers):
            seen = look(stranger.pid)
            if seen is None or seen.state in "TZX":
                raise Violation(f"a stranger with an instance's former pid was signalled: {seen}")
            if now() >= until:
                self.strangers.remove((until, stranger))
                stranger.kill()
                stranger.wait()
        self._hold()

    def _hold(self) -> None:
        if self.stopped or self.emptied or self.paused or self.cron is None:
            self.calm = now()
        if self.instances.down:
            none = now() - max(self.instances.down, self.calm)
            self.worst = max(self.worst, none)
            if none > BOUND:
                raise Violation(f"no instance works for {none:.1f} s, and nobody is in its way")

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

    def operators(self) -> bool:
        """Whether an operator's order is at work, or what is left of it."""
        return any(str(BIN / "watchdog-tools") in seen.argv[:3] for seen in self.ours())

    def resume(self, pid: int) -> None:
        """Let a stopped process go on."""
        super().resume(pid)
        for life in self.instances.living():
            if life.pid == pid:
                life.hung = False
                self.instances.touched = now()

    def empty(self) -> None:
        """Give the disk room again."""
        self.emptied = 0.0
        (self.state / "filler").unlink(missing_ok=True)
        self.log.add("the disk has room")

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
        self.log.add("all is put right")
        self.calm = now()

    def summary(self) -> str:
        """Return what it came to, in one line."""
        strikes = ", ".join(f"{kind} {count}" for kind, count in sorted(self.struck.items()))
        gap = max(self.instances.gaps(), default=0.0)
        return (
            f"{self.ended} runs, {sum(self.struck.values())} strikes ({strikes}), {len(self.instances.lives)} starts, "
            f"longest time with none {gap:.2f} s, {self.worst:.2f} s once nobody struck (bound {BOUND:.1f} s)"
        )
