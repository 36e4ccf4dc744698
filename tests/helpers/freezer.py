"""A control group that is frozen: what is in it waits in D, and no signal ends that."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.processes import wait_for


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
