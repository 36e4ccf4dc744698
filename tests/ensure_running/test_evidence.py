"""Why it died: how it ended, what the kernel says about memory, and the last lines of its log."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from helpers.checked_service import shell
from helpers.commands import command as installed
from helpers.commands import run
from helpers.instances import UNTIL_IT_ENDS, Kept
from helpers.processes import Spawner, alive, output_of, wait_for
from helpers.watching import AT_ONCE, Watcher

from watchdog_tools.actions.evidence import last_lines
from watchdog_tools.system.identity import here
from watchdog_tools.system.mounts import is_local

pytestmark = pytest.mark.usefixtures("starts_services")
HINT = "its output went to /dev/null; --log FILE keeps it"
DIES = (*UNTIL_IT_ENDS, *AT_ONCE)
NOBODY = 65534
FIRST = ("4026531836", "4026531834")  # the first pid and time namespace
MEMORY = Path("/sys/fs/cgroup/memory")
EAT = "held = []\nwhile True: held.append(bytearray(1 << 20))"


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep."""
    return Kept(tmp_path)


def died(kept: Kept) -> dict[str, object]:
    """Return its last death."""
    return [event for event in kept.events() if event["event"] == "died"][-1]


def evidence(kept: Kept) -> list[dict[str, object]]:
    """Return what was kept of its log."""
    path = kept.state / "svc.evidence"
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


class TestEnding:
    """The status of one that we held."""

    @pytest.mark.parametrize(("body", "how"), [("exit 3", "exited with 3"), ("kill -SEGV $$", "was killed by SIGSEGV"),
                                               ("kill -9 $$", "was killed by SIGKILL")])  # fmt: skip
    def test_how_it_ended_and_how_to_have_its_output(self, kept: Kept, body: str, how: str) -> None:
        """Without --log the line says where its output went, once; a SIGKILL by hand is no lack of memory."""
        ran = kept.run(*DIES, command=shell(body))
        assert (ran.code, how in ran.out, ran.out.count(HINT)) == (2, True, 1), ran
        assert "memory" not in ran.out
        assert (died(kept)["how"], "why" in died(kept)) == (how, False)
        assert evidence(kept) == []

    def test_one_that_was_found_dead(self, kept: Kept) -> None:
        """Nobody saw how it ended: nothing is guessed."""
        kept.run()
        kept.kill()
        ran = kept.run(*AT_ONCE)
        assert ran.code == 0
        assert ("memory" in ran.out, HINT in ran.out, died(kept)["how"]) == (False, False, "ended")

    def test_oneshot_has_no_hint(self, kept: Kept) -> None:
        """The service of a start command that returns is another keeper's, and so is its log."""
        ran = kept.run("--oneshot", "--process", "there-is-none", "--startup-timeout", "1s", command=["/bin/false"])
        assert (ran.code, HINT in ran.out) == (2, False), ran


