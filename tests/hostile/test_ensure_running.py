"""Hostile services and callers of ensure-running, by number."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from helpers import fair_clock
from helpers.commands import command, oracle, run
from helpers.components import NOBODY, need, need_works, plain_user
from helpers.instances import UNTIL_IT_ENDS, Kept
from helpers.processes import Spawner, alive, carriers, output_of, wait_for

pytestmark = pytest.mark.usefixtures("starts_services")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep, with a state directory of its own."""
    return Kept(tmp_path)


def test_86_twelve_at_once(kept: Kept) -> None:
    """Twelve runs of one NAME: one instance; the others say who repairs it, or find it healthy."""
    words = [command("ensure-running"), *kept.words(), "--", *kept.service.command]
    runs = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(12)]
    said = [output_of(each, 30) for each in runs]
    assert kept.service.one()
    assert {each.returncode for each in runs} <= {0, 1}, said
    assert sum(b"started svc" in line for line in said) == 1, said


@pytest.mark.parametrize("how", ["$({} 2>&1)", "$({} 2>&1 | cat)", "$({} 2>&1 3>&1 4>&1 5>&1)"])
def test_87_the_caller_s_pipe_is_free(kept: Kept, how: str) -> None:
    """`$(…)`, a pipeline, more descriptors on the same pipe: it is at its end as soon as ensure-running is."""
    words = " ".join(f"'{word}'" for word in [command("ensure-running"), *kept.words(), "--"])
    script = f'out={how.format(f"""{words} "$@" """)}; echo "<$out>"'
    ran = run("sh", "-c", script, "sh", *kept.service.command, timeout=10)
    assert ran.out == f"<SERVICE OK - started svc (pid {kept.service.one()})>\n"


def test_87_an_actor_that_outlives_its_guard_does_not_hold_the_pipe(kept: Kept) -> None:
    """Killed in the middle of a start, `$(…)` is at its end, though the start is finished behind it."""
    words = [command("ensure-running"), *kept.words(), "--start-seconds", "6", "--", *kept.service.command]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as guard:
        wait_for(kept.service.said)
        guard.kill()
        assert output_of(guard, 1) == b""
        assert kept.openers(), "the actor was to be alive still"
    wait_for(lambda: kept.record()["phase"] == "running")
    assert kept.service.one()


def test_88_an_outer_lock_ends_with_ensure_running(kept: Kept) -> None:
    """`flock LOCK ensure-running …` without -o: the instance holds neither that lock nor ours."""
    need("flock")
    outer = kept.room / "outer"
    words = ["flock", "-n", outer, command("ensure-running"), *kept.words(), "--", *kept.service.command]
    assert run(*words).code == 0
    assert kept.service.one()
    assert run("flock", "-n", outer, "true").code == 0, "the instance holds the caller's lock"
    assert kept.is_free(), "the instance holds our lock"
    assert run(*words).code == 0


@pytest.mark.parametrize("ending", ["exit 0", "exit 1", "kill -9 $$", "kill -SEGV $$"])
def test_90_one_that_dies_right_after_its_start(kept: Kept, ending: str) -> None:
    """It was executed, and was dead before --start-seconds: never OK; the next start backs off."""
    ran = kept.run(*UNTIL_IT_ENDS, command=["/bin/sh", "-c", f"sleep 0.3; {ending}"])
    assert ran.code == 2, ran
    line = oracle(ran, 4)
    assert "within 30 s of its start" in line
    assert {"exit 0": "exited with 0", "exit 1": "exited with 1"}.get(ending, "was killed by SIG") in line
    assert re.search(r"next try in (1(\.\d)? s|\d+ ms)(;|$)", line), line


def test_91_a_start_command_that_stays(kept: Kept) -> None:
    """A foreground program is what we want: it is not waited for."""
    ran = kept.run()
    assert ran.code == 0
    assert ran.fair < 3
    assert kept.is_free()


def test_91_a_oneshot_command_that_blocks(kept: Kept, starts_services: str) -> None:
    """Bounded by --startup-timeout; then all of it is ended, and the lock is free."""
    bad = kept.script("bad", "echo nothing; exit 2")
    words = ["--oneshot", "--check", bad, "--startup-timeout", "0.5"]
    ran = kept.run(*words, command=["/bin/sh", "-c", "sleep 600; true"])
    assert ran.code == 2, ran
    assert "did not return within 0.5 s and was ended" in oracle(ran, 5)
    assert carriers(starts_services) == []
    assert kept.is_free()


