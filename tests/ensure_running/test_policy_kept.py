"""How often a start is made, what else it waits for, and what is said meanwhile: in every style, run after run."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path

import pytest
from helpers.checked_service import CheckedService, quoted, shell
from helpers.commands import Ran, command, oracle, run
from helpers.instances import UNTIL_IT_ENDS
from helpers.processes import alive, exit_code_of, output_of, wait_for

pytestmark = pytest.mark.usefixtures("starts_services")

NOW = ("--backoff", "0s:0s")


@pytest.fixture
def kept(tmp_path: Path) -> CheckedService:
    """Return a service to keep, with a check of its own."""
    return CheckedService(tmp_path)


def crash(kept: CheckedService) -> list[str]:
    """Return the words of a service that dies at once, and leaves a line for each start."""
    return shell('read -r up _ </proc/uptime; echo "start $$ $up" >>"$1"; exit 3', kept.service.journal)


def crashed(kept: CheckedService, *words: object) -> Ran:
    """Run it with that service; what a run says of a start is what it says of a death at once."""
    return kept.keep(*UNTIL_IT_ENDS, *words, command=crash(kept))


def begun(kept: CheckedService) -> list[float]:
    """Return when each instance began, in seconds on the boot clock."""
    return [float(words[2]) for words in kept.service.said()]


def codes(kept: CheckedService, *words: str, command: list[str] | None = None) -> tuple[int, ...]:
    """Return the exit codes of nagios, bool and zabbix for what a run says, which must do nothing."""
    started = len(kept.service.said())
    found = tuple(
        kept.keep(*words, "--exit-style", style, command=command).code for style in ("nagios", "bool", "zabbix")
    )
    assert len(kept.service.said()) == started
    return found


def boottime() -> float:
    """Return milliseconds on the boot clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) * 1000


def summary(ran: Ran) -> str:
    """Return the sentence of a JSON line."""
    return str(json.loads(ran.out)["summary"])


