"""Hostile locks: killed holders, deleted and linked lock files, moved directories, disks that are full or read-only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import helpers
import pytest
from helpers.commands import command, oracle, run
from helpers.components import need, need_nobody, need_works
from helpers.instances import Kept
from helpers.processes import Spawner, alive, everyone, look, output_of, wait_for

pytestmark = pytest.mark.usefixtures("starts_services")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep, with a state directory of its own."""
    return Kept(tmp_path)


def waiting(kept: Kept, spawn: Spawner, wait: str = "40s") -> subprocess.Popen[bytes]:
    """Return a run that waits for the lock, which somebody holds."""
    words = [command("ensure-running"), *kept.words(), "--lock-wait", wait, "--", *kept.service.command]
    holders = len(kept.openers())
    waiter = spawn(words, stdout=subprocess.PIPE)
    wait_for(lambda: len(kept.openers()) > holders, 30, "a run at the lock")
    return waiter


def test_113_a_killed_holder_frees_the_lock(kept: Kept, spawn: Spawner) -> None:
    """The lock ends with its holder, by the kernel: whoever waits for it goes on at once."""
    holder = kept.hold(spawn)
    assert not kept.is_free()
    waiter = waiting(kept, spawn)
    holder.kill()
    out = output_of(waiter, 5)
    assert b"started svc" in out
    assert kept.service.one()
    assert kept.is_free()


def test_113_an_actor_killed_while_it_holds_the_lock(kept: Kept) -> None:
    """The next run starts, or takes over, at once: nothing of the dead one is in its way."""
    words = [command("ensure-running"), *kept.words(), "--start-seconds", "20", "--", *kept.service.command]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as first:
        pid = int(wait_for(kept.service.said)[0][1])
        first.kill()
        for actor in kept.openers():
            os.kill(actor, signal.SIGKILL)
            wait_for(lambda actor=actor: not alive(actor))
    assert kept.is_free(), "the instance holds the lock"
    ran = kept.run()
    assert ran.code == 0, ran
    assert kept.service.one() == pid


@pytest.fixture
def about_to_start(kept: Kept, spawn: Spawner) -> Iterator[subprocess.Popen[bytes]]:
    """Return an actor that holds the lock, has found nothing running and has forked; there it is stopped."""
    log = kept.room / "strace"
    inject = "inject=clone,clone3,fork,vfork:signal=STOP:when=1"
    strace = [need("strace"), "-qq", "-o", log, "-e", "trace=process", "-e", inject]
    actor = [sys.executable, Path(helpers.__file__).with_name("action_worker.py"), "either", *kept.words()]
    tracer = spawn([*strace, *actor, "--", *kept.service.command], stdout=subprocess.PIPE)
    wait_for(lambda: log.exists() and "stopped by SIGSTOP" in log.read_text(), 10, "the stop after the fork")
    yield tracer
    for pid in {*kept.openers(), *children(tracer.pid)}:
        os.kill(pid, signal.SIGKILL)


def children(pid: int) -> list[int]:
    """Return the live children of a process."""
    return [seen.pid for seen in map(look, everyone()) if seen and seen.parent == pid and seen.state not in "ZX"]


def go_on(tracer: subprocess.Popen[bytes]) -> bytes:
    """Let the stopped actor go on; return what it says."""
    for pid in children(tracer.pid):
        os.kill(pid, signal.SIGCONT)
    return output_of(tracer, 10)


def test_115_a_lock_deleted_while_it_is_held(kept: Kept, about_to_start: subprocess.Popen[bytes]) -> None:
    """A second run takes the new file's lock and starts; the first one, further than its last look, does not."""
    kept.lock.unlink()
    assert kept.run().code == 0
    pid = kept.service.one()
    assert b"the lock file was replaced" in go_on(about_to_start)
    assert kept.run().code == 0
    assert kept.service.one() == pid


def test_116_a_directory_moved_while_its_lock_is_held(kept: Kept, about_to_start: subprocess.Popen[bytes]) -> None:
    """A directory made anew in its place has another lock: the run with the old one starts nothing any more."""
    kept.state.rename(kept.room / "moved")
    kept.state.mkdir(0o700)
    assert kept.run().code == 0
    pid = kept.service.one()
    assert b"nothing started" in go_on(about_to_start)
    assert kept.run().code == 0
    assert kept.service.one() == pid


