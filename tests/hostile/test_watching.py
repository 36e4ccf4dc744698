"""Hostile to a watch: stopped watchers, lost locks, full disks, deleted state. Never two instances, and a true line."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.commands import oracle, run
from helpers.components import need_works
from helpers.instances import Kept
from helpers.processes import Spawner, alive, wait_for
from helpers.watching import AT_ONCE, Watcher, is_free, phase, replaced

pytestmark = pytest.mark.usefixtures("starts_services")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep, with a state directory of its own."""
    return Kept(tmp_path)


class TestAStoppedWatcher:
    """132: whoever comes beside it starts nothing, and says so once it is past its limit."""

    @pytest.fixture
    def stopped(self, kept: Kept, spawn: Spawner) -> Iterator[Watcher]:
        """Return a watcher whose fork, which has the lock, is stopped."""
        watcher = Watcher(kept, spawn, *AT_ONCE, every="30s").begun()
        actor = watcher.actor
        os.kill(actor, signal.SIGSTOP)
        yield watcher
        if alive(actor):
            os.kill(actor, signal.SIGCONT)

    @staticmethod
    def _long_ago(kept: Kept) -> None:
        """Let its signature be an hour old."""
        *who, since, limit, name, option = kept.lock.read_text().split()
        kept.lock.write_text(" ".join([*who, str(int(since) - 3_600_000), limit, name, option]) + "\n")

    def test_132_is_named_when_the_service_is_down(self, kept: Kept, spawn: Spawner, stopped: Watcher) -> None:
        """At first another run is repairing it, then it is CRITICAL with its pid; afterwards there is one instance."""
        pid = kept.service.one()
        kept.kill(pid)
        ran = kept.run("--lock-wait", "0.1")
        assert ran.code == 1, ran
        assert "another run is repairing it" in oracle(ran, 5)
        self._long_ago(kept)
        for words in ((), ("--watch", "10s")):
            waiter = Watcher(kept, spawn).in_line() if words else None
            ran = kept.run("--lock-wait", "0.1", *words)
            assert ran.code == 2, ran
            assert f"by pid {stopped.actor} (stopped)" in oracle(ran, 5)
        assert kept.service.starts() == 1
        os.kill(stopped.actor, signal.SIGCONT)
        wait_for(lambda: kept.service.starts() == 2, 10, "the repair")
        assert waiter is not None
        stopped.settled().end()
        waiter.begun()
        assert kept.service.starts() == 2

    @pytest.mark.parametrize("words", [(), ("--watch", "10s")])
    def test_132_beside_a_service_that_lives(self, kept: Kept, spawn: Spawner, stopped: Watcher, words: object) -> None:
        """Nobody calls it down for that."""
        del stopped
        self._long_ago(kept)
        waiter = Watcher(kept, spawn).in_line()
        ran = kept.run(*words)  # type: ignore[misc]
        assert ran.code == 0, ran
        assert "svc is running" in oracle(ran, 5)
        assert "svc is running" in waiter.end().line
        assert kept.service.one()

    def test_132_an_operator_is_told(self, kept: Kept, stopped: Watcher) -> None:
        """A verb does not wait for ever either: it names who has the lock, and does nothing."""
        pid = kept.service.one()
        self._long_ago(kept)
        ran = run("watchdog-tools", "restart", "svc", "-s", kept.state, "--lock-wait", "300ms")
        assert ran.code in (1, 2, 3), ran
        assert f"by pid {stopped.actor} (stopped)" in oracle(ran, 10)
        assert kept.service.one() == pid

    def test_132_killed_at_last(self, kept: Kept, spawn: Spawner, stopped: Watcher) -> None:
        """The one in line takes over at once."""
        waiter = Watcher(kept, spawn, *AT_ONCE, every="30s").in_line()
        os.kill(stopped.actor, signal.SIGKILL)
        assert replaced(kept) < 3
        waiter.begun()


