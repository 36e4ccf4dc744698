"""A service that testifies about itself: each instance says when it began, and whether it was alone.

It holds a file's lock for as long as it lives, so that the kernel decides whether two intervals overlap.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from helpers.processes import Seen, everyone, look, wait_for

# $1: the journal, $2: the file that it holds, $3: how long it lives. The shell becomes the sleep: one pid.
_SCRIPT = """exec 9>>"$2"
if flock -n 9; then how=start; else how=overlap; fi
read -r up _ </proc/uptime
echo "$how $$ $up" >>"$1"
exec sleep "$3"
"""
_MARK = b"WATCHDOG_TOOLS_INSTANCE="


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