class TestLog:
    """What it wrote to --log."""

    def test_the_last_line_joins_the_sentence(self, kept: Kept) -> None:
        """Escaped and bounded; the event file, which everybody may read, quotes nothing of it."""
        log = kept.room / "log"
        log.write_text("an older one's words\n")
        body = r"""printf 'first\n\n'; printf 'no \033[31m | <port>\n \n'; exit 3"""
        ran = kept.run("--log", log, *DIES, command=shell(body))
        assert r'the last line of its log: "no \x1b[31m / (port)"' in ran.out, ran
        assert HINT not in ran.out
        assert evidence(kept)[-1]["lines"] == ["first", r"no \x1b[31m | <port>"]
        assert "port" not in (kept.state / "svc.events").read_text()
        assert stat.S_IMODE((kept.state / "svc.evidence").stat().st_mode) == 0o600

    def test_only_since_its_start(self, kept: Kept) -> None:
        """What an earlier instance wrote is not this one's word, also where nobody saw its start."""
        log = kept.room / "log"
        log.write_text("an older one's words\n")
        os.utime(log, (1, 1))
        ran = kept.run("--log", log, *DIES, command=["/bin/false"])
        assert ("older" in ran.out, evidence(kept)) == (False, []), ran
        kept.run("--log", log)
        kept.kill()
        assert "older" not in kept.run("--log", log, *AT_ONCE).out
        with log.open("a") as writing:
            writing.write("out of tea\n")
        kept.kill()
        assert '"out of tea"' in kept.run("--log", log, *AT_ONCE).out

    def test_twenty_lines_are_kept(self, kept: Kept) -> None:
        """The last ones, 4 KiB at most, whatever it wrote."""
        log = kept.room / "log"
        kept.run("--log", log, *DIES, command=shell("seq 100; exit 1"))
        assert evidence(kept)[-1]["lines"] == [str(number) for number in range(81, 101)]
        kept.run("--log", log, *DIES, command=shell(f"yes {'x' * 1000} | head -100; exit 1"))
        assert 3000 < len(json.dumps(evidence(kept)[-1]["lines"])) < 5000

    @pytest.mark.parametrize("body", [r"printf '\377\376\000\000\355\240\200'", "head -c 100000 /dev/zero | tr '\\0' x",
                                      "head -c 100000 /dev/zero", "yes Ünïcödé | head -c 9999", "head -c 9000 /dev/urandom"])  # fmt: skip  # noqa: E501
    def test_whatever_it_wrote(self, kept: Kept, body: str) -> None:
        """Invalid UTF-8, NULs, an endless line: each event is JSON and bounded, the line printable and bounded."""
        ran = kept.run("--log", kept.room / "log", *DIES, command=shell(f"{body}; exit 1"))
        assert ran.code == 2
        assert len(ran.out) <= 1024
        assert ran.out.rstrip("\n").isascii()
        assert ran.out.rstrip("\n").isprintable()
        assert kept.events()
        assert all(len(json.dumps(each)) < 5500 for each in evidence(kept))

    def test_a_sparse_gigabyte(self, kept: Kept) -> None:
        """Only its end is read."""
        ran = kept.run("--log", kept.room / "log", *DIES,
                       command=shell('truncate -s 1G "$1"; echo the end; exit 1', kept.room / "log"))  # fmt: skip
        assert '"the end"' in ran.out, ran

    def test_an_emptied_log_and_a_renamed_one(self, kept: Kept) -> None:
        """Both ways of logrotate: what is shorter than before counts whole, what was renamed is still read."""
        log = kept.room / "log"
        log.write_text("x" * 1000)
        ran = kept.run("--log", log, *DIES, command=shell(': >"$1"; echo emptied; exit 1', log))
        assert '"emptied"' in ran.out, ran
        ran = kept.run("--log", log, *DIES, command=shell('mv "$1" "$1.1"; echo renamed; exit 1', log))
        assert '"renamed"' in ran.out, ran

    def test_a_watch_tells_of_each_death(self, kept: Kept, spawn: Spawner) -> None:
        """Each death under a watch has its own last line."""
        log = kept.room / "log"
        kept.script("serve", f'echo "instance $$"; exec {kept.service.command[0]} -c "sleep 600; :"')
        watcher = Watcher(kept, spawn, "--log", log, *AT_ONCE, command=[str(kept.room / "serve")]).begun()
        pids = []
        for count in (1, 2):
            pids.append(kept.pid())
            wait_for(lambda: f"instance {pids[-1]}" in log.read_text())
            os.kill(pids[-1], signal.SIGTERM)
            wait_for(lambda count=count: len(evidence(kept)) == count, 10, "its evidence")
            watcher.settled()
        assert [each["lines"] for each in evidence(kept)] == [[f"instance {pid}"] for pid in pids]
        watcher.guard.terminate()
        out = output_of(watcher.guard, 20).decode()
        assert all(f'pid {pid} was killed by SIGTERM: "instance {pid}"' in out for pid in pids), out


