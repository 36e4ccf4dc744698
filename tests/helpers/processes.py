"""Real processes for tests: awaited with a deadline (no sleeps), found by a token, ended by pid."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from helpers import fair_clock

# Every test's environment carries it with a value of its own; what the test starts inherits it.
TOKEN = "WDT_TEST_TOKEN"  # noqa: S105 -- a marker, not a secret

_UNSURE = 0.5  # seconds in which one in the middle of an exec is asked again

T = TypeVar("T")


@dataclass(frozen=True)
class Seen:
    """A process as /proc shows it: enough to know it again (pid, ticks), which alone is compared, and to name it."""

    pid: int
    ticks: int
    parent: int = field(compare=False)
    state: str = field(compare=False)
    argv: tuple[str, ...] = field(compare=False)


def wait_for(predicate: Callable[[], T], seconds: float = 10, what: str = "") -> T:
    """Return the first true value of `predicate`, polled every 10 ms; fail after `seconds` (of a fair clock)."""
    deadline = fair_clock.Deadline(seconds)
    while True:
        value = predicate()
        if value:
            return value
        left = deadline.left()
        assert left > 0, f"not within {seconds} s: {what or predicate}"
        time.sleep(min(0.01, left))


def ready(child: subprocess.Popen[bytes], seconds: float = 10) -> str:
    """Return the next line of `child`, whose stdout is a pipe, unbuffered: "ready (pid 12)".

    Raises AssertionError when no whole line comes within `seconds`.
    """
    assert child.stdout is not None, "spawn it with stdout=PIPE"
    descriptor, line, deadline = child.stdout.fileno(), b"", fair_clock.Deadline(seconds)
    while not line.endswith(b"\n"):
        left = deadline.left()
        assert left > 0, f"{child.args!r} printed no line within {seconds} s, only {line!r}"
        if select.select([descriptor], [], [], min(left, 1))[0]:
            byte = os.read(descriptor, 1)  # one at a time: the next line stays in the pipe
            assert byte, f"{child.args!r} closed its stdout after {line!r}"
            line += byte
    return line.decode("utf-8", "backslashreplace").rstrip("\n")


def output_of(child: subprocess.Popen[bytes], seconds: float = 10) -> bytes:
    """Wait until `child` has ended and its pipes are closed; return what it wrote to stdout, if that is a pipe.

    Raises AssertionError after `seconds` of a fair clock.
    """
    return _within(seconds, child, lambda timeout: child.communicate(timeout=timeout)[0] or b"")


def exit_code_of(child: subprocess.Popen[bytes], seconds: float = 10) -> int:
    """Wait until `child` has ended; return its exit code. Raises AssertionError after `seconds` of a fair clock."""
    return _within(seconds, child, child.wait)


def _within(seconds: float, child: subprocess.Popen[bytes], wait: Callable[[float], T]) -> T:
    deadline = fair_clock.Deadline(seconds)
    while True:
        left = deadline.left()
        try:
            return wait(min(max(left, 0.01), 1))
        except subprocess.TimeoutExpired:
            assert left > 0, f"{child.args!r} has not ended within {seconds} s"


def look(pid: int) -> Seen | None:
    """Return what /proc says about `pid`, or None when it is gone."""
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        fields = stat[stat.rindex(b")") + 2 :].split()
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        return Seen(
            pid, int(fields[19]), int(fields[1]), fields[0].decode(), tuple(os.fsdecode(word) for word in words)
        )
    return None


def alive(pid: int) -> bool:
    """Tell whether `pid` lives; a zombie does not (init may reap late or never)."""
    seen = look(pid)
    return seen is not None and seen.state not in "ZX"


def everyone() -> Iterator[int]:
    """Yield every pid but our own."""
    for name in os.listdir("/proc"):  # noqa: PTH208 -- 3,000 Path objects for nothing
        if name.isdigit() and int(name) != os.getpid():
            yield int(name)


def children(pid: int) -> list[Seen]:
    """Return the children of a process, also those that wait to be reaped."""
    return [seen for each in everyone() if (seen := look(each)) and seen.parent == pid]


def carriers(token: str) -> list[Seen]:
    """Return the live processes, neither Z nor D, with `token` in environment or arguments.

    One in the middle of an exec shows neither for a moment, and so does one that waits in the kernel (D) until the
    child of its vfork has executed: they are asked again for half a second.
    """
    needle, found, asked, deadline = token.encode(), [], list(everyone()), fair_clock.Deadline(_UNSURE)
    while asked:
        again = []
        for pid in asked:
            seen = look(pid)
            if seen is None or seen.state in "ZX":
                continue
            if seen.state == "D":  # reading the memory of a process in D state can hang
                again.append(pid)
                continue
            shown = _environ(pid)
            if needle in shown or any(needle in word.encode("utf-8", "surrogateescape") for word in seen.argv):
                found.append(seen)
            elif not shown and _has_memory(pid):
                again.append(pid)
        if again and deadline.left() <= 0:
            break
        asked = again
        if asked:
            time.sleep(0.002)
    return found


def _has_memory(pid: int) -> bool:
    """Tell whether it is neither a kernel thread nor a zombie, and shows an environment to us, or soon will."""
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        fields = stat[stat.rindex(b")") + 2 :].split()
        size, code, begin, end = fields[20], fields[23], fields[47], fields[48]
        return size != b"0" and code != b"1" and (end == b"0" or begin != end)  # code 1: hidden from us
    return False


def _environ(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # gone, or another user's
        return b""


def forks() -> list[Seen]:
    """Return our own live children: a fork of the test itself has the token in no file of /proc."""
    seen = (look(pid) for pid in everyone())
    return [each for each in seen if each and each.parent == os.getpid() and each.state not in "ZXD"]


def end(seen: Seen) -> None:
    """Send SIGKILL to a process through a pidfd, if that is still the process that was seen."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        descriptor = os.pidfd_open(seen.pid)
        try:
            now = look(seen.pid)
            if now and now.ticks == seen.ticks:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        finally:
            os.close(descriptor)


def end_carriers(token: str, seconds: float = 5) -> list[Seen]:
    """End every process with `token` by pid until none is left; return all that there were."""
    ended: list[Seen] = []
    deadline = fair_clock.Deadline(seconds)
    while found := carriers(token):
        assert deadline.left() > 0, f"cannot be ended: {found}"
        ended += [seen for seen in found if seen.pid not in {each.pid for each in ended}]
        for seen in found:
            end(seen)
    return ended


class Spawner:
    """Start processes that the fixture `spawn` ends; unasked, their three streams are /dev/null."""

    def __init__(self) -> None:
        """Begin with none."""
        self.started: list[subprocess.Popen[bytes]] = []

    def __call__(
        self, argv: list[Any] | tuple[Any, ...], *, wait_ready: bool = False, **popen: Any
    ) -> subprocess.Popen[bytes]:
        """Start `argv`; with `wait_ready` stdout is a pipe, and its first line is awaited."""
        options: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
        }
        if wait_ready:
            options |= {"stdout": subprocess.PIPE, "bufsize": 0}
        child = subprocess.Popen([str(word) for word in argv], **options | popen)
        self.started.append(child)
        if wait_ready:
            ready(child)
        return child

    def end(self) -> None:
        """End and reap all, the newest first; a stopped process dies of SIGKILL too."""
        for child in reversed(self.started):
            child.kill()
            child.wait(10)
            for pipe in (child.stdin, child.stdout, child.stderr):
                if pipe:
                    pipe.close()
        self.started.clear()
