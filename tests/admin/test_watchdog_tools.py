"""The operator's verbs that touch no process: status, pause, resume, on records that ensure-running made."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.commands import Ran, command, oracle, run
from helpers.components import NOBODY, need, need_nobody, need_works
from helpers.instances import UNTIL_IT_ENDS, Kept
from helpers.processes import Spawner, look, wait_for

from watchdog_tools.system import boot_id, uptime

pytestmark = pytest.mark.usefixtures("starts_services")

YEAR = 366 * 86_400_000
HEAD = ["NAME", "STATE", "SINCE", "STARTS", "HELD/PAUSED", "LAST"]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep, with a state directory of its own."""
    return Kept(tmp_path)


def ordered(kept: Kept, verb: str, *words: object, **popen: object) -> Ran:
    """Run a verb on the service's state directory."""
    return run("watchdog-tools", verb, *words, "-s", kept.state, **popen)


def rows(ran: Ran) -> dict[str, list[str]]:
    """Return the cells of each service's row, as far as blanks divide them, by its NAME."""
    head, *lines = ran.out.splitlines()[1:]
    assert head.split() == HEAD
    return {line.split()[0]: line.split()[1:] for line in lines}


def pause_file(kept: Kept, **changed: object) -> Path:
    """Write a pause of the service as `pause` would at this moment, but for the fields given. Return its path."""
    fields: dict[str, object] = {
        "version": 1, "length": YEAR, "since": int(uptime() * 1000), "wall": int(kept.state.stat().st_mtime),
        "name": kept.name, "boot": boot_id(), "reason": "by hand",
    }  # fmt: skip
    place = kept.state / "pause"
    place.mkdir(0o755, exist_ok=True)
    path = place / kept.name
    path.write_text("".join(f"{key}={value}\n" for key, value in (fields | changed).items()))
    path.chmod(0o644)
    return path


def tree(room: Path) -> list[tuple[str, int, int]]:
    """Return what is below `room`, so that two looks can be compared."""
    return [(str(path), path.lstat().st_mtime_ns, path.lstat().st_size) for path in sorted(room.rglob("*"))]


@pytest.mark.parametrize("verb", ["pause", "stop", "start"])
def test_wrong_usage_is_3_though_for_is_the_word_of_a_preset(kept: Kept, verb: str) -> None:
    """Here --for says how long: `docker` is a mistake, and no preset whose exit style counts."""
    ran = ordered(kept, verb, kept.name, "--for", "docker")
    assert ran.code == 3, ran
    assert "--for" in oracle(ran, 3)


