"""A terminal, with an interactive shell on it."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
from collections.abc import Iterator

from helpers.components import need


@contextlib.contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """Yield an interactive shell with job control: its pid, and the master of its terminal."""
    pid, master = pty.fork()
    if not pid:
        os.execv(need("bash"), ["bash", "--norc", "--noprofile", "-i"])  # noqa: S606 -- as sshd would
    try:
        yield pid, master
    finally:
        os.close(master)  # it hangs up, and the shell ends its jobs
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
