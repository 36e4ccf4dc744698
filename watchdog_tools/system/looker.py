"""A looker: a fork that looks, tells its phase before each step, sends one Result, and is killed freely.

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

from watchdog_tools.result import UNKNOWN, Result, unpack
from watchdog_tools.system.descriptors import null_standard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_LARGEST = 1 << 20  # bytes of one frame: a Result is some hundred
PARTING = 0.4  # seconds that forks have to end, before they are killed or called stuck

LOCAL, TALK, MATCH = "local", "talk", "match"  # what a phase waits for: us, the target, a pattern

_held: set[int] = set()  # write ends of this process's own lookers; a fork closes its copies


class Say:
    """The looker's way to tell its phase; `deadline` is on the monotonic clock, in seconds."""

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
            return  # who listened is gone: an actor finishes its step all the same

    def left(self) -> float:
        """Return the seconds until the deadline, never negative."""
        return max(self.deadline - time.monotonic(), 0.0)


class Fork:
    """A fork that sends frames; `result` is None until it has ended well, `silent` if it ended otherwise."""

    __slots__ = ("_buffer", "_life", "kind", "pid", "read", "result", "silent", "words")

    def __init__(self, work: Callable[[int, int], Result]) -> None:
        """Fork; the child calls `work` with the end to send on and the end that tells of our death.

        Raise OSError where no pipe or process is to be had.
        """
        self._buffer = b""
        self.kind, self.words = LOCAL, "starting"
        self.result: Result | None = None
        self.silent = False
        self.read, write = os.pipe()
        try:
            life, self._life = os.pipe()
            self.pid = os.fork()
        except OSError:
            os.close(self.read)
            os.close(write)
            raise
        if not self.pid:
            _work_and_exit(work, write, life, self._life)
        os.close(write)
        os.close(life)
        _held.add(self._life)

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
            if kind == "result":
                self.result = unpack(said)
                return False
            self.kind, self.words = kind, said
        self.silent = not chunk
        return not self.silent

    def leave(self) -> None:
        """Close the pipe whose end-of-file tells the fork that we are gone."""
        if self._life in _held:
            _held.discard(self._life)
            os.close(self._life)

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


class Looker(Fork):
    """A fork for one look, killed freely."""

    __slots__ = ()

    def __init__(self, look: Callable[[Say], Result], deadline: float) -> None:
        """Fork it. `deadline` is what the look may know of its time; others enforce it."""

        def work(write: int, life: int) -> Result:
            dies_with(life)
            null_standard(replace=True)
            return look(Say(write, deadline))

        super().__init__(work)

    def end(self, until: float) -> None:
        """End it and what is left of its group. One that gave its result has until `until` to exit by itself."""
        if self.result:
            self.ended(until)
        self.leave()
        for kill in (os.killpg, os.kill):  # before setsid there is no group yet
            try:
                kill(self.pid, _signal.SIGKILL)
            except OSError:
                continue


def send(write: int, message: tuple[str, Any]) -> None:
    """Write one frame: four bytes of length, then marshalled plain data."""
    body = marshal.dumps(message)
    frame = len(body).to_bytes(4, "big") + body
    while frame:
        frame = frame[os.write(write, frame) :]


def dies_with(life: int) -> None:
    """Have the kernel kill this process group when the last write end of the pipe `life` closes.

    Call it in the fork, as leader of its own group.
    """
    fcntl.fcntl(life, fcntl.F_SETOWN, -os.getpid())
    fcntl.fcntl(life, fcntl.F_SETSIG, _signal.SIGKILL)
    fcntl.fcntl(life, fcntl.F_SETFL, os.O_ASYNC)
    if is_over(life):  # the parent died before the kernel was told
        os._exit(1)


def is_over(life: int) -> bool:
    """Whether the process at the other end of the pipe `life` is gone, or has left."""
    poll = select.poll()
    poll.register(life, 0)
    return bool(poll.poll(0))


def default_signals() -> None:
    """Undo this process's signal handlers, as a fork that must not answer for its parent."""
    _signal.set_wakeup_fd(-1)
    for number in range(1, _signal.NSIG):
        if callable(_signal.getsignal(number)):
            _signal.signal(number, _signal.SIG_DFL)


def _work_and_exit(work: Callable[[int, int], Result], write: int, life: int, own_end: int) -> None:
    code = 1
    try:
        os.setsid()
        for inherited in (own_end, *_held):
            os.close(inherited)
        _held.clear()
        default_signals()
        send(write, ("result", _done(work, write, life).pack()))
        code = 0
    finally:
        os._exit(code)


def _done(work: Callable[[int, int], Result], write: int, life: int) -> Result:
    try:
        return work(write, life)
    except MemoryError:
        return Result(UNKNOWN, "out of memory while looking", reason="memory")
    except Exception as error:  # noqa: BLE001 -- whatever it is, it becomes one line
        return Result(UNKNOWN, f"internal error: {type(error).__name__}: {error}", reason="internal")
