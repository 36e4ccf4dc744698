"""What a start gives the child besides its command: --env-file, --nofile, --nice; and --log-max for its log."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest
from helpers.checked_service import shell
from helpers.commands import CRON, Ran, run
from helpers.commands import command as installed
from helpers.instances import Kept
from helpers.processes import Spawner, alive, wait_for
from helpers.watching import AT_ONCE, Watcher

from watchdog_tools.actions import log_limit

pytestmark = pytest.mark.usefixtures("starts_services")

NOBODY = 65534
STAYS = ["/bin/sleep", "600"]
SECRET = "hush-6021"  # noqa: S105 -- of a test
SYS_RESOURCE = 24  # the number of the capability


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep."""
    return Kept(tmp_path)


def environment(kept: Kept) -> dict[str, str]:
    """Return what the instance got."""
    lines = Path(f"/proc/{kept.pid()}/environ").read_text().split("\0")
    return dict(line.split("=", 1) for line in lines if "=" in line)


def files(pid: int) -> tuple[int, int]:
    """Return a process's limits of open files; prlimit(2) would need a right over another user's."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    soft, hard = next(line for line in lines if line.startswith("Max open files")).split()[3:5]
    return int(soft), int(hard)


def env_file(kept: Kept, text: str, name: str = "agent.env") -> Path:
    """Write a file of variables; return its path."""
    path = kept.room / name
    path.write_text(text)
    path.chmod(0o600)
    return path


class TestEnvFile:
    """KEY=VALUE, as systemd reads it."""

    def test_sets_what_it_says_and_env_wins(self, kept: Kept) -> None:
        """Several files, the later one wins; --env over all; also with --clean-env."""
        first = env_file(kept, f"# it\nTOKEN='{SECRET}'\nA=first\nB=first\n")
        second = env_file(kept, "A=second\n", "other.env")
        ran = kept.run("--env-file", first, "--env-file", second, "--env", "B=line", "--clean-env", command=STAYS)
        assert ran.code == 0, ran
        found = environment(kept)
        assert (found["TOKEN"], found["A"], found["B"]) == (SECRET, "second", "line")
        assert "HOME" not in found

    def test_its_path_finds_the_program(self, kept: Kept) -> None:
        """PATH is a variable as any other."""
        kept.script("agent-6021", "exec sleep 600")
        path = env_file(kept, f"PATH={kept.room}:/bin\n")
        assert kept.run("--env-file", path, command=["agent-6021"]).code == 0

    def test_its_bytes_are_what_the_child_gets(self, kept: Kept) -> None:
        """Whatever the locale of the caller, which may know no such character and must not name it."""
        places = kept.room / "locales"
        places.mkdir()
        made = run("localedef", "-i", "de_DE", "-f", "ISO-8859-1", places / "xx_XX")
        if not (places / "xx_XX").is_dir():
            pytest.skip(f"no locale could be made: {made}")
        path = env_file(kept, "TOKEN=h\u00e9\u20ac\n")
        ran = kept.run("--env-file", path, command=STAYS, env={**CRON, "LC_ALL": "xx_XX", "LOCPATH": str(places)})
        assert ran.code == 0, ran
        assert "TOKEN=h\u00e9\u20ac".encode() in Path(f"/proc/{kept.pid()}/environ").read_bytes().split(b"\0")

    def test_no_value_is_written_or_said(self, kept: Kept) -> None:
        """Line, -v, JSON, dry run, record, events, saved command: the path alone."""
        path = env_file(kept, f"TOKEN={SECRET}\n")
        said = [kept.run("--env-file", path, *more, command=STAYS) for more in (("--dry-run",), ("-vvv",))]
        said += [kept.run("--env-file", path, "-o", "json", command=STAYS)]
        assert all(ran.code in {0, 2} and SECRET not in ran.out + ran.err for ran in said), said
        files = [each for each in kept.state.rglob("*") if each.is_file()]
        assert files
        assert not [each for each in files if SECRET in each.read_text(errors="replace")]

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (f"A=1\n{SECRET}\n", "line 2: there is no ="),
            (f"{SECRET}=1\n", "line 1: in front of = stands no name"),
            (f"WATCHDOG_TOOLS_INSTANCE={SECRET}\n", "WATCHDOG_TOOLS_INSTANCE is ours to set"),
            ("A=1\n" * 20_000, "it has more than 64 KiB"),
        ],
    )
    def test_what_is_wrong_is_named_and_nothing_starts(self, kept: Kept, text: str, words: str) -> None:
        """CRITICAL with the file and its line, and no part of a value."""
        path = env_file(kept, text)
        ran = kept.run("--env-file", path, command=STAYS)
        assert (ran.code, f"--env-file {path}: " in ran.out, words in ran.out, SECRET in ran.out) == (
            2, True, True, False,
        ), ran  # fmt: skip

    def test_what_is_not_there_is_named_unless_it_may_be_missing(self, kept: Kept) -> None:
        """As systemd's `-`."""
        ran = kept.run("--env-file", kept.room / "none", command=STAYS)
        assert (ran.code, "No such file" in ran.out) == (2, True), ran
        ran = kept.run("--env-file", f"-{kept.room}/none", *AT_ONCE, command=STAYS)
        assert ran.code == 0, ran
        assert "missing" not in kept.run("--env-file", f"-{kept.room}/none", command=STAYS).out

    def test_a_fifo_and_a_directory_hang_nobody(self, kept: Kept) -> None:
        """They are no files."""
        for path in (kept.fifo(), kept.room):
            ran = kept.run("--env-file", path, command=STAYS)
            assert (ran.code, "not a regular file" in ran.out or "directory" in ran.out) == (2, True), ran
            assert ran.fair < 5

    def test_a_sick_one_is_not_stopped_for_what_cannot_be_started(self, kept: Kept) -> None:
        """The file is read before the stop."""
        path = env_file(kept, "A=1\n")
        bad = kept.script("bad", "echo bad; exit 2")
        words = ("--check", bad, "--retries", "0", "--startup-timeout", "100ms", "--env-file", path, *AT_ONCE)
        kept.run(*words, command=STAYS)
        pid = kept.pid()
        path.write_text("nonsense\n")
        ran = kept.run(*words, command=STAYS)
        assert (ran.code, "not stopped, since none can be started: --env-file" in ran.out, alive(pid)) == (
            2, True, True,
        ), ran  # fmt: skip

    def test_an_edit_is_said(self, kept: Kept) -> None:
        """The instance has the old ones; with --restart-on it would be restarted."""
        path = env_file(kept, "A=1\n")
        kept.run("--env-file", path, command=STAYS)
        pid = kept.pid()
        path.write_text("A=22\n")
        ran = kept.run("--env-file", path, command=STAYS)
        assert (ran.code, f"older than {path}" in ran.out, kept.pid()) == (0, True, pid), ran

    @pytest.mark.root(reason="gives a file to another user")
    def test_root_reads_no_file_that_others_can_write(self, kept: Kept) -> None:
        """Also for a service of --user: what it names may be another's secret. --allow-unsafe-path lifts it."""
        path = env_file(kept, f"A={SECRET}\n")
        os.chown(path, NOBODY, NOBODY)
        ran = kept.run("--env-file", path, command=STAYS)
        assert (ran.code, "refused: " in ran.out) == (2, True), ran
        assert "who could replace what root reads" in ran.out
        assert kept.run("--env-file", path, "--allow-unsafe-path", *AT_ONCE, command=STAYS).code == 0
        assert environment(kept)["A"] == SECRET

    @pytest.mark.root(reason="starts a service of another user")
    def test_it_is_read_before_root_s_rights_are_given_up(self, kept: Kept) -> None:
        """As systemd does: the user need not be able to read it."""
        path = env_file(kept, f"A={SECRET}\n")
        ran = kept.run("--env-file", path, "--user", "nobody", command=STAYS)
        assert (ran.code, Path(f"/proc/{kept.pid()}").stat().st_uid) == (0, NOBODY), ran
        assert environment(kept)["A"] == SECRET


