"""TOUCH: one lock a NAME, held by an open file. Nobody unlocks: a lock ends when its last descriptor closes.

Who holds NAME.lock acts. NAME.waiting is held by the run that waits for that, NAME.operator by an operator's command.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import stat
import time

from watchdog_tools.state.files import LOCKS
from watchdog_tools.workers import gather
from watchdog_tools.workers.worker import PARTING, ProbeWorker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


OPERATOR, WAITING = "operator", "waiting"  # the kinds of lock beside NAME.lock
_POLL_SECONDS = 0.05
_FORK_SECONDS = 10.0  # seconds for a fork to load the library and try


class CannotLock(Exception):  # noqa: N818 -- a fact about the machine, said in one sentence
    """There is no lock to be had here: not held by another, but impossible."""


class Lock:
    """A lock file that is open; `take` and `wait` say whether we hold it.

    path: absolute, of the file as the next run will find it. directory: where it and its like live.
    """

    __slots__ = ("_name", "descriptor", "directory", "path")

    def __init__(self, directory: int, path: str, name: str, kind: str = "lock") -> None:
        """Open NAME's lock file in the state directory, created if need be. Raise CannotLock."""
        self._name = f"{name}.{kind}"
        self.path = f"{path}/{LOCKS}/{self._name}"
        try:
            self.directory = _open_directory(directory)
            self.descriptor = self._open()
        except OSError as error:
            raise CannotLock(f"cannot lock {self.path}: {error.strerror}") from None

    def take(self, wait: float, cancel_fd: int, *, in_fork: bool = False) -> bool:
        """Try for `wait` seconds, or until `cancel_fd` is readable. Return whether the lock is ours.

        in_fork: by a fork, so that a process that lives on does not carry the library: it doubles its memory.
        """
        attempt = _try_lock_in_fork if in_fork else _try_lock
        until = time.monotonic() + wait
        poll = select.poll()
        poll.register(cancel_fd, select.POLLIN)
        while True:
            try:
                locked = attempt(self.descriptor)
            except OSError as error:
                raise CannotLock(f"cannot lock {self.path}: {error.strerror}") from None
            if locked and self.is_ours():
                return True
            if locked:
                self._reopen()
            elif time.monotonic() >= until or poll.poll(_POLL_SECONDS * 1000):
                return False

    def wait(self, seconds: float, cancel_fd: int) -> bool:
        """Wait in line for up to `seconds`, or until `cancel_fd` is readable. Return whether the lock is ours.

        A fork stands in line, blocked in flock on our descriptor, and dies with us: nothing wakes up meanwhile.
        """
        until = time.monotonic() + seconds
        while True:
            if not _run_in_fork(lambda: _wait_for_lock(self.descriptor), until, cancel_fd):
                return False
            if self.is_ours():
                return True
            self._reopen()

    def close(self) -> None:
        """Let others have it; `release` is for one that is used again."""
        os.close(self.descriptor)
        self.descriptor = -1

    def release(self) -> None:
        """Let others have it, and open the file that is at our name now. Raise CannotLock."""
        self.close()
        try:
            self.descriptor = self._open()
        except OSError as error:
            raise CannotLock(f"cannot lock {self.path}: {error.strerror}") from None

    def is_held(self, kind: str) -> bool:
        """Whether somebody holds NAME's other lock of that kind."""
        name = f"{self._name.rpartition('.')[0]}.{kind}"
        try:
            descriptor = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self.directory)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return False

    def is_ours(self) -> bool:
        """Whether the path still leads to the file that we hold."""
        try:
            found = os.stat(self.path, follow_symlinks=False)
        except OSError:
            return False
        held = os.fstat(self.descriptor)
        return (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino)

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(self._name, flags, 0o600, dir_fd=self.directory)
        found = os.fstat(descriptor)
        private = found.st_uid == os.geteuid() and found.st_nlink <= 1 and not found.st_mode & 0o022
        if private and stat.S_ISREG(found.st_mode):
            return descriptor
        os.close(descriptor)
        raise CannotLock(f"cannot lock {self.path}: it is not a regular file of ours alone")

    def _reopen(self) -> None:
        """Go on with the file that is at our name now: the one that we hold was deleted."""
        old = self.descriptor
        try:
            self.descriptor = self._open()
        except OSError as error:
            raise CannotLock(f"cannot lock {self.path}: {error.strerror}") from None
        same = os.path.sameopenfile(old, self.descriptor)
        os.close(old)
        if same:  # it is the directory that is elsewhere now; who comes next would lock another file
            raise CannotLock(f"cannot lock {self.path}: its directory was moved meanwhile")


def _try_lock(descriptor: int) -> bool:
    from filelock import lock_descriptor

    return bool(lock_descriptor(descriptor, blocking=False))


def _try_lock_in_fork(descriptor: int) -> bool:
    locked = _run_in_fork(lambda: _try_lock(descriptor), time.monotonic() + _FORK_SECONDS, -1)
    if locked is None:
        raise OSError(errno.EAGAIN, "no process to be had for it")
    return locked


def _wait_for_lock(descriptor: int) -> bool:
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return True


def _run_in_fork(attempt: Callable[[], bool], until: float, cancel_fd: int) -> bool | None:
    """Return what `attempt` does, in a fork; None where it has not returned in time, or failed."""
    worker = ProbeWorker(lambda _: attempt(), until)
    gather([worker], until, cancel_fd)
    worker.end(time.monotonic() + PARTING)
    worker.reap(time.monotonic() + PARTING)
    return worker.result if isinstance(worker.result, bool) else None


def _open_directory(directory: int) -> int:
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
