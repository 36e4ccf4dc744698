"""Hostile disks: one is frozen, one answers nothing. Who waits for it is in D, and no signal ends that."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import helpers
import pytest
from helpers.commands import Ran, command, environment, oracle, run
from helpers.components import NOBODY, need, need_works
from helpers.instances import Kept
from helpers.processes import Seen, alive, everyone, look, output_of, wait_for

from watchdog_tools.system.mounts import kind_at

pytestmark = [pytest.mark.root(reason="mounts in a mount namespace"), pytest.mark.usefixtures("starts_services")]

HELPER = str(Path(helpers.__file__).with_name("frozen_disk.py"))
NAME = f"dead-{os.getpid()}"
HINT = Path(f"/dev/shm/watchdog-tools-{os.geteuid()}-{NAME}")


class Disk:
    """A disk that only those see who run `inside` its mount namespace."""

    def __init__(self, path: Path, image: str) -> None:
        """Mount it; image: `-` for one that answers nothing."""
        self.path = path
        words = ["unshare", "-m", sys.executable, HELPER, image, str(path)]
        self._keeper = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._heard() == "ready"
        self.inside = (need("nsenter"), f"--mount=/proc/{self._keeper.pid}/ns/mnt", "--")

    def tell(self, word: str) -> None:
        """`freeze` it, or `thaw` it."""
        assert self._keeper.stdin is not None
        self._keeper.stdin.write(f"{word}\n")
        self._keeper.stdin.flush()
        assert self._heard() == word

    def end(self) -> None:
        """Thaw it, and unmount it."""
        self._keeper.communicate(timeout=20)

    def _heard(self) -> str:
        assert self._keeper.stdout is not None
        return self._keeper.stdout.readline().strip()


def stuck(kept: Kept) -> list[Seen]:
    """Return the processes whose arguments name the test's directory and that wait in D, all the time for a moment.

    On a busy machine others are met there, too, and go on at once.
    """
    before = waiting(kept)
    time.sleep(0.1)
    after = waiting(kept)
    return [seen for seen, switches in after.items() if before.get(seen) == switches]


def waiting(kept: Kept) -> dict[Seen, str]:
    """Return those that are in D just now, with their switches of context so far."""
    found = {}
    for seen in filter(None, map(look, everyone())):
        with contextlib.suppress(OSError):
            place = Path(f"/proc/{seen.pid}")
            if seen.state == "D" and os.fsencode(kept.room) in (place / "cmdline").read_bytes():
                found[seen] = (place / "status").read_text().partition("voluntary_ctxt_switches")[2]
    return found


def mounted(kept: Kept, path: Path, image: str) -> Iterator[Disk]:
    """Yield a disk mounted at `path`, and see that nothing waits for it afterwards."""
    path.mkdir(0o700, exist_ok=True)
    need_works("unshare", "-m", sys.executable, HELPER, image, str(path))
    disk = Disk(path, image)
    try:
        yield disk
    finally:
        disk.end()
        HINT.unlink(missing_ok=True)
        wait_for(lambda: not stuck(kept), 10, "the end of all that waited for the disk")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep."""
    return Kept(tmp_path, NAME)


@pytest.fixture
def frozen(kept: Kept) -> Iterator[Disk]:
    """Return a disk that is frozen: it can be read, and who writes to it waits."""
    for disk in mounted(kept, kept.room / "disk", str(kept.room / "image")):
        disk.tell("freeze")
        yield disk


@pytest.fixture
def frozen_state(kept: Kept) -> Iterator[Disk]:
    """Return the same, with the state directory on it."""
    for disk in mounted(kept, kept.state, str(kept.room / "image")):
        disk.tell("freeze")
        yield disk


@pytest.fixture
def silent_state(kept: Kept) -> Iterator[Disk]:
    """Return a disk that answers no question about a file, with the state directory on it."""
    yield from mounted(kept, kept.state, "-")