class TestStatus:
    """A table for people, an object a line for programs; it reads, and that is all."""

    def test_a_row_for_each(self, kept: Kept) -> None:
        """One verdict line, then the rows; the worst state is the exit code, and it is named."""
        kept.run()
        run("ensure-running", *kept.words("bad"), *UNTIL_IT_ENDS, "--", "/bin/false")
        ran = ordered(kept, "status")
        assert ran.code == 2, ran
        first = ran.out.splitlines()[0]
        assert first.startswith("STATUS CRITICAL - 2 services: 1 running, 1 "), ran
        assert "; bad: " in first
        shown = rows(ran)
        assert sorted(shown) == ["bad", "svc"]
        assert shown["svc"][0] == "running"
        assert shown["bad"][0] in {"backoff", "down"}
        assert "exited with 1" in ran.out

    def test_only_those_that_are_named(self, kept: Kept) -> None:
        """A NAME that nobody ever kept is UNKNOWN, and says so in its row."""
        kept.run()
        run("ensure-running", *kept.words("bad"), *UNTIL_IT_ENDS, "--", "/bin/false")
        assert ordered(kept, "status", "svc").code == 0
        assert sorted(rows(ordered(kept, "status", "svc"))) == ["svc"]
        ran = ordered(kept, "status", "nope", "svc")
        assert ran.code == 3, ran
        assert rows(ran)["nope"][0] == "unknown"
        assert ran.out.splitlines()[0].endswith("; nope was never kept here")

    def test_the_age_is_that_of_the_process(self, kept: Kept) -> None:
        """Whatever later runs did to the record; a dead one is down at once, before any run saw it."""
        kept.run()
        [told] = [json.loads(line) for line in ordered(kept, "status", "-o", "json").out.splitlines()]
        ticks = int(Path(f"/proc/{kept.pid()}/stat").read_text().rpartition(")")[2].split()[19])
        age = uptime() - ticks / os.sysconf("SC_CLK_TCK")
        assert 0 <= told["details"]["since"] <= age + 0.1
        kept.kill()
        ran = ordered(kept, "status")
        assert ran.code == 2, ran
        assert rows(ran)["svc"][0] in {"down", "backoff"}

    def test_json_is_an_object_a_line(self, kept: Kept) -> None:
        """The keys are documented; each line is that service's own verdict."""
        kept.run()
        run("ensure-running", *kept.words("bad"), *UNTIL_IT_ENDS, "--", "/bin/false")
        ordered(kept, "pause", "bad", "--for", "1h", "--reason", "why | not")
        ran = ordered(kept, "status", "-o", "json")
        assert ran.code == 0, ran
        bad, svc = (json.loads(line) for line in ran.out.splitlines())
        assert (bad["schema"], bad["check"], bad["name"]) == (1, "watchdog-tools status", "bad")
        assert (svc["name"], svc["state"], svc["reason"], svc["target"]) == ("svc", "OK", "running", "svc")
        assert (bad["state"], bad["reason"], bad["details"]["alive"]) == ("OK", "paused", False)
        assert bad["details"]["paused_reason"] == "why / not"
        assert 3590 < bad["details"]["paused_left"] <= 3600
        assert (bad["details"]["pid"], svc["details"]["pid"]) == (None, kept.pid())
        assert bad["details"]["state_dir"] == svc["details"]["state_dir"] == str(kept.state)
        documented = Path(__file__).parents[2].joinpath("docs", "json.md").read_text()
        assert all(f"`{key}`" in documented for key in bad["details"])

    @pytest.mark.parametrize("there", [True, False])
    def test_nothing_is_kept(self, kept: Kept, there: bool) -> None:
        """An empty directory, or none at all: UNKNOWN, with its path; and none is made."""
        if not there:
            kept.state.rmdir()
        ran = ordered(kept, "status")
        assert ran.code == 3
        assert f"nothing is kept in {kept.state}" in oracle(ran, 10)
        assert kept.state.exists() == there

    def test_it_takes_no_lock_and_writes_nothing(self, kept: Kept, spawn: Spawner) -> None:
        """A run that holds the lock does not hold it up."""
        kept.run()
        kept.hold(spawn)
        before = tree(kept.room)
        ran = ordered(kept, "status")
        assert ran.code == 0, ran
        assert ran.fair < 5
        assert tree(kept.room) == before

    def test_quiet_is_silent_when_all_is_well(self, kept: Kept) -> None:
        """So that it can stand in a crontab."""
        kept.run()
        assert ordered(kept, "status", "-q").out == ""
        kept.kill()
        assert ordered(kept, "status", "-q").out.startswith("STATUS CRITICAL")

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"\0" * 100,
            b"[" * 100_000,
            b'{"time": 1e999, "event": "\\u001b[2J|<b>"}\n',
            b'{"time": "x", "event": ["a"], "why": {"b": null}}\n',
            b'{"time": -5, "event": "\xff"}\n',
            b'{"event": "' + b"x" * 10_000 + b'"}\n',
            b"null\n[]\n7\n",
            b"9" * 4000 + b"\n",
            b'{"time": 1, "event": "paused", "seconds": 1' + b"0" * 400 + b"}\n",
        ],
    )
    def test_135_last_words_that_are_none(self, kept: Kept, content: bytes) -> None:
        """They are escaped, or left out; the verdict stays."""
        kept.run()
        (kept.state / "svc.events").write_bytes(content)
        ran = ordered(kept, "status")
        assert (ran.code, ran.err) == (0, ""), ran
        assert all(line.isascii() and line.isprintable() and len(line) < 1024 for line in ran.out.splitlines())
        assert "|" not in ran.out
        assert rows(ran)["svc"][0] == "running"

    @pytest.mark.parametrize("content", [b"", b"version=1\n", b"\0" * 300, b"version=\x1b[2J|\n"])
    def test_135_a_record_that_is_none(self, kept: Kept, content: bytes) -> None:
        """UNKNOWN, with the reason in its row; nothing is set aside by a look."""
        kept.run()
        (kept.state / "svc.record").write_bytes(content)
        ran = ordered(kept, "status")
        assert ran.code == 3, ran
        assert rows(ran)["svc"][0] == "unknown"
        assert "the record of svc is not usable" in ran.out
        assert (kept.state / "svc.record").read_bytes() == content

    @pytest.mark.parametrize("field", ["pidns=1", "timens=1"])
    def test_143_a_record_of_another_namespace(self, kept: Kept, field: str) -> None:
        """Its pid is another process here, or none: nobody can say that it is down."""
        kept.run()
        path = kept.state / "svc.record"
        key = field.partition("=")[0]
        lines = [field if line.startswith(f"{key}=") else line for line in path.read_text().splitlines()]
        path.write_text("\n".join(lines) + "\n")
        ran = ordered(kept, "status")
        assert (ran.code, rows(ran)["svc"][0]) == (3, "unknown")
        assert "another pid or time namespace" in ran.out

    @pytest.mark.root(reason="mounts in a mount namespace")
    def test_without_proc_nobody_is_called_down(self, kept: Kept) -> None:
        """Who cannot look says UNKNOWN, and why."""
        kept.run()
        need_works("unshare", "-m", "mount", "-t", "tmpfs", "none", "/proc")
        hidden = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]
        ran = run(*hidden, command("watchdog-tools"), "status", "-s", kept.state)
        assert ran.code == 3, ran
        assert "/proc is not mounted" in ran.out
        ran = run(*hidden, command("ensure-running"), *kept.words(), "--dry-run", "--", *kept.service.command)
        assert ran.code == 3, ran
        assert "/proc is not mounted" in oracle(ran, 10)

    def test_135_files_that_are_no_name(self, kept: Kept) -> None:
        """What else lies there is no service, whatever it is called."""
        kept.run()
        for name in ("a b.record", ".hidden.record", "\x1b[2J.record", "x" * 70 + ".record", ".record", "dir.recordx"):
            (kept.state / name).write_bytes(b"")
        ran = ordered(kept, "status")
        assert (ran.code, sorted(rows(ran))) == (0, ["svc"])

    @pytest.mark.root(reason="runs a command as another user")
    def test_an_ordinary_user_sees_what_root_keeps(self, public_path: Path) -> None:
        """Its records, pauses and last words, and that the process lives."""
        kept = Kept(public_path)
        kept.state.chmod(0o755)
        kept.run()
        ordered(kept, "pause", "svc", "--reason", "maintenance")
        ran = ordered(kept, "status", **need_nobody(command("watchdog-tools")))
        assert ran.code == 0, ran
        assert rows(ran)["svc"][:2] == ["paused,", "alive"]
        assert "maintenance" in ran.out
        ordered(kept, "resume", "svc")
        ran = ordered(kept, "status", **need_nobody(command("watchdog-tools")))
        assert (ran.code, rows(ran)["svc"][0]) == (0, "running")
        (kept.state / "svc.seen").unlink()
        ran = ordered(kept, "status", "--max-age", "1s", **need_nobody(command("watchdog-tools")))
        assert (ran.code, "-; " in ran.out) == (2, False), ran

    @pytest.mark.root(reason="makes files of another owner")
    def test_a_record_of_another_owner_is_not_believed(self, public_path: Path) -> None:
        """Not root's directory, but a file in it that somebody else wrote."""
        kept = Kept(public_path)
        kept.state.chmod(0o755)
        kept.run()
        os.chown(kept.state / "svc.record", NOBODY, NOBODY)
        for options in ({}, need_nobody(command("watchdog-tools"))):
            ran = ordered(kept, "status", **options)
            assert ran.code == 3, ran
            assert "others own it" in ran.out

    @pytest.mark.root(reason="runs a command as another user")
    @pytest.mark.parametrize("closed", ["state", "pause"])
    def test_136_a_directory_that_cannot_be_listed(self, public_path: Path, closed: str) -> None:
        """UNKNOWN, with the reason; no traceback, and what can be seen is shown."""
        kept = Kept(public_path)
        kept.state.chmod(0o755)
        kept.run()
        ordered(kept, "pause", "svc")
        {"state": kept.state, "pause": kept.state / "pause"}[closed].chmod(0o711)
        ran = ordered(kept, "status", **need_nobody(command("watchdog-tools")))
        assert ran.code == 3, ran
        assert f"{kept.state} cannot be listed: Permission denied" in ran.out
        assert "paused, alive" in ran.out

    @pytest.mark.root(reason="makes files of another owner")
    def test_a_directory_of_another_user_is_not_believed(self, public_path: Path) -> None:
        """Neither root's nor our own."""
        kept = Kept(public_path, mine=12345)
        kept.state.chmod(0o755)
        ran = ordered(kept, "status", **need_nobody(command("watchdog-tools")))
        assert ran.code == 3, ran
        assert "belongs to uid 12345" in oracle(ran, 10)

    def test_one_whose_record_is_lost_was_kept_here(self, kept: Kept) -> None:
        """Its command line is still there, and an operator's verb goes by it. It is as its last run, if any, said."""
        kept.run()
        (kept.state / "svc.record").unlink()
        assert ordered(kept, "status", "svc").out.startswith("STATUS OK - 1 service: 1 up\n")
        (kept.state / "svc.seen").unlink()
        ran = ordered(kept, "status", "svc")
        assert (ran.code, ran.out.splitlines()[0].endswith("; svc: unknown")) == (3, True), ran
        assert "never kept" not in ran.out

    def test_a_stop_by_order_is_said_in_words(self, kept: Kept) -> None:
        """The last event, as people read it: by whom, and not what nobody knows."""
        kept.run()
        pid = kept.pid()
        ordered(kept, "stop", "svc")
        assert ordered(kept, "status").out.rstrip().endswith(f"ago: stopped by order: pid {pid}")