class TestLimit:
    """--limit, --hold: never more than so many starts within the window; then held."""

    def test_then_it_is_held(self, kept: CheckedService) -> None:
        """CRITICAL on every run, until when; one event and one hook for the hold; nothing is started."""
        words = ("--limit", "2/10m", "--hold", "20m", "--on-hold", kept.hook("hold"))
        for _ in range(2):
            assert "exited with 3 within 30 s of its start" in crashed(kept, *words).out
        for _ in range(3):
            ran = crashed(kept, *words)
            assert ran.code == 2, ran
            words_of_it = r"svc is down \(none is there\); held for (20|19\.\d) min, after 2 starts within 10 min"
            assert re.search(words_of_it, oracle(ran, 10))
        assert len(kept.service.said()) == 2
        assert codes(kept, *words) == (2, 1, 0)
        ((_, facts),) = kept.told()
        assert facts == {"HOOK_NAME": "svc", "HOOK_STATE": "CRITICAL", "HOOK_REASON": "held", "HOOK_ATTEMPT": "2",
                         "HOOK_PID": ""}  # fmt: skip
        assert kept.happened().count("held") == 1
        assert kept.last("held")["seconds"] == 1200
        said = json.loads(kept.keep(*words, "-o", "json").out)
        assert (said["state"], said["reason"]) == ("CRITICAL", "held")
        assert kept.keep(*words, "--for", "zabbix").out == "2\n"

    def test_what_is_said_of_a_hold_is_kept(self, kept: CheckedService) -> None:
        """It begins with the start that fills the window: record, event, hook once, status; room alone ends it not."""
        words = ("--limit", "1/1s", "--hold", "60s", "--on-hold", kept.hook("hold"))
        said = oracle(crashed(kept, *words), 10)
        assert re.search(r"exited with 3 within 30 s of its start; held for (60|5\d) s", said)
        held, last = int(kept.record()["held"]), int(kept.record()["starts"].split(",")[-1])
        assert last + 60_000 <= held <= boottime() + 60_000
        told = json.loads(run("watchdog-tools", "status", "-o", "json", "-s", kept.state).out)
        assert (told["reason"], 0 < told["details"]["wait"] <= 60) == ("held", True), told
        wait_for(lambda: boottime() > last + 1100, 5, "room in the window")
        ran = crashed(kept, *words)
        assert (ran.code, "; held for " in ran.out, len(kept.service.said())) == (2, True, 1), ran
        ((_, facts),) = kept.told()
        assert (facts["HOOK_REASON"], facts["HOOK_ATTEMPT"]) == ("held", "1")
        assert kept.happened().count("held") == 1

    @pytest.mark.parametrize("how", ["not executable", "dies before it is healthy", "oneshot"])
    def test_each_failure_that_fills_the_window_begins_it(self, kept: CheckedService, how: str) -> None:
        """Whatever the start failed of, the line that says held leaves a hold behind."""
        kept.ill()
        options, failing = {
            "not executable": ((), ["/no/such/program"]),
            "dies before it is healthy": (("--startup-timeout", "20s"), kept.dies_when_checked()),
            "oneshot": (("--oneshot",), ["/bin/false"]),
        }[how]  # fmt: skip
        ran = kept.keep("--limit", "1/10m", "--on-hold", kept.hook("hold"), *options, command=failing)
        assert "; held for 15 min" in oracle(ran, 10)
        assert int(kept.record()["held"]) > boottime(), "no run would keep that"
        assert "; held for 15 min, after 1 start within 10 min (watchdog-tools start svc ends that)" in ran.out
        assert (kept.happened()[-1], [word for word, _ in kept.told()]) == ("held", ["hold"])
        kept.keep("--limit", "1/10m", "--on-hold", kept.hook("hold"), *options, command=failing)
        assert (kept.happened().count("held"), [word for word, _ in kept.told()]) == (1, ["hold"])

    def test_none_begins_while_others_serve(self, kept: CheckedService) -> None:
        """Ours died at once, but the service works: nothing is held, and nobody is told."""
        words = ("--limit", "1/10m", "--on-hold", kept.hook("hold"))
        serves = shell('echo "start 1 0" >>"$1"; exit 3', kept.service.journal)
        ran = kept.keep(*UNTIL_IT_ENDS, *words, command=serves)
        assert (ran.code, "svc is healthy: fine; but pid" in ran.out) == (0, True), ran
        assert (kept.told(), kept.record()["held"]) == ([], "0")

    def test_a_restart_is_promised_only_if_it_will_be(self, kept: CheckedService) -> None:
        """Alive but failing after its start: the line says of a restart what --limit and --fail-after let be."""
        kept.ill()
        ran = kept.keep("--limit", "1/10m")
        assert "; not restarted yet, after 1 start within 10 min" in oracle(ran, 10)
        kept.kill()
        assert "; restarted after 3 runs that find it so" in kept.keep("--fail-after", "3").out
        kept.kill()
        assert "; a run that finds it so again restarts it" in kept.keep().out

    def test_a_hold_ends_by_itself(self, kept: CheckedService) -> None:
        """When --hold is over and the window has room: the next run starts it, without any order."""
        words = ("--limit", "1/10m", "--hold", "5s")
        assert crashed(kept, *words).code == 2
        assert "held for" in kept.keep(*words).out
        held = int(kept.record()["held"])
        wait_for(lambda: boottime() > held, 10, "the end of the hold")
        ran = kept.keep("--limit", "1/1s", "--hold", "5s")
        assert (ran.code, "started svc" in ran.out) == (0, True), ran
        assert begun(kept)[1] - begun(kept)[0] >= 5

    @pytest.mark.slow
    def test_95_thirty_runs_at_once_and_in_a_row(self, kept: CheckedService) -> None:
        """Never more than three starts within any two seconds, whatever else is asked for; and always again."""
        words = ["--check", kept.check, *NOW, "--limit", "3/2s", "--hold", "0s", "--startup-timeout", "100ms"]
        line = [command("ensure-running"), *kept.words(), *words, *UNTIL_IT_ENDS, "--", *crash(kept)]
        first, rounds = time.monotonic(), 0
        while rounds < 10 or time.monotonic() < first + 4.5:
            several = [subprocess.Popen(line, stdout=subprocess.DEVNULL) for _ in range(3)]
            assert {exit_code_of(each, 60) for each in several} <= {1, 2}
            rounds += 1
        at = begun(kept)
        assert len(at) > 3, "it is never left alone for good"
        assert all(later - earlier >= 1.98 for earlier, later in zip(at, at[3:], strict=False)), at

    def test_95_whatever_is_lost(self, kept: CheckedService) -> None:
        """State deleted in the middle of a loop: never two at once, and the record begins anew."""
        words = ("--limit", "2/10m", *NOW)
        for _ in range(2):
            pid = kept.up(*words)
            kept.ill(pid)
            kept.forget()
            ran = kept.keep(*words)
            assert ran.code == 2, "adopted, and called failing once more"
            assert (kept.pid(), kept.service.starts()) == (pid, len(kept.service.said())), ran
            ran = kept.keep(*words)
            assert (ran.code, alive(pid)) == (0, False), ran
            kept.kill()
        assert kept.service.starts() == 4

    def test_a_sick_one_is_not_stopped_in_a_hold(self, kept: CheckedService) -> None:
        """What may not be started again is left alive, half working as it is."""
        words = ("--limit", "1/10m", "--on-hold", kept.hook("hold"), "--before-restart", kept.hook("dump"))
        pid = kept.up(*words)
        kept.ill(pid)
        for _ in range(2):
            ran = kept.keep(*words)
            assert ran.code == 2, ran
            held = r"svc is alive but failing \(no answer\); held for 1[45](\.\d)? min, after 1 start within 10 min"
            assert re.search(held, oracle(ran, 10))
        assert (alive(pid), [word for word, _ in kept.told()]) == (True, ["hold"])
        assert codes(kept, *words) == (2, 1, 0)

    def test_patience_comes_before_a_hold(self, kept: CheckedService) -> None:
        """One failing look while the window is full begins no hold."""
        words = ("--limit", "1/10m", "--on-hold", kept.hook("hold"), "--retries", "2", "--retry-delay", "50ms")
        kept.up(*words)
        kept.clear()
        kept.ill()
        cured = kept.script("cured", f"'{kept.check}' && exit 0; [ $(wc -l <'{kept.room}/log') -ge 3 ] || exit 2")
        ran = kept.run(*words, "--check", cured)
        assert (ran.code, kept.told(), kept.record()["held"]) == (0, [], "0"), ran

    def test_health_for_stable_ends_a_hold(self, kept: CheckedService) -> None:
        """Repaired by hand meanwhile, and well for long enough: its next death, with room, is repaired at once."""
        words = ("--hold", "10m", "--stable", "1s")
        pid = kept.up("--limit", "1/10m", *words)
        kept.ill(pid)
        assert "held for" in kept.keep("--limit", "1/10m", *words).out
        kept.well()
        assert kept.keep("--limit", "1/10m", *words).code == 0
        good = int(kept.record()["good"])
        wait_for(lambda: boottime() > good + 1000, 5, "its stability")
        kept.kill(pid)
        ran = kept.keep("--limit", "1/1s", *words)
        assert (ran.code, "restarted svc" in ran.out) == (0, True), ran

    def test_none_is_no_limit(self, kept: CheckedService) -> None:
        """--limit none: never held."""
        for number in range(1, 9):
            crashed(kept, "--limit", "none", *NOW)
            assert len(kept.service.said()) == number


