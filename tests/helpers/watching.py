"""Runs with --watch of a kept service: who watches, who stands in line, and what they say when they end."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from helpers import fair_clock
from helpers.commands import command as installed
from helpers.instances import Kept
from helpers.processes import Spawner, everyone, look, wait_for

AT_ONCE = ("--backoff", "0s:0s", "--limit", "none")


class Watcher:
    """One run with --watch. Unasked, it looks every 500 ms and stays for a minute."""

    def __init__(
        self, kept: Kept, spawn: Spawner, *options: object, watch: str = "60s", every: str = "500ms",
        command: list[str] | None = None, before: tuple[object, ...] = (),
    ) -> None:  # fmt: skip
        """Start it."""
        self.kept = kept
        times = ("--watch", watch, "--every", every)
        words = [*before, installed("ensure-running"), *kept.words(), *times, *options]
        self.guard = spawn([*words, "--", *(command or kept.service.command)], stdout=subprocess.PIPE)

    @property
    def actor(self) -> int:
        """The pid of the fork that acts; 0 if there is none."""
        return next(iter(children(self.guard.pid)), 0)

    def signed(self) -> bool:
        """Whether it is the run that watches, by the lock's own words."""
        words = self.kept.text(f"state/lock/{self.kept.name}.lock").split()
        return bool(words) and words[-1] == "--watch" and words[0] == str(self.actor)

    def begun(self) -> Watcher:
        """Wait until it watches an instance that runs."""
        wait_for(lambda: phase(self.kept) == "running" and self.rests(), 20, "a watch")
        self.kept.wait_testified()
        return self

    def rests(self) -> bool:
        """Whether it watches and has nothing to do: it signs behind all that a round writes."""
        written = (newest(self.kept, f"{self.kept.name}.{kind}") for kind in ("record", "events"))
        return self.signed() and asleep(self.actor) and newest(self.kept, f"lock/{self.kept.name}.lock") >= max(written)

    def settled(self) -> Watcher:
        """Wait until the last instance is verified and the watcher sleeps again."""
        wait_for(lambda: self.kept.events()[-1]["event"] == "recovered", 10, "its recovery")
        wait_for(self.rests, 10, "rest")
        return self

    def in_line(self) -> Watcher:
        """Wait until it stands in line for the lock: its own fork is blocked, and it holds NAME.waiting."""
        wait_for(lambda: not is_free(self.kept, "waiting") and children(self.actor), 20, "a run in line")
        return self

    def said(self, seconds: float = 20) -> Said:
        """Wait for its end; return its exit code and its line."""
        out = self.guard.communicate(timeout=seconds + fair_clock.MERCY)[0].decode()
        return Said(self.guard.returncode, out)

    def end(self) -> Said:
        """End it with SIGTERM."""
        self.guard.send_signal(signal.SIGTERM)
        return self.said()


@dataclass(frozen=True)
class Said:
    """How a run ended."""

    code: int
    line: str


def newest(kept: Kept, name: str) -> int:
    """Return when a file of the state was last written, in nanoseconds; 0 if there is none."""
    path = kept.state / name
    return path.stat().st_mtime_ns if path.exists() else 0


def children(pid: int) -> list[int]:
    """Return the live children of a process."""
    return [
        seen.pid for seen in map(look, everyone()) if pid and seen and seen.parent == pid and seen.state not in "ZX"
    ]


def zombies(pid: int) -> int:
    """Return how many children of a process wait to be reaped."""
    return sum(1 for seen in map(look, everyone()) if seen and seen.parent == pid and seen.state == "Z")


def descriptors(pid: int) -> int:
    """Return how many descriptors a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def asleep(pid: int) -> bool:
    """Whether a process sleeps and has no fork that looks."""
    seen = look(pid)
    return bool(seen and seen.state == "S" and not [each for each in children(pid) if is_ours(each)])


def is_ours(pid: int) -> bool:
    """Whether a process is a run of ours, or a fork of one."""
    seen = look(pid)
    return bool(seen and any(word.endswith("/ensure-running") for word in seen.argv[:2]))


def phase(kept: Kept) -> str:
    """Return the record's phase, empty where there is no record."""
    lines = kept.text(f"state/{kept.name}.record").splitlines()
    return next((line.partition("=")[2] for line in lines if line.startswith("phase=")), "")


def is_free(kept: Kept, kind: str) -> bool:
    """Whether nobody holds NAME's other lock of that kind (or there is none)."""
    try:
        descriptor = os.open(kept.state / "lock" / f"{kept.name}.{kind}", os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def replaced(kept: Kept, seconds: float = 10, pid: int = 0) -> float:
    """Kill the instance; return the seconds (of a fair clock) until the next one says that it lives."""
    before = kept.service.starts()
    begun = fair_clock.now()
    os.kill(pid or int(kept.service.said()[-1][1]), signal.SIGKILL)
    wait_for(lambda: kept.service.starts() > before, seconds, "the next instance")
    took = fair_clock.now() - begun
    wait_for(lambda: phase(kept) == "running" and kept.pid() == int(kept.service.said()[-1][1]), 10, "its record")
    return took


def switches(pid: int) -> int:
    """Return how often a process has gone to sleep: as often it woke up."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt"))


def wake_ups(pids: list[int], seconds: float) -> int:
    """Return how often these processes woke up within `seconds`."""
    before = {pid: switches(pid) for pid in pids}
    time.sleep(seconds)
    return sum(switches(pid) - before[pid] for pid in pids)
