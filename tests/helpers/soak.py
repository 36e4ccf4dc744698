"""Where a soak is played: runs of our commands, the signals that strike processes, and the log of it all."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from helpers import cgroups
from helpers.observations import EventLog, Ran, Violation, now
from helpers.processes import TOKEN, Seen, everyone, look

SLACK = 10.0  # seconds for a machine that has more to do
OURS = {"ensure-running", "watchdog-tools"}


class Soak:
    """The runs, and all that is done to them. A kind of soak says in `step` what goes on by itself."""

    def __init__(self, room: Path, seed: int) -> None:
        """Begin with nothing. room: a directory of the soak's own."""
        self.random = random.Random(seed)  # noqa: S311 -- no secret
        self.room = room
        self.log = EventLog()
        self.runs: list[Ran] = []
        self.ended = 0
        self.struck: Counter[str] = Counter()
        self.stopped: dict[int, tuple[float, Seen]] = {}  # pid -> when it goes on
        self.calm = now()  # since when nothing that we did is in the way of a start

    def launch(self, run: Ran, words: list[str], env: dict[str, str], **popen: Any) -> Ran:
        """Start one of our commands as cron would, and keep the run."""
        env = {"PATH": "/usr/bin:/bin", TOKEN: os.environ.get(TOKEN, "")} | env
        run.out = tempfile.TemporaryFile(dir=self.room)  # noqa: SIM115 -- closed when it is judged
        streams = {"stdin": subprocess.DEVNULL, "stdout": run.out, "stderr": run.out}
        run.child = subprocess.Popen(words, env=env, cwd="/", **streams, **popen)
        self.log.add(f"{run.what}: pid {run.child.pid}")
        self.runs.append(run)
        return run

    def step(self) -> None:
        """Let a moment pass, and hold everybody to their promises. Raise Violation."""
        raise NotImplementedError

    def goes_on(self) -> None:
        """Let those go on whose time has come."""
        for pid, (until, _) in list(self.stopped.items()):
            if now() >= until:
                self.resume(pid)

    def over(self) -> list[Ran]:
        """Return the runs that have ended since, which are ours to judge. Raise Violation if one takes too long."""
        over = [run for run in self.runs if run.child.poll() is not None]
        for run in over:
            self.runs.remove(run)
        self.ended += len(over)
        late = [run for run in self.runs if run.late(SLACK)]
        if late:
            raise Violation(f"not ended within {late[0].limit:.0f} s: {late[0].what} (pid {late[0].child.pid})")
        return over

    def stay(self, seconds: float, done: Callable[[], object] = lambda: False) -> bool:
        """Let time pass until `done`; return whether it is."""
        until = now() + seconds
        while not (whether := bool(done())) and now() < until:
            self.step()
        return whether

    def done(self, run: Ran) -> int:
        """Wait for the end of a run; return its exit code. Raise Violation."""
        self.stay(run.limit + SLACK, lambda: run not in self.runs)
        if run in self.runs:
            raise Violation(f"{run.what} does not end")
        return int(run.child.returncode)

    def ours(self) -> list[Seen]:
        """Return the processes of runs."""
        seen = (look(pid) for pid in everyone())
        return [each for each in seen if each and each.state not in "ZX" and is_run(each)]

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
                self.log.add(f"{what} (pid {seen.pid})")
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

    def ask(self, run: Ran) -> str:
        """Ask it once it listens: what comes in the first milliseconds of the interpreter ends that without a line."""
        if not self.stay(SLACK, lambda: _listens(run.child.pid) or run not in self.runs):
            raise Violation(f"{run.what} (pid {run.child.pid}) does not come to listen to signals")
        return self.send(look(run.child.pid), signal.SIGTERM, "ask guard")


def is_run(seen: Seen) -> bool:
    """Whether it is a process of one of our commands: an interpreter, perhaps behind an option, runs the script."""
    return any(Path(word).name in OURS for word in seen.argv[:3])


def takes(words: list[str], **popen: Any) -> float:
    """Return the seconds that a run may take, as it says itself; `words` have --dry-run among them."""
    said = subprocess.run(words, capture_output=True, text=True, check=False, **popen)
    try:
        amount, unit = said.stdout.partition("a run may take ")[2].split()[:2]
    except ValueError:
        raise Violation(f"{words} said {said.stdout!r}, {said.stderr!r}") from None
    return float(amount) * {"s": 1, "min": 60}[unit]


def enclosed(module: str, words: list[str], *, namespaces: str = "-pfm") -> int:
    """Run `python -m MODULE WORDS --inside ROOM` in namespaces that end with it, and remove the room; return its code.

    The room is a directory that all users can enter; their control groups are of their own, too.
    """
    room = Path(tempfile.mkdtemp(prefix="wdt-soak-", dir="/tmp"))
    room.chmod(0o755)
    try:
        own = "p" in namespaces  # else its processes go on until their machine ends
        with cgroups.made() if own else contextlib.nullcontext([]) as groups:
            # a shell is the first process there: it reaps orphans
            proc = ["--mount-proc"] if own else []
            script = f'{cgroups.JOIN}; "$@"; exit'
            shell = ["unshare", namespaces, *proc, "--kill-child", "sh", "-c", script, "sh", *groups, "--"]
            whole = [*shell, sys.executable, "-m", module, *words, "--inside", str(room)]
            return subprocess.run(whole, check=False).returncode
    finally:
        shutil.rmtree(room)


def do(*words: str) -> None:
    """Run a command of the system. Raise Violation if it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Violation(f"{' '.join(words)}: {done.stderr.strip()}")


def _listens(pid: int) -> bool:
    """Whether the process catches SIGTERM."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        caught = next((line.split()[1] for line in lines if line.startswith("SigCgt:")), "0")
        return bool(int(caught, 16) >> signal.SIGTERM - 1 & 1)
    return False