def started(kept: Kept, disk: Disk, *options: str) -> subprocess.Popen[bytes]:
    """Start a run, and return it at once."""
    words = [*disk.inside, command("ensure-running"), *kept.words(), *options, "--", *kept.service.command]
    return subprocess.Popen(words, stdout=subprocess.PIPE, env=environment(None))


class TestAStartThatHangsBeforeItsExec:
    """`--log` on a disk that is frozen: the child holds the lock, and outlives SIGKILL."""

    LIMITS = ("--lock-wait", "0.1", "--backoff", "1s:1s", "--limit", "none")

    def run(self, kept: Kept, disk: Disk) -> Ran:
        """Run once, with the log on the disk."""
        return kept.run(*self.LIMITS, "--log", disk.path / "log", before=disk.inside)

    def is_named(self, kept: Kept, disk: Disk, pid: int) -> None:
        """The next run says at once who holds the lock, and starts nothing beside it."""
        for _ in range(2):
            ran = self.run(kept, disk)
            line = oracle(ran, 5)
            assert ran.code == 2, ran
            assert "lock held for " in line
            assert f"by pid {pid}, a start of ours that is stuck in the kernel while opening {disk.path}/log" in line
            assert [seen.pid for seen in stuck(kept)] == [pid]

    def test_132_it_is_named_for_what_it_is(self, kept: Kept, frozen: Disk) -> None:
        """CRITICAL at once with its pid and what it waits for; once the disk works again, one instance."""
        ran = self.run(kept, frozen)
        assert (ran.code, "not executed within 5 s" in ran.out) == (2, True), ran
        [child] = stuck(kept)
        self.is_named(kept, frozen, child.pid)
        frozen.tell("thaw")
        wait_for(lambda: not alive(child.pid), 5, "its end")
        assert self.run(kept, frozen).code == 0
        assert kept.service.one()

    def test_132_its_run_was_killed(self, kept: Kept, frozen: Disk) -> None:
        """The same where the run that started it was killed meanwhile, and could give nothing up."""
        with started(kept, frozen, *self.LIMITS, "--log", str(frozen.path / "log")) as first:
            [child] = wait_for(lambda: stuck(kept), 10, "the child at the log")
            actor = look(child.parent)
            assert actor is not None
            for pid in (first.pid, actor.pid):
                os.kill(pid, signal.SIGKILL)
        self.is_named(kept, frozen, child.pid)

    def test_132_a_watch_starts_none_beside_it(self, kept: Kept, frozen: Disk) -> None:
        """A watch that goes on after it does not start a second one to hang there as well."""
        watch = ("--watch", "40s", "--every", "1s", "--log", str(frozen.path / "log"))
        with started(kept, frozen, *self.LIMITS, *watch) as run:

            def failed() -> int:
                return kept.text(f"state/{NAME}.events").count('"cannot start"')

            wait_for(lambda: failed() > 1, 30, "a second try")
            [child] = stuck(kept)
            assert f"pid {child.pid}, a start of ours that is stuck in the kernel" in kept.events()[-1]["why"]
            run.terminate()
            output_of(run)


