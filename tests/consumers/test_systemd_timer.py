"""A real systemd: what its units' runs start lives on, one instance, and is ended as surely as by systemd itself.

On pure cgroup2 an instance has a control group of its own. On version 1, or for an ordinary user, none is to be had:
there the unit ends what it started, and the line says so.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator

import pytest
from helpers import nspawn
from helpers.commands import command
from helpers.processes import wait_for

pytestmark = [
    pytest.mark.root(reason="boots a systemd in a container"),
    pytest.mark.slow,
    pytest.mark.timeout(300),  # where the tree has to be made first
    pytest.mark.xdist_group("nspawn"),
]
Machines = dict[str, nspawn.Machine]
KEEP = f"{command('ensure-running')} {{}} --start-seconds 0.1 --start-period 0 --limit none --backoff 10ms:10ms --"
# What the runs of a unit say is appended to /run/NAME.out.
ONESHOT = """[Service]
Type=oneshot
TimeoutStopSec=1s
{more}ExecStart={keep} /bin/sleep {seconds}
StandardOutput=append:/run/{name}.out
"""
TIMER = "[Timer]\nOnActiveSec=0\nOnUnitActiveSec=1s\nAccuracySec=10ms\n"
STUBBORN = "trap '' TERM; for i in 1 2 3 4 5 6 7 8 9 10; do setsid sleep 86400 & done; while :; do sleep 864{}; done"


class Keeper:
    """A unit of systemd's whose runs keep a service of that name."""

    def __init__(self, machine: nspawn.Machine, name: str, seconds: str, more: str = "") -> None:
        """Write its unit and its timer. more: further lines of the unit."""
        self.machine, self.name, self.seconds = machine, name, seconds
        keep = KEEP.format(name)
        machine.unit(f"{name}.service", ONESHOT.format(keep=keep, seconds=seconds, name=name, more=more))
        machine.unit(f"{name}.timer", TIMER)
        machine.systemctl("daemon-reload")

    def fire(self) -> str:
        """Let the unit run once, and return what the run said.

        A unit that ends something is not asked how it ended: on version 1 a systemd in a container is not told that its
        group is empty, and waits for TimeoutStopSec.
        """
        before = len(self.said())
        self.machine.systemctl("start", self.name)
        (line,) = self.said()[before:]
        return line

    def said(self) -> list[str]:
        """Return all lines of its runs."""
        path = self.machine.root / f"run/{self.name}.out"
        return path.read_text().splitlines() if path.exists() else []

    def pids(self) -> list[int]:
        """Return the instances that live, by the pids that they have inside."""
        return running(self.machine, "/bin/sleep", self.seconds)

    def pid(self) -> int:
        """Return the only one."""
        (only,) = self.pids()
        return only

    def group(self) -> str:
        """Return the instance's control group of version 2."""
        lines = (self.machine.root / f"proc/{self.pid()}/cgroup").read_text().splitlines()
        return next(line[3:] for line in lines if line.startswith("0::"))