class TestBackoff:
    """--backoff: doubled with each start in a row of which none was stable, and persisted."""

    def test_it_doubles_and_outlives_the_run(self, kept: CheckedService) -> None:
        """1, 2, 4 minutes, with a quarter of jitter; each is said, and no start is made before."""
        for number in (1, 2, 3):
            assert crashed(kept, "--backoff", "0s:0s").code == 2
            ran = crashed(kept, "--backoff", "1m:10m", "-o", "json")
            wait = re.search(
                rf"backing off after {number} starts? that did not last, next try in ([\d.]+) (s|min)$", summary(ran)
            )
            assert wait, ran
            seconds = float(wait[1]) * (60 if wait[2] == "min" else 1)
            plain = 60 * 2 ** (number - 1)
            assert plain * 0.98 - 3 <= seconds <= plain * 1.27
            assert len(kept.service.said()) == number
        assert codes(kept, "--backoff", "1h:1h", command=crash(kept)) == (2, 1, 0)
        kept.grow_older(45)
        assert crashed(kept, "--backoff", "10s:40s").code == 2
        assert len(kept.service.said()) == 4

    def test_a_short_one_is_waited_out_by_the_run(self, kept: CheckedService) -> None:
        """Up to five seconds: one run, one restart, no minute lost."""
        words = ("--backoff", "700ms:700ms")
        pid = kept.up(*words)
        kept.ill(pid)
        ran = kept.keep(*words)
        assert (ran.code, alive(pid)) == (0, False), ran
        assert ran.seconds >= 0.7
        assert ran.fair < 5

    def test_one_that_gets_well_in_it_is_left_alone(self, kept: CheckedService) -> None:
        """It is looked at again when the wait is over."""
        words = ["--check", kept.check, "--retries", "0", "--backoff", "2s:2s"]
        pid = kept.up(*words)
        kept.clear()
        kept.ill()
        line = [command("ensure-running"), *kept.words(), *words, "--", *kept.service.command]
        with subprocess.Popen(line, stdout=subprocess.PIPE) as waiting:
            wait_for(lambda: len(kept.looks()) == 2, 10, "its wait")
            kept.well()
            said = output_of(waiting, 10)
        assert (waiting.returncode, b"svc is healthy" in said) == (0, True), said
        assert (kept.service.one(), kept.happened()) == (pid, ["started"])

    def test_a_sick_one_is_not_stopped_in_a_longer_one(self, kept: CheckedService) -> None:
        """It lives until another one may be started."""
        words = ("--backoff", "10m:10m")
        pid = kept.up(*words)
        kept.ill(pid)
        ran = kept.keep(*words)
        assert ran.code == 2, ran
        line = oracle(ran, 10)
        assert (
            "svc is alive but failing (no answer); backing off after 1 start that did not last, next try in 10 min"
            in line
        )
        assert (kept.service.one(), kept.happened()) == (pid, ["started"])

    def test_96_health_for_stable_forgives(self, kept: CheckedService) -> None:
        """The first death after it is repaired without delay."""
        words = ("--backoff", "10m:10m", "--stable", "500ms")
        pid = kept.up(*words)
        good = int(kept.record()["good"])
        wait_for(lambda: boottime() > good + 500, 5, "its stability")
        kept.kill(pid)
        ran = kept.keep(*words)
        assert (ran.code, "restarted svc" in ran.out) == (0, True), ran
        kept.kill()
        ran = kept.keep(*words, "--stable", "10m")
        assert (ran.code, "backing off after 1 start that did not last" in ran.out) == (2, True), ran

    def test_without_a_record_that_can_be_written_nothing_loops(self, kept: CheckedService) -> None:
        """What cannot be remembered is not started, so a full disk makes no storm."""
        bad = kept.script("bad", "echo down; exit 2")
        for _ in range(3):
            ran = kept.run("--check", bad, *NOW, before=("prlimit", "--fsize=0"))
            assert (ran.code, "nothing started" in oracle(ran, 10)) == (2, True), ran
        assert not kept.service.said()


