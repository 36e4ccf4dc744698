"""What a real supervisord and a real systemd say of their services, and that the commands that follow bring them up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import cgroups, nspawn
from helpers.commands import BIN, run
from helpers.processes import Spawner, alive, ready, wait_for
from helpers.supervisord import BASE, Supervisord, children, configured, supervised, taken

from watchdog_tools.checks import supervisord, systemd
from watchdog_tools.checks.systemd import unit as systemd_unit
from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING, Result


@pytest.fixture(scope="module")
def daemon() -> Iterator[Supervisord]:
    """Run one supervisord for all tests that do not disturb each other."""
    with supervised() as kept:
        yield kept


@pytest.mark.xdist_group("supervisor")
class TestSupervisor:
    """States first; what changes them comes last."""

    @pytest.mark.parametrize(
        ("program", "state", "reason", "words"),
        [
            ("run", OK, "", "run is running (pid "),
            ("slow", WARNING, "starting", "slow is being started"),
            ("mend", CRITICAL, "fatal", "mend is FATAL: Exited too quickly (process log may have details)"),
            ("mend", CRITICAL, "fatal", "; its last end: exit status 7; not expected"),
            ("killed", CRITICAL, "exited", "; its last end: terminated by SIGKILL; not expected"),
            ("absent", CRITICAL, "fatal", "absent is FATAL: can't find command '/no/such/command'"),
            ("never", CRITICAL, "stopped", "never is STOPPED: Not started"),
            ("num:num_01", OK, "", "num:num_01 is running"),
            ("num:*", OK, "", "2 of 2 programs of num:* are running"),
            ("grp:*", CRITICAL, "fatal", "1 of 2 programs of grp:* are running; grp:b is FATAL: Exited too quickly"),
            ("grp:b", CRITICAL, "fatal", "grp:b is FATAL: Exited too quickly"),
            ("nosuch", UNKNOWN, "not-found", "supervisord knows no such program (nosuch: ERROR (no such process))"),
            ("nosuch:*", UNKNOWN, "not-found", "(nosuch: ERROR (no such group))"),
            ("num", UNKNOWN, "not-found", "one of several is GROUP:NAME, all of them GROUP:*"),
        ],
    )  # fmt: skip
    def test_each_state_has_its_verdict(
        self, daemon: Supervisord, program: str, state: int, reason: str, words: str
    ) -> None:
        """Down is CRITICAL with its reason, STARTING is neither up nor down, and nobody knows is UNKNOWN."""
        result = daemon.look(program)
        assert (result.state, result.reason) == (state, reason), result.summary
        assert words in result.summary

    def test_backoff_is_down_and_only_a_restart_helps(self, daemon: Supervisord) -> None:
        """`start` in BACKOFF says "already started" and exits with 0, and nothing runs: its code is not believed."""
        # it is tried again and again, and STARTING for a moment each time
        result = wait_for(lambda: (found := daemon.look("back")).reason == "backoff" and found)
        assert result.state == CRITICAL, result.summary
        assert "back is BACKOFF: Exited too quickly" in result.summary
        wait_for(lambda: daemon.states()["back"] == "BACKOFF")
        ran = run("supervisorctl", "-c", daemon.config, "start", "back")
        assert (ran.code, ran.out) == (0, "back: ERROR (already started)\n")
        (daemon.here / "mended-back").touch()
        try:
            ran = run(*supervisord.start_command("back", daemon.config))
            assert ran.code == 0, ran
            assert daemon.look("back").state == OK
        finally:
            (daemon.here / "mended-back").unlink()

    def test_a_start_that_fails_says_so(self, daemon: Supervisord) -> None:
        """Its exit code is not 0 for one that dies within its startsecs, and for one that is not there."""
        assert run(*supervisord.start_command("mend", daemon.config)).code != 0
        assert run(*supervisord.start_command("absent", daemon.config)).code != 0
        assert run(*supervisord.start_command("nosuch", daemon.config)).code != 0
        assert daemon.look("mend").state == CRITICAL

    @pytest.mark.parametrize("program", ["never", "mend"])
    def test_the_start_command_brings_it_up(self, daemon: Supervisord, program: str) -> None:
        """One that was never started, and one in FATAL."""
        assert daemon.look(program).state == CRITICAL
        (daemon.here / "mended").touch()
        try:
            assert run(*supervisord.start_command(program, daemon.config)).code == 0
            assert daemon.look(program).state == OK
        finally:
            (daemon.here / "mended").unlink()

    def test_the_restart_command_makes_a_new_process(self, daemon: Supervisord) -> None:
        """For one that runs, but does not work."""
        before = daemon.pid("run")
        assert run(*supervisord.restart_command("run", daemon.config)).code == 0
        assert daemon.look("run").state == OK
        assert daemon.pid("run") != before

    def test_a_start_of_a_group_leaves_alone_who_runs(self, daemon: Supervisord) -> None:
        """Only the one that was down is started."""
        before = daemon.pid("grp:a")
        (daemon.here / "mended").touch()
        try:
            run(*supervisord.start_command("grp:*", daemon.config))
            assert daemon.look("grp:*").summary == "2 of 2 programs of grp:* are running"
        finally:
            (daemon.here / "mended").unlink()
        assert daemon.pid("grp:a") == before

    def test_stopping_is_neither_up_nor_down(self, daemon: Supervisord) -> None:
        """A start is refused until it has ended."""
        stopping: Any = daemon.proxy.supervisor.stopProcess("stubborn", False)  # noqa: FBT003 -- do not wait
        assert stopping
        result = daemon.look("stubborn")
        assert (result.state, result.reason) == (WARNING, "starting"), result.summary
        assert result.summary == "stubborn is being stopped"
        assert run("supervisorctl", "-c", daemon.config, "start", "stubborn").code != 0


class TestSupervisorOutOfReach:
    """Nothing is known about a program: UNKNOWN, and nothing is started."""

    @pytest.fixture
    def config(self, tmp_path: Path) -> str:
        """Return a configuration whose supervisord does not run."""
        return configured(tmp_path, BASE + "[program:run]\ncommand=sleep 1000\n")

    def refused(self, config: str, words: str) -> None:
        """Look, and expect it."""
        result = taken(lambda say: supervisord.probe("run", config, say))
        assert (result.state, result.reason) == (UNKNOWN, "supervisor"), result.summary
        assert words in result.summary, result.summary

    def test_it_is_not_running(self, config: str) -> None:
        """No socket."""
        self.refused(config, "supervisord itself is not running (unix://")

    def test_it_was_killed(self, config: str, spawn: Spawner) -> None:
        """The socket is there, and nobody behind it; its programs may well live on."""
        child = spawn([BIN / "supervisord", "-c", config])
        socket = Path(config).with_name("s.sock")
        wait_for(socket.exists)
        wait_for(lambda: taken(lambda say: supervisord.probe("run", config, say)).state != UNKNOWN)
        program = int(run("supervisorctl", "-c", config, "pid", "run").out)
        child.kill()
        child.wait()
        try:
            self.refused(config, "s.sock refused connection)")
        finally:
            os.kill(program, signal.SIGKILL)

    def test_it_hangs(self, config: str, spawn: Spawner) -> None:
        """Its client waits for ever; the deadline is UNKNOWN, as a restart would hang as well."""
        child = spawn([BIN / "supervisord", "-c", config])
        wait_for(lambda: taken(lambda say: supervisord.probe("run", config, say)).state in (OK, WARNING))
        program = int(run("supervisorctl", "-c", config, "pid", "run").out)
        child.send_signal(signal.SIGSTOP)
        try:
            result = taken(lambda say: supervisord.probe("run", config, say), 1.5)
            assert (result.state, result.reason) == (UNKNOWN, "timeout")
            assert result.summary == "timed out after 1.5 s while asking supervisord about run"
        finally:
            os.kill(program, signal.SIGKILL)

    def test_it_wants_a_password(self, tmp_path: Path, spawn: Spawner) -> None:
        """Its client exits with 1, and prints a traceback of a kind."""
        text = BASE.replace("s.sock\n[rpc", "s.sock\nusername=u\npassword=p\n[rpc")
        spawn([BIN / "supervisord", "-c", configured(tmp_path, text)])
        wait_for((tmp_path / "s.sock").exists)
        self.refused(str(tmp_path / "supervisord.conf"), "wants another user name or password")

    def test_the_configuration_is_absent(self, tmp_path: Path) -> None:
        """Its client exits with 2."""
        self.refused(str(tmp_path / "none.conf"), "Error: could not find config file")

    def test_the_configuration_is_rubbish(self, tmp_path: Path) -> None:
        """Its client dies with a traceback; its last line is what matters."""
        path = tmp_path / "supervisord.conf"
        path.write_text("rubbish\n")
        self.refused(str(path), "supervisorctl failed: ")


UNITS = {
    "up.service": "[Service]\nExecStart=/bin/sleep 1000\n",
    "mend.service": "[Service]\nExecStart=/bin/sh -c 'test -e /run/mended || exit 7; exec sleep 1000'\n",
    "shot.service": "[Service]\nExecStart=/bin/sh -c 'kill -SEGV $$$$'\n",
    "noexec.service": "[Service]\nExecStart=/no/such/command\n",
    "pre.service": "[Service]\nExecStartPre=/bin/false\nExecStart=/bin/sleep 1000\n",
    "slow.service": "[Service]\nType=notify\nTimeoutStartSec=1\nExecStart=/bin/sleep 1000\n",
    "hung.service": (
        "[Service]\nType=notify\nNotifyAccess=all\nWatchdogSec=300ms\n"
        "ExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep 1000'\n"
    ),
    "loop.service": (
        "[Unit]\nStartLimitIntervalSec=1000\nStartLimitBurst=3\n[Service]\nRestart=always\nRestartSec=20ms\n"
        "ExecStart=/bin/sh -c 'test -e /run/mended || exit 7; exec sleep 1000'\n"
    ),
    "limit.service": "[Unit]\nStartLimitIntervalSec=1000\nStartLimitBurst=2\n[Service]\nExecStart=/bin/sleep 1000\n",
    "again.service": "[Service]\nExecStart=/bin/sh -c 'exit 3'\nRestart=always\nRestartSec=1000\n",
    "acting.service": "[Service]\nType=notify\nExecStart=/bin/sleep 1000\n",
    "queued.service": "[Unit]\nRequires=acting.service\nAfter=acting.service\n[Service]\nExecStart=/bin/sleep 1000\n",
    "reload.service": "[Service]\nExecStart=/bin/sleep 1000\nExecReload=/bin/sleep 1000\n",
    "stubborn.service": (
        "[Service]\nType=notify\nNotifyAccess=all\n"
        "ExecStart=/bin/sh -c 'trap \"\" TERM; systemd-notify --ready; while :; do sleep 0.1; done'\n"
    ),
    "once.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n",
    "left.service": "[Service]\nRemainAfterExit=yes\nExecStart=/bin/true\n",
    "cond.service": (
        "[Unit]\nConditionPathExists=/no/such\n[Service]\nExecStart=/bin/sleep 1000\n"
        "[Install]\nWantedBy=multi-user.target\n"
    ),
    "says.service": (
        "[Service]\nType=notify\nNotifyAccess=all\n"
        "ExecStart=/bin/sh -c 'systemd-notify --ready --status=\"a|b\"; exec sleep 1000'\n"
    ),
    "never.service": "[Service]\nExecStart=/bin/sleep 1000\n",
    "bad.service": "[Service]\nType=simple\n",
}
# What a command of ours would do: look, and say it in JSON.
LOOK = """
import json, sys
from watchdog_tools.checks.systemd import unit as systemd_unit
from watchdog_tools.checks import systemd
for word in sys.argv[1:]:
    result = systemd.probe(systemd_unit.unit_name(word), lambda *_: None)
    print(json.dumps([result.state, result.reason, result.summary, result.details]))
