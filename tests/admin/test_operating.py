"""The operator's verbs that touch the service: stop, start, restart, by the command line that it was kept by."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import time
from pathlib import Path

import pytest
from helpers.commands import Ran, oracle, run
from helpers.components import NOBODY, need
from helpers.instances import UNTIL_IT_ENDS, Kept, marked
from helpers.processes import Spawner, alive, wait_for

pytestmark = pytest.mark.usefixtures("starts_services")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep, with a state directory of its own."""
    return Kept(tmp_path)


def ordered(kept: Kept, verb: str, *words: object, **popen: object) -> Ran:
    """Run a verb on the service."""
    ran = run("watchdog-tools", verb, kept.name, *words, "-s", kept.state, **popen)
    kept.wait_testified()
    return ran


def command_file(kept: Kept) -> Path:
    """Return the file of the command line that is saved; its copy, which would count as well, is gone."""
    (kept.state / "lock" / f"{kept.name}.command").unlink(missing_ok=True)
    return kept.state / f"{kept.name}.command"


def lives(kept: Kept) -> list[int]:
    """Return the pids of its instances."""
    return [seen.pid for seen in marked(kept.room)]


@pytest.mark.parametrize("verb", ["stop", "start", "restart"])
@pytest.mark.parametrize("hindrance", ["a run at work", "no lock"])
def test_an_order_that_was_not_carried_out_is_not_ok(
    kept: Kept, spawn: Spawner, tmp_path: Path, verb: str, hindrance: str
) -> None:
    """However healthy the service is: `stop web && upgrade` must not upgrade under a running one."""
    name = f"wdtkept{os.getpid()}"  # the other worker has one, too
    program = shutil.copy(need("sleep"), tmp_path / name)
    kept.run("--check", f"check-process {name}", command=[str(program), "600"])
    pid = kept.pid()
    if hindrance == "no lock":
        lock = kept.state / "lock" / "svc.lock"
        lock.unlink()
        lock.mkdir()
    else:
        kept.hold(spawn)
    ran = ordered(kept, verb, "--lock-wait", "200ms")
    assert ran.code == 3, ran
    assert f"svc: {verb} was ordered, and not done: " in oracle(ran, 40)
    assert alive(pid)