@pytest.mark.root(reason="reads a log that another user owns")
class TestOthers:
    """Root reads nothing that the user of the service could not read."""

    @pytest.mark.parametrize("how", ["link", "hard link", "fifo", "directory", "unreadable", "device"])
    def test_a_log_that_was_replaced(self, public_path: Path, how: str) -> None:
        """By a link, another name of root's file, a FIFO, a way through another directory: it is passed over."""
        kept = Kept(public_path)
        place = public_path / "logs"
        place.mkdir()
        os.chown(place, NOBODY, NOBODY)
        log = place / "log"
        options = ("--log", log, "--user", str(NOBODY), *AT_ONCE)
        assert kept.run(*options, command=["/bin/sleep", "600"]).code == 0
        private = public_path / "private"
        private.mkdir(0o700)
        secret = private / "log"
        log.unlink()
        if how == "directory":
            place.rmdir()
            place.symlink_to(private)
        elif how == "fifo":
            os.mkfifo(log)
        elif how == "device":
            os.mknod(log, stat.S_IFCHR | 0o666, os.makedev(1, 5))
        elif how == "unreadable":
            log.write_text("the secret\n")
            log.chmod(0o622)
        secret.write_text("the secret\n")
        if how == "link":
            log.symlink_to(secret)
        elif how == "hard link":
            os.link(secret, log)
        kept.kill()
        ran = kept.run(*options, command=["/bin/sleep", "600"])
        assert ran.fair < 10
        assert "secret" not in ran.out
        assert evidence(kept) == []
        assert died(kept)["how"] == "ended"

    def test_a_log_of_the_user(self, public_path: Path) -> None:
        """Its own words are read, with 0600 too."""
        kept = Kept(public_path)
        place = public_path / "logs"
        place.mkdir(0o700)
        os.chown(place, NOBODY, NOBODY)
        ran = kept.run("--log", place / "log", "--user", str(NOBODY), *DIES, command=shell("id -u; exit 1"))
        assert f'"{NOBODY}"' in ran.out, ran

    def test_a_network_disk_is_known_before_it_is_touched(self, tmp_path: Path) -> None:
        """By the kernel's table alone, and behind a link too; a dead one would hang who asks it."""
        away = tmp_path / "a way"
        away.mkdir()
        (tmp_path / "link").symlink_to(away)
        code = ("import sys; from watchdog_tools.system.mounts import is_local\n"
                "sys.exit([is_local(path) for path in sys.argv[1:]] != [False, False, True])")  # fmt: skip
        disk = Path(__file__).parent.parent / "helpers" / "network_disk.py"
        paths = (f"{away}/log", f"{tmp_path}/link/log", f"{tmp_path}/log")
        words = ("unshare", "-m", sys.executable, str(disk), str(away), sys.executable, "-c", code, *paths)
        ran = run(*words)
        assert ran.code == 0, ran
        assert is_local(f"{away}/log")

    def test_a_dead_network_disk_hangs_nobody(self, tmp_path: Path) -> None:
        """A log that came to lie on a disk that answers no more is left alone; the verdict comes all the same."""
        kept = Kept(tmp_path)
        place, away = tmp_path / "logs", tmp_path / "away"
        place.mkdir()
        away.mkdir()
        options = ("--log", place / "log", "--user", "root", "--allow-unsafe-path", *AT_ONCE)
        assert kept.run(*options).code == 0
        kept.kill()
        (place / "log").unlink()
        place.rmdir()
        place.symlink_to(away)
        frozen = 'read -r disk _ <"/proc/$PPID/task/$PPID/children"; kill -STOP "$disk"; exec "$@"'
        words = [installed("ensure-running"), *kept.words(), *options, "--", *kept.service.command]
        disk = Path(__file__).parent.parent / "helpers" / "network_disk.py"
        ran = run("unshare", "-m", sys.executable, str(disk), str(away), *shell(frozen, *words))
        assert (ran.code, "not executed within 5 s (a network disk?)" in ran.out) == (2, True), ran
        assert ran.fair < 12
        assert died(kept)["how"] == "ended"


