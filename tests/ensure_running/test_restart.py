"""A sick instance is stopped for certain, and another one is started; nothing else is touched, and it is all said."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from helpers import fair_clock
from helpers.checked_service import CheckedService, quoted, shell, stops
from helpers.commands import command, oracle
from helpers.freezer import frozen_group
from helpers.processes import Spawner, alive, carriers, output_of, wait_for

pytestmark = pytest.mark.usefixtures("starts_services")

# $1: the journal. What it does at TERM, and before it waits, is the script's.
AGENT = """{}
echo "start $$ 0" >>"$1"
sleep 600 & wait
while :; do sleep 0.05; done"""  # its child may be told before itself: what it starts then must not outlive it for long


@pytest.fixture
def kept(tmp_path: Path) -> CheckedService:
    """Return a service to keep, with a check of its own."""
    return CheckedService(tmp_path)


def agent(kept: CheckedService, before: str = "") -> list[str]:
    """Return the words of a service that stays until a signal ends it."""
    return shell(AGENT.format(before), kept.service.journal)


class TestOurs:
    """What we started ends as a whole."""

    def test_what_was_done_is_said_and_written_down(self, kept: CheckedService) -> None:
        """One line that an operator can act on, with -v each check and each step; the events; the record."""
        pid = kept.up()
        kept.ill(pid)
        ran = kept.keep("-v")
        new = kept.pid()
        lines = ran.out.splitlines()
        assert ran.code == 0, ran
        assert lines[0] == f"SERVICE OK - restarted svc (pid {new}): fine; pid {pid} was stopped (no answer)", ran
        assert "at first, health: CRITICAL - no answer" in lines
        steps = [line.partition(" s ")[2] for line in lines if line[:1].isdigit()]
        assert steps == ["looking again under the lock", f"stopping pid {pid}", "starting it", f"verifying pid {new}"]
        assert kept.happened() == ["started", "stopped", "restarted", "recovered"]
        assert (kept.last("stopped")["pid"], kept.last("stopped")["why"]) == (pid, "no answer")
        assert kept.last("restarted")["pid"] == kept.last("recovered")["pid"] == new
        assert (kept.record()["phase"], kept.record()["trouble"]) == ("running", "0")
        assert kept.service.starts() == 2
        again = kept.keep()
        assert (again.code, again.out) == (0, f"SERVICE OK - svc is healthy (pid {new}, up {_up(again.out)}): fine\n")

    def test_its_cleanup_runs(self, kept: CheckedService) -> None:
        """TERM, and the time that it needs within --stop-timeout."""
        words = agent(kept, f"trap 'sleep 0.3; echo bye >>{kept.room}/bye; exit 7' TERM")
        pid = kept.up(command=words)
        kept.ill(pid)
        ran = kept.keep("--stop-timeout", "10s", command=words)
        assert (ran.code, kept.text("bye")) == (0, "bye\n"), ran
        assert ran.seconds >= 0.3
        assert ran.fair < 5

    def test_its_family_ends_with_it(self, kept: CheckedService) -> None:
        """Children, sessions of their own, orphans, one that ignores TERM, one that is stopped."""
        family = f"""note() {{ echo "$1" >>'{kept.room}/family'; }}