@pytest.mark.parametrize("verb", ["stop", "restart"])
def test_what_works_but_is_no_known_process_is_neither_stopped_nor_started_beside(kept: Kept, verb: str) -> None:
    """Somebody else serves what the check asks for: the line says so, and it is not OK."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        kept.run("--port", f"127.0.0.1:{server.getsockname()[1]}", "--startup-timeout", "200ms")
        kept.kill()
        server.listen()
        ran = ordered(kept, verb)
    assert ran.code == 2, ran
    line = oracle(ran, 40)
    assert "svc was not stopped: it works (" in line
    assert not lives(kept)


@pytest.mark.parametrize("torn", [True, False])
def test_a_restart_without_a_record_is_one(kept: Kept, *, torn: bool) -> None:
    """State is a cache: its instance is found by its mark, and is not taken for the new one."""
    kept.run()
    old = kept.service.one()
    record = kept.state / "svc.record"
    if torn:
        record.write_text("torn")
    else:
        record.unlink()
    ran = ordered(kept, "restart")
    assert ran.code == 0, ran
    assert "restarted svc" in oracle(ran, 60)
    assert not alive(old)
    assert len(lives(kept)) == 1


class TestTheCommandLine:
    """What a run leaves behind for an operator, and what is made of it."""

    def test_a_run_that_starts_keeps_its_own_words(self, kept: Kept) -> None:
        """Every word as it was given, and the directory; for its owner's eyes alone. A healthy run leaves it."""
        kept.run("--env", "ODD=a b\n100%", cwd="/usr")
        path = command_file(kept)
        assert path.stat().st_mode & 0o777 == 0o600
        lines = path.read_text().splitlines()
        assert (lines[0], lines[2], lines[3]) == ("version=1", "cwd=/usr", "word=svc")
        assert "word=ODD=a b%0A100%25" in lines
        assert abs(int(lines[1].partition("=")[2]) - time.time()) < 60
        before = path.read_bytes(), path.stat().st_mtime_ns
        kept.run("--env", "ODD=a b\n100%", cwd="/usr")
        assert (path.read_bytes(), path.stat().st_mtime_ns) == before

    def test_a_run_that_adopts_replaces_it(self, kept: Kept) -> None:
        """The latest words count."""
        kept.run()
        (kept.state / "svc.record").unlink()
        command_file(kept).unlink()
        assert "adopted svc" in kept.run("--env", "NEW=1").out
        assert "word=NEW=1\n" in command_file(kept).read_text()

    def test_a_run_that_takes_over_a_start_keeps_its_own_words(self, kept: Kept) -> None:
        """A run that was killed between the record and the command line leaves an instance that has to be stoppable."""
        assert kept.run().code == 0
        record = kept.state / "svc.record"
        record.write_text(record.read_text().replace("phase=running", "phase=starting"))
        command_file(kept).unlink()
        assert kept.run().code == 0
        assert "phase=running" in record.read_text()
        ran = ordered(kept, "stop")
        assert (ran.code, lives(kept)) == (0, []), ran

    @pytest.mark.parametrize("verb", ["stop", "start", "restart"])
    def test_what_was_never_kept_is_unknown(self, kept: Kept, verb: str) -> None:
        """Nothing is paused, made or started."""
        ran = ordered(kept, verb)
        assert ran.code == 3, ran
        assert "svc was never kept here" in oracle(ran, 10)
        assert not list(kept.state.iterdir())
        kept.state.rmdir()
        assert "never kept here" in ordered(kept, verb).out

    @pytest.mark.parametrize("verb", ["stop", "start", "restart"])
    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"", "empty"),
            (b"version=1\nwall=1\ncwd=/\nword=svc\nword=--\nword=touch\nword=%2", "torn"),
            (b"version=2\nwall=1\ncwd=/\nword=svc\nword=--\nword=true\n", "version 1"),
            (b"version=1\nwall=1\ncwd=/\nword=db\nword=--\nword=true\n", "of another NAME"),
            (b"version=1\nwall=1\ncwd=/\nword=svc\n", "start command"),
            (b"version=1\nwall=1\ncwd=/\nword=--help\n", "page"),
            (b"version=1\nwall=1\ncwd=/\nword=svc\nword=--\x1b[2J|\nword=--\nword=true\n", "not as this program"),
            (b"version=1\nwall=1\ncwd=/\nword=svc\nword=--%1B[2J\nword=--\nword=true\n", "no such option"),
            (
                b"version=1\nwall=1\ncwd=/\nword=svc\nword=--check\nword=check-port :99999\nword=--\nword=true\n",
                "65535",
            ),
            (b"version=1\nwall=1\ncwd=/\n" + b"word=" + b"x" * (64 << 10) + b"\n", "too long"),
        ],
    )
    def test_136_a_command_line_that_is_none(self, kept: Kept, verb: str, content: bytes, says: str) -> None:
        """One line, UNKNOWN, and the service is left as it is."""
        kept.run()
        pid = kept.service.one()
        command_file(kept).write_bytes(content)
        ran = ordered(kept, verb)
        assert ran.code == 3, ran
        line = oracle(ran, 10)
        assert "is not usable" in line
        assert says in line
        assert kept.service.one() == pid
        assert not (kept.state / "pause").exists()

    @pytest.mark.parametrize("kind", ["writable", "link", "fifo", "directory", "open"])
    def test_136_a_command_line_that_others_may_have_written(self, kept: Kept, kind: str) -> None:
        """As root we would execute it: it is not believed, and not waited for."""
        kept.run()
        pid = kept.service.one()
        path = command_file(kept)
        if kind == "writable":
            path.chmod(0o666)
        elif kind == "open":
            path.parent.chmod(0o777)
        else:
            path.rename(kept.room / "aim")
            {"link": lambda: path.symlink_to(kept.room / "aim"), "fifo": lambda: os.mkfifo(path),
             "directory": path.mkdir}[kind]()  # fmt: skip
        ran = ordered(kept, "restart")
        assert ran.code == 3, ran
        oracle(ran, 10)
        assert kept.service.one() == pid

    @pytest.mark.root(reason="makes files of another owner")
    def test_136_a_command_line_of_another_owner(self, kept: Kept) -> None:
        """Neither."""
        kept.run()
        pid = kept.service.one()
        os.chown(command_file(kept), NOBODY, NOBODY)
        ran = ordered(kept, "restart")
        assert ran.code == 3, ran
        assert "others own it" in oracle(ran, 10)
        assert kept.service.one() == pid

    def test_its_age_is_said(self, kept: Kept) -> None:
        """An operator sees that it is an old one."""
        kept.run()
        path = command_file(kept)
        hour_ago = int(time.time()) - 3 * 3600
        lines = [f"wall={hour_ago}" if line[:5] == "wall=" else line for line in path.read_text().splitlines()]
        path.write_text("\n".join(lines) + "\n")
        assert "; by the command line saved 3 h ago" in ordered(kept, "stop").out
        assert "; as started by the command line saved 3 h ago" in ordered(kept, "restart").out

    def test_a_later_healthy_run_with_other_words_saves_them(self, kept: Kept) -> None:
        """An operator who has edited the crontab restarts it by what it says now."""
        kept.run("--env", "OLD=1")
        kept.run("--env", "NEW=1")
        ran = ordered(kept, "restart")
        assert "; as started by the command line saved " in oracle(ran, 60)
        assert "word=NEW=1\n" in command_file(kept).read_text()
        assert b"NEW=1" in Path(f"/proc/{kept.pid()}/environ").read_bytes().split(b"\0")


