"""ensure-running --supervisor and --systemd, as installed: another supervisor's service is kept like any other."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import nspawn
from helpers.commands import Ran, command, oracle, run
from helpers.processes import Spawner, alive, output_of, wait_for
from helpers.supervisord import BASE, Supervisord, configured, supervised

from watchdog_tools.core import CRITICAL, OK, UNKNOWN


@pytest.fixture(scope="module")
def daemon() -> Iterator[Supervisord]:
    """Run one supervisord for all tests of this file."""
    with supervised() as kept:
        yield kept


class Kept:
    """A service that is kept by what another supervisor says of it, with a state directory of its own."""

    def __init__(self, config: str, state: Path) -> None:
        """Take the supervisord's configuration and the directory."""
        self.config = config
        self.state = state

    def words(self, program: str, *words: object) -> list[object]:
        """Return the command line. Root does not trust the supervisorctl of a virtual environment by itself."""
        plain = ["ensure-running", "svc", "--supervisor", program, "--supervisor-config", self.config]
        return [*plain, "--state-dir", self.state, "--allow-unsafe-path", "--startup-timeout", "10s", *words]

    def keep(self, program: str, *words: object) -> Ran:
        """Keep it once; hold its line to what holds for every line."""
        ran = run(*self.words(program, *words))
        oracle(ran, 20)
        return ran

    def operate(self, verb: str, *words: object) -> Ran:
        """Give an operator's order."""
        return run("watchdog-tools", verb, "svc", "-s", self.state, *words)

    def status(self) -> dict[str, Any]:
        """Return what status says."""
        told: dict[str, Any] = json.loads(self.operate("status", "-o", "json").out)
        return told

    def events(self) -> list[str]:
        """Return what is written down."""
        path = self.state / "svc.events"
        return [json.loads(line)["event"] for line in path.read_text().splitlines()] if path.exists() else []

    def untouched(self) -> bool:
        """Whether nothing was started here, ever."""
        return self.events() == [] and not (self.state / "svc.record").exists()


@pytest.fixture
def kept(daemon: Supervisord) -> Iterator[Kept]:
    """Return a service of the supervisord, never kept before."""
    with tempfile.TemporaryDirectory(prefix="wdt-") as state:
        yield Kept(daemon.config, Path(state))


@pytest.fixture
def mended(daemon: Supervisord) -> Iterator[Path]:
    """Return the file with which `mend` and `grp:b` run; afterwards they fail again."""
    path = daemon.here / "mended"
    yield path
    path.unlink(missing_ok=True)


