"""A worker: a fork that probes, tells its phase before each step, sends what it found, and is killed freely.

It dies with its parent by the kernel: it owns the read end of a pipe whose only write end its parent
holds, and the end-of-file raises SIGKILL. In a long regex a handler or a thread would run seconds late.
"""

from __future__ import annotations

import _signal
import fcntl
import marshal
import os
import select
import time

from watchdog_tools.core import UNKNOWN, Result, unpack
from watchdog_tools.system import null_standard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Generic, TypeVar

    T_co = TypeVar("T_co", covariant=True)  # what a worker sends
else:
    T_co = None

    class Generic:
        """Stand in for that of typing, which is costly to load."""

        __slots__ = ()

        def __class_getitem__(cls, _: None) -> type:
            """Make no difference at run time."""
            return cls


__all__ = ["LOCAL", "MATCH", "PARTING", "TALK", "Fork", "Generic", "ProbeWorker", "Progress", "T_co", "is_over"]

_LARGEST = 1 << 20  # bytes of one frame: a Result is some hundred
PARTING = 0.4  # seconds that forks have to end, before they are killed or called stuck

LOCAL, TALK, MATCH = "local", "talk", "match"  # what a phase waits for: us, the target, a pattern

_held: set[int] = set()  # write ends of the pipes to our own workers; a fork closes its copies


class Progress:
    """A fork's way to tell its phase; `deadline` is on the monotonic clock, in seconds."""

    __slots__ = ("_write", "deadline")

    def __init__(self, write: int, deadline: float) -> None:
        """Speak on the descriptor `write`."""
        self._write = write
        self.deadline = deadline

    def __call__(self, kind: str, words: str) -> None:
        """Say what comes next: a kind (LOCAL, TALK or MATCH) and words that follow "while"."""
        try:
            send(self._write, (kind, words))
        except OSError:
            return  # who listened is gone: an action worker finishes its step all the same

    def left(self) -> float:
        """Return the seconds until the deadline, never negative."""
        return max(self.deadline - time.monotonic(), 0.0)


class Fork(Generic[T_co]):
    """A fork that sends frames.

    result: what its work returned, a Result where that failed (out of memory, an internal error); None until it has
    ended well. silent: it ended otherwise.
    """

    __slots__ = ("_buffer", "_exit_pipe", "kind", "pid", "read", "result", "silent", "words")

    def __init__(self, work: Callable[[Progress, int], T_co], deadline: float) -> None:
        """Fork; the child calls `work` with its voice and the end of a pipe that tells of our death.

        work: it returns a Result, or anything else that is not None and that `marshal` knows. Raise OSError where no
        pipe or process is to be had.
        """
        self._buffer = b""
        self.kind, self.words = LOCAL, "starting"
        self.result: T_co | Result | None = None
        self.silent = False
        self.read, write = os.pipe()
        try:
            parent_fd, self._exit_pipe = os.pipe()
            self.pid = os.fork()
        except OSError:
            os.close(self.read)
            os.close(write)
            raise
        if not self.pid:
            self._work_and_exit(work, Progress(write, deadline), write, parent_fd)
        os.close(write)
        os.close(parent_fd)
        _held.add(self._exit_pipe)

    def hear(self) -> bool:
        """Read what there is, without waiting long. Return whether more may come."""
        chunk = os.read(self.read, 65536)
        self._buffer += chunk
        while len(self._buffer) >= 4:  # noqa: PLR2004 -- the length in front of a frame
            end = 4 + int.from_bytes(self._buffer[:4], "big")
            if len(self._buffer) < end <= _LARGEST:
                break
            kind, said = marshal.loads(self._buffer[4:end])  # noqa: S302 -- from our own fork
            self._buffer = self._buffer[end:]
            if kind in {"result", "value"}:
                self.result = unpack(said) if kind == "result" else said
                return False
            self.kind, self.words = kind, said
        self.silent = not chunk
        return not self.silent

    def leave(self) -> None:
        """Close the pipe whose end-of-file tells the fork that we are gone."""
        if self._exit_pipe in _held:
            _held.discard(self._exit_pipe)
            os.close(self._exit_pipe)

    def reap(self, until: float) -> int | None:
        """Return its wait status, None if it has not ended by `until`: D state outlives SIGKILL."""
        ended = self.ended(until)
        os.close(self.read)
        return os.waitpid(self.pid, 0)[1] if ended else None

    def ended(self, until: float) -> bool:
        """Wait for its end, which closes its end of the pipe, until `until`. Return whether it came."""
        poll = select.poll()
        poll.register(self.read, 0)
        return bool(poll.poll(max(until - time.monotonic(), 0) * 1000))

    def _prepare(self, parent_fd: int, deadline: float) -> None:
        """Do in the fork what its kind needs, before its work."""

    def _work_and_exit(
        self, work: Callable[[Progress, int], object], progress: Progress, write: int, parent_fd: int
    ) -> None:
        code = 1
        try:
            os.setsid()
            for inherited in (self._exit_pipe, *_held):
                os.close(inherited)
            _held.clear()
            default_signals()
            done = self._done(work, progress, parent_fd)
            send(write, ("result", done.pack()) if isinstance(done, Result) else ("value", done))
            code = 0
        finally:
            os._exit(code)

    def _done(self, work: Callable[[Progress, int], object], progress: Progress, parent_fd: int) -> object:
        try:
            self._prepare(parent_fd, progress.deadline)
            return work(progress, parent_fd)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it becomes one line
            return internal_error(error)