def test_115_a_lock_deleted_while_it_is_waited_for(kept: Kept, spawn: Spawner) -> None:
    """Who gets a lock whose file is gone takes the new file's."""
    holder = kept.hold(spawn)
    waiter = waiting(kept, spawn)
    kept.lock.unlink()
    holder.kill()
    assert b"started svc" in output_of(waiter, 5)
    assert kept.service.one()
    assert kept.lock.exists()


def test_116_a_directory_moved_while_its_lock_is_waited_for(kept: Kept, spawn: Spawner) -> None:
    """The old place is gone: nothing is created there, nothing started, and the run ends within its wait."""
    holder = kept.hold(spawn)
    waiter = waiting(kept, spawn, "5s")
    kept.state.rename(kept.room / "moved")
    holder.kill()
    out = output_of(waiter, 12)
    assert b"CRITICAL" in out, out
    assert waiter.returncode == 2
    assert not kept.state.exists()
    assert not kept.service.said()


@pytest.mark.parametrize("kind", ["dangling", "link", "fifo", "directory", "hard", "writable"])
def test_117_a_lock_that_is_no_file_of_ours_alone(kept: Kept, kind: str) -> None:
    """Links are not followed, nothing is waited for: down, "cannot lock", nothing started, nothing made."""
    kept.lock.parent.mkdir(0o700)
    aim = kept.room / "aim"
    if kind != "dangling":
        aim.write_text("precious")
    if kind in ("dangling", "link"):
        kept.lock.symlink_to(aim)
    elif kind == "fifo":
        os.mkfifo(kept.lock)
    elif kind == "directory":
        kept.lock.mkdir()
    elif kind == "hard":
        kept.lock.hardlink_to(aim)
    else:
        kept.lock.touch()
        kept.lock.chmod(0o666)
    ran = kept.run()
    assert ran.code == 2, ran
    assert f"cannot lock {kept.lock}: " in oracle(ran, 3)
    assert "nothing started" in ran.out
    assert not kept.service.said()
    assert (aim.read_text() if aim.exists() else "none") == ("none" if kind == "dangling" else "precious")


def test_117_the_verdict_stays_the_service_s(kept: Kept) -> None:
    """Healthy is healthy, whatever became of the lock; also while the record is still in phase `starting`."""
    good = kept.script("good", "echo fine")
    kept.run()
    kept.lock.unlink()
    kept.lock.symlink_to(kept.room / "aim")
    ran = kept.run("--check", good)
    assert (ran.code, "svc is healthy" in ran.out) == (0, True), ran
    record = kept.state / "svc.record"
    record.write_text(record.read_text().replace("phase=running", "phase=starting"))
    ran = kept.run("--check", good)
    assert ran.code == 0, ran


@pytest.mark.parametrize("level", ["state", "above"])
def test_118_a_parent_that_is_a_link(tmp_path: Path, level: str) -> None:
    """No level is entered through a link: down, with the level named, nothing started."""
    kept = Kept(tmp_path / "room")
    link = tmp_path / "link"
    link.symlink_to(kept.state if level == "state" else kept.room)
    place = link if level == "state" else link / "state"
    ran = run("ensure-running", "svc", "--state-dir", place, "--", *kept.service.command)
    assert ran.code == 2, ran
    assert "symbolic link" in oracle(ran, 3)
    assert "nothing started" in ran.out
    assert not list(kept.state.iterdir())
    assert not kept.service.said()


@pytest.mark.parametrize("level", ["state", "above", "locks"])
def test_118_a_directory_that_others_can_write(tmp_path: Path, level: str) -> None:
    """Who can write it could swap it: refused by name, at each level."""
    kept = Kept(tmp_path / "room")
    (kept.state / "lock").mkdir(0o700)
    bad = {"state": kept.state, "above": kept.room, "locks": kept.state / "lock"}[level]
    bad.chmod(0o777)
    ran = kept.run()
    assert ran.code == 2, ran
    assert "nothing started" in oracle(ran, 3)
    assert not kept.service.said()