class TestLimits:
    """--nofile and --nice."""

    @pytest.mark.parametrize(("word", "soft", "hard"), [("400", 400, 400), ("300:400", 300, 400)])
    def test_nofile(self, kept: Kept, word: str, soft: int, hard: int) -> None:
        """One number is both limits, as of systemd and of ulimit."""
        assert kept.run("--nofile", word, command=STAYS).code == 0
        assert files(kept.pid()) == (soft, hard)

    def test_nice(self, kept: Kept) -> None:
        """The value itself, not what is added; ours stays as it was."""
        assert kept.run("--nice", "7", command=STAYS).code == 0
        assert os.getpriority(os.PRIO_PROCESS, kept.pid()) == 7

    @pytest.mark.root(reason="starts a service of another user")
    def test_they_are_root_s_to_give(self, kept: Kept) -> None:
        """A lower nice value for a user, and more files where this root has that right (a container's may not)."""
        more = bool(int(Path("/proc/self/status").read_text().split("CapEff:")[1].split()[0], 16) >> SYS_RESOURCE & 1)
        words = ("--nice", "-5", "--nofile", "300:500", "--user", "nobody")
        ran = kept.run(*words, command=STAYS, before=("prlimit", "--nofile=400:400") if more else ())
        assert ran.code == 0, ran
        assert os.getpriority(os.PRIO_PROCESS, kept.pid()) == -5
        assert files(kept.pid()) == (300, 500)

    def test_what_is_not_allowed_is_one_line_and_nothing_is_stopped_for_it(self, kept: Kept) -> None:
        """More files than the kernel has for anybody."""
        most = int(Path("/proc/sys/fs/nr_open").read_text()) + 1
        ran = kept.run("--nofile", most, command=STAYS)
        assert (ran.code, "setting limits: --nofile: " in ran.out) == (2, True), ran
        bad = kept.script("bad", "echo bad; exit 2")
        words = ("--check", bad, "--retries", "0", "--startup-timeout", "100ms", *AT_ONCE)
        kept.run(*words, command=STAYS)
        pid = kept.pid()
        ran = kept.run(*words, "--nofile", most, command=STAYS)
        assert (ran.code, "none can be started: setting limits: --nofile: " in ran.out, alive(pid)) == (2, True, True)

    @pytest.mark.parametrize("words", [("--nofile", "2"), ("--nofile", "20:10"), ("--nofile", "x"), ("--nice", "20"),
                                       ("--nice", "-21"), ("--nice", "1.5"), ("--log-max", "1K", "--log", "/tmp/x"),
                                       ("--log-max", "1M"), ("--env-file", "rel"), ("--env-file", "-rel")])  # fmt: skip
    def test_wrong_usage_is_named(self, kept: Kept, words: tuple[str, ...]) -> None:
        """UNKNOWN, one line, by the option's name."""
        ran = kept.run(*words, command=STAYS)
        assert (ran.code, f"{words[0]}: " in ran.out) == (3, True), ran