class ProbeWorker(Fork[T_co]):
    """A fork for one probe, killed freely."""

    __slots__ = ()

    def __init__(self, probe: Callable[[Progress], T_co], deadline: float) -> None:
        """Fork it. `deadline` is what the probe may know of its time; others enforce it."""
        super().__init__(lambda progress, _: probe(progress), deadline)

    def _prepare(self, parent_fd: int, deadline: float) -> None:
        del deadline  # others enforce it
        dies_with(parent_fd)
        null_standard(replace=True)

    def end(self, until: float) -> None:
        """End it and what is left of its group. One that gave its result has until `until` to exit by itself."""
        if self.result is not None:
            self.ended(until)
        self.leave()
        for kill in (os.killpg, os.kill):  # before setsid there is no group yet
            try:
                kill(self.pid, _signal.SIGKILL)
            except OSError:
                continue


def internal_error(error: Exception) -> Result:
    """Return the verdict of a probe that raised what none should."""
    if isinstance(error, MemoryError):
        return Result(UNKNOWN, "out of memory while looking", reason="memory")
    return Result(UNKNOWN, f"internal error: {type(error).__name__}: {error}", reason="internal")


def send(write: int, message: tuple[str, Any]) -> None:
    """Write one frame: four bytes of length, then marshalled plain data."""
    body = marshal.dumps(message)
    frame = len(body).to_bytes(4, "big") + body
    while frame:
        frame = frame[os.write(write, frame) :]


def dies_with(parent_fd: int) -> None:
    """Have the kernel kill this process group when the last write end of the pipe `parent_fd` closes.

    Call it in the fork, as leader of its own group.
    """
    fcntl.fcntl(parent_fd, fcntl.F_SETOWN, -os.getpid())
    fcntl.fcntl(parent_fd, fcntl.F_SETSIG, _signal.SIGKILL)
    fcntl.fcntl(parent_fd, fcntl.F_SETFL, os.O_ASYNC)
    if is_over(parent_fd):  # the parent died before the kernel was told
        os._exit(1)


def is_over(parent_fd: int) -> bool:
    """Whether the process at the other end of the pipe `parent_fd` is gone, or has left."""
    poll = select.poll()
    poll.register(parent_fd, 0)
    return bool(poll.poll(0))


def default_signals() -> None:
    """Undo this process's signal handlers, as a fork that must not answer for its parent."""
    _signal.set_wakeup_fd(-1)
    for number in range(1, _signal.NSIG):
        if callable(_signal.getsignal(number)):
            _signal.signal(number, _signal.SIG_DFL)
