"""TOUCH: one lock a NAME, held by an open file. Nobody unlocks: a lock ends when its last descriptor closes.

NAME.lock is whose hands move. NAME.next is held by the run that waits for it, NAME.hand by an operator.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import stat
import time

from watchdog_tools.actions.statedir import LOCKS
from watchdog_tools.result import OK, WARNING, Result
from watchdog_tools.system.looker import PARTING, Looker
from watchdog_tools.system.looks import gather

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.system.looker import Say


_POLL = 0.05
_ASIDE = 10.0  # seconds for a fork to load the library and try


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
            self.directory = _locks(directory)
            self.descriptor = self._opened()
        except OSError as error:
            raise CannotLock(f"cannot lock {self.path}: {error.strerror}") from None

    def take(self, wait: float, wake: int, *, aside: bool = False) -> bool:
        """Try for `wait` seconds, or until `wake` is readable. Return whether the lock is ours.

        aside: by a fork, so that a process that lives on does not carry the library: it doubles its memory.
        """
        attempt = _tried_aside if aside else _tried
        until = time.monotonic() + wait
        poll = select.poll()
        poll.register(wake, select.POLLIN)
        while True:
            try:
                taken = attempt(self.descriptor)
            except OSError as error:
                raise CannotLock(f"cannot lock {self.path}: {error.strerror}") from None
            if taken and self.ours():
                return True
            if taken:
                self._reopen()
            elif time.monotonic() >= until or poll.poll(_POLL * 1000):
                return False

    def wait(self, seconds: float, wake: int) -> bool:
        """Wait in line for up to `seconds`, or until `wake` is readable. Return whether the lock is ours.

        A fork stands in line, blocked in flock on our descriptor, and dies with us: nothing wakes up meanwhile.
        """
        until = time.monotonic() + seconds
        while True:
            held = _stood(lambda: fcntl.flock(self.descriptor, fcntl.LOCK_EX), until, wake)
            if held is None:
                return False
            if self.ours():
                return True
            self._reopen()

    def let_go(self) -> None:
        """Let others have it; `release` is for one that is used again."""
        os.close(self.descriptor)
        self.descriptor = -1

    def release(self) -> None:
        """Let others have it, and open the file that is at our name now. Raise CannotLock."""
        self.let_go()
        try:
            self.descriptor = self._opened()
        except OSError as error:
            raise CannotLock(f"cannot lock {self.path}: {error.strerror}") from None

    def wanted(self, kind: str) -> bool:
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

    def ours(self) -> bool:
        """Whether the path still leads to the file that we hold."""
        try:
            found = os.stat(self.path, follow_symlinks=False)
        except OSError:
            return False
        held = os.fstat(self.descriptor)
        return (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino)

    def _opened(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(self._name, flags, 0o600, dir_fd=self.directory)
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


def _tried(descriptor: int) -> bool:
    from filelock import lock_descriptor

    return bool(lock_descriptor(descriptor, blocking=False))


def _tried_aside(descriptor: int) -> bool:
    taken = _stood(lambda: _tried(descriptor), time.monotonic() + _ASIDE, -1)
    if taken is None:
        raise OSError(errno.EAGAIN, "no process to be had for it")
    return taken


def _stood(attempt: Callable[[], object], until: float, wake: int) -> bool | None:
    """Return what `attempt` says in a fork (True for nothing), None where it has not said it in time."""

    def stand(_: Say) -> Result:
        return Result(WARNING if attempt() is False else OK, "")

    looker = Looker(stand, until)
    gather([looker], until, wake)
    looker.end(time.monotonic() + PARTING)
    looker.reap(time.monotonic() + PARTING)
    result = looker.result
    return None if result is None or result.reason else result.state == OK


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
