"""Where a process may be: on a terminal, in a cgroup that is frozen, below another one."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.components import need
from helpers.processes import Seen, everyone, look, wait_for


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


@contextlib.contextmanager
def frozen_group() -> Iterator[Any]:
    """Yield what freezes a process in a cgroup (version 1) of the test's own; thaw it afterwards."""
    place = Path("/sys/fs/cgroup/freezer")
    if not (place / "cgroup.procs").exists():
        pytest.skip("no cgroup freezer of version 1 here")
    group = place / f"wdt-{os.getpid()}-{time.monotonic_ns()}"
    group.mkdir()

    def freeze(pid: int) -> None:
        (group / "cgroup.procs").write_text(str(pid))
        (group / "freezer.state").write_text("FROZEN")
        wait_for(lambda: (group / "freezer.state").read_text() == "FROZEN\n", what="the frost")

    try:
        yield freeze
    finally:
        (group / "freezer.state").write_text("THAWED")
        wait_for(lambda: not (group / "cgroup.procs").read_text(), what="the end of what was frozen")
        group.rmdir()


def children(pid: int) -> list[Seen]:
    """Return the children of a process."""
    return [seen for each in everyone() if (seen := look(each)) and seen.parent == pid]