sleep 601 & note $!
setsid sleep 602 & note $!
(setsid sh -c 'echo $$ >>"$0"; exec sleep 603' '{kept.room}/family' &)
sh -c 'trap "" TERM; echo $$ >>"$0"; while :; do sleep 1; done' '{kept.room}/family' &
sh -c 'echo $$ >>"$0"; kill -STOP $$; sleep 604' '{kept.room}/family' &"""
        words = agent(kept, family)
        pid = kept.up(command=words)
        old = wait_for(lambda: len(kept.text("family").split()) == 5 and kept.text("family").split(), 5, "the family")
        kept.ill(pid)
        ran = kept.keep(command=words)
        assert ran.code == 0, ran
        assert not [each for each in (pid, *map(int, old)) if alive(each)]
        assert "left pid" not in ran.out

    def test_92_one_that_ignores_term_is_killed(self, kept: CheckedService) -> None:
        """Past --stop-timeout, and not before."""
        words = agent(kept, "trap '' TERM")
        pid = kept.up(command=words)
        kept.ill(pid)
        ran = kept.keep("--stop-timeout", "700ms", command=words)
        assert (ran.code, alive(pid)) == (0, False), ran
        assert ran.seconds >= 0.7

    def test_a_hang_is_repaired_like_a_death(self, kept: CheckedService) -> None:
        """Alive and not answering, as SIGSTOP makes it: woken, so that it sees TERM, and gone without KILL."""
        words = agent(kept, f"trap 'echo bye >>{kept.room}/bye; exit 0' TERM")
        pid = kept.up(command=words)
        os.kill(pid, signal.SIGSTOP)
        stops(pid)
        kept.ill(pid)
        ran = kept.keep("--stop-timeout", "10s", command=words)
        assert (ran.code, alive(pid), kept.text("bye")) == (0, False, "bye\n"), ran
        assert ran.fair < 5

    def test_a_hang_that_ignores_term(self, kept: CheckedService) -> None:
        """Stopped, and deaf when it is woken."""
        words = agent(kept, "trap '' TERM")
        pid = kept.up(command=words)
        os.kill(pid, signal.SIGSTOP)
        stops(pid)
        kept.ill(pid)
        ran = kept.keep("--stop-timeout", "300ms", command=words)
        assert (ran.code, alive(pid)) == (0, False), ran

    @pytest.mark.slow
    @pytest.mark.root(reason="freezes a control group")
    def test_one_that_nothing_ends_is_named_and_not_started_beside(self, kept: CheckedService) -> None:
        """Stuck in the kernel (D): CRITICAL with its pid, run after run; when it is gone another one is started."""
        with frozen_group() as freeze:
            pid = kept.up()
            freeze(pid)
            kept.ill(pid)
            for _ in range(2):
                ran = kept.keep("--stop-timeout", "200ms", "--on-restart", kept.hook("restart"))
                assert ran.code == 2, ran
                line = oracle(ran, 10)
                assert f"it cannot be stopped: pid {pid} (stuck in the kernel); nothing is started beside it" in line
                assert "alive but failing (no answer)" in line
                assert kept.service.starts() == 1
            assert kept.told() == []
            assert "was stopped" not in ran.out
            assert kept.last("cannot stop")["why"] == f"pid {pid} (stuck in the kernel)"
        wait_for(lambda: not alive(pid), 5, "its end")
        ran = kept.keep()
        assert (ran.code, kept.service.starts()) == (0, 2), ran

    def test_what_left_its_session_without_a_trace_is_no_reason_to_stay_down(self, kept: CheckedService) -> None:
        """A grandchild with neither our mark nor our session, whose parent is gone, is not provably ours."""
        alone = ("--containment", "none")
        stray = f"(setsid env -u WATCHDOG_TOOLS_INSTANCE sleep 605 & echo $! >'{kept.room}/stray')"
        words = agent(kept, stray)
        pid = kept.up(*alone, command=words)
        other = kept.pid_in("stray")
        wait_for(lambda: any(seen.argv == ("sleep", "605") for seen in carriers(str(os.environ["WDT_TEST_TOKEN"]))))
        kept.ill(pid)
        assert kept.keep(*alone, command=words).code == 0
        assert (alive(pid), alive(other)) == (False, True)

    @pytest.mark.parametrize("mode", ["auto", "none"])
    def test_183_what_a_stop_command_left_in_its_session(self, kept: CheckedService, mode: str) -> None:
        """It has ended the instance alone: a worker without our mark is of the session still, and ends as well."""
        options = ("--containment", mode, "--stop", kept.script("end", 'kill -9 "$HOOK_PID"'))
        words = agent(kept, f"env -i sleep 608 & echo $! >'{kept.room}/worker'")
        pid = kept.up(*options, command=words)
        worker = kept.pid_in("worker")
        kept.ill(pid)
        ran = kept.keep(*options, command=words)
        assert (ran.code, alive(pid), alive(worker)) == (0, False, False), ran

    def test_without_a_check_nothing_is_sick(self, kept: CheckedService) -> None:
        """Alive is all that was asked for; one that is stopped is WARNING and stays."""
        assert kept.run().code == 0
        pid = kept.service.one()
        os.kill(pid, signal.SIGSTOP)
        stops(pid)
        assert kept.run("--retries", "0").code == 1
        assert kept.service.one() == pid

    @pytest.mark.parametrize("code", [1, 3])
    def test_only_critical_stops(self, kept: CheckedService, code: int) -> None:
        """P6: degraded is reported, UNKNOWN too; neither is acted on, run after run."""
        pid = kept.up()
        plugin = kept.script("plugin", f"echo so so; exit {code}")
        for _ in range(3):
            ran = kept.run("--check", plugin, "--retries", "0", "--before-restart", kept.hook("dump"))
            assert ran.code == code, ran
        assert (kept.service.one(), kept.told()) == (pid, [])

    def test_an_unknown_among_the_looks_of_patience_is_a_veto(self, kept: CheckedService) -> None:
        """CRITICAL first, then UNKNOWN about processes: nobody is stopped by who cannot see (P6)."""
        pid = kept.up()
        seen = kept.room / "asked"
        plugin = kept.script("plugin", f"echo x >>{seen}; [ $(wc -l <{seen}) -ge 3 ] && exit 3; exit 2")
        ran = kept.run("--check", plugin, "--retries", "1", "--retry-delay", "10ms")
        assert (ran.code, "nothing started" in ran.out) == (3, True), ran
        assert kept.service.one() == pid

    def test_an_unknown_after_the_stop_is_a_veto(self, kept: CheckedService) -> None:
        """Whether another one exists cannot be seen then: none is started; when it can be, one is."""
        pid = kept.up()
        kept.ill(pid)
        lives = f"tr -d '\\0' </proc/{pid}/cmdline 2>&1 | grep -q sleep"
        body = f"{lives} || [ -e '{kept.room}/seen' ] || {{ echo blind; exit 3; }}; exec '{kept.check}'"
        words = ("--check", kept.script("eyes", body))
        ran = kept.keep(*words)
        assert (ran.code, alive(pid), kept.service.starts()) == (2, False, 1), ran
        assert "blind; nothing started" in ran.out
        (kept.room / "seen").touch()
        assert kept.keep(*words).code == 0
        assert kept.service.starts() == 2


class TestCannotStartAgain:
    """What cannot be started again is not stopped either."""

    @pytest.mark.parametrize(
        ("words", "says"),
        [(["/no/such/program"], "No such file or directory"), (["wdt-no-such-program"], "is not in PATH")],
    )
    def test_it_lives_on(self, kept: CheckedService, words: list[str], says: str) -> None:
        """CRITICAL, with the reason; the sick one may still do half of its work."""
        pid = kept.up()
        kept.ill(pid)
        ran = kept.keep("--before-restart", kept.hook("dump"), command=words)
        assert ran.code == 2, ran
        line = oracle(ran, 10)
        assert "alive but failing (no answer); not stopped, since none can be started: " in line
        assert says in line
        assert (kept.service.one(), kept.told()) == (pid, [])
        assert (kept.keep().code, alive(pid)) == (0, False)

    @pytest.mark.root(reason="a rule for root alone")
    def test_107_it_lives_on_where_root_may_not_start_it(self, kept: CheckedService) -> None:
        """Others could replace the program: refused before anything is stopped."""
        pid = kept.up()
        kept.ill(pid)
        program = Path(kept.script("program", "exec sleep 600"))
        program.chmod(0o777)
        ran = kept.keep(command=[str(program)])
        assert (ran.code, "not stopped" in ran.out, "refused" in ran.out) == (2, True, True), ran
        assert kept.service.one() == pid

    def test_it_lives_on_where_the_record_cannot_be_written(self, kept: CheckedService) -> None:
        """No record, no start: so no stop either, or the service would be down for a full disk."""
        pid = kept.up()
        kept.ill(pid)
        bad = kept.script("bad", "echo no answer; exit 2")
        ran = kept.run("--check", bad, "--retries", "0", before=("prlimit", "--fsize=0"))
        assert ran.code == 2, ran
        assert "not stopped, since none can be started: no record of it can be written" in oracle(ran, 10)
        assert kept.service.one() == pid


class TestStopCommand:
    """--stop CMD in the place of TERM."""

    def test_it_stops_it_and_no_term_is_sent(self, kept: CheckedService) -> None:
        """The instance ends at what the command does; it gets no signal of ours."""
        quits = f"trap 'echo TERM >>{kept.room}/got' TERM; trap 'echo USR1 >>{kept.room}/got; exit 0' USR1"
        words = agent(kept, quits)
        pid = kept.up(command=words)
        kept.ill(pid)
        ran = kept.keep("--stop", kept.hook("stop", "kill -USR1 $HOOK_PID"), "--stop-timeout", "10s", command=words)
        assert (ran.code, alive(pid), kept.text("got")) == (0, False, "USR1\n"), ran
        assert ran.fair < 5
        ((word, facts),) = kept.told()
        assert word == "stop"
        assert facts["HOOK_PID"] == str(pid)

    def test_what_it_does_not_stop_is_killed(self, kept: CheckedService) -> None:
        """It exits with 0 and has stopped nothing: --stop-timeout, then we."""
        words = agent(kept, "trap '' TERM")
        pid = kept.up(command=words)
        kept.ill(pid)
        ran = kept.keep("--stop", "true", "--stop-timeout", "600ms", command=words)
        assert (ran.code, alive(pid)) == (0, False), ran
        assert ran.seconds >= 0.6
        assert ran.fair < 5

    def test_it_is_words_and_no_shell(self, kept: CheckedService) -> None:
        """Blanks in quotes; what only a shell would act on is refused."""
        pid = kept.up()
        kept.ill(pid)
        said = kept.script("said", f"printf '%s,' \"$@\" >'{kept.room}/words'")
        assert kept.keep("--stop", quoted(said, "a b", "$HOME", "")).code == 0
        assert kept.text("words") == "a b,$HOME,,"
        ran = kept.keep("--stop", "kill $HOOK_PID")
        assert (ran.code, "no shell reads it" in ran.out) == (3, True), ran


class TestHooks:
    """What is run besides, what it is told, and that it changes words alone."""

    def test_what_they_are_told(self, kept: CheckedService) -> None:
        """Before a restart the living sick one's pid, afterwards the new one's; state, reason and attempt."""
        pid = kept.up()
        kept.ill(pid)
        alive_then = f"[ -e /proc/$HOOK_PID ] && echo $HOOK_PID >'{kept.room}/alive'"
        options = ("--before-restart", kept.hook("dump", alive_then), "--on-restart", kept.hook("restart"),
                   "--on-recover", kept.hook("recover"), "--on-hold", kept.hook("hold"))  # fmt: skip
        ran = kept.keep(*options)
        assert ran.code == 0, ran
        new = str(kept.pid())
        dumped = {"HOOK_ATTEMPT": "1", "HOOK_PID": str(pid), "HOOK_REASON": "failing", "HOOK_STATE": "CRITICAL"}
        done = {"HOOK_ATTEMPT": "2", "HOOK_PID": new, "HOOK_REASON": "restarted", "HOOK_STATE": "OK"}
        name = {"HOOK_NAME": "svc"}
        assert kept.told() == [("dump", dumped | name), ("recover", done | name), ("restart", done | name)]
        assert kept.text("alive") == f"{pid}\n"

    def test_they_do_not_run_when_nothing_happened(self, kept: CheckedService) -> None:
        """A first start, a healthy look, a failing look that is one of several, a pause."""
        options = [word for kind in ("--before-restart", "--on-restart", "--on-recover", "--on-hold", "--stop")
                   for word in (kind, kept.hook(kind.strip("-")))]  # fmt: skip
        kept.up(*options)
        assert kept.keep(*options).code == 0
        kept.ill()
        assert kept.keep(*options, "--fail-after", "9").code == 2
        assert kept.told() == []

    def test_a_restart_that_fails_is_told_too(self, kept: CheckedService) -> None:
        """Started, and still failing: the hook has the verdict as it is."""
        kept.up()
        kept.ill()
        assert kept.keep("--on-restart", kept.hook("restart")).code == 2
        ((_, facts),) = kept.told()
        assert (facts["HOOK_STATE"], facts["HOOK_REASON"]) == ("CRITICAL", "failing")

    def test_a_restart_after_a_death_is_told(self, kept: CheckedService) -> None:
        """Nothing was stopped; it is a restart all the same."""
        kept.up()
        kept.kill()
        assert kept.keep("--on-restart", kept.hook("restart"), "--before-restart", kept.hook("dump")).code == 0
        assert [word for word, _ in kept.told()] == ["restart"]

    def test_the_death_of_one_that_failed_before_is_told(self, kept: CheckedService) -> None:
        """It failed, then it died by itself: died, restarted, and recovered only after --recover-after looks."""
        told = ("--on-restart", kept.hook("restart"), "--on-recover", kept.hook("recover"))
        words = (*told, "--recover-after", "2")
        kept.up()
        kept.ill()
        ran = kept.keep(*words, "--fail-after", "3")
        assert "1 of 3 failing looks" in ran.out, ran
        kept.kill()
        kept.well()
        ran = kept.keep(*words)
        assert (ran.code, "recovering, 1 of 2" in ran.out) == (1, True), ran
        assert kept.keep(*words).code == 0
        assert [word for word, _ in kept.told()] == ["restart", "recover"]
        assert kept.happened() == ["started", "died", "restarted", "recovered"]

    def test_a_dump_has_a_limit_of_its_own(self, kept: CheckedService) -> None:
        """--hook-timeout; then the restart goes on, and the line says so."""
        pid = kept.up()
        kept.ill(pid)
        ran = kept.keep("--before-restart", "sleep 600", "--hook-timeout", "400ms")
        assert (ran.code, alive(pid)) == (0, False), ran
        assert "--before-restart sleep did not end within 0.4 s and was ended" in oracle(ran, 5)

    @pytest.mark.parametrize(
        ("kind", "said"),
        [
            ("missing", "No such file or directory"),
            ("not executable", "Permission denied"),
            ("wrong format", "Exec format error"),
            ("directory", "Permission denied|Is a directory"),
            ("busy", "Text file busy"),
            ("exits with 3", "exited with 3"),
            ("dies by a signal", "was killed by SIGSEGV"),
            ("hangs", "did not end within 0.3 s and was ended"),
            ("prints megabytes", ""),
            ("closes nothing", ""),
            ("forks and leaves", ""),
        ],
    )
    def test_one_that_fails_changes_words_alone(
        self, kept: CheckedService, spawn: Spawner, starts_services: str, kind: str, said: str
    ) -> None:
        """Each of the three around a restart: exit 0, the new one is up and healthy, nothing of the hook is left."""
        pid = kept.up()
        kept.ill(pid)
        words = broken(kept, kind, spawn)
        options = [word for option in ("--before-restart", "--stop", "--on-restart", "--on-recover")
                   for word in (option, words)]  # fmt: skip
        ran = kept.keep(*options, "--hook-timeout", "300ms" if kind == "hangs" else "10s")
        assert (ran.code, alive(pid)) == (0, False), ran
        line = oracle(ran, 7)
        assert line.startswith("SERVICE OK - restarted svc (pid ")
        assert len(re.findall(said, line)) == 4 if said else "--stop" not in line, line
        assert [seen.pid for seen in carriers(starts_services) if seen.argv[0] != "sh"] == [kept.pid()]


def broken(kept: CheckedService, kind: str, spawn: Spawner) -> str:
    """Return the command line of a hook that is wrong in this way."""
    bodies = {
        "exits with 3": "exit 3",
        "dies by a signal": "kill -SEGV $$",
        "hangs": "exec sleep 611",
        "prints megabytes": "head -c 8388608 /dev/zero; head -c 8388608 /dev/zero >&2",
        "closes nothing": "sleep 612 & sleep 613 >/dev/null 2>&1 &",
        "forks and leaves": "(sh -c 'trap \"\" HUP; exec sleep 614' &) & exit 0",
    }
    program = Path(kept.script("broken", bodies.get(kind, "exit 0")))
    if kind == "missing":
        program.unlink()
    elif kind == "not executable":
        program.chmod(0o644)
    elif kind == "wrong format":
        program.write_bytes(b"\x7fELF" + b"\0" * 200)
    elif kind == "directory":
        program.unlink()
        program.mkdir()
    elif kind == "busy":
        spawn(["sh", "-c", 'exec 9>>"$0"; echo ready; while :; do read -r x <"$1"; done', program, kept.fifo()],
              wait_ready=True)  # fmt: skip
    return str(program)


def test_a_killed_guard_in_the_middle_of_a_stop(kept: CheckedService) -> None:
    """The stop is a step, and is finished; a start is another one, and is left to the next run."""
    words = agent(kept, f"trap 'echo x >{kept.room}/stopping' TERM")
    pid = kept.up(command=words)
    kept.ill(pid)
    options = ["--check", kept.check, "--retries", "0", "--stop-timeout", "1s", "--backoff", "0s:0s"]
    guard = _spawned([command("ensure-running"), *kept.words(), *options, "--", *words])
    wait_for(lambda: kept.text("stopping"), 10, "its TERM")
    os.kill(guard, signal.SIGKILL)
    os.waitpid(guard, 0)
    wait_for(lambda: not alive(pid), 10, "its end")
    wait_for(kept.is_free, 5, "the lock")
    assert len(kept.service.said()) == 1
    ran = kept.keep(command=words)
    assert (ran.code, len(kept.service.said())) == (0, 2), ran


def _spawned(words: list[str]) -> int:
    null = os.open(os.devnull, os.O_RDWR)
    try:
        return os.posix_spawn(
            words[0], words, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, n) for n in (0, 1, 2)]
        )
    finally:
        os.close(null)


def _up(line: str) -> str:
    return line.partition(", up ")[2].partition(")")[0]


def test_hang_to_healthy_again_takes_no_four_seconds(kept: CheckedService) -> None:
    """With the settings that promise it, as two runs find it."""
    words = agent(kept, "trap '' TERM")
    options = ("--fail-after", "2", "--retries", "0", "-t", "500ms", "--stop-timeout", "500ms")
    pid = kept.up(*options, command=words)
    os.kill(pid, signal.SIGSTOP)
    kept.ill(pid)
    begun = fair_clock.now()
    assert [kept.keep(*options, command=words).code for _ in range(2)] == [2, 0]
    assert fair_clock.now() - begun < 4


@pytest.mark.root(reason="runs a command as another user")
def test_108_another_user_s_instance_ends_as_a_whole(public_path: Path) -> None:
    """--user: its children in sessions of their own are that user's, and end with it all the same."""
    kept = CheckedService(public_path)
    for path in (kept.room / "family", kept.service.journal):
        path.touch()
        path.chmod(0o666)
    words = agent(kept, f"setsid sleep 606 & echo $! >>'{kept.room}/family'")
    pid = kept.up("--user", "nobody", command=words)
    child = int(wait_for(lambda: kept.text("family").split())[0])
    wait_for(lambda: os.getsid(child) == child, 5, "its session")
    kept.ill(pid)
    ran = kept.keep("--user", "nobody", command=words)
    assert (ran.code, alive(pid), alive(child)) == (0, False, False), ran
    assert "left pid" not in ran.out


