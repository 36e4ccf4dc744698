"""forget: all that a NAME leaves behind is known, and goes; what lives is left alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.commands import Ran, oracle, run
from helpers.commands import command as installed
from helpers.instances import Kept
from helpers.machine import machine
from helpers.processes import Spawner, alive, wait_for

from watchdog_tools.core.owner import Owner
from watchdog_tools.state import place, traces
from watchdog_tools.system import cgroups

pytestmark = pytest.mark.usefixtures("starts_services")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep, with a state directory of its own."""
    return Kept(tmp_path)


def forgotten(kept: Kept, *words: object) -> Ran:
    """Forget it."""
    return run("watchdog-tools", "forget", kept.name, *words, "-s", kept.state)


def stopped(kept: Kept) -> None:
    """Stop it."""
    assert run("watchdog-tools", "stop", kept.name, "-s", kept.state).code == 0


def files(place: Path) -> set[str]:
    """Return the names of all files below a directory."""
    return {path.relative_to(place).as_posix() for path in place.rglob("*") if not path.is_dir()}


def test_nothing_is_left_but_the_locks(kept: Kept, spawn: Spawner) -> None:
    """Of a service of which everything has happened: a watch, deaths, an unusable record, a pause, a log."""
    other = Kept(kept.room / "beside", "svc.x")
    run("ensure-running", "svc.x", "--state-dir", kept.state, "--start-seconds", "0.1", "--", *other.service.command)
    before = {name for name in files(kept.state) if "svc.x" in name}
    log = kept.script("noisy", "echo a word; exit 3")
    kept.run("--log", kept.room / "log", "--for", "cron", command=[log])
    (kept.state / "svc.record").write_text("torn")
    kept.run("--for", "cron", "--backoff", "0s:0s")
    (kept.state / "svc.events.1").write_text("")
    (kept.state / "svc.evidence").write_text("")
    waits = ("--state-dir", kept.state, "--watch", "60s", "--every", "1s")
    spawn([installed("ensure-running"), "svc", *waits, "--", *kept.service.command])
    wait_for(lambda: "--watch" in kept.text("state/lock/svc.lock"), 20, "a watch")
    made = cgroups.find(Owner(name="svc", uid=os.geteuid(), directory=str(kept.state), place=place(str(kept.state))))
    stopped(kept)
    for scratch in ("said/.ensure-running.svc.123", "pause/.svc.123"):  # of a writer that was killed
        (kept.state / scratch).parent.mkdir(exist_ok=True)
        (kept.state / scratch).write_text("half")
    ran = forgotten(kept)
    assert ran.code == 0, ran
    assert "svc is forgotten: svc.record, svc.corrupt" in oracle(ran, 20)
    mine = {name for name in files(kept.state) if name not in before}
    assert mine <= {f"lock/{each.format('svc')}" for each in traces.LOCK_FILES}
    assert before <= files(kept.state), "another NAME's"
    assert made is None or not Path(made.path).exists(), "its control group"
    assert "never kept" in run("watchdog-tools", "status", "svc", "-s", kept.state).out
    assert run("watchdog-tools", "stop", "svc.x", "-s", kept.state).code == 0


def test_twice_is_once(kept: Kept) -> None:
    """And a NAME that comes back is made anew, by the same locks."""
    kept.run()
    stopped(kept)
    lock = kept.lock.stat().st_ino
    assert forgotten(kept).code == 0
    ran = forgotten(kept)
    assert (ran.code, ran.out) == (0, "FORGET OK - nothing is left of svc to forget\n")
    assert kept.run().code == 0
    assert kept.lock.stat().st_ino == lock


def test_what_was_never_kept_is_unknown(kept: Kept) -> None:
    """Nothing is made for it."""
    ran = forgotten(kept)
    assert ran.code == 3
    assert "svc was never kept here" in oracle(ran, 10)
    assert not list(kept.state.iterdir())


@pytest.mark.parametrize("record", ["there", "lost", "torn"])
def test_what_lives_is_not_forgotten(kept: Kept, record: str) -> None:
    """Its record, or its mark, says so; the line has the pid and what comes first."""
    kept.run()
    pid = kept.service.one()
    path = kept.state / "svc.record"
    if record == "lost":
        path.unlink()
    elif record == "torn":
        path.write_text("torn")
    before = files(kept.state)
    ran = forgotten(kept)
    assert ran.code == 2, ran
    assert f"svc lives (pid {pid}), so it is not forgotten; first: watchdog-tools stop svc" in oracle(ran, 20)
    assert before <= files(kept.state)
    assert alive(pid)


def test_while_a_run_is_at_work_nothing_is_removed(kept: Kept, spawn: Spawner) -> None:
    """It may be about to start it."""
    kept.run()
    stopped(kept)
    kept.hold(spawn)
    before = files(kept.state)
    ran = forgotten(kept, "--lock-wait", "200ms")
    assert ran.code == 3, ran
    assert "another run has the lock; nothing done" in oracle(ran, 10)
    assert files(kept.state) == before


@pytest.mark.parametrize("kind", ["link", "directory"])
def test_nothing_is_followed_or_emptied(kept: Kept, kind: str) -> None:
    """A link goes, what it leads to stays; a directory is no file of ours: the rest goes, and the line says so."""
    kept.run()
    stopped(kept)
    aim = kept.room / "aim"
    aim.write_text("precious")
    path = kept.state / "svc.corrupt"
    path.symlink_to(aim) if kind == "link" else path.mkdir()
    ran = forgotten(kept)
    assert aim.read_text() == "precious"
    assert ran.code == (0 if kind == "link" else 3), ran
    said = oracle(ran, 10)
    if kind == "directory":
        assert "svc is not wholly forgotten: svc.record, " in said
        assert "; svc.corrupt: Is a directory; it stays" in said
        assert {name for name in files(kept.state) if "svc" in name} <= {
            f"lock/{each.format('svc')}" for each in traces.LOCK_FILES
        }


@pytest.mark.root(reason="makes a machine of its own")
def test_root_s_default_places() -> None:
    """Also behind a reboot, when /run is empty: what is left lies in the memory."""
    with machine(("ensure-running", "watchdog-tools")) as host:
        host.type("ensure-running web --start-seconds 0.1 -- /bin/sleep 600; watchdog-tools stop web")
        host.type("rm -rf /run/watchdog-tools")
        ran = host.type("watchdog-tools forget web")
        assert ran.code == 0, ran
        left = host.type("find /run/watchdog-tools /var/lib/watchdog-tools -type f").out
        assert "web" not in left, left


def test_a_name_that_looks_like_a_temporary_file(kept: Kept) -> None:
    """The pause of `svc.tmp`, and what was said for it, are not those of `svc`."""
    kept.run("--for", "cron", command=["/no/such/program"])
    other = Kept(kept.room / "beside", "svc.tmp")
    run("ensure-running", "svc.tmp", "--state-dir", kept.state, "--for", "cron", "--", "/no/such/program")
    assert run("watchdog-tools", "pause", "svc.tmp", "-s", kept.state).code == 0
    before = {name for name in files(kept.state) if other.name in name}
    assert {"pause/svc.tmp", "said/ensure-running.svc.tmp"} <= before
    assert forgotten(kept).code == 0
    assert {name for name in files(kept.state) if other.name in name} == before