class TestPause:
    """An order that is written whole, replaced, taken back, and survives a reboot."""

    def test_pause_and_resume(self, kept: Kept) -> None:
        """The lines say until when and for how long; the table and the event log have it, too."""
        kept.run()
        ran = ordered(kept, "pause", "svc", "--for", "30m", "--reason", "new disk")
        assert ran.code == 0, ran
        line = oracle(ran, 10)
        assert line.startswith("PAUSE OK - svc is paused until 20")
        assert line.endswith("(30 min: new disk)")
        ran = ordered(kept, "status")
        assert ran.code == 0
        assert ran.out.startswith("STATUS OK - 1 service: 1 paused\n")
        assert "30 min left: new disk" in ran.out
        assert kept.events()[-1]["event"] == "paused"
        assert "its pause had 30 min left" in oracle(ordered(kept, "resume", "svc"), 10)
        assert kept.events()[-1]["event"] == "resumed"
        assert rows(ordered(kept, "status"))["svc"][0] == "running"
        ran = ordered(kept, "resume", "svc")
        assert (ran.code, oracle(ran, 10)) == (0, "RESUME OK - svc was not paused")

    def test_a_pause_replaces_a_pause(self, kept: Kept) -> None:
        """Longer or shorter, and nothing is left of the first, nor on the way."""
        kept.run()
        ordered(kept, "pause", "svc", "--for", "1d", "--reason", "first")
        ran = ordered(kept, "pause", "svc", "--for", "1m")
        assert "(60 s)" in oracle(ran, 10)
        assert "first" not in ordered(kept, "status").out
        assert [path.name for path in (kept.state / "pause").iterdir()] == ["svc"]
        assert (kept.state / "pause" / "svc").stat().st_mode & 0o777 == 0o644

    def test_the_default_is_a_day(self, kept: Kept) -> None:
        """Nobody forgets a service for ever."""
        assert "(24 h)" in ordered(kept, "pause", "svc").out

    def test_what_was_never_kept_is_paused_with_a_word(self, kept: Kept) -> None:
        """Before its first run, or mistyped; the state directory's last level is made for it."""
        kept.state.rmdir()
        ran = ordered(kept, "pause", "wbe")
        assert ran.code == 0, ran
        assert f"nothing is kept as wbe in {kept.state} yet" in oracle(ran, 10)
        assert "paused, not known to run  -" in ordered(kept, "status").out
        assert "never kept" not in ordered(kept, "status").out
        told = json.loads(ordered(kept, "status", "-o", "json").out)
        assert (told["reason"], told["details"]["alive"], told["details"]["pid"]) == ("paused", None, None)

    def test_a_reason_is_shown_as_text(self, kept: Kept) -> None:
        """Controls, pipes and newlines reach neither the file, nor the line, nor the table as they are."""
        ran = ordered(kept, "pause", "svc", "--reason", "a\nb|c\x1b[2J" + "x" * 500)
        oracle(ran, 10)
        assert ran.code == 0
        assert len((kept.state / "pause" / "svc").read_text().splitlines()) == 7
        ran = ordered(kept, "status")
        assert ran.code == 0
        assert all(line.isprintable() for line in ran.out.splitlines())
        assert "|" not in ran.out

    def test_it_ends_by_itself(self, kept: Kept) -> None:
        """A minute that began an hour ago is over, and no state any more."""
        kept.run()
        pause_file(kept, length=60_000, since=0)
        assert rows(ordered(kept, "status"))["svc"][0] == "running"
        assert "was over" in ordered(kept, "resume", "svc").out

    def test_it_survives_a_reboot(self, kept: Kept) -> None:
        """Another boot id: the wall clock counts. Its own instance is gone, and the pause is not."""
        pause_file(kept, boot="00000000-0000-0000-0000-000000000000", since=2**40)
        ran = ordered(kept, "status")
        assert ran.code == 0, ran
        assert "svc   paused, not known to run " in ran.out
        assert "by hand" in ran.out

    def test_140_after_a_reboot_it_is_not_longer_than_it_was_asked_for(self, kept: Kept) -> None:
        """The pause is of next year, as the clock says: it ends its length after the boot."""
        pause_file(kept, boot="00000000-0000-0000-0000-000000000000", wall=2**36)
        [told] = [json.loads(line) for line in ordered(kept, "status", "-o", "json").out.splitlines()]
        assert told["details"]["paused_left"] <= YEAR / 1000 - uptime() + 10
        pause_file(kept, boot="00000000-0000-0000-0000-000000000000", wall=2**36, length=1)
        assert ordered(kept, "status").code == 3

    @pytest.mark.parametrize(
        ("kind", "says"),
        [
            ("writable", "others own it, or can write it"),
            ("link", "cannot be opened"),
            ("fifo", "not a regular file"),
            ("directory", "not a regular file"),
            ("torn", "torn"),
            ("empty", "empty"),
            ("future", "begins in the future"),
            ("other", "of another NAME"),
            ("place", "others can write"),
        ],
    )
    def test_136_a_pause_that_is_not_believed(self, kept: Kept, kind: str, says: str) -> None:
        """It is ignored with a word, and waits for nobody; resume takes away what it can."""
        kept.run()
        path = pause_file(kept, **{"future": {"since": 2**50}, "other": {"name": "db"}}.get(kind, {}))
        if kind == "writable":
            path.chmod(0o666)
        elif kind == "torn":
            path.write_bytes(path.read_bytes()[:-4])
        elif kind == "empty":
            path.write_bytes(b"")
        elif kind == "place":
            path.parent.chmod(0o777)
        elif kind in {"link", "fifo", "directory"}:
            path.rename(kept.room / "aim")
            {"link": lambda: path.symlink_to(kept.room / "aim"), "fifo": lambda: os.mkfifo(path),
             "directory": path.mkdir}[kind]()  # fmt: skip
        ran = ordered(kept, "status")
        assert "the pause of svc is ignored" in ran.out, ran
        assert says in ran.out
        assert (ran.code, rows(ran)["svc"][0]) == (0, "running")
        ran = ordered(kept, "resume", "svc")
        oracle(ran, 10)
        assert ran.code == (3 if kind in {"directory", "place"} else 0), ran

    @pytest.mark.root(reason="makes files of another owner")
    def test_136_a_pause_of_another_owner_is_ignored(self, kept: Kept) -> None:
        """Nobody has a say in what root keeps."""
        kept.run()
        os.chown(pause_file(kept), NOBODY, NOBODY)
        ran = ordered(kept, "status")
        assert (ran.code, rows(ran)["svc"][0]) == (0, "running")
        assert "the pause of svc is ignored: others own it" in ran.out

    @pytest.mark.parametrize("kind", ["file", "link", "open"])
    def test_136_a_place_for_pauses_that_is_none(self, kept: Kept, kind: str) -> None:
        """UNKNOWN, with the reason, and nothing is written through a link or where others could change it."""
        aim = kept.room / "aim"
        aim.mkdir()
        place = kept.state / "pause"
        if kind == "file":
            place.write_text("a file")
        elif kind == "link":
            place.symlink_to(aim)
        else:
            place.mkdir()
            place.chmod(0o777)
        ran = ordered(kept, "pause", "svc")
        assert ran.code == 3, ran
        assert "nothing done" in oracle(ran, 10)
        assert not list(aim.iterdir())
        assert not place.is_dir() or not list(place.iterdir())

    def test_134_a_disk_that_takes_nothing(self, kept: Kept) -> None:
        """The old pause stays whole; no scratch file is left."""
        ordered(kept, "pause", "svc", "--for", "1h")
        before = (kept.state / "pause" / "svc").read_bytes()
        ran = run("prlimit", "--fsize=0", command("watchdog-tools"), "pause", "svc", "-s", kept.state)
        assert ran.code == 3, ran
        assert "nothing done" in oracle(ran, 10)
        assert (kept.state / "pause" / "svc").read_bytes() == before
        assert [path.name for path in (kept.state / "pause").iterdir()] == ["svc"]

    def test_json_tells_of_the_instance(self, kept: Kept) -> None:
        """Each object about one service has its NAME as the target, and the pid of its instance, null for none."""
        kept.run()
        pid = kept.pid()
        for verb in ("pause", "resume", "resume"):
            told = json.loads(ordered(kept, verb, "svc", "-o", "json").out)
            assert (told["name"], told["target"], told["details"]["pid"]) == ("svc", "svc", pid)
        kept.kill()
        for verb in ("pause", "resume"):
            told = json.loads(ordered(kept, verb, "svc", "-o", "json").out)
            assert (told["name"], told["target"], told["details"]["pid"]) == ("svc", "svc", None)

    def test_the_environment_names_the_directory_too(self, kept: Kept) -> None:
        """WATCHDOG_TOOLS_STATE_DIR, as for ensure-running."""
        env = {**os.environ, "WATCHDOG_TOOLS_STATE_DIR": str(kept.state)}
        assert run("watchdog-tools", "pause", "svc", env=env).code == 0
        assert (kept.state / "pause" / "svc").exists()