@pytest.mark.root(reason="makes files of another owner")
@pytest.mark.parametrize("level", ["state", "above", "locks"])
def test_118_a_directory_of_another_user(tmp_path: Path, level: str) -> None:
    """Who owns it could swap it: refused, at each level."""
    kept = Kept(tmp_path / "room")
    (kept.state / "lock").mkdir(0o700)
    os.chown({"state": kept.state, "above": kept.room, "locks": kept.state / "lock"}[level], 65534, 65534)
    assert kept.run().code == 2
    assert not kept.service.said()


@pytest.fixture
def mounted(kept: Kept, spawn: Spawner) -> list[str]:
    """Give the state directory a small file system of its own; return what enters its mount namespace."""
    need_works("unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt")
    script = 'mount -t tmpfs -o mode=700,size=128k,nr_inodes=20 none "$1" && echo ready && exec sleep 600'
    holder = spawn(["unshare", "-m", "sh", "-c", script, "sh", kept.state], wait_ready=True)
    return ["nsenter", "-t", str(holder.pid), "-m"]


def inside(mounted: list[str], kept: Kept, *options: str) -> tuple[int, str]:
    """Run ensure-running in there; return its exit code and its line."""
    ran = run(*mounted, command("ensure-running"), *kept.words(), *options, "--", *kept.service.command)
    return ran.code, oracle(ran, 5)


@pytest.mark.root(reason="mounts in a mount namespace")
@pytest.mark.parametrize("before", ["fresh", "used"])
def test_121_a_read_only_file_system(mounted: list[str], kept: Kept, before: str) -> None:
    """Healthy is OK; down is CRITICAL "read-only", nothing started: also where the lock's file is there."""
    if before == "used":
        assert inside(mounted, kept)[0] == 0
        kept.kill(kept.service.one())
    run(*mounted, "mount", "-o", "remount,ro", kept.state)
    starts = kept.service.starts()
    code, line = inside(mounted, kept)
    assert code == 2, line
    assert "Read-only file system" in line
    assert "nothing started" in line
    assert kept.service.starts() == starts
    code, line = inside(mounted, kept, "--check", kept.script("good", "echo fine"))
    assert (code, "fine" in line) == (0, True)


@pytest.mark.root(reason="mounts in a mount namespace")
@pytest.mark.parametrize("what", ["bytes", "inodes"])
@pytest.mark.parametrize("before", ["fresh", "used"])
def test_122_a_full_disk(mounted: list[str], kept: Kept, what: str, before: str) -> None:
    """No room for a record, or for a file: down is CRITICAL and starts nothing; healthy is OK; the old record stays."""
    if before == "used":
        assert inside(mounted, kept)[0] == 0
        kept.kill(kept.service.one())
        record = run(*mounted, "cat", kept.state / "svc.record").out
    fill = {
        "bytes": 'dd if=/dev/zero of="$1/fill" bs=4k 2>/dev/null; true',
        "inodes": 'i=0; while : 2>/dev/null >"$1/fill$i"; do i=$((i+1)); done; true',
    }[what]
    run(*mounted, "sh", "-c", fill, "sh", kept.state)
    starts = kept.service.starts()
    code, line = inside(mounted, kept)
    assert code == 2, line
    assert "No space left on device" in line
    assert kept.service.starts() == starts
    if before == "used":
        assert run(*mounted, "cat", kept.state / "svc.record").out == record
    assert not run(*mounted, "sh", "-c", f"ls {kept.state}/*.tmp 2>/dev/null").out, "a leftover"
    assert inside(mounted, kept, "--check", kept.script("good", "echo fine"))[0] == 0
    run(*mounted, "sh", "-c", f"rm {kept.state}/fill*")
    assert inside(mounted, kept)[0] == 0


@pytest.mark.root(reason="mounts in a mount namespace")
def test_122_a_full_disk_is_no_time_to_restart(mounted: list[str], kept: Kept) -> None:
    """What works is not stopped for an order after which none could be started: the next one needs a record."""
    assert inside(mounted, kept)[0] == 0
    pid = kept.service.one()
    run(*mounted, "sh", "-c", 'dd if=/dev/zero of="$1/fill" bs=4k 2>/dev/null; true', "sh", kept.state)
    ran = run(*mounted, command("watchdog-tools"), "restart", "svc", "-s", kept.state)
    assert (ran.code, "not stopped, since none can be started: no record of it can be written" in ran.out) == (2, True)
    assert kept.service.one() == pid