@pytest.mark.xdist_group("supervisor-kept")
class TestSupervisor:
    """A program of supervisord."""

    def test_a_healthy_one_is_left_alone(self, daemon: Supervisord, kept: Kept) -> None:
        """Exit 0, no lock, nothing written, the same process."""
        pid = daemon.pid("run")
        ran = kept.keep("run")
        assert (ran.code, daemon.pid("run")) == (OK, pid)
        assert ran.out.startswith("SERVICE OK - svc is healthy: run is running (pid ")
        assert kept.untouched()

    def test_what_is_stopped_is_started_and_verified(self, daemon: Supervisord, kept: Kept) -> None:
        """At first it is started; one that was healthy here and stopped since is restarted, and the hook runs."""
        ran = kept.keep("never")
        assert ran.out.startswith("SERVICE OK - started svc: never is running (pid "), ran.out
        assert daemon.states()["never"] == "RUNNING"
        daemon.proxy.supervisor.stopProcess("never")
        told = daemon.here / "told"
        ran = kept.keep("never", "--on-restart", f"sh -c 'echo $HOOK_NAME $HOOK_REASON > {told}'")
        assert ran.out.startswith("SERVICE OK - restarted svc: never is running (pid "), ran.out
        assert told.read_text() == "svc restarted\n"
        assert kept.events() == [
            "started", "start command ended", "died", "restarted", "start command ended", "recovered",
        ]  # fmt: skip
        daemon.proxy.supervisor.stopProcess("never")

    def test_fatal_says_why_and_costs_attempts(self, kept: Kept) -> None:
        """Its reason stands in the line of each run, whether that tries again or waits."""
        why = (
            "svc is down (mend is FATAL: Exited too quickly (process log may have details); its last end: exit status 7"
        )
        ran = kept.keep("mend", "--backoff", "1m:5m")
        assert ran.code == CRITICAL
        assert why in ran.out
        assert "; the start command exited with " in ran.out
        assert "; next try in " in ran.out
        ran = kept.keep("mend", "--backoff", "1m:5m")
        assert (ran.code, why in ran.out) == (CRITICAL, True), ran.out
        assert "; backing off after 1 start that did not last, next try in " in ran.out
        assert kept.events().count("started") == 1
        assert kept.status()["reason"] == "backoff"

    @pytest.mark.slow
    def test_the_limit_holds_it_and_whoever_mends_it_ends_that(
        self, daemon: Supervisord, kept: Kept, mended: Path
    ) -> None:
        """Two starts, then a hold; mended and started by somebody else it is healthy, and status says so."""
        often = ("--backoff", "0s:0s", "--limit", "2/10m")
        for _ in range(2):
            assert kept.keep("mend", *often).code == CRITICAL
        ran = kept.keep("mend", *often)
        assert re.search(r"; held for 1[45](\.\d)? min, after 2 starts within 10 min", ran.out), ran.out
        assert kept.events().count("started") == 2
        assert kept.status()["reason"] == "held"
        mended.touch()
        daemon.proxy.supervisor.startProcess("mend")
        assert kept.keep("mend", *often).code == OK
        assert kept.status()["reason"] == "up"
        daemon.proxy.supervisor.stopProcess("mend")
        mended.unlink()
        assert kept.keep("mend", *often).code == CRITICAL
        assert kept.events().count("started") == 2, "a limit forgets nothing but by age"

    def test_backoff_is_down(self, daemon: Supervisord, kept: Kept) -> None:
        """Supervisor's `start` does nothing there, and says 0; ours makes it run as soon as it can."""

        def failing() -> str:
            wait_for(lambda: daemon.states()["back"] == "BACKOFF")
            ran = kept.keep("back", "--backoff", "0s:0s", "--limit", "none")
            return ran.out * (ran.code == CRITICAL)  # between two tries it is STARTING for a moment

        assert "svc is down (back is BACKOFF: Exited too quickly" in wait_for(failing)
        (daemon.here / "mended-back").touch()
        wait_for(lambda: kept.keep("back", "--backoff", "0s:0s", "--limit", "none").code == OK)
        assert daemon.states()["back"] == "RUNNING"

    @pytest.mark.parametrize("style", ["nagios", "bool"])
    def test_starting_is_neither_up_nor_down(self, daemon: Supervisord, kept: Kept, style: str) -> None:
        """Exit 1 in both styles; nothing is started or stopped."""
        pid = daemon.pid("slow")
        ran = kept.keep("slow", "--exit-style", style)
        assert (ran.code, ran.out) == (1, "SERVICE WARNING - svc is starting: slow is being started\n")
        assert daemon.pid("slow") == pid
        assert kept.untouched()

    def test_one_that_runs_and_fails_a_check_is_restarted(self, daemon: Supervisord, kept: Kept) -> None:
        """After --retries, by supervisor's own restart: a new process, and the check decides whether that helped."""
        pid, looks = daemon.pid("run"), daemon.here / "looks"
        check = f"sh -c 'echo x >> {looks}; test ! -d /proc/{pid} || exit 2'"
        ran = kept.keep("run", "--check", check, "--retries", "2", "--retry-delay", "50ms")
        assert ran.out.startswith("SERVICE OK - restarted svc: "), ran.out
        assert daemon.pid("run") != pid
        assert len(looks.read_text().splitlines()) == 5  # at first, under the lock, two retries, and after it
        assert not alive(pid)

    def test_what_is_to_be_told_of_a_restart_is_told_before_it(self, daemon: Supervisord, kept: Kept) -> None:
        """Before a sick one is restarted, and before an ordered restart; each hook still sees the old process."""
        pid, told = daemon.pid("run"), daemon.here / "told-before"
        hook = f"sh -c 'echo $0 $(test -d /proc/$1 && echo lives) >> {told}'"
        check = f"sh -c 'test -e /proc/{pid} && exit 2; exit 0'"
        words = ("--check", check, "--retries", "0", "--backoff", "0s:0s")
        before = ("--before-restart", f"{hook} dump {pid}", "--before-stop", f"{hook} drain {pid}")
        ran = kept.keep("run", *words, *before)
        assert (ran.code, told.read_text()) == (OK, "dump lives\ndrain lives\n"), ran
        assert kept.operate("restart").code == OK
        assert told.read_text() == "dump lives\ndrain lives\ndump\ndrain\n"

    def test_a_restart_that_does_not_help_says_so(self, daemon: Supervisord, kept: Kept) -> None:
        """It is not "down": it runs and fails; the next run backs off, and so on as for any service."""
        words = ("--check", "sh -c 'echo bad weather; exit 2'", "--retries", "0")
        ran = kept.keep("run", *words)
        assert ran.code == CRITICAL
        assert "svc is alive but failing (bad weather); the start command exited with 0, but did not help" in ran.out
        pid = daemon.pid("run")
        ran = kept.keep("run", *words, "--backoff", "1m:5m")
        assert (
            "svc is alive but failing (bad weather); backing off after 1 start that did not last, next try in"
            in ran.out
        )
        assert daemon.pid("run") == pid

    def test_a_group_is_kept_as_a_whole(self, daemon: Supervisord, kept: Kept, mended: Path) -> None:
        """Only who is down is started; one that cannot be is named."""
        pid = daemon.pid("grp:a")
        ran = kept.keep("grp:*")
        assert ran.code == CRITICAL
        assert "1 of 2 programs of grp:* are running; grp:b is FATAL" in ran.out
        mended.touch()
        ran = kept.keep("grp:*", "--backoff", "0s:0s")
        assert ran.out.startswith("SERVICE OK - started svc: 2 of 2 programs of grp:* are running"), ran.out
        assert daemon.pid("grp:a") == pid

    def test_an_operator_has_a_say(self, daemon: Supervisord, kept: Kept) -> None:
        """Stop (also of one whose check fails), start and restart act through supervisorctl, and are verified."""
        assert kept.keep("never").code == OK
        first = daemon.pid("never")
        ran = kept.operate("stop")
        assert ran.out.startswith("STOP OK - svc was stopped; paused until "), ran.out
        assert daemon.states()["never"] == "STOPPED"
        told = kept.status()
        assert (told["reason"], told["details"]["alive"]) == ("paused", False), told
        assert kept.keep("never").code == CRITICAL
        assert daemon.states()["never"] == "STOPPED"
        ran = kept.operate("start")
        assert ran.out.startswith("START OK - started svc: never is running (pid "), ran.out
        second = daemon.pid("never")
        ran = kept.operate("restart")
        assert ran.out.startswith("RESTART OK - restarted svc: never is running (pid "), ran.out
        assert len({first, second, daemon.pid("never")}) == 3
        daemon.proxy.supervisor.stopProcess("never")
        kept.keep("never", "--check", "sh -c 'exit 2'", "--backoff", "0s:0s")
        assert daemon.states()["never"] == "RUNNING"
        ran = kept.operate("stop")
        assert ran.out.startswith("STOP OK - svc was stopped; "), ran.out
        assert daemon.states()["never"] == "STOPPED"
        assert kept.events()[-1] == "stopped"

    def test_a_watch_restarts_it_and_its_end_is_not_the_programs(
        self, daemon: Supervisord, kept: Kept, spawn: Spawner
    ) -> None:
        """Found by a look, as there is no process to hold; SIGTERM ends the watcher alone."""
        words = kept.words("never", "--watch", "60s", "--every", "200ms", "--backoff", "0s:0s")
        watcher = spawn([command("ensure-running"), *words[1:]], stdout=subprocess.PIPE)
        wait_for(lambda: daemon.states()["never"] == "RUNNING" and "recovered" not in kept.events())
        wait_for(lambda: kept.events()[-1:] == ["start command ended"])
        wait_for(lambda: kept.status()["reason"] == "up")
        first = daemon.pid("never")
        daemon.proxy.supervisor.stopProcess("never")
        wait_for(lambda: kept.events()[-1:] == ["recovered"])
        second = daemon.pid("never")
        assert second != first
        watcher.send_signal(signal.SIGTERM)
        out = output_of(watcher, 10).decode()
        assert "pid None" not in out
        assert out.startswith("SERVICE "), out
        assert daemon.pid("never") == second
        daemon.proxy.supervisor.stopProcess("never")