class TestRootsDefault:
    """/run/watchdog-tools and /var/lib/watchdog-tools, in a mount namespace of the test's own.

    A mark is found in any mount namespace, so each test has a NAME that no other one has.
    """

    @pytest.fixture
    def inside(self, spawn: Spawner) -> list[str]:
        """Return what to put in front of a command so that /run and /var/lib are fresh ones."""
        need("nsenter")
        need_works("unshare", "-m", "mount", "-t", "tmpfs", "none", "/run")
        mounts = "".join(f"mount -t tmpfs -o mode=755 none {place} && " for place in ("/run", "/var/lib"))
        holder = spawn(["unshare", "-m", "sh", "-c", f"{mounts}echo ready && exec sleep 600"], wait_ready=True)
        return ["nsenter", "-t", str(holder.pid), "-m"]

    @pytest.fixture
    def homeless(self, starts_services: str) -> Iterator[list[str]]:
        """Return what makes a command that of a user without a home, whose state is in /tmp, and is taken away."""
        del starts_services  # named, so that it ends the services first
        yield ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]
        shutil.rmtree("/tmp/watchdog-tools-54321", ignore_errors=True)

    @pytest.mark.root(reason="mounts in a mount namespace")
    def test_a_pause_is_where_a_reboot_leaves_it(self, inside: list[str]) -> None:
        """/run is emptied, /var/lib is not; with the place named in full it is the same one."""
        name = f"wdt-reboot-{os.getpid()}"
        tool = [*inside, command("watchdog-tools")]
        ensure = [*inside, command("ensure-running")]
        assert run(*ensure, name, "--start-seconds", "0", "--", "/bin/sleep", "600").code == 0
        assert run(*tool, "pause", name).code == 0
        place = "/var/lib/watchdog-tools/pause"
        assert run(*inside, "stat", "-c", "%a %n", place, f"{place}/{name}").out == f"755 {place}\n644 {place}/{name}\n"
        nobody = [*inside, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", command("watchdog-tools")]
        ran = run(*nobody, "status")
        assert ran.code == 0, ran
        assert rows(ran)[name][:2] == ["paused,", "alive"]
        assert run(*inside, "sh", "-c", "rm -r /run/watchdog-tools").code == 0
        for asked in (tool, nobody):
            ran = run(*asked, "status")
            assert (ran.code, "paused, not known to run " in ran.out) == (0, True), ran
        assert run(*tool, "resume", name, "-s", "/run/watchdog-tools").code == 0
        assert run(*tool, "status").code == 3

    @pytest.mark.root(reason="mounts in a mount namespace")
    def test_177_who_calls_himself_so_keeps_nothing_down_after_a_reboot(
        self, inside: list[str], spawn: Spawner, tmp_path: Path
    ) -> None:
        """/run knows nothing of the NAME any more; that it was kept once is remembered elsewhere."""
        name = f"wdt-forged-{os.getpid()}"
        shutil.copy(need("sleep"), program := tmp_path / name)
        ensure = [*inside, command("ensure-running"), name, "--start-seconds", "0.1", "--process", name]
        assert run(*ensure, "--", program, "600").code == 0
        lines = run(*inside, "cat", f"/run/watchdog-tools/{name}.record").out.splitlines()
        os.kill(int(dict(line.split("=", 1) for line in lines)["pid"]), signal.SIGKILL)
        assert run(*inside, "rm", "-r", "/run/watchdog-tools").code == 0
        disguise = f"echo ready; exec -a {name} sleep 600"
        forger = spawn(["bash", "-c", disguise], user=NOBODY, wait_ready=True)
        wait_for(lambda: (seen := look(forger.pid)) and seen.argv[:1] == (name,), 5, "its disguise")
        ran = run(*ensure, "--", program, "600")
        assert (ran.code, f"started {name}" in ran.out) == (0, True), ran

    @pytest.mark.root(reason="mounts in a mount namespace")
    def test_both_keepers_are_told_apart(self, inside: list[str], homeless: list[str]) -> None:
        """What root keeps and what the user keeps, each with its KEEPER."""
        need_nobody(command("watchdog-tools"))
        name = f"wdt-keepers-{os.getpid()}"
        ensure = [command("ensure-running"), name, "--start-seconds", "0", "--", "/bin/sleep", "600"]
        assert run(*inside, *ensure).code == 0
        assert run(*inside, *homeless, *ensure).code == 0
        ran = run(*inside, *homeless, command("watchdog-tools"), "status")
        assert ran.code == 0, ran
        assert ran.out.startswith("STATUS OK - 2 services: 2 running\nKEEPER  NAME  ")
        assert [line.split()[:3] for line in ran.out.splitlines()[2:]] == [
            ["54321", name, "running"], ["root", name, "running"],
        ]  # fmt: skip