class TestRequires:
    """--requires: a dependency that is down holds a start, and a stop."""

    @pytest.fixture
    def database(self, kept: CheckedService) -> str:
        """Return the command line of a look at a dependency, whose exit code stands in a file."""
        code = kept.room / "database"
        return quoted(
            kept.script("db", f"code=$(cat '{code}' 2>/dev/null || echo 2); echo the database says $code; exit $code")
        )

    def database_says(self, kept: CheckedService, code: int) -> None:
        """Have it give that verdict from now on."""
        (kept.room / "database").write_text(str(code))

    def test_down_and_waiting(self, kept: CheckedService, database: str) -> None:
        """CRITICAL with its name and its own words; nothing is started; when it is there the next run starts."""
        words = ("--requires", database, "--on-restart", kept.hook("restart"))
        for _ in range(2):
            ran = kept.keep(*words)
            assert ran.code == 2, ran
            assert f"svc is down (none is there); waiting for {database} (the database says 2)" in oracle(ran, 10)
        assert codes(kept, *words) == (2, 1, 0)
        assert (json.loads(kept.keep(*words, "-o", "json").out)["reason"], kept.happened()) == ("waiting", [])
        self.database_says(kept, 0)
        ran = kept.keep(*words)
        assert (ran.code, "started svc" in ran.out) == (0, True), ran

    @pytest.mark.parametrize("code", [0, 1])
    def test_it_works_or_is_degraded(self, kept: CheckedService, database: str, code: int) -> None:
        """Only CRITICAL holds anything."""
        self.database_says(kept, code)
        assert kept.keep("--requires", database).code == 0

    def test_unknown_is_said_and_holds_nothing(self, kept: CheckedService, database: str) -> None:
        """A look that fails is no reason to stay down."""
        self.database_says(kept, 3)
        ran = kept.keep("--requires", database)
        assert ran.code == 0, ran
        assert f"started svc (pid {kept.pid()})" in oracle(ran, 10)
        assert f"{database}, which it requires, cannot be judged: the database says 3" in ran.out

    def test_one_of_ours(self, kept: CheckedService) -> None:
        """Written as on the shell; the line names it as it was written."""
        ran = kept.keep("--requires", "check-process wdt-no-such-process", "--requires", "true")
        assert (ran.code, "waiting for check-process wdt-no-such-process (" in ran.out) == (2, True), ran

    @pytest.mark.parametrize(
        "words",
        [
            "http://bob:HUSH@127.0.0.1:1/x?token=HUSH",
            "http://127.0.0.1:1/ -a bob:HUSH",
            "http://127.0.0.1:1/ -k 'Authorization: HUSH'",
            "http://bob:HUSH@127.0.0.1:1/ -u 'open",
        ],
    )
    def test_its_secrets_are_not_said(self, kept: CheckedService, words: str) -> None:
        """Neither in the line, which goes into a mail, nor in records and events, which everybody may read."""
        for more in ((), ("--dry-run",), ("-o", "json")):
            ran = kept.keep("--requires", f"check-http {words}", *more)
            assert ran.code == (3 if "open" in words else 2), ran
            assert "HUSH" not in ran.out
        assert not [path for path in kept.state.rglob("*") if path.is_file() and b"HUSH" in path.read_bytes()]

    def test_a_sick_instance_is_not_stopped_for_it(self, kept: CheckedService, database: str) -> None:
        """It fails since its database is down: a restart helps nobody, and no start is counted."""
        self.database_says(kept, 0)
        words = ("--requires", database, "--before-restart", kept.hook("dump"))
        pid = kept.up(*words)
        kept.ill(pid)
        self.database_says(kept, 2)
        ran = kept.keep(*words)
        assert ran.code == 2, ran
        assert "svc is alive but failing (no answer); waiting for " in oracle(ran, 10)
        assert (kept.service.one(), kept.told(), kept.record()["attempts"]) == (pid, [], "1")
        self.database_says(kept, 0)
        assert (kept.keep(*words).code, alive(pid)) == (0, False)

    def test_what_works_needs_nobody(self, kept: CheckedService, database: str) -> None:
        """A healthy service stays OK, whatever it requires."""
        self.database_says(kept, 0)
        kept.up("--requires", database)
        self.database_says(kept, 2)
        ran = kept.keep("--requires", database)
        assert (ran.code, "waiting" in ran.out) == (0, False), ran

    def test_one_that_hangs_is_cut(self, kept: CheckedService) -> None:
        """-t bounds that look, too; a time-out is CRITICAL, so it waits."""
        ran = kept.keep("--requires", "sleep 600", "-t", "500ms")
        assert (ran.code, "waiting for sleep 600" in oracle(ran, 5)) == (2, True), ran