def test_132_one_that_was_stopped_in_line_is_named(kept: Kept, spawn: Spawner) -> None:
    """It got the lock when the watch ended, and could not sign it: past the limit it is named, no `run of others`."""
    first = Watcher(kept, spawn).begun()
    waiter = Watcher(kept, spawn).in_line()
    stuck = waiter.actor
    os.kill(stuck, signal.SIGSTOP)
    try:
        first.end()
        wait_for(lambda: not kept.is_free(), 5, "its lock")
        kept.kill()
        *who, since, limit, name, option = kept.lock.read_text().split()
        kept.lock.write_text(" ".join([*who, str(int(since) - 3_600_000), limit, name, option]) + "\n")
        ran = kept.run("--lock-wait", "0.1")
        assert (ran.code, f"lock held by pid {stuck} (stopped)" in ran.out) == (2, True), ran
    finally:
        os.kill(stuck, signal.SIGKILL)


def test_an_operator_who_never_comes_blinds_no_watch(kept: Kept, spawn: Spawner) -> None:
    """Stopped while it holds NAME.operator: watches are courteous for a while, and then the service comes first."""
    watcher = Watcher(kept, spawn, *AT_ONCE, every="500ms").begun()
    operator = kept.lock.with_name("svc.operator")
    operator.touch(0o600)
    spawn(["sh", "-c", 'exec 9<>"$1"; flock 9; echo locked; exec sleep 600', "sh", operator], wait_ready=True)
    assert replaced(kept) < 10
    kept.kill()
    wait_for(lambda: kept.service.starts() == 3, 10, "another repair")
    watcher.end()


class TestALostLock:
    """115: what a watcher holds is no lock any more; it ends by itself before it does anything."""

    @pytest.mark.parametrize("what", ["file", "directory", "moved", "all"])
    def test_115_the_watcher_ends_by_itself(self, kept: Kept, spawn: Spawner, what: str) -> None:
        """The lock file, its directory, the state directory, all state: gone. The next run finds one instance."""
        watcher = Watcher(kept, spawn, *AT_ONCE, every="300ms").begun()
        pid = kept.service.one()
        lose(kept, what)
        said = watcher.said(10)
        assert "its lock was replaced" in said.line
        assert said.code == 0, said
        ran = kept.run()
        assert ran.code == 0, ran
        assert kept.service.one() == pid

    @pytest.mark.parametrize("what", ["file", "all"])
    def test_115_the_instance_dies_just_then(self, kept: Kept, spawn: Spawner, what: str) -> None:
        """Woken by the death the watcher starts nothing; others do: one in line, and one that came anew."""
        watcher = Watcher(kept, spawn, *AT_ONCE, every="30s").begun()
        waiter = Watcher(kept, spawn, *AT_ONCE, every="30s").in_line()
        pid = kept.service.one()
        lose(kept, what)
        newcomer = Watcher(kept, spawn, *AT_ONCE, every="30s")
        wait_for(lambda: newcomer.signed() and phase(kept) == "running", 20, "a new watch")
        assert kept.service.one() == pid
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: kept.service.starts() == 2, 10, "the next instance")
        assert "its lock was replaced" in watcher.said(10).line
        newcomer.settled()
        assert replaced(kept) < 3
        newcomer.settled().end()
        if what == "all":  # its line is elsewhere now
            assert "nothing started" in waiter.said().line
        else:
            waiter.begun()
            assert replaced(kept) < 3
            assert waiter.settled().end().code == 0

    @pytest.mark.parametrize("kind", ["waiting", "operator"])
    def test_115_the_other_locks_are_lost(self, kept: Kept, spawn: Spawner, kind: str) -> None:
        """Without NAME.waiting and NAME.operator a watch goes on, and so does an operator."""
        watcher = Watcher(kept, spawn, *AT_ONCE, every="300ms").begun()
        Watcher(kept, spawn, *AT_ONCE, every="300ms").in_line()
        (kept.state / "lock" / f"svc.{kind}").unlink(missing_ok=True)
        assert replaced(kept) < 3
        assert run("watchdog-tools", "restart", "svc", "-s", kept.state).code == 0
        kept.wait_testified()
        assert kept.service.starts() == 3
        assert watcher.end().code == 0