class TestStop:
    """A pause first, then a verified stop."""

    def test_97_what_is_stopped_stays_down(self, kept: Kept) -> None:
        """The line says until when; the next runs look, and start nothing, until start or resume."""
        kept.run()
        pid = kept.pid()
        ran = ordered(kept, "stop", "--for", "2h", "--reason", "upgrade")
        assert ran.code == 0, ran
        line = oracle(ran, 30)
        assert line.startswith("STOP OK - ")
        assert "paused until 20" in line
        assert "(2 h: upgrade)" in line
        assert not alive(pid)
        for _ in range(2):
            kept.run()
            assert not lives(kept)
        assert ordered(kept, "status").out.splitlines()[2].split()[1:3] == ["paused,", "down"]
        assert ordered(kept, "start").code == 0
        assert len(lives(kept)) == 1

    def test_the_default_is_a_day(self, kept: Kept) -> None:
        """As for pause."""
        kept.run()
        assert "(24 h)" in ordered(kept, "stop").out

    def test_what_does_not_run_is_stopped_all_the_same(self, kept: Kept) -> None:
        """OK, with the word, and paused."""
        kept.run()
        kept.kill()
        ran = ordered(kept, "stop")
        assert ran.code == 0, ran
        assert "was not running" in oracle(ran, 30)
        kept.run()
        assert not lives(kept)

    @pytest.mark.root(reason="runs a command as another user")
    def test_one_of_another_user_is_found_though_its_program_is_gone(self, kept: Kept, public_path: Path) -> None:
        """No record, and the program removed (an upgrade): it is found by its mark, never `was not running`."""
        program = public_path / "wdt-agent"
        shutil.copy("/bin/sleep", program)
        environment = os.environ | {"PATH": f"{public_path}:{os.environ['PATH']}"}
        words = ("--user", NOBODY, "--limit", "none")
        assert kept.run(*words, command=[program.name, "600"], env=environment).code == 0
        pid = kept.pid()
        (kept.state / "svc.record").unlink()
        program.unlink()
        ran = ordered(kept, "stop", env=environment)
        assert (ran.code, f"was stopped (pid {pid})" in ran.out, alive(pid)) == (0, True, False), ran

    def test_without_a_pause_nothing_is_stopped(self, kept: Kept) -> None:
        """The next run would start it again: UNKNOWN, and it lives."""
        kept.run()
        pid = kept.service.one()
        (kept.state / "pause").write_text("a file")
        ran = ordered(kept, "stop")
        assert ran.code == 3, ran
        assert "not stopped" in oracle(ran, 10)
        assert kept.service.one() == pid

    def test_json_has_the_pause(self, kept: Kept) -> None:
        """One object, with the facts of the pause."""
        kept.run()
        told = json.loads(ordered(kept, "stop", "--for", "1h", "-o", "json").out)
        assert (told["check"], told["name"], told["state"]) == ("watchdog-tools stop", "svc", "OK")
        assert 3500 < told["details"]["paused_left"] <= 3600
        assert (told["target"], told["details"]["pid"]) == ("svc", None)


