"""How long an instance that lives may fail before it is touched, and what is said meanwhile."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from helpers.checked_service import QUICK, CheckedService, shell
from helpers.commands import Ran, command, oracle, run
from helpers.components import need, need_works
from helpers.instances import UNTIL_IT_ENDS
from helpers.processes import Spawner, alive, exit_code_of, output_of, wait_for

pytestmark = pytest.mark.usefixtures("starts_services")


@pytest.fixture
def kept(tmp_path: Path) -> CheckedService:
    """Return a service to keep, with a check of its own."""
    return CheckedService(tmp_path)


class TestRetries:
    """--retries and --retry-delay: looks with growing gaps, before anything is stopped."""

    def test_each_gap_is_twice_the_one_before(self, kept: CheckedService) -> None:
        """The look, the look under the lock, and three more after 100, 200, 400 ms; only then is it stopped."""
        pid = kept.up()
        kept.clear()
        kept.ill(pid)
        words = ("--retries", "3", "--retry-delay", "100ms", "--before-restart", kept.hook("dump"))
        ran = kept.keep(*words)
        assert (ran.code, alive(pid)) == (0, False), ran
        looks = kept.looks()
        assert len(looks) == 5, kept.log()
        gaps = [later - earlier for earlier, later in itertools.pairwise(looks)][1:]
        assert all(gap >= least - 0.02 for gap, least in zip(gaps, (0.1, 0.2, 0.4), strict=True)), gaps
        assert kept.service.starts() == 2

    def test_by_default_it_takes_three_tries_and_seven_seconds(self, kept: CheckedService) -> None:
        """`--retries 3 --retry-delay 1s`: shown by the limit that a run gives itself."""
        pid = kept.up()
        kept.ill(pid)
        longer, shorter = (
            json.loads(kept.keep(*words, "--dry-run", "-o", "json", "-t", "1s").out)["summary"]
            for words in (("--retries", "3"), ("--retries", "0"))
        )
        # 1 + 2 + 4 seconds between the looks, and three looks of 1 s
        assert _seconds(longer) - _seconds(shorter) == pytest.approx(10, abs=0.2), (longer, shorter)

    @pytest.mark.parametrize("at", [3, 4])
    def test_a_look_that_finds_it_well_stops_nothing(self, kept: CheckedService, at: int) -> None:
        """It recovered meanwhile: no hook, no event, no word of it, exit 0."""
        pid = kept.up()
        kept.clear()
        kept.ill()
        cured = kept.script("cured", f"'{kept.check}' && exit 0; [ $(wc -l <'{kept.room}/log') -ge {at} ] || exit 2")
        words = ("--retries", "2", "--retry-delay", "50ms", "--before-restart", kept.hook("dump"))
        ran = kept.run("--startup-timeout", "300ms", "--check", cured, *words)
        assert ran.code == 0, ran
        assert "svc is healthy" in oracle(ran, 10)
        assert (alive(pid), kept.happened(), kept.told()) == (True, ["started"], [])
        assert kept.record()["failures"] == "0"

    def test_one_that_dies_meanwhile_is_started_at_once(self, kept: CheckedService) -> None:
        """Patience is for what lives: the rest of it is not waited out."""
        pid = kept.up()
        kept.clear()
        kept.ill(pid)
        words = ["--check", kept.check, "--retries", "3", "--retry-delay", "10s", "--backoff", "0s:0s"]
        with subprocess.Popen(
            [command("ensure-running"), *kept.words(), *words, "--", *kept.service.command], stdout=subprocess.PIPE
        ) as waiting:
            wait_for(lambda: len(kept.looks()) == 2, 10, "its patience")
            os.kill(pid, signal.SIGKILL)
            said = output_of(waiting, 8)
        assert (waiting.returncode, b"restarted svc" in said) == (0, True), said
        assert kept.happened() == ["started", "died", "restarted", "recovered"]

    def test_what_is_gone_gets_no_patience(self, kept: CheckedService) -> None:
        """Dead by identity: started at once, whatever --retries and --fail-after say."""
        pid = kept.up()
        kept.kill(pid)
        kept.ill(pid)
        ran = kept.keep("--retries", "5", "--retry-delay", "10s", "--fail-after", "9")
        assert (ran.code, "started svc" in ran.out) == (0, True), ran
        assert ran.fair < 5

    def test_a_run_that_is_ended_in_its_patience_stops_nothing(self, kept: CheckedService) -> None:
        """SIGTERM while it waits: one line, exit 3; the instance and its record are as they were."""
        pid = kept.up()
        kept.clear()
        kept.ill()
        before = kept.record()
        words = ["--check", kept.check, "--retries", "3", "--retry-delay", "10s"]
        with subprocess.Popen(
            [command("ensure-running"), *kept.words(), *words, "--", *kept.service.command], stdout=subprocess.PIPE
        ) as waiting:
            wait_for(lambda: len(kept.looks()) == 2, 10, "its patience")
            waiting.terminate()
            said = output_of(waiting, 5)
        assert (waiting.returncode, said) == (3, b"SERVICE UNKNOWN - ended by SIGTERM\n")
        wait_for(kept.is_free, 5, "the lock")
        assert (alive(pid), kept.record()) == (True, before)

    def test_97_a_pause_in_its_patience_stops_the_hands(self, kept: CheckedService) -> None:
        """An operator who was told that it is paused finds it untouched: no stop, no start."""
        pid = kept.up()
        kept.clear()
        kept.ill()
        words = ["--check", kept.check, "--retries", "2", "--retry-delay", "500ms", "--backoff", "0s:0s"]
        with subprocess.Popen(
            [command("ensure-running"), *kept.words(), *words, "--", *kept.service.command], stdout=subprocess.PIPE
        ) as waiting:
            wait_for(lambda: len(kept.looks()) == 2, 10, "its patience")
            assert run("watchdog-tools", "pause", kept.name, "-s", kept.state).code == 0
            said = output_of(waiting, 10)
        assert (waiting.returncode, b"; paused until " in said) == (2, True), said
        assert kept.service.one() == pid

    def test_97_a_pause_while_its_needs_are_asked_starts_nothing(self, kept: CheckedService) -> None:
        """The start that a run was about to make is not made."""
        kept.up()
        kept.kill()
        verb = f"'{command('watchdog-tools')}' pause {kept.name} -s '{kept.state}'"
        ran = kept.keep("--requires", kept.script("needs", f"{verb} >/dev/null && echo there"))
        assert (ran.code, "; paused until " in ran.out) == (2, True), ran
        assert kept.service.starts() == 1


class TestFailAfter:
    """--fail-after: failing runs in a row, counted in the record."""

    def test_it_is_restarted_by_the_nth_run(self, kept: CheckedService) -> None:
        """Until then each run is CRITICAL and says how many; nothing is stopped, no hook runs."""
        pid = kept.up()
        kept.ill(pid)
        words = ("--fail-after", "3", "--before-restart", kept.hook("dump"), "--on-restart", kept.hook("restart"))
        for number in (1, 2):
            ran = kept.keep(*words)
            assert ran.code == 2, ran
            assert f"alive but failing (no answer); {number} of 3 failing looks before it is restarted" in oracle(
                ran, 10
            )
            assert (alive(pid), kept.record()["failures"]) == (True, str(number))
            assert (kept.told(), kept.happened()) == ([], ["started"])
        ran = kept.keep(*words)
        assert (ran.code, "restarted svc" in ran.out) == (0, True), ran
        assert (alive(pid), kept.record()["failures"]) == (False, "0")
        assert [word for word, _ in kept.told()] == ["dump", "restart"]

    def test_a_healthy_run_forgets_them(self, kept: CheckedService) -> None:
        """In a row: the count begins anew."""
        pid = kept.up()
        for _ in range(2):
            kept.ill()
            assert "1 of 2 failing looks" in kept.keep("--fail-after", "2").out
            kept.well()
            ran = kept.keep("--fail-after", "2")
            assert (ran.code, kept.record()["failures"]) == (0, "0"), ran
        assert (alive(pid), kept.happened()) == (True, ["started"])

    def test_it_counts_for_one_that_somebody_else_started(self, kept: CheckedService) -> None:
        """Without an instance of ours the count is kept, too."""
        fake = f"wdt{os.getpid()}f"
        (kept.room / fake).symlink_to("/bin/sleep")
        other = subprocess.Popen([kept.room / fake, "600"])
        kept.ill(other.pid)
        words = ("--check", f"check-process -a {kept.room}/{fake}", "--fail-after", "2")
        try:
            ran = kept.keep(*words)
            assert (ran.code, "1 of 2 failing looks" in ran.out) == (2, True), ran
            assert other.poll() is None
            ran = kept.keep(*words)
            assert exit_code_of(other, 5) == -signal.SIGTERM
            assert "restarted svc" in ran.out, ran
            assert kept.service.one()
        finally:
            other.kill()
            other.wait()


class TestRecoverAfter:
    """--recover-after: healthy looks in a row until it is called recovered."""

    def test_it_is_a_warning_until_then(self, kept: CheckedService) -> None:
        """1 in nagios, 1 in bool ("not up yet"), and the hook once, when it has recovered."""
        kept.up()
        kept.kill()
        words = ("--recover-after", "3", "--on-recover", kept.hook("recover"))
        first = kept.keep(*words)
        assert first.code == 1, first
        assert "restarted svc" in oracle(first, 10)
        assert "recovering, 1 of 3 healthy looks" in first.out
        second = kept.keep(*words, "--exit-style", "bool")
        assert (second.code, "recovering, 2 of 3 healthy looks" in second.out) == (1, True), second
        assert (kept.told(), "recovered" in kept.happened()) == ([], False)
        third = kept.keep(*words)
        assert (third.code, "recovering" in third.out) == (0, False), third
        (told,) = kept.told()
        assert (told[0], told[1]["HOOK_STATE"], told[1]["HOOK_PID"]) == ("recover", "OK", str(kept.pid()))
        assert kept.happened()[-1] == "recovered"
        kept.keep(*words)
        assert len(kept.told()) == 1

    def test_a_failing_look_begins_it_anew(self, kept: CheckedService) -> None:
        """In a row."""
        kept.up()
        kept.kill()
        words = ("--recover-after", "2", "--fail-after", "9")
        assert "1 of 2 healthy looks" in kept.keep(*words).out
        kept.ill()
        assert kept.keep(*words).code == 2
        kept.well()
        assert "1 of 2 healthy looks" in kept.keep(*words).out
        assert kept.keep(*words).code == 0

    def test_a_first_start_is_no_trouble(self, kept: CheckedService) -> None:
        """There was nothing to recover from."""
        ran = kept.keep("--recover-after", "5", "--on-recover", kept.hook("recover"))
        assert (ran.code, "recover" in ran.out, kept.told()) == (0, False, []), ran


class TestStartPeriod:
    """--start-period: failing is `pending` for so long from its start, and from the boot."""

    def test_one_that_was_never_healthy_is_pending(self, kept: CheckedService) -> None:
        """0 in nagios, 1 in bool, 0 there with --pending-ok, 0 in zabbix; nothing is stopped."""
        kept.ill()
        words = ("--start-period", "60s")
        ran = kept.keep(*words)
        assert ran.code == 0, ran
        assert re.search(r"started svc \(pid \d+\), but failing: no answer", oracle(ran, 10))
        assert "within its start period of 60 s" in ran.out
        pid = kept.service.one()
        for style, code in ((("nagios",), 0), (("bool",), 1), (("bool", "--pending-ok"), 0), (("zabbix",), 0)):
            ran = kept.keep(*words, "--exit-style", *style)
            assert (ran.code, "start period" in ran.out, ran.fair < 3) == (code, True, True), ran
        assert json.loads(kept.keep(*words, "-o", "json").out)["reason"] == "pending"
        assert kept.service.one() == pid
        assert kept.happened() == ["started"]

    def test_once_healthy_it_counts(self, kept: CheckedService) -> None:
        """What worked and works no more is failing, however young: the very next run acts."""
        words = ("--start-period", "60s")
        pid = kept.up(*words)
        kept.ill(pid)
        ran = kept.keep(*words)
        assert (ran.code, "restarted svc" in ran.out, alive(pid)) == (0, True, False), ran

    def test_once_healthy_it_counts_run_by_run(self, kept: CheckedService) -> None:
        """Also where it takes more than one failing run, and within --startup-timeout."""
        words = ("--start-period", "60s", "--startup-timeout", "20s", "--fail-after", "3")
        pid = kept.up(*words)
        kept.ill(pid)
        for number in (1, 2):
            ran = kept.keep(*words)
            assert (ran.code, f"{number} of 3 failing looks" in ran.out) == (2, True), ran
            assert ran.fair < 5
        assert kept.keep(*words).code == 0
        assert not alive(pid)

    def test_when_it_is_over_it_counts(self, kept: CheckedService) -> None:
        """The run that finds it past its period restarts it, and the new one has a period of its own."""
        kept.ill()
        words = ("--start-period", "600ms", "--startup-timeout", "100ms")
        assert kept.keep(*words).code == 0
        pid = kept.service.one()
        since = int(kept.record()["since"])
        wait_for(lambda: _uptime() - since > 600, 5, "the end of the period")
        ran = kept.keep(*words)
        assert (ran.code, alive(pid)) == (0, False), ran
        assert re.search(r"restarted svc \(pid \d+\), but failing: no answer", ran.out)
        assert kept.service.starts() == 2

    def test_one_that_somebody_else_has_just_started(self, kept: CheckedService, spawn: Spawner) -> None:
        """Its time counts from its own start, whoever started it; afterwards it is restarted."""
        fake = f"wdt{os.getpid()}p"
        (kept.room / fake).symlink_to("/bin/sleep")
        other = spawn([kept.room / fake, "600"])
        kept.ill(other.pid)
        words = ("--check", f"check-process -a {kept.room}/{fake}")
        ran = kept.keep(*words, "--start-period", "60s")
        assert ran.code == 0, ran
        assert "svc is alive but failing (no answer); within its start period of 60 s" in oracle(ran, 10)
        assert (other.poll(), json.loads(kept.keep(*words, "--start-period", "60s", "-o", "json").out)["reason"]) == (
            None, "pending",
        )  # fmt: skip
        ran = kept.keep(*words, "--start-period", "1ms")
        assert (exit_code_of(other, 5), "restarted svc" in ran.out) == (-signal.SIGTERM, True), ran


class TestOneshot:
    """A start command that returns: what it started is somebody else's, and gets the same patience."""

    def test_what_lives_and_fails_is_restarted_by_its_command(self, kept: CheckedService, spawn: Spawner) -> None:
        """Found by its name: not signalled by us; the command runs once it is sick for good."""
        fake = f"wdt{os.getpid()}o"
        (kept.room / fake).symlink_to("/bin/sleep")
        other = spawn([kept.room / fake, "600"])
        kept.ill(other.pid)
        cures = kept.script("cures", f"echo start {other.pid} 0 >>'{kept.service.journal}'; rm '{kept.room}/ill'")
        words = ("--check", f"check-process -a {kept.room}/{fake}", "--oneshot", "--fail-after", "2")
        first = kept.keep(*words, command=[cures])
        assert (first.code, "alive but failing (no answer)" in oracle(first, 10)) == (2, True), first
        assert not kept.service.said()
        hook = ("--on-restart", kept.hook("restart"))
        second = kept.keep(*words, *hook, command=[cures])
        assert (second.code, "restarted svc" in second.out) == (0, True), second
        assert (other.poll(), len(kept.service.said())) == (None, 1)
        assert [word for word, _ in kept.told()] == ["restart"]

    def before(self, kept: CheckedService) -> tuple[str, ...]:
        """Return the options that tell what runs before a stop."""
        return "--before-restart", kept.hook("dump"), "--before-stop", kept.hook("drain")

    def done(self, kept: CheckedService) -> list[list[str]]:
        """Return what was done since it was asked last: hooks with their HOOK_PID, and `command`."""
        log = [words for words in kept.log() if words[0] != "look"]
        kept.clear()
        return log

    def test_its_command_ends_what_lives_and_that_is_told_before(self, kept: CheckedService, spawn: Spawner) -> None:
        """A sick one, or one that an operator wants restarted; what is down is started, and nobody needs to know."""
        fake = f"wdt{os.getpid()}p"
        (kept.room / fake).symlink_to("/bin/sleep")
        first = spawn([kept.room / fake, "600"])
        body = f"""echo command >>'{kept.room}/log'; rm -f '{kept.room}/ill'
pgrep -fx '{kept.room}/{fake} 600' >/dev/null || {{ setsid '{kept.room}/{fake}' 600 & }}
echo start {first.pid} 0 >>'{kept.service.journal}'"""
        words = ("--process", fake, "--oneshot", "--startup-timeout", "20s", *self.before(kept))
        kept.ill(first.pid)
        command = [kept.script("command", body)]
        told = [["dump", str(first.pid)], ["drain", str(first.pid)], ["command"]]
        assert (kept.keep(*words, command=command).code, self.done(kept)) == (0, told)
        ordered = run("watchdog-tools", "restart", "svc", "-s", kept.state)
        assert (ordered.code, self.done(kept)) == (0, told), ordered
        first.kill()
        first.wait()
        assert kept.keep(*words, command=command).code == 2  # its check looks for the first one
        assert self.done(kept) == [["command"]]

    def test_what_is_up_without_a_known_process_is_told_before_a_restart_too(self, kept: CheckedService) -> None:
        """A plugin alone says that it is up; where it says that it is down, the command merely starts it."""
        check = ("--check", kept.script("is-up", f"test -e '{kept.room}/up' || exit 2"))
        command = [kept.script("command", f"echo command >>'{kept.room}/log'; : >'{kept.room}/up'")]

        def keep() -> Ran:
            return kept.run(*QUICK, *check, "--oneshot", *self.before(kept), command=command)

        assert (keep().code, self.done(kept)) == (0, [["command"]])
        ordered = run("watchdog-tools", "restart", "svc", "-s", kept.state)
        assert (ordered.code, self.done(kept)) == (0, [["dump"], ["drain"], ["command"]]), ordered
        (kept.room / "up").unlink()
        assert (keep().code, self.done(kept)) == (0, [["command"]])


