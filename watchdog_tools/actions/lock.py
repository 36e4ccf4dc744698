"""TOUCH: one lock a NAME, held by an open file. Nobody unlocks: a lock ends when its last descriptor closes."""

from __future__ import annotations

import os
import select
import stat
import time

from watchdog_tools.actions.statedir import LOCKS
from watchdog_tools.system.clock import uptime
from watchdog_tools.system.identity import here
from watchdog_tools.system.proc import stat as process

_GRACE = 30.0  # seconds past a holder's own limit before it is called stuck
_POLL = 0.05
_SIGNING = 0.3  # seconds within which whoever took the lock has signed it


class CannotLock(Exception):  # noqa: N818 -- a fact about the machine, said in one sentence
    """There is no lock to be had here: not held by another, but impossible."""


class Lock:
    """A lock file that is open; `take` says whether we hold it.

    path: absolute, of the file as the next run will find it.
    """

    __slots__ = ("_directory", "_name", "descriptor", "path")

    def __init__(self, directory: int, path: str, name: str) -> None:
        """Open NAME's lock file in the state directory, created if need be. Raise CannotLock."""
        self._name = f"{name}.lock"
        self.path = f"{path}/{LOCKS}/{self._name}"
        try:
            self._directory = _locks(directory)
            self.descriptor = self._opened()
        except OSError as error:
            raise CannotLock(f"cannot lock {self.path}: {error.strerror}") from None

    def take(self, wait: float, wake: int) -> bool:
        """Try for `wait` seconds, or until `wake` is readable. Return whether the lock is ours."""
        from filelock import lock_descriptor

        until = time.monotonic() + wait
        poll = select.poll()
        poll.register(wake, select.POLLIN)
        while True:
            try:
                taken = lock_descriptor(self.descriptor, blocking=False)
            except OSError as error:
                raise CannotLock(f"cannot lock {self.path}: {error.strerror}") from None
            if taken and self.ours():
                return True
            if taken:
                self._reopen()
            elif time.monotonic() >= until or poll.poll(_POLL * 1000):
                return False

    def ours(self) -> bool:
        """Whether the path still leads to the file that we hold."""
        try:
            found = os.stat(self.path, follow_symlinks=False)
        except OSError:
            return False
        held = os.fstat(self.descriptor)
        return (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino)

    def sign(self, limit: float) -> None:
        """Write who holds it, and for how many seconds at most."""
        pid = os.getpid()
        try:
            own = process(pid)
            words = (pid, own.ticks if own else 0, *here(), int(uptime() * 1000), int(limit * 1000))
            text = " ".join(str(word or "-") for word in words) + " ensure-running\n"
            os.pwrite(self.descriptor, text.encode("ascii"), 0)
            os.ftruncate(self.descriptor, len(text))
        except OSError:
            return  # a full disk: the lock holds all the same, only its holder stays unnamed

    def stuck(self, usual: float) -> str:
        """Return a sentence about a holder that is past its limit, or an empty string.

        usual: the limit, in seconds, of one that has not signed; its time counts from the last signature.
        """
        pid, ticks, held, limit = self._signed(usual)
        if held < limit + _GRACE:
            return ""
        holder = process(pid)
        if holder and holder.ticks == ticks:
            how = {"T": " (stopped)", "D": " (stuck in the kernel)"}.get(holder.state, "")
            return f"lock held for {held:.0f} s by pid {pid}{how}"
        time.sleep(_SIGNING)  # the words of an earlier holder: the present one may be about to sign
        if self._signed(usual)[:2] != (pid, ticks):
            return ""
        return f"lock held by a process that is no run of ours ({self.path})"

    def _signed(self, usual: float) -> tuple[int, int, float, float]:
        """Return the holder's pid and ticks, and the seconds that it has held the lock and may hold it."""
        unsigned = 0, 0, time.time() - os.fstat(self.descriptor).st_mtime, usual
        try:
            words = os.pread(self.descriptor, 512, 0).decode("ascii", "replace").split()
            pid, ticks, since, limit = (int(words[index]) for index in (0, 1, 5, 6))
        except (OSError, ValueError, IndexError):
            return unsigned
        if tuple(words[2:5]) != tuple(word or "-" for word in here()):
            return unsigned  # signed before this boot, or where pids mean others
        return pid, ticks, uptime() - since / 1000, limit / 1000

    def _opened(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(self._name, flags, 0o600, dir_fd=self._directory)
        found = os.fstat(descriptor)
        ours = found.st_uid == os.geteuid() and found.st_nlink <= 1 and not found.st_mode & 0o022
        if ours and stat.S_ISREG(found.st_mode):
            return descriptor
        os.close(descriptor)
        raise CannotLock(f"cannot lock {self.path}: it is not a regular file of ours alone")

    def _reopen(self) -> None:
        """Go on with the file that is at our name now: the one that we hold was deleted."""
        old = self.descriptor
        try:
            self.descriptor = self._opened()
        except OSError as error:
            raise CannotLock(f"cannot lock {self.path}: {error.strerror}") from None
        same = os.path.sameopenfile(old, self.descriptor)
        os.close(old)
        if same:  # it is the directory that is elsewhere now; who comes next would lock another file
            raise CannotLock(f"cannot lock {self.path}: its directory was moved meanwhile")


def _locks(directory: int) -> int:
    try:
        os.mkdir(LOCKS, 0o700, dir_fd=directory)
    except FileExistsError:
        pass
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW
    descriptor = os.open(LOCKS, flags, dir_fd=directory)
    found = os.fstat(descriptor)
    if found.st_uid == os.geteuid() and not found.st_mode & 0o022:
        return descriptor
    os.close(descriptor)
    raise CannotLock(f"cannot lock: the directory {LOCKS} is not ours alone")