class TestLogMax:
    """--log-max keeps the log and one older file."""

    def test_a_start_renames_what_is_too_long(self, kept: Kept) -> None:
        """All of it, once; a short one is appended to."""
        log, old = kept.room / "log", kept.room / "log.1"
        log.write_text("x" * 5000)
        words = ("--log", log, "--log-max", "4K", *AT_ONCE)
        command = shell("echo new; exec sleep 600")
        assert kept.run(*words, command=command).code == 0
        wait_for(lambda: log.read_text() == "new\n", 5, "the new log")
        assert (old.read_text(), stat.S_IMODE(log.stat().st_mode)) == ("x" * 5000, 0o640)
        kept.kill()
        assert kept.run(*words, command=command).code == 0
        wait_for(lambda: log.read_text() == "new\nnew\n", 5, "the second line")

    def test_a_watch_bounds_one_that_runs(self, kept: Kept, spawn: Spawner) -> None:
        """The last SIZE bytes go to FILE.1, and the instance writes on at the beginning."""
        log, old, go = kept.room / "log", kept.room / "log.1", kept.room / "go"
        body = """trap 'echo last words; exit 3' TERM
i=0; while [ $i -lt 300 ]; do echo "line $i of a log that grows"; i=$((i+1)); done
while [ ! -e "$1" ]; do sleep 0.05; done; echo behind; while :; do sleep 0.05; done"""
        words = ("--log", log, "--log-max", "4K", *AT_ONCE)
        watcher = Watcher(kept, spawn, *words, every="100ms", command=shell(body, go)).begun()
        wait_for(lambda: old.exists() and log.stat().st_size == 0, 10, "an empty log")
        assert old.stat().st_size == 4096
        assert old.read_text().endswith("line 299 of a log that grows\n")
        assert stat.S_IMODE(old.stat().st_mode) == stat.S_IMODE(log.stat().st_mode)
        go.touch()
        wait_for(lambda: log.read_text() == "behind\n", 5, "what was written behind")
        pid = kept.pid()
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: kept.pid() != pid and kept.record()["phase"] == "running", 20, "the next instance")
        assert 'exited with 3: "last words"' in watcher.settled().end().line

    def test_who_writes_faster_than_we_copy(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is emptied all the same, and FILE.1 has twice SIZE at most."""
        log = tmp_path / "log"
        log.write_text("x" * 9000)
        read, left = os.pread, [b"y" * 9000] * 50

        def slow(descriptor: int, size: int, at: int) -> bytes:
            """Have the log grow while we read; at last it ends, so that a failure does."""
            with log.open("ab") as writer:
                writer.write(left.pop() if left else b"")
            return read(descriptor, size, at)

        monkeypatch.setattr(os, "pread", slow)
        log_limit._limit(str(log), 4096, rename=False, trust_any=True)
        assert (log.stat().st_size, (tmp_path / "log.1").stat().st_size) == (0, 8192)

    @pytest.mark.parametrize("how", ["link", "hard link"])
    def test_nothing_else_is_emptied(self, kept: Kept, spawn: Spawner, how: str) -> None:
        """A link in the place of FILE.1 is not followed, and a log of two names is left alone."""
        log, other = kept.room / "log", kept.room / "other"
        other.write_text("precious")
        if how == "link":
            (kept.room / "log.1").symlink_to(other)
        body = 'head -c 9000 /dev/zero | tr "\\0" x; exec sleep 600'
        watcher = Watcher(kept, spawn, "--log", log, "--log-max", "4K", *AT_ONCE, every="100ms", command=shell(body))
        watcher.begun()
        if how == "link":
            wait_for(lambda: log.stat().st_size == 0, 10, "an empty log")
            assert not (kept.room / "log.1").is_symlink()
        else:
            os.link(log, kept.room / "second")
        said = watcher.end()
        assert said.code == 0, said
        assert other.read_text() == "precious"

    @pytest.mark.root(reason="starts a service of another user")
    def test_the_log_of_a_user_is_shortened_with_its_rights(self, kept: Kept) -> None:
        """Where it may not make FILE.1 that is said, and it is started all the same."""
        for closed in (False, True):
            room = kept.room / f"log{closed}"
            room.mkdir()
            log = room / "log"
            log.write_text("x" * 5000)
            os.chown(log, NOBODY, NOBODY)
            if not closed:
                os.chown(room, NOBODY, NOBODY)
            _open_to_others(room)
            ran = kept.run("--log", log, "--log-max", "4K", "--user", "nobody", *AT_ONCE, command=STAYS)
            assert (ran.code, "--log-max: " in ran.out, (room / "log.1").exists()) == (0, closed, not closed), ran
            kept.kill()

    @pytest.mark.root(reason="mounts in a mount namespace")
    def test_a_full_disk_changes_words_alone(self, kept: Kept) -> None:
        """The log stays as it is."""
        room = kept.room / "disk"
        room.mkdir()
        words = " ".join([installed("ensure-running"), *kept.words(), "--log", f"{room}/log", "--log-max", "4K",
                          "--watch", "300ms", "--every", "100ms"])  # fmt: skip
        body = f"""mount -t tmpfs -o size=60k none {room}
{words} -- sh -c 'head -c 61440 /dev/zero; exec sleep 600'
code=$?; ls -l {room}; kill $(sed -n s/^pid=//p {kept.state}/svc.record); exit $code"""
        ran: Ran = run("unshare", "-m", "sh", "-c", body)
        assert ran.code == 0, ran
        assert "is not shortened: No space left on device" in ran.out
        assert (" 61440 " in ran.out, "log.1" in ran.out) == (True, False), ran


def _open_to_others(path: Path) -> None:
    """Let other users reach it."""
    for each in (path, *path.parents):
        if each != Path("/") and each.stat().st_mode & 0o777 == 0o700:
            each.chmod(0o711)