class TestFromTheBoot:
    """Case 158: started before network, database and mounts are there."""

    @pytest.mark.root(reason="makes a time namespace")
    def test_158_a_missing_instance_is_started_and_its_failures_cost_nothing(
        self, kept: CheckedService, spawn: Spawner
    ) -> None:
        """Within the period from the boot: each run starts it, its failing is pending, no attempt is counted."""
        boot = just_booted(spawn)
        dies = shell('echo $$ >>"$1"; exit 3', kept.service.journal)
        words = ("--start-period", "10m", "--backoff", "10m:10m")
        for number in (1, 2, 3):
            ran = kept.keep(*UNTIL_IT_ENDS, *words, command=dies, before=boot)
            assert ran.code == 0, ran
            assert "exited with 3" in oracle(ran, 10)
            assert "within 10 min of the boot" in ran.out
            assert len(kept.service.said()) == number
            assert kept.record()["attempts"] == "0"
        assert kept.keep(*UNTIL_IT_ENDS, *words, "--exit-style", "bool", command=dies, before=boot).code == 1
        kept.service.journal.unlink()
        ran = kept.keep(*words, before=boot)
        assert (ran.code, "started svc" in ran.out) == (0, True), ran

    @pytest.mark.root(reason="makes a time namespace")
    def test_158_one_that_dies_before_it_is_healthy(self, kept: CheckedService, spawn: Spawner) -> None:
        """It ran for a while: pending all the same."""
        kept.ill()
        words = ("--start-period", "10m", "--startup-timeout", "20s", "--backoff", "10m:10m")
        boot = just_booted(spawn)
        for number in (1, 2):
            ran = kept.keep(*words, command=kept.dies_when_checked(), before=boot)
            assert (ran.code, len(kept.service.said())) == (0, number), ran
            assert "exited with 3; within 10 min of the boot" in oracle(ran, 10)

    @pytest.mark.root(reason="makes a time namespace")
    def test_158_the_limit_holds_but_no_hold_begins(self, kept: CheckedService, spawn: Spawner) -> None:
        """Never more than N starts in the window, above all else; what is too much then is pending, too."""
        words = ("--start-period", "10m", "--limit", "2/1m", "--on-hold", kept.hook("hold"))
        boot = just_booted(spawn)
        for _ in range(4):
            dies = shell('echo $$ >>"$1"; exit 3', kept.service.journal)
            ran = kept.keep(*UNTIL_IT_ENDS, *words, command=dies, before=boot)
            assert ran.code == 0, ran
        assert len(kept.service.said()) == 2
        assert "2 starts within 60 s; within 10 min of the boot" in oracle(ran, 10)
        assert (kept.told(), kept.record()["held"], "held" in kept.happened()) == ([], "0", False)
        record = kept.record()
        first = int(record["starts"].split(",")[0])
        assert int(record["until"]) == first + 60_000, "status waits for room in the window, and for no hold"

    @pytest.mark.root(reason="makes a time namespace")
    def test_158_what_cannot_be_started_yet(self, kept: CheckedService, spawn: Spawner) -> None:
        """A program on a file system that is not mounted: pending, in each style."""
        words, boot = ("--start-period", "10m", "--backoff", "10m:10m"), just_booted(spawn)
        for style, code in (("nagios", 0), ("bool", 1), ("zabbix", 0)):
            ran = kept.run(*words, "--exit-style", style, command=["/no/such/program"], before=boot)
            assert (ran.code, "of the boot" in ran.out, "cannot start" in ran.out) == (code, True, True), ran
        assert kept.record()["attempts"] == "0"
        words = (*words, "--exit-style", "bool")
        assert kept.run(*words, "--pending-ok", command=["/no/such/program"], before=boot).code == 0
        assert "started svc" in kept.run(*words, before=boot).out

    def test_158_after_it_they_cost(self, kept: CheckedService) -> None:
        """Without a period the same is a failed start: CRITICAL, and the next one backs off."""
        words = ("--start-period", "1ms", "--backoff", "10m:10m")
        assert kept.run(*words, command=["/no/such/program"]).code == 2
        ran = kept.run(*words)
        assert (ran.code, "backing off after 1 start that did not last" in ran.out) == (2, True), ran


def just_booted(spawn: Spawner) -> tuple[str, ...]:
    """Return what makes a command see a machine that is up for 20 s: always the same one, as records know it."""
    need_works("unshare", "-T", "-f", "--boottime", "1", "true")
    need("nsenter")
    shift = str(20 - int(_uptime() / 1000))
    holder = spawn(["unshare", "-T", "--boottime", shift, "sh", "-c", "echo ready; exec sleep 600"], wait_ready=True)
    return ("nsenter", f"--time=/proc/{holder.pid}/ns/time_for_children")


def _seconds(summary: str) -> float:
    number, unit = summary.rpartition("may take ")[2].split()[:2]
    return float(number) * {"s": 1, "min": 60}[unit]


def _uptime() -> float:
    """Return milliseconds on the boot clock."""
    return float(Path("/proc/uptime").read_text().split()[0]) * 1000