class TestStart:
    """An operator's order: now, whatever pause, backoff or hold say."""

    def test_it_ends_the_pause(self, kept: Kept) -> None:
        """And starts what was stopped, once."""
        kept.run()
        ordered(kept, "stop")
        ran = ordered(kept, "start")
        assert ran.code == 0, ran
        assert "started svc" in oracle(ran, 40)
        assert len(lives(kept)) == 1
        assert not list((kept.state / "pause").iterdir())
        assert ordered(kept, "status").out.splitlines()[2].split()[1] == "running"

    def test_no_backoff_stands_in_its_way(self, kept: Kept) -> None:
        """A service that could not start waits for minutes; once it can, the operator does not."""
        flag = kept.room / "flag"
        body = f"[ -e {flag} ] || exit 1; exec sleep 600"
        program = ["/bin/sh", "-c", body]
        for _ in range(2):
            kept.run(*UNTIL_IT_ENDS, command=program)
        record = kept.state / "svc.record"
        lines = ["attempts=9" if line[:9] == "attempts=" else line for line in record.read_text().splitlines()]
        record.write_text("\n".join(lines) + "\n")
        kept.order_soon()
        flag.touch()
        assert kept.run(command=program).code == 2, "still in backoff"
        ran = ordered(kept, "start")
        assert ran.code == 0, ran
        assert "started svc" in oracle(ran, 40)

    def test_what_runs_is_not_started_twice(self, kept: Kept) -> None:
        """OK, and it is the same instance."""
        kept.run()
        pid = kept.service.one()
        assert ordered(kept, "start").code == 0
        assert kept.service.one() == pid

    def test_one_that_cannot_be_started_is_critical(self, kept: Kept) -> None:
        """With the reason: the verdict is the service's."""
        program = kept.script("program", "exec sleep 600")
        kept.run(command=[program])
        ordered(kept, "stop")
        Path(program).unlink()
        ran = ordered(kept, "start")
        assert ran.code == 2, ran
        assert "cannot start" in oracle(ran, 40)

    def test_it_is_started_in_the_directory_that_the_line_was_given_in(self, kept: Kept) -> None:
        """A relative check finds its file again, wherever the operator is."""
        program = kept.script("program", f"echo $$ >{kept.room}/up; exec sleep 600")
        kept.script("good", f"grep -q '^State:.[RSD]' /proc/$(cat {kept.room}/up)/status || exit 2")
        assert kept.run("--check", "./good", command=[program], cwd=kept.room).code == 0
        ordered(kept, "stop")
        ran = ordered(kept, "start", cwd="/")
        assert ran.code == 0, ran
        assert "started svc" in oracle(ran, 40)

    def test_it_waits_for_a_run_at_work(self, kept: Kept, spawn: Spawner) -> None:
        """Within --lock-wait; past that the line says who is at work, and starts nothing beside it."""
        kept.run()
        kept.kill()
        kept.hold(spawn)
        ran = ordered(kept, "start", "--lock-wait", "200ms")
        assert ran.code in {1, 2, 3}, ran
        oracle(ran, 40)
        assert not lives(kept)


class TestRestart:
    """A verified stop, then a start."""

    def test_another_instance(self, kept: Kept) -> None:
        """Exactly one, and not the old one; never two at the same time."""
        kept.run()
        old = kept.service.one()
        ran = ordered(kept, "restart")
        assert ran.code == 0, ran
        oracle(ran, 60)
        assert not alive(old)
        wait_for(lambda: kept.service.starts() == 2, 5, "the second start")
        assert len(lives(kept)) == 1
        assert lives(kept) != [old]

    def test_what_is_down_is_started(self, kept: Kept) -> None:
        """A restart of what does not run is a start."""
        kept.run()
        kept.kill()
        assert ordered(kept, "restart").code == 0
        assert len(lives(kept)) == 1

    def test_what_was_ordered_says_by_whom(self, kept: Kept) -> None:
        """The restart; that it was healthy behind it is nobody's order."""
        kept.run()
        assert ordered(kept, "restart").code == 0
        by = {each["event"]: each["uid"] for each in kept.events()}
        assert (by["restarted"], by["recovered"]) == (os.getuid(), None)

    def test_a_pause_stays_and_is_said(self, kept: Kept) -> None:
        """It runs, and the next run does not start it when it dies: the line says until when; JSON has the pause."""
        kept.run()
        ordered(kept, "stop", "--for", "2h", "--reason", "upgrade")
        ran = ordered(kept, "restart")
        assert ran.code == 0, ran
        line = oracle(ran, 60)
        assert "; still paused until 20" in line
        assert re.search(r"\((2 h|1[12]\d min): upgrade\); ", line)  # a slow run leaves less of it
        told = json.loads(ordered(kept, "restart", "-o", "json").out)
        assert 7000 < told["details"]["paused_left"] <= 7200
        assert (told["target"], told["details"]["pid"]) == ("svc", lives(kept)[0])
        assert "paused" not in ordered(kept, "start").out
        assert "paused" not in ordered(kept, "restart").out

    @pytest.mark.parametrize("verb", ["stop", "start", "restart"])
    def test_a_failure_names_the_service_in_json_too(self, kept: Kept, verb: str) -> None:
        """Whatever the verdict, its name and target are those of the service, and its pid is null where none is."""
        told = json.loads(ordered(kept, verb, "-o", "json").out)
        assert (told["reason"], told["name"], told["target"]) == ("never-kept", "svc", "svc")
        assert told["details"]["pid"] is None
