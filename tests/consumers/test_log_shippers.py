"""integrations/: rsyslog reads our events with the file that we ship, logrotate keeps a log small under its writer."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.commands import run
from helpers.components import need
from helpers.instances import Kept
from helpers.processes import wait_for

INTEGRATIONS = Path(__file__).parents[2] / "integrations"
pytestmark = [pytest.mark.usefixtures("starts_services"), pytest.mark.root(reason="the daemons run as root")]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep."""
    return Kept(tmp_path)


@pytest.fixture
def rsyslog(kept: Kept) -> Iterator[Path]:
    """Run a rsyslogd by the file that we ship, with the test's paths in the place of the machine's. Return its log."""
    daemon = need("rsyslogd")
    shipped, whole = kept.room / "shipped.conf", kept.room / "rsyslog.conf"
    text = (INTEGRATIONS / "rsyslog.conf").read_text()
    shipped.write_text(text.replace("/var/lib/watchdog-tools", str(kept.state)).replace("/var/log", str(kept.room)))
    whole.write_text(f'global(workDirectory="{kept.room}")\ninclude(file="{shipped}")\n')
    checked = run(daemon, "-N1", "-f", whole)
    assert (checked.code, "error" in checked.err) == (0, False), checked
    words = [daemon, "-n", "-f", str(whole), "-i", str(kept.room / "rsyslog.pid")]
    running = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield kept.room / "watchdog-tools.log"
    running.terminate()
    running.wait(20)


def lines(log: Path) -> list[tuple[str, ...]]:
    """Return time, host, name, event and the whole event of each line."""
    text = log.read_text() if log.exists() else ""
    return re.findall(r"(?m)^(\S+) (\S+) (\S+) (.+?): (\{.*\})$", text)


def test_rsyslog_reads_each_event(kept: Kept, rsyslog: Path) -> None:
    """Its fields are rsyslog's; also those behind a rotation, each once."""
    kept.run()
    wait_for(lambda: len(lines(rsyslog)) == 1, 20, "the start in rsyslog's log")
    (kept.state / "svc.events").rename(kept.state / "svc.events.1")
    assert run("watchdog-tools", "pause", "svc", "-s", kept.state, "--reason", 'a "new" disk').code == 0
    wait_for(lambda: len(lines(rsyslog)) == 2, 20, "the pause in rsyslog's log")
    started, paused = lines(rsyslog)
    assert (started[1], started[2], started[3]) == (os.uname().nodename, "svc", "started")
    assert json.loads(started[4])["pid"] == kept.pid()
    (written,) = kept.events()
    assert (paused[0], json.loads(paused[4])) == (written["time"], written)


def test_fluent_bit_is_told_of_the_same_files() -> None:
    """It is in no Debian 12, so it does not run here: what its file names is what rsyslog's names, and our schema."""
    text = (INTEGRATIONS / "fluent-bit.conf").read_text()
    assert "/var/lib/watchdog-tools/*.events" in text
    assert "/var/lib/watchdog-tools/*.events" in (INTEGRATIONS / "rsyslog.conf").read_text()
    assert "fluent-bit-parsers.conf" in text
    assert re.search(r"(?m)^ +Time_Key +time$", (INTEGRATIONS / "fluent-bit-parsers.conf").read_text())


def test_logrotate_under_a_writer_that_goes_on(kept: Kept) -> None:
    """The next line stands at the beginning of the file, without a hole: it is open to append."""
    tool = need("logrotate")
    log, go = kept.room / "agent.log", kept.fifo()
    ran = kept.run("--log", log, command=["/bin/sh", "-c", f"echo before; read x <{go}; echo after; exec sleep 600"])
    assert ran.code == 0, ran
    wait_for(lambda: log.read_text() == "before\n", 10, "its first line")
    text = (INTEGRATIONS / "logrotate.conf").read_text()
    shipped = kept.room / "logrotate.conf"
    shipped.write_text(text.replace("/var/log/agent/agent.log", str(log)).replace("su agent agent", "su root root"))
    shipped.chmod(0o644)
    ran = run(tool, "-d", shipped)
    assert (ran.code, "error" in ran.err) == (0, False), ran
    ran = run(tool, "-f", "-s", kept.room / "status", shipped)
    assert (ran.code, ran.err, log.read_bytes()) == (0, "", b""), ran
    go.write_text("now\n")
    wait_for(lambda: log.read_bytes() == b"after\n", 10, "its line behind the rotation")
    assert (kept.room / "agent.log.1").read_text() == "before\n"
