"""A kept service whose members are known by what they execute: nothing that they clear or rename hides one.

A member executes a program of the scene's own room (device and inode, as /proc/PID/exe shows it), or has the room among
its arguments, or lives in a pid namespace of the service. Those that run `member` hold a lock besides.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers import fair_clock, groups
from helpers.commands import Ran, run
from helpers.components import need
from helpers.instances import Kept
from helpers.processes import everyone, wait_for

SOURCE = Path(__file__).with_name("member.c")
NAMES = "gone-"
STOP_TIMEOUT = 1.0  # seconds
QUICK = ("--stop-timeout", f"{STOP_TIMEOUT:g}s", "--backoff", "0s:0s", "--limit", "none", "--retries", "0")


@dataclass(frozen=True)
class Member:
    """One live process of the service. ticks: when it began; role: what it is for."""

    pid: int
    ticks: int
    role: str


def _role(comm: str, argv: list[str]) -> str:
    """Return what a process that is no `member` is for: the name by which it was called."""
    if argv[0].startswith("nginx: "):
        return argv[0].split()[1]
    return "supervisord" if any(Path(word).name == "supervisord" for word in argv[:2]) else comm


class Scene(Kept):
    """A service in a room that all users can enter. options: more words for each of its runs."""

    def __init__(self, room: Path, options: Sequence[str] = ()) -> None:
        """Make the room's programs; nothing runs yet."""
        super().__init__(room, f"{NAMES}{secrets.token_hex(4)}")
        self.options = (*QUICK, *options)
        self.start: list[str] = []
        self.spaces: set[int] = set()  # inodes of pid namespaces that are the service's own
        self._programs: set[tuple[int, int]] = set()
        self.held = room / "held"
        self.held.touch()
        self.member = room / "member"
        subprocess.run([need("gcc"), "-O1", "-pthread", "-o", self.member, SOURCE], check=True)
        self._members = _inode(self.own(self.member))

    def copy(self, program: str) -> Path:
        """Copy an installed program into the room."""
        return self.own(Path(shutil.copy(need(program), self.room / Path(program).name)))

    def own(self, path: Path) -> Path:
        """Take whoever executes this file for a member of the service."""
        self._programs.add(_inode(path))
        return path

    def words(self, name: str | None = None) -> list[str]:
        """Return the arguments of ensure-running up to its options."""
        return [*super().words(name), *self.options]

    def keep(self, *options: object, **popen: object) -> Ran:
        """Run ensure-running once."""
        return self.run(*options, command=self.start, timeout=30, **popen)

    def order(self, verb: str, *options: object) -> Ran:
        """Give an operator's order."""
        return run("watchdog-tools", verb, self.name, "--state-dir", self.state, *options, timeout=40)

    # -- who lives ---------------------------------------------------------------------------------------------------

    def members(self) -> list[Member]:
        """Return every live process of the service, also one whose main thread has ended."""
        return [member for pid in everyone() if (member := self._member(pid))]

    def _member(self, pid: int) -> Member | None:
        with contextlib.suppress(OSError):
            task, comm, ticks = _living(pid)
            if (file := _file(task)) in self._programs and file == self._members:
                return Member(pid, ticks, comm)  # asked for no more: its memory may be busy with a fork
            argv = (task / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if file in self._programs or self._is_inside(task) or any(str(self.room) in word for word in argv):
                return Member(pid, ticks, _role(comm, argv))
        return None

    def _is_inside(self, task: Path) -> bool:
        return bool(self.spaces) and (task / "ns/pid").stat().st_ino in self.spaces

    def roles(self) -> Counter[str]:
        """Return how many live of each role."""
        return Counter(member.role for member in self.members())

    def is_held(self) -> bool:
        """Tell whether any `member` lives, by the kernel's own word."""
        with self.held.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def left(self) -> list[str]:
        """Return what lives of the service, in words; empty once all of it is gone."""
        found = [f"pid {each.pid} ({each.role})" for each in self.members()]
        found += [f"{group} is populated" for group in groups.named(self.name) if groups.populated(group)]
        return found or (["a member that holds the lock"] if self.is_held() else [])

    def group(self) -> Path:
        """Return the control group of the recorded instance."""
        return groups.of(self.pid())

    # -- the end -----------------------------------------------------------------------------------------------------

    def end(self, seconds: float = 20) -> None:
        """End all of it for certain, and remove its groups."""
        (self.room / "end").touch()
        with contextlib.suppress(AssertionError):  # what forks all the time ends by that; the first one reaps it
            wait_for(lambda: len(self.members()) < 20, 5)
        deadline = fair_clock.Deadline(seconds)
        while self.members() or self.is_held():
            assert deadline.left() > 0, f"cannot be ended: {self.left()}"
            for group in groups.named(self.name):
                groups.kill(group)
            for number in (signal.SIGSTOP, signal.SIGKILL):  # all stand still before any of them dies
                for member in self.members():
                    _signal(member, number)
        wait_for(lambda: all(groups.remove(group) for group in groups.named(self.name)), 5, "its groups' end")
        groups.remove(groups.OLD / "watchdog-tools")  # systemd-nspawn made it


def _living(pid: int) -> tuple[Path, str, int]:
    """Return the directory of a thread of it that lives, its name, when the process began. Raise OSError if none."""
    process = Path(f"/proc/{pid}")
    state, comm, ticks, threads = _stat(process)
    if state not in "ZX":
        return process, comm, ticks
    for task in (process / "task").iterdir() if threads > 1 else ():
        state, comm, _, _ = _stat(task)
        if state not in "ZX":
            return task, comm, ticks
    raise ProcessLookupError(pid)


def _stat(task: Path) -> tuple[str, str, int, int]:
    """Return state, name, start ticks, number of threads."""
    before, _, behind = (task / "stat").read_text(errors="replace").rpartition(") ")
    fields = behind.split()
    return fields[0], before.partition("(")[2], int(fields[19]), int(fields[17])


def _file(task: Path) -> tuple[int, int] | None:
    """Return device and inode of what it executes; None for a kernel thread."""
    try:
        return _inode(task / "exe")
    except FileNotFoundError:
        return None


def _inode(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _signal(member: Member, number: int) -> None:
    """Signal a member, if that is still the process that was seen."""
    with contextlib.suppress(OSError):
        descriptor = os.pidfd_open(member.pid)
        try:
            if _living(member.pid)[2] == member.ticks:
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def scene(options: Sequence[str] = ()) -> Iterator[Scene]:
    """Yield one, of which nothing stays."""
    room = Path(tempfile.mkdtemp(prefix="wdt-", dir="/tmp"))
    room.chmod(0o755)
    try:
        made = Scene(room, options)
        try:
            yield made
        finally:
            made.end()
    finally:
        shutil.rmtree(room, ignore_errors=True)