@pytest.mark.root(reason="makes files of another owner")
def test_123_a_lock_of_root_s_is_not_a_user_s(public_path: Path) -> None:
    """Nobody's own directory is nobody's; root's lock in it, or its directory, is refused, never waited for."""
    options = need_nobody(command("ensure-running"))
    os.chown(public_path, 65534, 65534)
    kept = Kept(public_path, mine=65534)
    kept.lock.parent.mkdir(0o755)
    kept.lock.touch(0o644)
    ran = kept.run(**options)
    assert ran.code == 2, ran
    assert "cannot lock" in oracle(ran, 3)
    os.chown(kept.lock.parent, 65534, 65534)
    ran = kept.run(**options)
    assert ran.code == 2, ran
    assert "cannot lock" in oracle(ran, 3)
    assert not kept.service.said()


def test_125_umask_000_makes_no_lock_for_everybody(kept: Kept) -> None:
    """The lock is 0600 in a directory of 0700, whatever the caller's umask."""
    assert kept.run(umask=0).code == 0
    assert kept.lock.stat().st_mode & 0o7777 == 0o600
    assert kept.lock.parent.stat().st_mode & 0o7777 == 0o700


def test_132_a_holder_that_is_stuck_is_named(kept: Kept, spawn: Spawner) -> None:
    """A stopped holder past its own limit: CRITICAL with its pid, instead of "repairing" for ever; nothing started."""
    slow = kept.script("slow", "test -e /nowhere || { sleep 3; exit 2; }")
    spawn([command("ensure-running"), *kept.words(), "--check", slow, "--", *kept.service.command])
    wait_for(lambda: kept.lock.exists() and kept.lock.read_text(), 10, "its signature")
    pid, ticks, boot, pidns, timens, since, limit, who = kept.lock.read_text().split()
    assert (who, int(limit) > 0) == ("ensure-running", True)
    os.kill(int(pid), signal.SIGSTOP)
    try:
        ran = kept.run("--lock-wait", "0.1")
        assert (ran.code, "another run is repairing it" in ran.out) == (1, True), ran
        long_ago = str(int(since) - 3_600_000)
        kept.lock.write_text(f"{pid} {ticks} {boot} {pidns} {timens} {long_ago} 5000 {who}\n")
        ran = kept.run("--lock-wait", "0.1")
        assert ran.code == 2, ran
        assert f"by pid {pid} (stopped)" in oracle(ran, 3)
        assert "lock held for 36" in ran.out
        assert not kept.service.said()
    finally:
        os.kill(int(pid), signal.SIGKILL)


@pytest.mark.parametrize("words", ["", "garbage", "1 2 3", "9" * 400, "-1 -1 - - - -1 -1 x", "\0\0\0\0 1"])
def test_132_a_signature_that_makes_no_sense(kept: Kept, spawn: Spawner, words: str) -> None:
    """Whatever stands in the lock file: one line, "another run is repairing it"."""
    kept.hold(spawn)
    kept.lock.write_text(words)
    ran = kept.run("--lock-wait", "0.1")
    assert ran.code == 1, ran
    assert "another run is repairing it" in oracle(ran, 3)


@pytest.mark.root(reason="mounts in a mount namespace")
@pytest.mark.parametrize("healthy", [True, False], ids=["healthy", "down"])
def test_131_a_network_file_system(kept: Kept, *, healthy: bool) -> None:
    """Locks there exclude no other host: refused; down is CRITICAL with the reason, healthy stays OK."""
    disk = [sys.executable, Path(__file__).parent.parent / "helpers" / "network_disk.py"]
    need_works("unshare", "-m", *map(str, disk), str(kept.room), "true")
    check = kept.script("check", f"exit {0 if healthy else 2}")
    words = [command("ensure-running"), *kept.words(), "--check", check, "--", *kept.service.command]
    ran = run("unshare", "-m", *disk, kept.state, *words)
    line = oracle(ran, 10)
    if healthy:
        assert ran.code == 0, ran
    else:
        assert ran.code == 2, ran
        assert f"no state directory: {kept.state} is on fuse.sshfs, where locks do not exclude other hosts" in line
        assert "nothing started" in line
    assert not kept.service.said()