class TestPaused:
    """An operator's order in the way (97): the eyes see, the hands rest."""

    def order(self, kept: CheckedService, *words: object) -> Ran:
        """Give an order about the service."""
        return run("watchdog-tools", words[0], "svc", *words[1:], "-s", kept.state)

    def test_97_paused_and_up(self, kept: CheckedService) -> None:
        """OK, and it is said, in each style."""
        kept.up()
        assert self.order(kept, "pause").code == 0
        ran = kept.keep()
        assert (ran.code, "svc is up, paused until" in oracle(ran, 10)) == (0, True), ran
        assert codes(kept) == (0, 0, 0)
        assert json.loads(kept.keep("-o", "json").out)["reason"] == "paused"

    def test_97_paused_and_down_or_sick(self, kept: CheckedService) -> None:
        """CRITICAL by what is seen; nothing is stopped, started, or told to a hook."""
        hooks = [word for kind in ("--before-restart", "--on-restart", "--on-hold") for word in (kind, kept.hook("x"))]
        pid = kept.up()
        assert self.order(kept, "pause").code == 0
        kept.ill(pid)
        ran = kept.keep(*hooks)
        assert (ran.code, "paused" in oracle(ran, 10), alive(pid)) == (2, True, True), ran
        kept.kill(pid)
        ran = kept.keep(*hooks)
        assert (ran.code, "svc is down (none is there); paused until" in oracle(ran, 10)) == (2, True), ran
        assert codes(kept, *hooks) == (2, 1, 0)
        assert (kept.service.starts(), kept.told()) == (1, [])
        assert self.order(kept, "resume").code == 0
        assert kept.keep().code == 0

    def test_97_stopped_and_started(self, kept: CheckedService) -> None:
        """`stop` ends it and it stays ended, run after run, until `start`."""
        pid = kept.up()
        assert self.order(kept, "stop").code == 0
        assert not alive(pid)
        for _ in range(2):
            assert kept.keep().code == 2
        assert kept.service.starts() == 1
        assert self.order(kept, "start").code == 0
        assert kept.keep().code == 0
        assert kept.service.starts() == 2

    def test_97_an_order_ends_a_hold(self, kept: CheckedService) -> None:
        """`start` is for now, whatever the policy says."""
        words = ("--limit", "1/10m")
        kept.up(*words)
        kept.kill()
        assert "held for" in kept.keep(*words).out
        ran = self.order(kept, "start")
        assert (ran.code, kept.record()["held"]) == (0, "0"), ran


