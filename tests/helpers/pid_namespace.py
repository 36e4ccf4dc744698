"""A pid namespace whose first process has a control group of its own: nobody else's services are below that.

What a test does to the hierarchy there (a limit, a planted group, a read-only mount) befalls its own runs alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from helpers import cgroups, groups
from helpers.commands import Ran, command, run
from helpers.processes import everyone, look, wait_for
from helpers.scene import Scene

# $1: the group. It reaps orphans.
_FIRST = 'echo 0 >"$1/cgroup.procs" && echo ready && while :; do wait; sleep 1; done'


class PidNamespace:
    """It, with a service to keep. base: the group of its first process, to which a run's control groups belong."""

    def __init__(self, scene: Scene, base: Path) -> None:
        """Begin it."""
        self.scene = scene
        self.base = base
        self.room = base / "watchdog-tools"
        self.before: tuple[str, ...] = ()  # words in front of each run
        self.first = subprocess.Popen(
            ["unshare", "-pfm", "--mount-proc", "--kill-child", "sh", "-c", _FIRST, "sh", str(base)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self.first.stdout is not None
        if self.first.stdout.readline() != b"ready\n":
            self.first.stdout.close()
            raise AssertionError(f"its first process cannot join {base}, exit {self.first.wait(10)}")
        self.pid = next(pid for pid in everyone() if (seen := look(pid)) and seen.parent == self.first.pid)

    def inside(self, *words: str) -> tuple[str, ...]:
        """Return the words that run a command in it, behind those that stand in front of each run."""
        return ("nsenter", "-t", str(self.pid), "-p", "-m", "--", *self.before, *words)

    def keep(self, *options: object, before: tuple[str, ...] = ()) -> Ran:
        """Run ensure-running once, and say how its instance is contained."""
        return self.scene.keep("-v", *options, before=self.inside(*before))

    def stop(self) -> Ran:
        """Order a stop."""
        order = ("watchdog-tools", "stop", self.scene.name, "--state-dir", self.scene.state)
        return run(*self.inside(), command(order[0]), *order[1:], timeout=40)

    def group(self) -> Path | None:
        """Return the service's control group, if there is one."""
        return next(iter(groups.named(self.scene.name)), None)

    def end(self) -> None:
        """End it, with all that lives in it, and remove its groups."""
        groups.kill(self.base)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.first.wait(10)
        assert self.first.stdout is not None
        self.first.stdout.close()
        wait_for(lambda: groups.remove(self.base), 10, "the end of its groups")


@contextlib.contextmanager
def pid_namespace(scene: Scene) -> Iterator[PidNamespace]:
    """Yield one, of which nothing stays."""
    mount = groups.mount()
    assert mount is not None
    base = mount / cgroups.fresh_name()
    base.mkdir()
    made = PidNamespace(scene, base)
    try:
        yield made
    finally:
        made.end()