@contextmanager
def small_group(size: str = "20M") -> Iterator[Path]:
    """Make a memory group (cgroup v1) of a size; skip where none is to be had."""
    group = MEMORY / f"watchdog-tools-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(size)
    except OSError as error:
        pytest.skip(f"no memory group of version 1: {error}")
    with suppress(OSError):
        (group / "memory.memsw.limit_in_bytes").write_text(size)
    try:
        yield group
    finally:
        wait_for(lambda: not (group / "cgroup.procs").read_text(), 10, "the end of its members")
        group.rmdir()


def eater(group: Path, until: Path | None = None) -> list[str]:
    """Return the words of a service that eats all the memory that its group has, once the file `until` is there."""
    script = 'echo $$ >"$1/cgroup.procs"; while [ "$4" ] && [ ! -e "$4" ]; do sleep 0.01; done; exec "$2" -c "$3"'
    return shell(script, group, sys.executable, EAT, until or "")


@pytest.mark.root(reason="makes a memory group, and reads the kernel's log")
class TestMemory:
    """The kernel ends it for memory, for real."""

    def test_certain_by_its_log(self, kept: Kept) -> None:
        """The kernel's log names the pid: held or found dead, it is said without a doubt."""
        if here()[1:] != FIRST or not os.access("/dev/kmsg", os.R_OK):
            pytest.skip("the kernel's log is not to be read here, or numbers processes as another namespace does")
        with small_group() as group:
            ran = kept.run(*DIES, command=eater(group))
            assert " was killed by the kernel for memory within " in ran.out, ran
            assert (died(kept)["how"], died(kept)["why"]) == (
                "was killed by SIGKILL",
                "killed by the kernel for memory",
            )
            kept.run(*AT_ONCE, command=eater(group, kept.room / "eat"))
            pid = kept.pid()
            (kept.room / "eat").touch()
            wait_for(lambda: not alive(pid), 20, "its end")
            ran = kept.run(*AT_ONCE)
            assert (ran.code, f"pid {pid} was killed by the kernel for memory" in ran.out) == (0, True), ran

    def test_probably_by_a_counter(self, kept: Kept) -> None:
        """Where the log numbers processes as others do, the counter of its group has risen since it was held."""
        inside = 'echo $$ >"$1/cgroup.procs"; shift; exec unshare --pid --fork --mount-proc "$@"'
        with small_group("80M") as group:
            words = [installed("ensure-running"), *kept.words(), *DIES, "--", sys.executable, "-c", EAT]
            ran = run(*shell(inside, group, *words))
            assert " was killed by SIGKILL, probably by the kernel for memory within " in ran.out, ran
            assert died(kept)["why"] == "probably killed by the kernel for memory"

    def test_another_ones_death_is_not_its_own(self, kept: Kept) -> None:
        """A kill by hand beside one for memory is not put down to memory."""
        with small_group() as group:
            body = '"$@"; kill -9 $$'
            ran = kept.run(*DIES, command=shell(body, *eater(group)))
            assert "was killed by SIGKILL within" in ran.out, ran


def test_lines_of_a_torn_end() -> None:
    """The first line of what was read has lost its beginning, and is kept only where there is no other."""
    assert last_lines(b"rn\nwhole\n\0\n", cut=True) == ["whole"]
    assert last_lines(b"torn", cut=True) == ["...torn"]
    assert last_lines(b"\0\0first\r\n", cut=False) == ["first"]
    assert last_lines(b"", cut=False) == last_lines(b"\0" * 100, cut=True) == []
    assert last_lines("rechts \u202e links\n".encode(), cut=False) == [r"rechts \u202e links"]