class TestNothingIsKnown:
    """Who cannot see must not act."""

    SAID = "SERVICE UNKNOWN - svc: cannot ask about run: supervisord itself is not running (unix://"

    @pytest.fixture
    def gone(self, tmp_path: Path) -> Kept:
        """Return a program whose supervisord does not run."""
        kept = Kept(configured(tmp_path, BASE + "[program:run]\ncommand=sleep 1000\n"), tmp_path / "state")
        kept.state.mkdir()
        return kept

    def test_supervisord_is_gone(self, gone: Kept) -> None:
        """UNKNOWN, and nothing is started: its programs may live on without it."""
        ran = gone.keep("run")
        assert ran.code == UNKNOWN
        assert ran.out.startswith(self.SAID), ran.out
        assert ran.out.endswith("; nothing started\n"), ran.out
        assert gone.untouched()

    def test_a_watch_starts_nothing_either(self, gone: Kept, spawn: Spawner) -> None:
        """However often it looks."""
        looks = gone.state / "looks"
        words = gone.words("run", "--watch", "60s", "--every", "50ms", "--check", f"sh -c 'echo look >> {looks}'")
        watcher = spawn([command("ensure-running"), *words[1:]], stdout=subprocess.PIPE)
        wait_for(lambda: looks.exists() and len(looks.read_text().split()) >= 4)
        watcher.send_signal(signal.SIGTERM)
        assert output_of(watcher, 10).decode().startswith(self.SAID)
        assert gone.untouched()