"""


class Systemd:
    """A booted systemd with the units above."""

    def __init__(self, machine: nspawn.Machine) -> None:
        """Write the units, and bring each into its state."""
        self.machine = machine
        for name, text in UNITS.items():
            machine.unit(name, text)
        machine.run("ln", "-s", "/dev/null", "/etc/systemd/system/masked.service")
        machine.systemctl("daemon-reload")
        machine.systemctl("enable", "-q", "cond")
        away = {"never", "limit", "bad", "queued"}
        machine.systemctl(
            "start", "--no-block", *sorted({name.removesuffix(".service") for name in UNITS} - away), "queued"
        )
        for unit, state in (("shot", "failed"), ("mend", "failed"), ("slow", "failed"), ("hung", "failed"),
                            ("loop", "failed"), ("again", "activating"), ("left", "active"), ("reload", "active"),
                            ("stubborn", "active"), ("says", "active"), ("noexec", "failed")):  # fmt: skip
            wait_for(lambda unit=unit, state=state: self.state(unit) == state, what=f"{unit} is {state}")  # type: ignore[misc]
        machine.systemctl("reload", "--no-block", "reload")
        machine.systemctl("stop", "--no-block", "stubborn")

    def state(self, unit: str) -> str:
        """Return what systemd says."""
        return self.machine.systemctl("show", "-P", "ActiveState", unit).out.strip()

    def look(self, unit: str) -> Result:
        """Return our verdict, looked up inside."""
        ran = self.machine.run(sys.executable, "-I", "-c", LOOK, unit)
        assert ran.code == 0, ran
        state, reason, summary, details = json.loads(ran.out)
        return Result(state, summary, reason=reason, details=details)

    def start(self, unit: str) -> int:
        """Run our start command inside; return its exit code."""
        return self.machine.run(*systemd_unit.start_command(f"{unit}.service")).code

    def restart(self, unit: str) -> int:
        """Run our restart command inside; return its exit code."""
        return self.machine.run(*systemd_unit.restart_command(f"{unit}.service")).code


@pytest.fixture(scope="module")
def init() -> Iterator[Systemd]:
    """Boot one systemd for all tests that do not disturb each other."""
    with nspawn.need_booted() as machine:
        yield Systemd(machine)


@pytest.mark.root(reason="boots a systemd in a container")
@pytest.mark.slow
@pytest.mark.timeout(300)  # where the tree has to be made first
@pytest.mark.xdist_group("nspawn")
class TestSystemd:
    """States first; what changes them comes last."""

    def test_our_commands_run_inside(self, init: Systemd) -> None:
        """The very ones that are installed here."""
        ran = init.machine.run("ensure-running", "--version")
        assert (ran.code, ran.out) == (0, run("ensure-running", "--version").out)
        assert init.machine.run("check-process", "cron").code == OK

    @pytest.mark.parametrize(
        ("unit", "state", "reason", "words"),
        [
            ("up", OK, "", "up.service is running (pid "),
            ("says", OK, "", ": a/b"),
            ("once", OK, "", "once.service is active (exited, RemainAfterExit=yes)"),
            ("dbus.socket", OK, "", "dbus.socket is running"),
            ("left", WARNING, "exited", "left.service is active, but none of its processes is left"),
            ("acting", WARNING, "starting", "acting.service is being started (start)"),
            ("queued", WARNING, "starting", "queued.service waits for its start (job "),
            ("reload", WARNING, "reloading", "reload.service is reloading (pid "),
            ("stubborn", WARNING, "starting", "stubborn.service is being stopped (stop-sigterm)"),
            ("again", WARNING, "starting", "exited with status 3; systemd is about to restart it (restarts so far: 0)"),
            ("mend", CRITICAL, "failed", "mend.service failed: exited with status 7, "),
            ("shot", CRITICAL, "failed", "shot.service failed: killed by SIGSEGV"),
            ("noexec", CRITICAL, "failed", "exited with status 203 (EXEC: its command cannot be executed)"),
            ("pre", CRITICAL, "failed", "a command of the unit (such as ExecStartPre=) exited with an error"),
            ("slow", CRITICAL, "failed", "slow.service failed: timed out"),
            ("hung", CRITICAL, "failed", "hung.service failed: did not feed its watchdog in time"),
            ("loop", CRITICAL, "failed", "failed: exited with status 7, after 3 restarts by systemd, "),
            ("never", CRITICAL, "inactive", "never.service is not running, and systemd knows of no run of it"),
            ("cond", CRITICAL, "inactive", "cond.service is not running: a Condition of the unit is not met"),
            ("nosuch", UNKNOWN, "not-found", "nosuch.service: there is no unit of that name"),
            ("masked", UNKNOWN, "masked", "masked.service: it is masked (systemctl unmask masked.service)"),
            ("bad", UNKNOWN, "bad-setting", "bad.service: its file has a setting that systemd refuses"),
        ],
    )
    def test_each_state_has_its_verdict(self, init: Systemd, unit: str, state: int, reason: str, words: str) -> None:
        """Down is CRITICAL with its reason, on its way is neither up nor down, and what cannot start is UNKNOWN."""
        result = init.look(unit)
        assert (result.state, result.reason) == (state, reason), result.summary
        assert words in result.summary

    def test_a_start_is_not_believed(self, init: Systemd) -> None:
        """`systemctl start` exits with 0 for a service that dies at once, and where a Condition is not met."""
        assert init.start("mend") == 0
        wait_for(lambda: init.look("mend").state == CRITICAL)
        assert init.start("cond") == 0
        assert init.look("cond").state == CRITICAL

    def test_a_plain_restart_at_the_start_limit_stops_what_runs(self, init: Systemd) -> None:
        """The service is stopped by systemd, which then refuses to start it; ours resets the limit."""
        systemctl = init.machine.systemctl
        for _ in range(2):
            assert systemctl("restart", "limit").code == 0
        assert systemctl("restart", "limit").code == 1
        result = init.look("limit")
        assert (result.state, result.reason) == (CRITICAL, "failed")
        assert "limit.service failed: started too often (its start limit)" in result.summary
        assert systemctl("start", "limit").code == 1
        assert init.start("limit") == 0
        for _ in range(3):
            assert init.restart("limit") == 0
        assert init.look("limit").state == OK

    @pytest.mark.parametrize("unit", ["mend", "loop", "never"])
    def test_the_start_command_brings_it_up(self, init: Systemd, unit: str) -> None:
        """One that failed, one that systemd itself gave up, and one that was never started (nothing to reset)."""
        init.machine.run("touch", "/run/mended")
        assert init.start(unit) == 0
        result = init.look(unit)
        assert result.state == OK, result.summary
        assert result.details["pid"]

    def test_the_restart_command_makes_a_new_process(self, init: Systemd) -> None:
        """For one that runs, but does not work."""
        before = init.look("up").details["pid"]
        assert init.restart("up") == 0
        after = init.look("up")
        assert after.state == OK
        assert after.details["pid"] != before

    def test_a_unit_that_cannot_start_is_told_by_the_code(self, init: Systemd) -> None:
        """Not there, masked, or refused by systemd."""
        for unit in ("nosuch", "masked", "bad"):
            assert init.start(unit) != 0

    def test_the_bus_is_gone(self, init: Systemd) -> None:
        """Nothing is known about the unit."""
        init.machine.run("mv", "/run/systemd/private", "/run/systemd/away")
        init.machine.run("mv", "/run/dbus/system_bus_socket", "/run/dbus/away")
        try:
            result = init.look("up")
            assert (result.state, result.reason) == (UNKNOWN, "systemd")
            assert result.summary.startswith("cannot ask systemd about up.service: Failed to connect to bus: ")
        finally:
            init.machine.run("mv", "/run/systemd/away", "/run/systemd/private")
            init.machine.run("mv", "/run/dbus/away", "/run/dbus/system_bus_socket")


@pytest.mark.root(reason="boots a systemd in a container")
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.xdist_group("nspawn")
def test_a_container_dies_with_its_test(spawn: Spawner) -> None:
    """However that ends: it is SIGKILLed here. Nothing is mounted out here at any time."""
    nspawn.need_tools()
    code = "from helpers import nspawn\nwith nspawn.booted() as it:\n print(it.leader, flush=True); input()"
    child = spawn(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(Path(nspawn.__file__).parent.parent)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
    )  # fmt: skip
    leader = int(ready(child, 60))
    inside = [pid for pid in children(leader) if alive(pid)]
    assert inside
    assert str(nspawn.CACHE) not in Path("/proc/mounts").read_text()
    child.kill()
    wait_for(lambda: not any(map(alive, [leader, *inside])))
    child.wait()
    wait_for(cgroups.sweep)


@pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="this machine was booted with systemd")
def test_a_machine_without_systemd() -> None:
    """Whether systemctl is absent or of no use: UNKNOWN, in words that say so."""
    result = taken(lambda say: systemd.probe("up.service", say))
    assert (result.state, result.reason) == (UNKNOWN, "systemd")
    assert result.summary.endswith(("this machine was not booted with systemd", "systemctl is not installed"))