def lose(kept: Kept, what: str) -> None:
    """Take away what a watcher's lock rests on."""
    if what == "file":
        kept.lock.unlink()
    elif what == "directory":
        shutil.rmtree(kept.lock.parent)
    elif what == "moved":
        kept.state.rename(kept.room / "elsewhere")
        kept.state.mkdir(0o700)
    else:
        kept.forget()


@pytest.mark.root(reason="mounts in a mount namespace")
class TestAFullDisk:
    """122: where no record can be written nothing is started, and the line says so for as long as it lasts."""

    @pytest.fixture
    def mounted(self, kept: Kept, spawn: Spawner) -> tuple[str, ...]:
        """Give the state directory a small file system of its own; return what enters its mount namespace."""
        need_works("unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt")
        script = 'mount -t tmpfs -o mode=700,size=64k,nr_inodes=12 none "$1" && echo ready && exec sleep 600'
        holder = spawn(["unshare", "-m", "sh", "-c", script, "sh", kept.state], wait_ready=True)
        return ("nsenter", "-t", str(holder.pid), "-m")

    def test_122_what_died_is_not_said_to_be_ok(self, kept: Kept, spawn: Spawner, mounted: tuple[str, ...]) -> None:
        """CRITICAL, nothing started; with room again the next look starts one."""
        watcher = self._filled(kept, spawn, mounted)
        said = watcher.end()
        assert said.code == 2, said
        assert "No space left on device" in said.line
        assert kept.service.starts() == 1

    def test_122_with_room_again_it_is_repaired(self, kept: Kept, spawn: Spawner, mounted: tuple[str, ...]) -> None:
        """The watch goes on meanwhile."""
        watcher = self._filled(kept, spawn, mounted)
        run(*mounted, "sh", "-c", f"rm {kept.state}/fill*")
        wait_for(lambda: kept.service.starts() == 2, 10, "the next instance")
        record = ("grep", "-q", "phase=running", kept.state / "svc.record")
        wait_for(lambda: run(*mounted, *record).code == 0, 10, "its record")
        wait_for(lambda: "recovered" in run(*mounted, "cat", kept.state / "svc.events").out, 10, "its recovery")
        assert watcher.end().code == 0

    @staticmethod
    def _filled(kept: Kept, spawn: Spawner, mounted: tuple[str, ...]) -> Watcher:
        """Return a watcher whose instance has died on a full disk, some looks ago."""
        looks = kept.script("alive", f"echo >>{kept.room}/looks; flock -n {kept.room}/held true && exit 2; echo ok")
        words = ("--check", looks, *AT_ONCE)
        watcher = Watcher(kept, spawn, *words, every="300ms", before=mounted)
        count = ("cat", kept.state / "svc.record")
        wait_for(lambda: "phase=running" in run(*mounted, *count).out, 20, "an instance")
        fill = 'i=0; while : 2>/dev/null >"$1/fill$i"; do i=$((i+1)); done; dd if=/dev/zero of="$1/fill0" bs=4k; true'
        run(*mounted, "sh", "-c", fill, "sh", kept.state)
        os.kill(kept.service.one(), signal.SIGKILL)
        before = kept.text("looks").count("\n")
        wait_for(lambda: kept.text("looks").count("\n") > before + 3, 10, "looks")
        return watcher


def test_watchers_pile_up_never(kept: Kept, spawn: Spawner) -> None:
    """Ten runs at once: one watches, one stands in line, eight look, report and leave; one instance."""
    watchers = [Watcher(kept, spawn, *AT_ONCE, every="300ms") for _ in range(10)]
    wait_for(lambda: sum(each.guard.poll() is None for each in watchers) <= 2, 30, "the end of eight")
    wait_for(lambda: any(each.signed() for each in watchers) and not is_free(kept, "waiting"), 20, "two")
    assert kept.service.one()
    for each in watchers:
        if each.guard.poll() is not None:
            assert each.guard.returncode in (0, 1)
    assert replaced(kept) < 3