UNITS = {
    "up.service": "[Service]\nExecStart=/bin/sleep 1000\n",
    "veiled.service": "[Service]\nExecStart=/bin/sleep 1000\n",
    "dead.service": "[Service]\nExecStart=/bin/sh -c 'test -e /run/mended || exit 7; exec sleep 1000'\n",
    "shot.service": "[Service]\nExecStart=/bin/sleep 1000\n",
    "limit.service": "[Unit]\nStartLimitIntervalSec=1000\nStartLimitBurst=2\n[Service]\nExecStart=/bin/sleep 1000\n",
    "acting.service": "[Service]\nType=notify\nExecStart=/bin/sleep 1000\n",
    "web.service": "[Service]\nExecStart=/usr/bin/python3 -m http.server --bind 127.0.0.1 --directory /run 8080\n",
}


@pytest.fixture(scope="module")
def init() -> Iterator[nspawn.Machine]:
    """Boot one systemd with the units above."""
    with nspawn.need_booted() as machine:
        for name, text in UNITS.items():
            machine.unit(name, text)
        machine.run("ln", "-s", "/dev/null", "/etc/systemd/system/masked.service")
        machine.systemctl("daemon-reload")
        yield machine


class Unit:
    """A unit that is kept inside, by the installed command and with the default state directory."""

    def __init__(self, machine: nspawn.Machine, unit: str) -> None:
        """Take the machine and the unit's name."""
        self.machine = machine
        self.unit = unit

    def keep(self, *words: object) -> Ran:
        """Keep it once; hold its line to what holds for every line."""
        ran = self.machine.run("ensure-running", self.unit, "--systemd", self.unit, "--startup-timeout", "5s", *words)
        oracle(ran, 30)
        return ran

    def operate(self, verb: str, *words: object) -> Ran:
        """Give an operator's order."""
        return self.machine.run("watchdog-tools", verb, self.unit, *words)

    def shown(self, name: str) -> str:
        """Return a property of the unit."""
        return self.machine.systemctl("show", "-P", name, self.unit).out.strip()

    def pid(self) -> str:
        """Return its main process, by the pid that it has inside."""
        return self.shown("MainPID")


