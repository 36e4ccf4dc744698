"""A service that testifies about itself: each instance says when it began, and whether it was alone.

It holds a file's lock for as long as it lives, so that the kernel decides whether two intervals overlap.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.commands import Ran, run
from helpers.commands import command as installed
from helpers.processes import Seen, Spawner, alive, end, everyone, look, wait_for

# $1: the journal, $2: the file that it holds, $3: how long it lives. The shell becomes the sleep: one pid.
_SCRIPT = """exec 9>>"$2"
if flock -n 9; then how=start; else how=overlap; fi
read -r up _ </proc/uptime
echo "$how $$ $up" >>"$1"
exec sleep "$3"
"""
_MARK = b"WATCHDOG_TOOLS_INSTANCE="
# Said to a run whose command ends, or forks away: it watches until that is seen, however late a busy machine executes
# it. What lives on is up after `_SOON`, so that a test does not wait for nothing.
UNTIL_IT_ENDS = ("--start-seconds", "30s")
_SOON = ("--start-seconds", "0.1")


@dataclass(frozen=True)
class Service:
    """A service whose instances leave their testimony in the directory `room`."""

    room: Path
    lives: int = 600

    @property
    def command(self) -> list[str]:
        """Its start command."""
        return ["/bin/sh", "-c", _SCRIPT, "service", *map(str, (self.journal, self.room / "held", self.lives))]

    @property
    def journal(self) -> Path:
        """What the instances wrote: `start PID UPTIME`, or `overlap …` where another one lived."""
        return self.room / "journal"

    def said(self) -> list[list[str]]:
        """Return the journal's lines as words."""
        with contextlib.suppress(FileNotFoundError):
            return [line.split() for line in self.journal.read_text().splitlines()]
        return []

    def starts(self) -> int:
        """Return how many instances have ever begun; fail if two of them lived at the same time."""
        said = self.said()
        assert all(words[0] == "start" for words in said), f"two instances at the same time: {said}"
        return len(said)

    def one(self) -> int:
        """Assert that exactly one instance has ever begun, and lives. Return its pid."""
        wait_for(self.said, 5, "an instance")
        said = self.said()
        assert self.starts() == 1, f"more than one start: {said}"
        pid = int(said[0][1])
        lives = [seen.pid for seen in marked()]
        assert pid in lives, f"the instance {pid} is gone; marked: {lives}"
        return pid


def marked(room: Path | None = None) -> list[Seen]:
    """Return the live processes that carry ensure-running's mark as their own (their children inherit it).

    room: count only those whose arguments, or whose mark, name this directory.
    """
    found = []
    for pid in everyone():
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            own = [line for line in lines if line.startswith(_MARK + b"%d:" % pid)]
            seen = look(pid)
            if own and seen and seen.state not in "ZX" and (room is None or os.fsencode(room) in own[0]):
                found.append(seen)
    return found


