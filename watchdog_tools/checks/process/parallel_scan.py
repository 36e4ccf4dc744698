"""A long list of processes, scanned in two halves at once: one of them by a fork, which dies with its group.

(m) 3,000 processes by name: 27 ms in one process, 15 ms in two on two cores; a fork costs 1 ms.
"""

from __future__ import annotations

import marshal
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def scan_in_fork(choose: Callable[[list[int]], list[int]], entries: list[int]) -> Callable[[], list[int]]:
    """Start `choose(entries)` in a fork. Return what to call for its answer.

    Where no fork is to be had, or it dies, its share is done when the answer is asked for.
    """
    try:
        read, write = os.pipe()
    except OSError:
        return lambda: choose(entries)
    try:
        pid = os.fork()
    except OSError:
        os.close(read)
        os.close(write)
        return lambda: choose(entries)
    if not pid:
        _send_answer(choose, entries, write)
    os.close(write)

    def answer() -> list[int]:
        said = _receive(read)
        os.waitpid(pid, 0)
        return choose(entries) if said is None else said

    return answer


def has_spare_cpu() -> bool:
    """Whether a second process has a processor to itself."""
    return len(os.sched_getaffinity(0)) > 1


def _send_answer(choose: Callable[[list[int]], list[int]], entries: list[int], write: int) -> None:
    code = 1
    try:
        body = marshal.dumps(choose(entries))
        while body:
            body = body[os.write(write, body) :]
        code = 0
    finally:
        os._exit(code)


def _receive(read: int) -> list[int] | None:
    body = b""
    while chunk := os.read(read, 1 << 16):
        body += chunk
    os.close(read)
    try:
        said: list[int] = marshal.loads(body)  # noqa: S302 -- from our own fork
    except (EOFError, ValueError, TypeError):
        return None
    return said