def test_86_twelve_runs_at_once_restart_it_once(kept: CheckedService) -> None:
    """A sick one, and runs that collide: one of them stops it and starts another, the others say so or find it well."""
    pid = kept.up()
    kept.ill(pid)
    options = ["--check", kept.check, "--retries", "0", "--backoff", "0s:0s", "--lock-wait", "20s"]
    line = [command("ensure-running"), *kept.words(), *options, "--", *kept.service.command]
    runs = [subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(12)]
    said = [output_of(each, 60) for each in runs]
    assert {each.returncode for each in runs} <= {0, 1}, said
    assert (alive(pid), kept.service.starts()) == (False, 2), said
    assert sum(b"restarted svc" in line for line in said) == 1, said


def test_each_step_has_its_time(kept: CheckedService) -> None:
    """-v: how long a dump took, and the stop, and each wait."""
    pid = kept.up()
    kept.ill(pid)
    options = ("--before-restart", "sleep 0.3", "--retries", "1", "--retry-delay", "200ms", "--requires", "true")
    lines = kept.keep("-v", *options).out.splitlines()
    took = {words: float(seconds) for line in lines if " s " in line for seconds, _, words in [line.partition(" s ")]
            if seconds.replace(".", "").isdigit()}  # fmt: skip
    assert list(took) == [
        "looking again under the lock", "waiting 200 ms before another look at what fails", "asking what it requires",
        "running --before-restart", f"stopping pid {pid}", "starting it", f"verifying pid {kept.pid()}",
    ]  # fmt: skip
    assert 0.3 <= took["running --before-restart"] < 2
    assert 0.2 <= took["waiting 200 ms before another look at what fails"] < 2