def test_93_a_oneshot_command_that_leaves_a_family(kept: Kept, starts_services: str) -> None:
    """Grandchildren in sessions of their own, orphans, one that ignores TERM, one that is stopped: all ended."""
    bad = kept.script("bad", "echo nothing; exit 2")
    family = """
sleep 601 &
setsid sleep 602 &
(setsid sh -c 'sleep 603 & exec sleep 604' &)
setsid sh -c 'trap "" TERM; echo ready >>"$0"; while :; do sleep 1; done' "$1" &
sh -c 'kill -STOP $$; sleep 605' &
while ! [ -e "$1" ]; do sleep 0.05; done
exec sleep 606
"""
    words = ["--oneshot", "--check", bad, "--startup-timeout", "1"]
    ran = kept.run(*words, command=["/bin/sh", "-c", family, "sh", str(kept.room / "ready")])
    assert ran.code == 2, ran
    line = oracle(ran, 6)
    left = carriers(starts_services)
    unnamed = [seen for seen in left if str(seen.pid) not in line]
    assert not unnamed, f"neither ended nor named: {unnamed}; {line}"


def test_95_a_crash_loop_backs_off(kept: Kept) -> None:
    """Each failed start doubles the wait; it is persisted, and a run that finds it long leaves it to the next."""
    crash = ["/bin/sh", "-c", 'echo $$ >>"$1"; exit 1', "sh", str(kept.service.journal)]
    begun = time.monotonic()
    for _ in range(3):
        assert kept.run(*UNTIL_IT_ENDS, command=crash).code == 2
    assert time.monotonic() - begun >= 3, "waited out 1 s and 2 s"
    assert len(kept.service.said()) == 3
    assert kept.record()["attempts"] == "3"
    ran = kept.run(*UNTIL_IT_ENDS, command=crash)
    assert len(kept.service.said()) == 4, "4 s is within a run's patience"
    assert re.search(r"next try in ([89](\.\d)?|10) s", ran.out), ran.out
    ran = kept.run("--backoff", "1m:1m", command=crash)  # on a busy machine what is left of 8 s may be waited out
    assert ran.code == 2
    assert "backing off after 4 starts that did not last, next try in" in oracle(ran, 2)
    assert len(kept.service.said()) == 4, "no start"
    assert ran.fair < 2


def test_95_ten_hours_of_crashing(kept: Kept) -> None:
    """The wait never grows past five minutes, and the tenth hour's record is as small as the first's."""
    kept.run(command=["/bin/false"])
    record = kept.state / "svc.record"
    record.write_text(record.read_text().replace("attempts=1", "attempts=9999"))
    ran = kept.run(command=["/bin/false"])
    assert ran.code == 2
    wait = re.search(r"next try in ([345](?:\.\d)?) min", ran.out)
    assert wait, ran.out
    assert float(wait[1]) <= 5


def test_100_a_caller_from_hell(kept: Kept) -> None:
    """A deleted working directory, a wild umask, no priority, few descriptors: the instance gets its own."""
    place = kept.room / "gone"
    place.mkdir()
    words = [command("ensure-running"), *kept.words(), "--", *kept.service.command]
    script = 'cd "$1"; rmdir "$1"; shift; umask 000; ulimit -n 64; exec nice -n 5 "$@"'
    ran = run("sh", "-c", script, "sh", place, *words)
    assert ran.code == 0, ran
    about = Path(f"/proc/{kept.service.one()}")
    assert str((about / "cwd").readlink()) == "/"
    assert "Umask:\t0022" in (about / "status").read_text()


def test_100_a_relative_command_in_a_directory_that_is_gone(kept: Kept) -> None:
    """It cannot be found: down, one line, nothing started."""
    place = kept.room / "gone"
    place.mkdir()
    words = [command("ensure-running"), *kept.words(), "--", "./service"]
    ran = run("sh", "-c", 'cd "$1"; rmdir "$1"; shift; exec "$@"', "sh", place, *words)
    assert ran.code == 2, ran
    assert "svc is down" in oracle(ran, 3)


