"""What an unprivileged user puts in root's way, so that it believes or executes it (cases 32 and 187)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from helpers.components import NOBODY
from helpers.instances import Kept
from helpers.processes import Spawner, alive

pytestmark = pytest.mark.usefixtures("starts_services")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep."""
    return Kept(tmp_path)


@pytest.mark.root(reason="another user plants it")
@pytest.mark.parametrize("what", ["own process", "dead", "rubbish"])
def test_32_a_planted_pidfile(kept: Kept, public_path: Path, spawn: Spawner, what: str) -> None:
    """UNKNOWN before NAME was ever kept; then it neither makes a dead service healthy nor a living one fail."""
    other = spawn(["/bin/sleep", "600"], user=NOBODY, wait_ready=False)
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    pidfile = public_path / "planted.pid"
    pidfile.write_text({"own process": f"{other.pid}\n", "dead": f"{gone.pid}\n", "rubbish": "x\n"}[what])
    os.chown(pidfile, NOBODY, NOBODY)
    words = ("--pidfile", str(pidfile), "--backoff", "0s:0s")
    first = kept.run(*words)
    assert (first.code, "insecure pidfile" in first.out) == (3, True), first
    assert kept.run().code == 0  # kept from here on
    living = kept.run(*words)
    assert (living.code, "so it is not believed" in living.out) == (0, True), living
    kept.kill()
    dead = kept.run(*words)
    assert (dead.code, "restarted svc" in dead.out) == (0, True), dead
    assert alive(other.pid)


@pytest.mark.root(reason="root executes what another user planted")
@pytest.mark.parametrize("place", ["", ".", "planted"])
def test_187_a_plugin_in_a_place_of_path_that_is_wherever_we_stand(kept: Kept, public_path: Path, place: str) -> None:
    """An empty or relative component of PATH leads into a directory of the user's: not executed, UNKNOWN."""
    room = public_path / "planted"
    room.mkdir()
    trace = public_path / "ran"
    for directory in (room, public_path):
        plugin = directory / "check_it"
        plugin.write_text(f"#!/bin/sh\ntouch {trace}\nexit 0\n")
        plugin.chmod(0o755)
        os.chown(plugin, NOBODY, NOBODY)
    path = f"{place}:/usr/bin:/bin"
    ran = kept.run("--check", "check_it", cwd=str(public_path), env={**os.environ, "PATH": path})
    assert ran.code == 3, ran
    assert not trace.exists()
