"""While the machine shuts down nothing is started: not by a run, a watch or an order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import nspawn
from helpers.machine import Machine, machine
from helpers.processes import wait_for
from helpers.systemd_socket import Systemd, state_reply, systemd
from helpers.utmp import record

pytestmark = pytest.mark.root(reason="makes a machine of its own")
RUN = "ensure-running web --start-seconds 0.1"
SERVICE = "-- /opt/svc 600"
# Its stop is what the shutdown waits for.
LATE = """[Service]
ExecStart=/bin/sleep infinity
ExecStop=/bin/sh -c 'touch /root/stopping; while [ ! -e /root/go ]; do sleep 0.1; done'
TimeoutStopSec=60
"""


@pytest.fixture
def host() -> Iterator[Machine]:
    """Return a machine that looks as if systemd had booted it."""
    with machine(("ensure-running", "watchdog-tools")) as made:
        made.type("mkdir -p /run/systemd/system && cp /bin/sleep /opt/svc")
        yield made


@pytest.fixture
def booted(host: Machine) -> Iterator[Systemd]:
    """Return the one who answers there as systemd does; the machine runs."""
    with systemd(Path(f"/proc/{host.pid}/root/run/systemd/private"), state_reply("running")) as answers:
        yield answers


def test_a_run_starts_nothing(host: Machine, booted: Systemd) -> None:
    """The line says why, the policy is not charged with it, and a machine that goes on is served as ever."""
    booted.reply = state_reply("stopping")
    ran = host.type(f"{RUN} -o json {SERVICE}")
    assert ran.code == 2, ran
    assert '"reason": "shutdown"' in ran.out
    assert "web is down (no instance); the machine is shutting down, nothing started" in ran.out
    assert "web.record" not in host.type("ls /run/watchdog-tools").out
    booted.reply = state_reply("running")
    assert host.type(f"{RUN} {SERVICE}").code == 0


def test_an_unhealthy_one_is_not_stopped(host: Machine, booted: Systemd) -> None:
    """It could not be started again."""
    line = f"{RUN} --retries 0 --backoff 0s:0s --check \"sh -c 'test -e /run/well || exit 2'\""
    assert host.type(f"{RUN} {SERVICE}").code == 0
    pid = host.type("sed -n s/^pid=//p /run/watchdog-tools/web.record").out
    booted.reply = state_reply("stopping")
    ran = host.type(f"{line} {SERVICE}")
    assert "web is alive but failing" in ran.out, ran
    assert "the machine is shutting down, nothing started" in ran.out
    assert host.type("sed -n s/^pid=//p /run/watchdog-tools/web.record").out == pid


@pytest.mark.parametrize("verb", ["start", "restart", "start --all"])
def test_an_order_is_refused(host: Machine, booted: Systemd, verb: str) -> None:
    """A restart does not stop either."""
    assert host.type(f"{RUN} {SERVICE}").code == 0
    if verb != "restart":
        assert host.type("watchdog-tools stop web").code == 0
    booted.reply = state_reply("stopping")
    ran = host.type(f"watchdog-tools {verb}{'' if '--all' in verb else ' web'}")
    assert ran.code == 2, ran
    assert "the machine is shutting down, nothing started" in ran.out
    assert host.type("pgrep -x svc").code == (0 if verb == "restart" else 1)


def test_a_watch_starts_nothing(host: Machine, booted: Systemd) -> None:
    """Its service is ended by the shutdown, and it sees that at once."""
    host.type(f"{RUN} --watch 60s --every 200ms --backoff 0s:0s {SERVICE} >/run/said 2>&1 &")
    path = Path(f"/proc/{host.pid}/root/run/watchdog-tools/web.record")
    wait_for(lambda: path.exists() and "phase=running" in path.read_text(), 20, "its start")
    booted.reply = state_reply("stopping")
    before = len(booted.asked)
    host.type("kill $(sed -n s/^pid=//p /run/watchdog-tools/web.record)")
    wait_for(lambda: len(booted.asked) > before + 1, 20, "two rounds that would start it")
    assert host.type("pgrep -x svc || echo none").out.endswith("none\n")
    booted.reply = state_reply("running")
    wait_for(lambda: host.type("pgrep -x svc").code == 0, 20, "its start, as the machine stays")


def test_without_systemd_utmp_tells(host: Machine) -> None:
    """Runlevel 6 of sysvinit."""
    host.type("rmdir /run/systemd/system")
    path = Path(f"/proc/{host.pid}/root/run/utmp")
    path.write_bytes(record(1, "6", time.time()))
    assert "the machine is shutting down" in host.type(f"{RUN} {SERVICE}").out
    path.write_bytes(record(1, "2", time.time()))
    assert host.type(f"{RUN} {SERVICE}").code == 0


def test_a_real_systemd_that_stops() -> None:
    """A job that its shutdown waits for asks: nothing is started, by root and by an ordinary user alike."""
    with nspawn.need_booted() as host:
        line = "ensure-running web --start-seconds 0.1 --state-dir /root/state -- /bin/sleep 600"
        host.unit("late.service", LATE)
        host.systemctl("daemon-reload")
        assert host.systemctl("start", "late").code == 0
        before = host.run("sh", "-c", f"mkdir -p /root/state; {line}")
        assert before.code == 0, before
        host.run("sh", "-c", "kill $(sed -n s/^pid=//p /root/state/web.record)")
        host.systemctl("--no-block", "halt")
        wait_for((host.root / "root/stopping").exists, 30, "the shutdown")
        ran = host.run("sh", "-c", line)
        user = host.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "python3", "-I", "-c",
                        "import sys; sys.path.insert(0, sys.argv[1]); from watchdog_tools.net import shutdown;"
                        "print(shutdown.is_shutting_down())", _packages())  # fmt: skip
        assert "the machine is shutting down, nothing started" in ran.out, ran
        assert user.out == "True\n", user
        (host.root / "root/go").touch()


def _packages() -> str:
    """Return where our own package is, inside as here."""
    import watchdog_tools

    return str(Path(watchdog_tools.__file__).parent.parent)