def test_102_the_terminal_is_closed(kept: Kept) -> None:
    """Started by hand on a terminal: when that hangs up, the service lives on."""
    pid, master = pty.fork()
    if not pid:
        words = [command("ensure-running"), *kept.words(), "--", *kept.service.command]
        os.execv(words[0], words)  # noqa: S606 -- as a shell would
    said = b""
    while b"\n" not in said:
        said += os.read(master, 1024)
    os.waitpid(pid, 0)
    instance = kept.service.one()
    os.close(master)  # the kernel sends SIGHUP to the terminal's session
    tty = Path(f"/proc/{instance}/stat").read_text().rpartition(") ")[2].split()[4]
    assert tty == "0", "it has a controlling terminal"
    assert alive(instance)
    assert b"started svc" in said


class TestCannotStart:
    """Case 105: a start command that cannot be executed is CRITICAL, with the system's words."""

    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            ("missing", "No such file or directory"),
            ("not in PATH", "is not in PATH"),
            (
                "one word of two",
                r"there is no program named 'sleep 100' \(one word; without the quotes these are 2 words\)",
            ),
            ("a path and two words", r"named '/bin/sleep 1 2' \(one word; without the quotes these are 3 words\)"),
            ("not executable", "Permission denied"),
            ("directory", "Permission denied|Is a directory"),  # execve says one, reading its first line the other
            ("wrong format", "Exec format error"),
            ("busy", "Text file busy"),
            ("no interpreter", "No such file or directory"),
            ("below a file", "Not a directory"),
            ("link to itself", "Too many levels of symbolic links|too many links"),
            ("name too long", "File name too long"),
        ],
    )
    def test_105(self, kept: Kept, spawn: Spawner, kind: str, words: str) -> None:
        """It names the trouble, starts nothing, and counts as a failed start."""
        program = kept.room / "program"
        if kind == "wrong format":
            program.write_bytes(b"\x7fELF" + b"\0" * 200)
        elif kind == "directory":
            program.mkdir()
        elif kind == "link to itself":
            program.symlink_to(program)
        elif kind == "no interpreter":
            program.write_text("#!/no/such/interpreter\n")
        elif kind != "missing":
            program.write_text("#!/bin/sh\nexec sleep 600\n")
        if kind not in ("not executable", "missing", "link to itself"):
            program.chmod(0o755)
        if kind == "busy":
            spawn(["sh", "-c", 'exec 9>>"$0"; echo ready; exec sleep 600', program], wait_ready=True)
        argv = {
            "not in PATH": "wdt-no-such-program",
            "one word of two": "sleep 100",
            "a path and two words": "/bin/sleep 1 2",
            "below a file": f"{program}/below",
            "name too long": "/" + "n" * 300,
        }
        ran = kept.run(command=[argv.get(kind, str(program))])
        assert ran.code == 2, ran
        line = oracle(ran, 3)
        assert "cannot start: " in line
        assert re.search(words, line)
        assert kept.record()["attempts"] == "1"
        assert kept.record()["phase"] == "failed"
        status = run("watchdog-tools", "status", "-s", kept.state).out
        assert (line.count("cannot start"), status.count("cannot start")) == (1, 1), status

    def test_105_a_program_with_a_blank_in_its_name(self, kept: Kept) -> None:
        """It is one, and is started: no hint where a file of that name is there."""
        program = kept.script("two words", 'exec "$@"')
        ran = kept.run(command=[program, *kept.service.command])
        assert ran.code == 0, ran
        assert kept.service.one()

    def test_105_what_is_missing_is_not_called_unsafe(self, kept: Kept) -> None:
        """Neither --user nor --allow-unsafe-path helps against a file that is not there."""
        assert "--allow-unsafe-path" not in kept.run(command=["/no/such/program"]).out

    def test_105_healthy_stays_healthy(self, kept: Kept) -> None:
        """What cannot be started does not matter while the service works."""
        assert kept.run("--check", kept.script("good", "exit 0"), command=["/no/such/program"]).code == 0


@pytest.mark.parametrize(
    "word",
    [
        "a b",
        ";reboot",
        "$(touch /tmp/wdt-pwned)",
        "`id`",
        "-rf",
        "--help",
        "line\nbreak",
        "*",
        "",
        "'",
        '"',
        "é",
        "\udcff",
    ],
)
def test_106_words_reach_the_program_as_they_are(kept: Kept, word: str) -> None:
    """No shell between: argv after `--` is argv."""
    script = """printf '%s' "$1" >"$2"; exec sleep 600"""
    ran = kept.run(command=["/bin/sh", "-c", script, "sh", word, str(kept.room / "got")])
    assert ran.code == 0, ran
    assert wait_for((kept.room / "got").exists)
    if word:
        wait_for(lambda: (kept.room / "got").stat().st_size, 5)
    assert (kept.room / "got").read_bytes() == os.fsencode(word)
    assert not Path("/tmp/wdt-pwned").exists()