@pytest.mark.root(reason="boots a systemd in a container")
@pytest.mark.slow
@pytest.mark.timeout(300)  # where the tree has to be made first
@pytest.mark.xdist_group("nspawn")
class TestSystemd:
    """A unit of a real systemd; cron's run and the operator's hand inside."""

    def test_a_healthy_one_is_left_alone(self, init: nspawn.Machine) -> None:
        """Exit 0, the same process."""
        up = Unit(init, "up")
        init.systemctl("start", "up")
        pid = up.pid()
        ran = up.keep()
        assert (ran.code, up.pid()) == (OK, pid)
        assert ran.out.startswith("SERVICE OK - up is healthy: up.service is running (pid "), ran.out

    def test_dead_by_its_exit_code_is_started(self, init: nspawn.Machine) -> None:
        """Its reason is in the line; as soon as it can run, it does."""
        dead = Unit(init, "dead")
        init.systemctl("start", "dead")
        wait_for(lambda: dead.shown("ActiveState") == "failed")
        ran = dead.keep("--startup-timeout", "500ms", "--backoff", "0s:0s")
        assert ran.code == CRITICAL
        assert "dead is down (dead.service failed: exited with status 7, " in ran.out
        assert "; the start command exited with 0, but did not help" in ran.out
        init.run("touch", "/run/mended")
        ran = dead.keep("--backoff", "0s:0s")
        assert ran.out.startswith("SERVICE OK - started dead: dead.service is running (pid "), ran.out

    def test_one_at_its_start_limit_is_started(self, init: nspawn.Machine) -> None:
        """Our own limit is the outer one."""
        limit = Unit(init, "limit")
        for _ in range(3):
            init.systemctl("restart", "limit")
        assert limit.shown("Result") == "start-limit-hit"
        ran = limit.keep()
        assert ran.out.startswith("SERVICE OK - started limit: limit.service is running"), ran.out

    def test_one_that_was_killed_is_restarted(self, init: nspawn.Machine) -> None:
        """It was healthy here before, so that is a restart."""
        shot = Unit(init, "shot")
        assert shot.keep().out.startswith("SERVICE OK - started shot: "), shot.keep()
        init.systemctl("kill", "--signal=KILL", "shot")
        wait_for(lambda: shot.shown("ActiveState") == "failed")
        assert shot.keep().out.startswith("SERVICE OK - restarted shot: "), shot.keep()

    @pytest.mark.parametrize(
        ("unit", "says"), [("masked", "it is masked (systemctl unmask masked.service)"), ("nosuch", "there is no unit")]
    )
    def test_what_cannot_start_is_unknown(self, init: nspawn.Machine, unit: str, says: str) -> None:
        """Nothing is tried, and the line says what is wrong."""
        ran = Unit(init, unit).keep()
        assert ran.code == UNKNOWN
        assert says in ran.out
        assert ran.out.endswith("; nothing started\n"), ran.out
        assert "never kept here" in Unit(init, unit).operate("start").out

    def test_one_that_was_masked_while_it_runs(self, init: nspawn.Machine) -> None:
        """Up is OK. Failing is CRITICAL, and the process stays: no run and no order restarts it; stop stops it."""
        veiled = Unit(init, "veiled")
        assert veiled.keep().code == OK
        pid = veiled.pid()
        init.run("ln", "-sf", "/dev/null", "/etc/systemd/system/veiled.service")
        init.systemctl("daemon-reload")
        try:
            assert veiled.keep().code == OK
            why = "veiled.service: it is masked (systemctl unmask veiled.service)"
            ran = veiled.keep("--retries", "0", "--port", ":9")
            said = f"SERVICE CRITICAL - veiled: :9 refused the connection; {why}; nothing started"
            assert (ran.code, ran.out.rpartition(" | ")[0] or ran.out.strip()) == (CRITICAL, said), ran
            dry = veiled.keep("--port", ":9", "--dry-run")
            assert "would do nothing, as it could not be started again" in dry.out, dry
            ran = veiled.operate("restart")
            assert (ran.code, f"{why}; nothing done" in ran.out) == (UNKNOWN, True), ran
            assert veiled.pid() == pid
            assert veiled.operate("stop").out.startswith("STOP OK - veiled was stopped; ")
            assert veiled.shown("ActiveState") == "inactive"
        finally:
            init.run("rm", "/etc/systemd/system/veiled.service")
            init.unit("veiled.service", UNITS["veiled.service"])
            init.systemctl("daemon-reload")

    @pytest.mark.parametrize("style", ["nagios", "bool"])
    def test_activating_is_starting(self, init: nspawn.Machine, style: str) -> None:
        """Neither up nor down: exit 1, and systemd is left to it."""
        init.systemctl("start", "--no-block", "acting")
        acting = Unit(init, "acting")
        wait_for(lambda: acting.shown("ActiveState") == "activating")
        ran = acting.keep("--exit-style", style)
        assert ran.code == 1
        assert ran.out == "SERVICE WARNING - acting is starting: acting.service is being started (start)\n"

    def test_a_hung_one_is_restarted(self, init: nspawn.Machine) -> None:
        """It runs, says systemd, and answers nobody: SIGSTOP. After the retries it is another process that answers."""
        web = Unit(init, "web")
        words = ("--url", "http://127.0.0.1:8080/", "-t", "500ms", "--retries", "1", "--retry-delay", "50ms")
        assert web.keep(*words).out.startswith("SERVICE OK - started web: ")
        pid = web.pid()
        init.systemctl("kill", "--signal=STOP", "web")
        ran = web.keep(*words)
        assert ran.out.startswith("SERVICE OK - restarted web: "), ran.out
        assert web.pid() != pid

    def test_an_operator_has_a_say(self, init: nspawn.Machine) -> None:
        """Stop, start and restart act through systemctl, and are verified."""
        up = Unit(init, "up")
        init.systemctl("stop", "up")
        assert up.keep().code == OK
        first = up.pid()
        ran = up.operate("stop")
        assert ran.out.startswith("STOP OK - up was stopped; paused until "), ran.out
        assert up.shown("ActiveState") == "inactive"
        assert up.keep().code == CRITICAL
        ran = up.operate("start")
        assert ran.out.startswith("START OK - started up: up.service is running (pid "), ran.out
        second = up.pid()
        ran = up.operate("restart")
        assert ran.out.startswith("RESTART OK - restarted up: up.service is running (pid "), ran.out
        assert len({first, second, up.pid()}) == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--supervisor", "p", "--", "sleep", "1"), "a preset brings its own start command: give nothing behind --"),
        (("--systemd", "p", "--", "sleep", "1"), "a preset brings its own start command: give nothing behind --"),
        (("--supervisor", "p", "--systemd", "u"), "--systemd and --supervisor exclude each other"),
        (("--supervisor-config", "/x"), "--supervisor-config: it is for --supervisor PROGRAM"),
        (("--supervisor-config", "/x", "--systemd", "u"), "--supervisor-config: it is for --supervisor PROGRAM"),
        (("--supervisor", "all"), "--supervisor: 'all' is every program of a supervisord"),
        (("--supervisor", "a b"), "--supervisor: 'a b' is not the name of a program"),
        (("--supervisor", "g:x*"), "--supervisor: supervisorctl knows no patterns"),
        (("--supervisor", ""), "--supervisor: an empty value is not accepted"),
        (("--systemd", "a b"), "--systemd: 'a b' is not the name of a unit"),
        (("--systemd=-x",), "--systemd: '-x' is not the name of a unit"),
        (("--systemd", "a/b"), "--systemd: 'a/b' is not the name of a unit"),
        (("--systemd", "web@"), "--systemd: 'web@' is a template: name one of its instances, web@NAME"),
        (("--systemd", "x" * 300), "--systemd: the name of a unit has at most 255 characters"),
        (("--systemd", "u", "--process", "p"), "--process: a preset knows by itself whether it runs"),
        (("--systemd", "u", "--user", "bob"), "--user: the other supervisor starts it"),
    ],
)
def test_wrong_usage_is_one_line(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    """Exit 3, in words that say what to write instead; nothing is made."""
    ran = run("ensure-running", "svc", "--state-dir", tmp_path / "state", *words)
    assert ran.code == UNKNOWN
    assert f"usage: {says}" in oracle(ran, 10)
    assert not (tmp_path / "state").exists()