class Kept:
    """A service kept by ensure-running, below `room`: its state directory, its instances, its traces."""

    def __init__(self, room: Path, name: str = "svc", mine: int | None = None) -> None:
        """Make its directories. mine: the uid that the state directory belongs to, if not ours."""
        room.mkdir(exist_ok=True)
        self.room = room
        self.name = name
        self.service = Service(room)
        self.state = room / "state"
        self.state.mkdir(0o700)
        self._mine = mine
        if mine is not None:
            os.chown(self.state, mine, mine)

    def words(self, name: str | None = None) -> list[str]:
        """Return the arguments of ensure-running up to its options."""
        return [name or self.name, "--state-dir", str(self.state), *_SOON]

    def run(
        self, *options: object, command: list[str] | None = None, before: tuple[str, ...] = (), **popen: Any
    ) -> Ran:
        """Run it once; `command` replaces the start command, `before` stands in front of it all (`prlimit …`).

        Return once the instance that it leaves has testified.
        """
        ends = UNTIL_IT_ENDS if command in (["/bin/false"], ["/bin/true"]) else ()
        ours = [*before, installed("ensure-running"), *self.words(), *ends, *options]
        ran = run(*ours, "--", *(command or self.service.command), **popen)
        self.wait_testified()
        return ran

    def wait_testified(self) -> None:
        """Wait until the instance in the record has said that it began: neither a run nor an order waits for that."""
        wait_for(self._has_testified, 10, "the testimony of the instance in the record")

    def _has_testified(self) -> bool:
        """Tell whether the instance in the record, if it is executed, lives and is given the journal, wrote to it."""
        try:
            seen = look(self.pid())
        except (OSError, KeyError, ValueError):  # no record, or none that names an instance
            return True
        if seen is None or seen.state in "ZXT" or str(self.service.journal) not in seen.argv:
            return True
        if installed("ensure-running") in seen.argv:  # our own fork still, which is stuck on its way to exec
            return True
        return any(str(seen.pid) in words for words in self.service.said())

    def order_soon(self) -> None:
        """Have an order's start be as short as any: the command line that is saved says UNTIL_IT_ENDS."""
        saved = self.state / f"{self.name}.command"
        words = saved.read_text()
        shorter = words.replace(f"word={UNTIL_IT_ENDS[1]}\n", f"word={_SOON[1]}\n")
        assert shorter != words
        saved.write_text(shorter)

    def record(self) -> dict[str, str]:
        """Return the fields of the record."""
        return dict(line.split("=", 1) for line in (self.state / f"{self.name}.record").read_text().splitlines())

    def pid(self) -> int:
        """Return the pid in the record."""
        return int(self.record()["pid"])

    def kill(self, pid: int | None = None) -> None:
        """End the instance with SIGKILL, and wait until it is dead."""
        seen = look(pid or self.pid())
        assert seen is not None
        end(seen)
        wait_for(lambda: not alive(seen.pid), 5, f"the end of {seen}")

    def forget(self) -> None:
        """Delete all state."""
        shutil.rmtree(self.state)
        self.state.mkdir(0o700)
        if self._mine is not None:
            os.chown(self.state, self._mine, self._mine)

    def events(self) -> list[dict[str, Any]]:
        """Return the event log."""
        return [json.loads(line) for line in (self.state / f"{self.name}.events").read_text().splitlines()]

    def text(self, name: str) -> str:
        """Return the content of a file below `room`, empty until it is there."""
        path = self.room / name
        return path.read_text() if path.exists() else ""

    def pid_in(self, name: str) -> int:
        """Return the pid that a file below `room` names, as soon as it is written: no run waits for that."""
        return int(wait_for(lambda: self.text(name).endswith("\n") and self.text(name), 10, f"a pid in {name}"))

    def script(self, name: str, body: str, interpreter: str = "/bin/sh") -> str:
        """Make an executable script; return its path."""
        path = self.room / name
        path.write_text(f"#!{interpreter}\n{body}\n")
        path.chmod(0o755)
        return str(path)

    def fifo(self) -> Path:
        """Return a FIFO that nobody writes to: what reads it sleeps."""
        path = self.room / "fifo"
        if not path.exists():
            os.mkfifo(path)
        return path

    @property
    def lock(self) -> Path:
        """The lock file."""
        return self.state / "lock" / f"{self.name}.lock"

    def hold(self, spawn: Spawner) -> subprocess.Popen[bytes]:
        """Have a process hold the lock until it is ended."""
        self.lock.parent.mkdir(mode=0o700, exist_ok=True)
        self.lock.touch(0o600)
        script = 'exec 9<>"$1"; flock 9; echo locked; exec sleep 600'
        return spawn(["sh", "-c", script, "sh", self.lock], wait_ready=True)

    def openers(self) -> list[int]:
        """Return who has the lock file open."""
        found = []
        for pid in everyone():
            with contextlib.suppress(OSError):
                if any(each.resolve() == self.lock for each in Path(f"/proc/{pid}/fd").iterdir()):
                    found.append(pid)
        return found

    def is_free(self) -> bool:
        """Tell whether nobody holds the lock."""
        return subprocess.run(["flock", "-n", self.lock, "true"], check=False).returncode == 0