@pytest.mark.root(reason="a rule for root alone")
class TestUnsafePath:
    """Case 107: root does not execute what others could replace; the component is named."""

    @pytest.mark.parametrize("kind", ["writable file", "writable directory", "nobody's file", "nobody's link",
                                      "writable interpreter", "relative interpreter"])  # fmt: skip
    def test_107(self, kept: Kept, kind: str) -> None:
        """Refused without --user: down, named, nothing started; --allow-unsafe-path overrides."""
        place = kept.room / "bin"
        place.mkdir(mode=0o755)
        program = place / "program"
        program.write_text("#!/bin/sh\nexec sleep 600\n")
        program.chmod(0o755)
        named = program
        if kind == "writable file":
            program.chmod(0o775)
        elif kind == "writable directory":
            place.chmod(0o777)
            named = place
        elif kind == "nobody's file":
            os.chown(program, NOBODY, NOBODY)
        elif kind == "nobody's link":
            named = place / "link"
            named.symlink_to("/bin/sleep")
            os.lchown(named, NOBODY, NOBODY)
        else:
            named = place / "interpreter"
            named.symlink_to("/bin/sh")
            if kind == "writable interpreter":
                named.unlink()
                named.write_bytes(Path(need("sh")).read_bytes())
                named.chmod(0o777)
            program.write_text(f"#!{named if kind == 'writable interpreter' else 'bin/sh'}\nexec sleep 600\n")
        command = [str(named), "600"] if kind == "nobody's link" else [str(program)]
        ran = kept.run(command=command)
        assert ran.code == 2, ran
        line = oracle(ran, 3)
        assert (str(named) if kind != "relative interpreter" else "bin/sh is not absolute") in line
        assert "--allow-unsafe-path" in line
        if kind != "relative interpreter":
            kept.forget()
            assert kept.run("--allow-unsafe-path", command=command).code == 0

    def test_107_another_user_s_risk_is_another_user_s(self, kept: Kept, public_path: Path) -> None:
        """With --user it is that user who executes it."""
        program = public_path / "program"
        program.write_text("#!/bin/sh\nexec sleep 600\n")
        program.chmod(0o777)
        assert kept.run("--user", "nobody", command=[str(program)]).code == 0

    def test_107_healthy_stays_healthy(self, kept: Kept) -> None:
        """What would be refused does not matter while the service works."""
        program = Path(kept.script("program", "exec sleep 600"))
        program.chmod(0o777)
        assert kept.run("--check", kept.script("good", "exit 0"), command=[str(program)]).code == 0


@pytest.mark.root(reason="runs a command as another user")
def test_108_nothing_of_root_s_reaches_the_user_s_service(kept: Kept) -> None:
    """Uid and gid in all four places, that user's groups alone, no capability, that user's home and name."""
    assert kept.run("--user", "nobody", "--env", "A=1", command=["/bin/sleep", "600"]).code == 0
    status = dict(
        line.split(":\t", 1)
        for line in Path(f"/proc/{kept.pid()}/status").read_text().splitlines()
        if ":\t" in line
    )  # fmt: skip
    assert status["Uid"].split() == [str(NOBODY)] * 4
    assert status["Gid"].split() == [str(NOBODY)] * 4
    assert status["Groups"].split() == [str(group) for group in sorted(os.getgrouplist("nobody", NOBODY))]
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    environ = Path(f"/proc/{kept.pid()}/environ").read_text().split("\0")
    assert {"HOME=/nonexistent", "USER=nobody", "LOGNAME=nobody", "A=1"} <= set(environ)


@pytest.mark.root(reason="runs a command as another user")
@pytest.mark.parametrize("who", ["root", "other"])
def test_109_another_user_s_daemon_of_the_same_name(kept: Kept, public_path: Path, spawn: Spawner, who: str) -> None:
    """--process counts --user's own where --user is given, and everybody's where root says nothing of users."""
    name = f"wdt{os.getpid()}d"
    program = public_path / name
    program.write_bytes(Path(need("sleep")).read_bytes())
    program.chmod(0o755)
    running = spawn([program, "600"], user=1 if who == "other" else 0)
    wait_for(lambda: Path(f"/proc/{running.pid}/exe").readlink() == program)
    ran = kept.run("--process", name, "--user", "nobody", command=[str(program), "600"])
    assert "started svc" in ran.out, "somebody else's is not nobody's"
    kept.kill()
    kept.forget()
    ran = kept.run("--process", name, "--allow-unsafe-path", command=[str(program), "600"])
    assert ran.code == 0
    assert "svc is healthy" in ran.out, "root without --user counts everybody's"