class TestAStateDirectoryOnADeadDisk:
    """As cron starts a run each minute, those that wait for the disk must not become more and more."""

    def test_11_two_runs_wait_and_the_third_says_so(self, kept: Kept, frozen_state: Disk) -> None:
        """It is CRITICAL in no time, and touches nothing on the disk; so does an operator's order."""
        for number in (1, 2):
            with started(kept, frozen_state) as run:
                wait_for(lambda number=number: len(stuck(kept)) == number, 10, f"run {number} at the disk")
                run.terminate()
                output_of(run)
        pids = {seen.pid for seen in stuck(kept)}
        for _ in range(3):
            ran = kept.run(before=frozen_state.inside)
            line = oracle(ran, 5)
            assert ran.code == 2, ran
            assert f"{NAME} is down" in line
            assert f"{kept.state} is not touched, as earlier runs are stuck in the kernel (pid " in line
            assert "nothing started" in line
            assert {seen.pid for seen in stuck(kept)} == pids
        other = Kept(kept.room / "other", NAME)
        assert other.run().code == 0, "they do not wait for its disk"
        frozen_state.tell("thaw")
        wait_for(lambda: not stuck(kept), 10, "their end")
        assert kept.run(before=frozen_state.inside).code == 0

    @pytest.mark.parametrize("code", [0, 2, None], ids=["healthy", "down", "no check"])
    def test_11_looks_do_not_pile_up(self, kept: Kept, silent_state: Disk, code: int | None) -> None:
        """Two looks hang; from then on none does. The words tell of it, and the code is the same as before."""
        check = () if code is None else ("--check", kept.script("check", f"exit {code}"))
        options = ("-t", "2", *check)
        if code == 2:
            options += ("--startup-timeout", "0.1", "--stop-timeout", "0.1", "--retries", "0")
        expected = 3 if code is None else code
        while len(before := stuck(kept)) < 2:  # a run that acts may hang twice
            run = started(kept, silent_state, *options)
            wait_for(lambda before=before: len(stuck(kept)) > len(before), 10, "its look at the disk")
            if code == 2:
                run.terminate()
                output_of(run)
            else:
                assert (output_of(run), run.returncode)[1] == expected
        held = {seen.pid for seen in stuck(kept)}
        for _ in range(2):
            ran = kept.run(*options, before=silent_state.inside)
            assert ran.code == expected, ran
            assert "earlier runs are stuck in the kernel" in oracle(ran, 5)
            assert {seen.pid for seen in stuck(kept)} == held
        assert len(held) <= 3
        silent_state.end()
        wait_for(lambda: not stuck(kept), 10, "their end")
        assert not HINT.exists() or kept.run("-t", "5").code in (0, 3)
        assert not HINT.exists()


@pytest.mark.parametrize("name", [("--name", NAME), (f"--name={NAME}",)], ids=["word", "equals"])
def test_11_checks_that_speak_on_change_do_not_pile_up(kept: Kept, silent_state: Disk, name: tuple[str, ...]) -> None:
    """What was last said lies on the disk: two forks wait for it, no third one; each run says its verdict."""
    line = (*silent_state.inside, command("check-port"), kept.room / "no-socket", "--for", "cron", *name)
    held: set[int] = set()
    for number in range(5):
        ran = run(*line, env={"WATCHDOG_TOOLS_STATE_DIR": str(kept.state)})
        assert ran.code == 1, ran
        assert "PORT CRITICAL" in oracle(ran, 5)
        held |= {seen.pid for seen in stuck(kept)}
        assert len(held) == min(number + 1, 2)
    silent_state.end()
    wait_for(lambda: not stuck(kept), 10, "their end")


@pytest.mark.parametrize("plant", ["mkdir", "touch", "ln -s /etc/passwd"])
def test_11_a_hint_that_another_user_planted_costs_nothing(kept: Kept, plant: str) -> None:
    """Anybody may put anything into /dev/shm: only a regular file of our own makes a healthy look search for others."""
    need("strace")
    assert kept.run().code == 0
    trace = kept.room / "trace"
    try:
        drop = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        assert run(*drop, *plant.split(), HINT).code == 0
        for _ in range(2):
            ran = kept.run(before=("strace", "-f", "-qq", "-e", "trace=openat,getdents64", "-o", str(trace)))
            assert (ran.code, os.path.lexists(HINT)) == (0, True), ran
            said = trace.read_text()
            assert ("waiting" in said, '"/proc", O_' in said) == (False, False)
    finally:
        HINT.rmdir() if HINT.is_dir() and not HINT.is_symlink() else HINT.unlink(missing_ok=True)


def test_11_the_kind_of_a_disk_is_known_without_asking_it(tmp_path: Path) -> None:
    """By the table of mounts and the path's beginning, whole names only."""
    assert kind_at("/proc/sys") == "proc"
    assert kind_at("/processes") == kind_at("/")
    assert kind_at(str(tmp_path / "is not there")) == kind_at(str(tmp_path))
