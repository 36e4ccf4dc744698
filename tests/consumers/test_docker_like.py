"""The contract of HEALTHCHECK and of exec probes, without their daemon: a probe enters a container's namespaces.

The container is a pid and mount namespace whose first process, as so often, is a program that reaps nobody.
"""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import pytest
from helpers.commands import Ran, command, oracle, run
from helpers.components import need, need_works
from helpers.processes import Seen, Spawner, end, everyone, look, output_of, wait_for
from helpers.servers import HOST, OK, closed_port, replying, serving

pytestmark = pytest.mark.root(reason="makes a pid namespace")
ENTRYPOINT = ("/bin/sh", "-c", "echo ready; exec sleep 8640090")


class Container:
    """A container; `exec` is what the runtime does for each probe."""

    def __init__(self, spawn: Spawner) -> None:
        """Start it."""
        self._spawn = spawn
        holder = spawn(["unshare", "-mpf", "--mount-proc", "--kill-child", *ENTRYPOINT], wait_ready=True)
        self._world = Path(f"/proc/{holder.pid}/ns/pid_for_children").readlink()
        (self._first,) = self.lives()

    def lives(self) -> list[Seen]:
        """Return its live processes."""
        found = []
        for pid in everyone():
            with contextlib.suppress(OSError):
                seen = look(pid) if Path(f"/proc/{pid}/ns/pid").readlink() == self._world else None
                found += [seen] if seen and seen.state not in "ZX" else []
        return found

    def words(self, *argv: object) -> list[str]:
        """Return what the runtime runs."""
        return ["nsenter", "-t", str(self._first.pid), "-p", "-m", command(str(argv[0])), *map(str, argv[1:])]

    def exec(self, *argv: object) -> Ran:
        """Run a probe to its end."""
        return run(*self.words(*argv), env={"PATH": "/usr/bin:/bin"})

    def begin(self, *argv: object) -> tuple[subprocess.Popen[bytes], list[Seen]]:
        """Start a probe that hangs; return what the runtime waits for, and the probe's first process and its looker."""
        runtime = self._spawn(self.words(*argv), stdout=subprocess.PIPE)
        wait_for(lambda: len(self.lives()) == 3, 5, "a guard and its looker")
        inside = [seen for seen in self.lives() if seen.pid != self._first.pid]
        return runtime, sorted(inside, key=lambda seen: seen.parent != runtime.pid)


@pytest.fixture
def container(spawn: Spawner) -> Container:
    """Return a container; its end is that of all that is in it."""
    need("nsenter")
    need_works("unshare", "-mpf", "--mount-proc", "true")
    return Container(spawn)


@pytest.mark.parametrize("consumer", ["docker", "k8s"])
def test_a_verdict_is_0_or_1_and_a_line(container: Container, consumer: str) -> None:
    """What works is 0; what is down, could not be looked at, or was asked for wrongly is 1, and never another code."""
    with replying(OK) as server:
        cases = [
            (("check-process", "sleep", "-c", "1:1"), 0),  # the container's own, and no other
            (("check-process", "wdt-no-such-process"), 1),
            (("check-http", server.url), 0),
            (("check-http", server.url, "-w", "0:0"), 0),  # degraded, but it works
            (("check-port", f"{HOST}:{closed_port()}"), 1),
            (("check-process", "--pidfile", "/proc/1/no-such-file"), 1),
            (("check-port", "--no-such-option"), 1),
        ]
        for words, code in cases:
            ran = container.exec(*words, "--for", consumer)
            assert (ran.code, bool(oracle(ran, 1))) == (code, True), ran


@pytest.mark.parametrize(("words", "seconds"), [("--for k8s", 1.0), ("--for docker", 2.7), ("--for docker -t 1", 1.2)])
def test_a_target_that_hangs_is_our_verdict(container: Container, words: str, seconds: float) -> None:
    """Before the runtime's own time is over (an exec probe's is one second unless told): 1, a line, nothing left."""
    with serving(lambda peer: peer.silence()) as silent:
        ran = container.exec("check-http", silent.url, *words.split())
        assert (ran.code, "timed out" in oracle(ran, 2)) == (1, True), ran
        assert ran.fair < seconds + 0.3, f"{ran.fair}: and 0.3 s for a busy machine"
        assert len(container.lives()) == 1


def test_a_runtime_that_kills_the_first_process_leaves_nothing(container: Container) -> None:
    """SIGKILL to the probe alone, as at the runtime's timeout: its looker goes with it, and the pipe is free."""
    with serving(lambda peer: peer.silence()) as silent:
        runtime, (guard, looker) = container.begin("check-http", silent.url, "-t", "60")
        assert (guard.parent, looker.parent) == (runtime.pid, guard.pid)
        end(guard)
        assert output_of(runtime, 2) == b""
        wait_for(lambda: len(container.lives()) == 1, 1, "the looker's end")