@pytest.mark.root(reason="runs a command as another user")
def test_109_not_root_counts_its_own_alone(public_path: Path, spawn: Spawner) -> None:
    """Without root there is a filter for our own uid; a --check is never altered."""
    options = plain_user(command("ensure-running"), public_path)
    name = f"wdt{os.getpid()}d"
    program = public_path / name
    program.write_bytes(Path(need("sleep")).read_bytes())
    program.chmod(0o755)
    running = spawn([program, "600"])
    wait_for(lambda: Path(f"/proc/{running.pid}/exe").readlink() == program)
    kept = Kept(public_path, mine=public_path.stat().st_uid)
    ran = kept.run("--check", f"check-process {name}", command=[str(program), "600"], **options)
    assert "svc is healthy" in ran.out, ran
    ran = kept.run("--process", name, command=[str(program), "600"], **options)
    assert "started svc" in ran.out, ran


@pytest.mark.root(reason="makes a pid namespace")
def test_110_a_daemon_in_a_container_is_not_ours(kept: Kept, spawn: Spawner) -> None:
    """The same name, even the same mark, in another pid namespace: another host's, as far as we are concerned."""
    need_works("unshare", "-pf", "--mount-proc", "true")
    name = f"wdt{os.getpid()}c"
    program = kept.room / name
    program.write_bytes(Path(need("sleep")).read_bytes())
    program.chmod(0o755)
    script = 'echo ready; exec "$0" 600'
    mark = f"WATCHDOG_TOOLS_INSTANCE=1:1:0:svc:{kept.state}"
    spawn(["unshare", "-pf", "--mount-proc", "--kill-child", "env", mark, "sh", "-c", script, program], wait_ready=True)
    ran = kept.run("--process", name, command=[str(program), "600"])
    assert ran.code == 0, ran
    assert "started svc" in ran.out


def test_an_actor_that_is_asked_to_end_finishes_its_step(kept: Kept) -> None:
    """SIGTERM while it verifies: one line, exit 3; the instance is `running`, and the lock is free."""
    never = kept.script("never", f"touch '{kept.room}/asked'; exit 2")
    words = ["--check", never, "--startup-timeout", "30", "--", *kept.service.command]
    with subprocess.Popen([command("ensure-running"), *kept.words(), *words], stdout=subprocess.PIPE) as first:
        wait_for(lambda: (kept.state / "svc.record").exists() and kept.record()["phase"] == "running")
        begun = fair_clock.now()
        first.send_signal(signal.SIGTERM)
        out = output_of(first, 5)
    assert (first.returncode, out) == (3, b"SERVICE UNKNOWN - ended by SIGTERM\n")
    assert fair_clock.now() - begun < 2
    wait_for(kept.is_free)
    assert kept.service.one()


def test_a_guard_killed_while_its_actor_waits_begins_nothing(kept: Kept, spawn: Spawner) -> None:
    """Alone, an actor that waits for the lock starts nothing any more."""
    kept.hold(spawn)
    waiter = spawn([command("ensure-running"), *kept.words(), "--lock-wait", "60s", "--", *kept.service.command])
    wait_for(lambda: len(kept.openers()) > 1, 30, "a run at the lock")
    waiter.kill()
    wait_for(lambda: len(kept.openers()) == 1, 5, "the actor's end")
    assert not kept.service.said()


def test_a_guard_killed_while_its_actor_backs_off_begins_nothing(kept: Kept, spawn: Spawner) -> None:
    """Alone, an actor that waits out a backoff ends at once, instead of starting what nobody asks for any more."""
    kept.run(command=["/bin/false"])
    record = kept.state / "svc.record"
    record.write_text(record.read_text().replace("attempts=1", "attempts=3"))  # 4 s, within a run's patience
    guard = spawn([command("ensure-running"), *kept.words(), "--", *kept.service.command])
    wait_for(lambda: not kept.is_free(), 5, "the actor's lock")
    guard.kill()
    wait_for(lambda: not kept.openers(), 2, "the actor's end")
    assert not kept.service.said()
