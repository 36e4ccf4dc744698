"""What the soak sees, and holds ensure-running to: its instances by their own testimony, its runs by what they say."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO

from helpers.processes import alive

# $1: the journal, $2: the file that it holds, $3: where its pid stands for the check. It holds the lock by itself:
# a helper that outlived it for a moment would hold it, too. At last it is a plain sleep.
_SERVICE = """
import fcntl, os, sys, time
journal, held, pidfile = sys.argv[1:]
lock = os.open(held, os.O_RDWR | os.O_CREAT)
os.set_inheritable(lock, True)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    how = "start"
except OSError:
    how = "overlap"
line = f"{how} {os.getpid()} {time.clock_gettime(time.CLOCK_BOOTTIME):.3f}\\n"
os.write(os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT), line.encode())
os.write(os.open(pidfile, os.O_WRONLY | os.O_TRUNC | os.O_CREAT), f"{os.getpid()}\\n".encode())
os.execv("/bin/sleep", ["sleep", "86400"])
"""
# $1: as above. Down where that process is gone, or somebody else, or stopped.
_CHECK = """read -r pid <"$1" && read -r line <"/proc/$pid/stat" || { echo gone; exit 2; }
case $line in *'(sleep) '[RSD]*) echo "pid $pid"; exit 0 ;; esac
echo "pid $pid does nothing"
exit 2
"""


def now() -> float:
    """Return seconds on the boot clock, which the instances write down."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Violation(Exception):  # noqa: N818 -- a sentence
    """A promise was broken; the sentence says which."""


class EventLog:
    """What happened last, for whoever has to understand a broken promise."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.begun = now()
        self.lines: deque[str] = deque(maxlen=100)

    def add(self, words: str) -> None:
        """Remember it, with its time."""
        self.lines.append(f"{now() - self.begun:8.2f}  {words}")


@dataclass
class Life:
    """One instance's: seconds on the boot clock; `ended` is 0 while it lives. hung: somebody has stopped it."""

    pid: int
    begun: float
    handle: int
    ended: float = 0.0
    hung: bool = False


class Instances:
    """The service's instances. `down` is since when none works, 0 while one does."""

    def __init__(self, room: Path, log: EventLog) -> None:
        """Prepare a service that leaves its testimony in `room`."""
        self.log = log
        self.journal = room / "journal"
        self._pidfile = room / "pid"
        (room / "check").write_text(_CHECK)
        self.check = f"sh {room / 'check'} {self._pidfile}"
        self.lives: list[Life] = []
        self.down = now()
        self.touched = 0.0  # when one that was stopped went on
        self._read = 0

    @property
    def command(self) -> list[str]:
        """Its start command; a shell, since root starts nothing that others could replace, as an interpreter may be."""
        words = (self.journal, self.journal.with_name("held"), self._pidfile)
        return ["/bin/sh", "-c", 'exec "$@"', "sh", sys.executable, "-ISc", _SERVICE, *map(str, words)]

    def living(self) -> list[Life]:
        """Return those that live, as of the last look."""
        return [life for life in self.lives if not life.ended]

    def look(self) -> None:
        """Read what they wrote, and see who has ended. Raise Violation."""
        self._bury()
        for line in self._lines():
            how, pid, begun = line.split()
            self.log.add(f"instance {pid}: {how}")
            if how != "start":
                raise Violation(f"two instances at the same time: {pid} began while another one lived")
            self._meet(int(pid), float(begun))
        self._bury()
        works = any(not life.hung for life in self.living())
        if works:
            self.down = 0.0
        elif not self.down:
            self.down = now()

    def _meet(self, pid: int, begun: float) -> None:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            handle = -1
        self.lives.append(Life(pid, begun, handle, ended=0.0 if handle >= 0 else now()))

    def _bury(self) -> None:
        for life in self.living():
            if select.select([life.handle], [], [], 0)[0]:
                life.ended = now()
                os.close(life.handle)
                self.log.add(f"instance {life.pid}: gone")
                self.down = self.down or life.ended

    def _lines(self) -> list[str]:
        """Return what is new in the journal; each line was written at once."""
        try:
            with self.journal.open("rb") as journal:
                journal.seek(self._read)
                new = journal.read()
        except FileNotFoundError:
            return []
        self._read += len(new)
        return new.decode().splitlines()

    def gaps(self) -> list[float]:
        """Return the seconds of each time without any."""
        return [after.begun - before.ended for before, after in pairwise(self.lives) if before.ended]

    def lived(self, since: float, until: float) -> bool:
        """Whether an instance lived at any moment of that time."""
        return any(life.begun <= until and (not life.ended or life.ended >= since) for life in self.lives)


@dataclass
class Ran:
    """A run of one of our commands.

    limit: seconds that it may take; struck: it was killed, and need not speak; sure: it says that all is well only
    while an instance lives that has testified.
    """

    what: str
    limit: float
    sure: bool = False
    child: subprocess.Popen[bytes] = field(init=False)
    out: IO[bytes] = field(init=False)
    begun: float = field(default_factory=now)
    stopped: float = 0.0
    struck: bool = False

    def late(self, slack: float) -> bool:
        """Whether it has had all the time that it may take, and that it was stopped for."""
        return now() - self.begun > self.limit + self.stopped + slack

    def judge(self, lived: Callable[[float, float], bool]) -> str:
        """Hold it, which has ended, to its promises; return its line. Raise Violation.

        lived: whether an instance lived at any moment between two, in seconds on the boot clock.
        """
        self.out.seek(0)
        said, code = self.out.read(), self.child.returncode
        self.out.close()
        line = said.decode("utf-8", "backslashreplace").removesuffix("\n")
        killed = self.struck and code < 0
        if killed and not said:
            return f"ended by signal {-code}"
        if not killed and code not in (0, 1, 2, 3):
            raise Violation(f"{self.what} (pid {self.child.pid}): exit {code}, {said!r}")
        whole = said.endswith(b"\n") and len(said) <= 1024 and line and line.isascii() and line.isprintable()
        if not whole:
            raise Violation(f"{self.what} (pid {self.child.pid}): not one line, exit {code}: {said!r}")
        if code == 0 and " OK - " in line and self.sure and not lived(self.begun, now()):
            raise Violation(f"{self.what} (pid {self.child.pid}) says that all is well, but no instance lived: {line}")
        return f"exit {code}, {line}"


def wait_until_gone(pids: list[int], seconds: float) -> list[int]:
    """Wait for processes that are not ours to reap; return who is left."""
    until = time.monotonic() + seconds
    while (left := [pid for pid in pids if alive(pid)]) and time.monotonic() < until:
        time.sleep(0.02)
    return left
