"""Each complete run leaves word that it was here, whatever it found; and what hinders that changes nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from helpers.commands import Ran, command, oracle, run
from helpers.components import need_works
from helpers.instances import Kept
from helpers.processes import Spawner, wait_for

pytestmark = pytest.mark.usefixtures("starts_services")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service that is yet to be started."""
    return Kept(tmp_path)


def moment(kept: Kept) -> int:
    """Return when it was last seen, in milliseconds of the boot clock; 0 for never."""
    path = kept.state / f"{kept.name}.seen"
    return int(path.read_text().split()[1]) if path.exists() else 0


def heartbeat(kept: Kept, *words: object) -> Ran:
    """Ask for the service's last run."""
    return run("check-heartbeat", "--of", kept.name, "--state-dir", kept.state, *(words or ("--max-age", "1m")))


def test_each_complete_run_is_seen(kept: Kept) -> None:
    """That starts it, finds it healthy, cannot look, finds it paused, cannot start it, or holds it."""
    last = 0
    steps: list[tuple[str, list[object], int]] = [
        ("started", [], 0),
        ("healthy", [], 0),
        ("blind", ["--check", "check-process -a x --pidfile /dev/null"], 3),
        ("degraded", ["--check", "check-heartbeat /etc/passwd -w 1"], 1),
    ]
    for what, options, code in steps:
        assert (what, kept.run(*options).code) == (what, code)
        assert moment(kept) > last, what
        last = moment(kept)
    assert run("watchdog-tools", "stop", kept.name, "-s", kept.state, "--for", "1h").code == 0
    assert moment(kept) == last  # an operator is no cron
    assert (kept.run().code, moment(kept) > last) == (2, True)
    last = moment(kept)
    assert run("watchdog-tools", "resume", kept.name, "-s", kept.state).code == 0
    for _ in range(3):
        assert kept.run("--limit", "1/1h", command=["/bin/false"]).code == 2
        assert moment(kept) > last
        last = moment(kept)
    assert "was seen" in oracle(heartbeat(kept), 10)


def test_a_service_that_is_up_from_its_first_run_is_known(kept: Kept) -> None:
    """No record, as nothing was done for it; all the same it is up for status, and its runs are seen."""
    kept.state.rmdir()
    (kept.room / "beat").touch()
    check = ("--check", f"check-heartbeat {kept.room}/beat --max-age 1h")
    assert kept.run(*check).code == 0
    assert [path.name for path in kept.state.iterdir()] == ["svc.seen"]
    shown = run("watchdog-tools", "status", "-s", kept.state, "--max-age", "1m")
    assert (shown.code, "STATUS OK - 1 service: 1 up\n" in shown.out) == (0, True), shown
    assert heartbeat(kept).code == 0
    assert kept.run("--requires", "check-port 127.0.0.1:1", "--check", "check-port 127.0.0.1:1").code == 2
    shown = run("watchdog-tools", "status", "-s", kept.state)
    assert (shown.code, "; svc: down" in shown.out) == (2, True), shown


def test_what_is_not_seen(kept: Kept) -> None:
    """Wrong usage, a dry run."""
    assert kept.run("--dry-run").code in (0, 2)
    assert run("ensure-running", *kept.words(), "--no-such-option", "--", "/bin/true").code == 3
    assert not moment(kept)


def test_a_watch_is_seen_while_it_watches(kept: Kept, spawn: Spawner) -> None:
    """Each round counts, long before its line."""
    begun = moment(kept)
    spawn([command("ensure-running"), *kept.words(), "--watch", "60s", "--every", "100ms", "--", *kept.service.command])
    wait_for(lambda: moment(kept) > begun, 10, "the first round")
    first = moment(kept)
    wait_for(lambda: moment(kept) > first, 10, "a later one")


@pytest.mark.parametrize("what", ["link", "fifo", "directory"])
def test_what_hinders_it_changes_nothing(kept: Kept, what: str) -> None:
    """The code stays, the line stays, nothing hangs; it is out of the way, and -v has said so."""
    kept.run()
    plain = kept.run()
    place = kept.state / "svc.seen"
    place.unlink()
    aim = kept.room / "aim"
    aim.write_text("untouched")
    {"link": lambda: place.symlink_to(aim), "fifo": lambda: os.mkfifo(place), "directory": place.mkdir}[what]()
    assert json.loads(heartbeat(kept, "-c", "60", "-o", "json").out)["reason"] == "unreadable"
    ran = kept.run("-v")
    assert (ran.code, ran.out.partition("(")[0]) == (0, plain.out.partition("(")[0])
    assert "svc.seen was no file of ours" in ran.out
    assert kept.run("-q").out == ""
    assert aim.read_text() == "untouched"
    assert heartbeat(kept).code == 0


@pytest.mark.root(reason="mounts a disk")
@pytest.mark.parametrize("fault", ["ro", "full"])
def test_a_disk_that_takes_nothing(kept: Kept, fault: str, spawn: Spawner) -> None:
    """Read-only or full: a healthy service is OK, and silent under -q."""
    need_works("unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt")
    disk = kept.room / "disk"
    disk.mkdir()
    script = 'mount -t tmpfs -o size=64k,mode=700 none "$1"; echo ready; exec sleep infinity'
    world = spawn(["unshare", "-m", "sh", "-c", script, "sh", disk], wait_ready=True)
    words = ["nsenter", "-t", world.pid, "-m", "--", command("ensure-running"), "web", "--state-dir", disk / "state"]
    words += ["--start-seconds", "0.1"]
    start = ["--", *kept.service.command]
    assert run(*words, *start).code == 0
    break_ = f"mount -o remount,ro {disk}" if fault == "ro" else f"rm {disk}/state/web.seen; cat /dev/zero >{disk}/full"
    run("nsenter", "-t", world.pid, "-m", "--", "sh", "-c", break_)
    quiet, said = run(*words, "-q", *start), run(*words, "-v", *start)
    assert (quiet.code, quiet.out, said.code) == (0, "", 0), (quiet, said)
    if fault == "ro":
        assert "web.seen cannot be written: Read-only file system" in said.out