def running(machine: nspawn.Machine, *words: str) -> list[int]:
    """Return the pids, inside, of the live processes with exactly these words."""
    wanted = "\0".join(words).encode() + b"\0"
    found = []
    for path in (machine.root / "proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes() == wanted:
                found.append(int(path.parent.name))
        except OSError:  # gone meanwhile
            continue
    return found


@pytest.fixture(scope="module")
def pure() -> Iterator[nspawn.Machine]:
    """Boot one on cgroup2 alone."""
    with nspawn.need_booted("pure") as machine:
        yield machine


@pytest.fixture(scope="module")
def machines(pure: nspawn.Machine) -> Iterator[Machines]:
    """Boot one on version 1 alone, too."""
    with nspawn.need_booted("legacy") as legacy:
        yield {"pure": pure, "legacy": legacy}


def test_195_what_a_oneshot_starts_lives_on_over_twenty_fires(pure: nspawn.Machine) -> None:
    """The unit ends with its run, and ends all that is in it; the instance is the first one all the time."""
    kept = Keeper(pure, "shot", "8640001")
    said = [kept.fire()]
    pid = kept.pid()
    said += [kept.fire() for _ in range(19)]
    assert kept.pids() == [pid], said
    assert said[0].startswith("SERVICE OK - started shot"), said
    assert "KillMode" not in said[0], said
    assert all(f"shot is running (pid {pid}" in line for line in said[1:]), said


def test_195_what_a_timer_starts_lives_on(pure: nspawn.Machine) -> None:
    """The same by OnUnitActiveSec=1s, without a hand."""
    kept = Keeper(pure, "ticked", "8640002")
    pure.systemctl("start", "ticked.timer")
    wait_for(lambda: len(kept.said()) >= 4, 30, "the fourth fire")
    pure.systemctl("stop", "ticked.timer")
    (pid,) = kept.pids()
    assert all(f"(pid {pid}" in line for line in kept.said()), kept.said()


def test_a_restart_of_cron_ends_nothing_of_ours(pure: nspawn.Machine) -> None:
    """Though cron's unit were to end all that it has started, as any other does."""
    keep = KEEP.format("jobbed")
    (pure.root / "etc/cron.d/jobbed").write_text(f"@reboot root {keep} /bin/sleep 8640003\n")
    drop_in = pure.root / "etc/systemd/system/cron.service.d"
    drop_in.mkdir()
    (drop_in / "kill.conf").write_text("[Service]\nKillMode=control-group\n")
    pure.systemctl("daemon-reload")
    (pure.root / "run/crond.reboot").unlink(missing_ok=True)  # with it, cron does not take it for a boot
    pure.systemctl("restart", "cron")
    (pid,) = wait_for(lambda: running(pure, "/bin/sleep", "8640003"), 20, "cron's job")
    record = pure.root / "run/watchdog-tools/jobbed.record"
    wait_for(lambda: record.exists() and "phase=running" in record.read_text(), what="the end of the start")
    pure.systemctl("restart", "cron")
    pure.systemctl("stop", "cron")
    assert running(pure, "/bin/sleep", "8640003") == [pid]
    ran = pure.run("watchdog-tools", "stop", "jobbed")
    assert (ran.code, running(pure, "/bin/sleep", "8640003")) == (0, []), ran


def test_a_reload_and_a_reexec_of_systemd_leave_group_and_instance(pure: nspawn.Machine) -> None:
    """Systemd removes no group that it did not make; the next fire finds the instance there, and stop ends it."""
    kept = Keeper(pure, "lasting", "8640004")
    kept.fire()
    pid, group = kept.pid(), kept.group()
    assert "/watchdog-tools/" in group
    assert ".service" not in group
    for verb in ("daemon-reload", "daemon-reexec", "daemon-reload"):
        assert pure.systemctl(verb).code == 0
        assert f"is running (pid {pid}" in kept.fire()
        assert (kept.pids(), kept.group()) == ([pid], group)
    ran = pure.run("watchdog-tools", "stop", "lasting")
    assert (ran.code, kept.pids()) == (0, []), ran
    directory = pure.root / f"sys/fs/cgroup{group}"
    assert not directory.exists() or "populated 0" in (directory / "cgroup.events").read_text()


@pytest.mark.parametrize("hierarchy", ["pure", "legacy"])
def test_195_where_the_unit_will_end_it_the_line_says_so(hierarchy: str, machines: Machines) -> None:
    """No control group on version 1, nor for an ordinary user: which unit ends it, why, and how to avoid that."""
    machine = machines[hierarchy]
    more = "User=nobody\n" if hierarchy == "pure" else ""
    kept = Keeper(machine, "doomed", "8640005", more)
    line = kept.fire()
    assert line.startswith("SERVICE OK - started doomed"), line
    assert "doomed.service ends it when it ends (KillMode=control-group)" in line, line
    assert "KillMode=process" in line, line
    wait_for(lambda: not kept.pids(), what="the end of what the unit started")


@pytest.mark.parametrize("hierarchy", ["pure", "legacy"])
def test_195_with_kill_mode_process_it_lives_on(hierarchy: str, machines: Machines) -> None:
    """What the line advises holds: one instance over all fires, and not a word about the unit."""
    machine = machines[hierarchy]
    more = "KillMode=process\n" + ("User=nobody\n" if hierarchy == "pure" else "")
    kept = Keeper(machine, "spared", "8640006", more)
    said = [kept.fire()]
    pid = kept.pid()
    said += [kept.fire() for _ in range(4)]
    assert kept.pids() == [pid], said
    assert not [line for line in said if "KillMode" in line or "spared.service" in line], said


# COMMAND…: print the seconds from the death of the process whose pid is $1 to the end of COMMAND, and its exit code.
_TIMED = """
import os, select, subprocess, sys, time
handle = os.pidfd_open(int(sys.argv[1]))
child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
select.select([handle], [], [], 30)
died = time.monotonic()
code = child.wait()
print(time.monotonic() - died, code)
"""
TIMES = 10


def proven(machine: nspawn.Machine, pid: int, *words: str) -> float:
    """Return the milliseconds from the KILL of an instance to the end of what has ended it."""
    ran = machine.run(sys.executable, "-IS", "-c", _TIMED, pid, *words, timeout=60)
    seconds, code = ran.out.split()
    assert code == "0", ran
    return float(seconds) * 1000


def test_from_kill_to_proof_side_by_side_with_systemd(pure: nspawn.Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """A shell and ten sleeps in sessions of their own, which ignore TERM: gone each time, the figures are printed."""
    ours, theirs, killed = [], [], []
    command_line = STUBBORN.format("0007")
    pure.unit("rival.service", f'[Service]\nExecStart=/bin/sh -c "{STUBBORN.format("0008")}"\nTimeoutStopSec=300ms\n')
    pure.systemctl("daemon-reload")
    sleeps = ("sleep", "86400")
    for _ in range(TIMES):
        started = pure.run(
            *KEEP.format("ours").split()[:-1], "--stop-timeout", "300ms", "--", "/bin/sh", "-c", command_line
        )
        pid = int(started.out.partition("(pid ")[2].partition(")")[0])
        wait_for(lambda: len(running(pure, *sleeps)) == 10, what=f"ten sleeps of {started}")
        ours.append(proven(pure, pid, command("watchdog-tools"), "stop", "ours"))
        assert not running(pure, *sleeps)
        assert pure.run("watchdog-tools", "resume", "ours").code == 0
        for verb, times in (("stop", theirs), ("kill", killed)):
            pure.systemctl("start", "rival")
            wait_for(lambda: len(running(pure, *sleeps)) == 10)
            main = int(pure.systemctl("show", "-P", "MainPID", "rival").out)
            gone = "systemctl kill -s KILL rival; while systemctl -q is-active rival; do :; done"
            words = ("systemctl", "stop", "rival") if verb == "stop" else ("/bin/sh", "-c", gone)
            times.append(proven(pure, main, *words))
            wait_for(lambda: not running(pure, *sleeps))
            pure.systemctl("reset-failed", "rival")
    with capsys.disabled():
        for what, times in (("watchdog-tools stop", ours), ("systemctl stop", theirs), ("systemctl kill", killed)):
            print(f"\n{what}: {statistics.median(times):.0f} ms from KILL to proof (worst {max(times):.0f})", end="")  # noqa: T201
    assert statistics.median(ours) < 500