class TestDryRun:
    """--dry-run: what a run would do, and how long it may take; nothing is touched."""

    def said(self, kept: CheckedService, *words: object, command: list[str] | None = None) -> str:
        """Return its line, and see that it changed nothing."""
        before = {path: path.read_bytes() for path in kept.state.rglob("*") if path.is_file()}
        started = len(kept.service.said())
        ran = kept.keep(*words, "--dry-run", command=command)
        assert {path: path.read_bytes() for path in kept.state.rglob("*") if path.is_file()} == before
        assert (len(kept.service.said()), kept.told()) == (started, [])
        assert ran.code == 2, ran
        line = oracle(ran, 10)
        assert "; a run may take " in line
        return line

    def test_of_a_sick_one(self, kept: CheckedService) -> None:
        """Alive but failing; stopped after its patience, and started."""
        pid = kept.up()
        kept.ill(pid)
        line = self.said(kept, "--retries", "2", "--before-restart", kept.hook("dump"))
        assert "svc is alive but failing (no answer); would look up to 2 times more, then " in line
        assert "stop the sick instance and start another" in line

    def test_of_one_that_has_time(self, kept: CheckedService) -> None:
        """--fail-after: what this run would say is not what it would do."""
        pid = kept.up()
        kept.ill(pid)
        assert "would count 1 of 3 failing looks" in self.said(kept, "--fail-after", "3")

    def test_of_a_hold_and_of_a_backoff(self, kept: CheckedService) -> None:
        """Until when."""
        assert crashed(kept, "--limit", "1/10m").code == 2
        assert "would hold for 15 min" in self.said(kept, "--limit", "1/10m")
        assert "would back off for " in self.said(kept, "--backoff", "10m:10m")

    def test_of_what_it_requires(self, kept: CheckedService) -> None:
        """Down: it would wait for that, named."""
        bad = kept.script("bad", "echo gone; exit 2")
        assert f"would wait for {bad} (gone)" in self.said(kept, "--requires", bad)
        pid = kept.up()
        kept.ill(pid)
        assert f"would wait for {bad} (gone)" in self.said(kept, "--requires", bad)

    def test_of_what_cannot_be_started(self, kept: CheckedService) -> None:
        """A sick one would be left alone."""
        pid = kept.up()
        kept.ill(pid)
        ran = kept.keep("--dry-run", command=["/no/such/program"])
        assert (ran.code, "alive but failing (no answer); would start nothing: " in oracle(ran, 10)) == (2, True), ran
