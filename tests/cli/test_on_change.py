"""--for cron, with the real commands: what is news is printed once, and what stdout did not take by the next run."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.commands import Ran, command, run
from helpers.components import need_works
from helpers.instances import Kept
from helpers.servers import closed_port, ok, serving

from watchdog_tools.core.said import aged, parse
from watchdog_tools.core.struct import replace

pytestmark = pytest.mark.usefixtures("starts_services")
HOUR = 3600
GONE = ["/no/such/program"]
LEADS_NOWHERE = "rename,renameat,renameat2"


class Check:
    """check-port with a NAME, of a port that nobody listens on."""

    def __init__(self, room: Path) -> None:
        """Give it a state directory of its own."""
        self.state = room / "state"
        self.state.mkdir(0o700)
        self.port = closed_port()
        self.env = {**os.environ, "WATCHDOG_TOOLS_STATE_DIR": str(self.state)}

    def words(self, *options: str, port: int | None = None) -> list[str]:
        """Return its command line."""
        return [command("check-port"), f"127.0.0.1:{port or self.port}", "--name", "db", "--for", "cron", *options]

    def run(self, *options: str, port: int | None = None, before: tuple[str, ...] = (), **popen: Any) -> Ran:
        """Run it once."""
        return run(*before, *self.words(*options, port=port), env=self.env, **popen)


def older(state: Path, key: str, seconds: int) -> None:
    """Have it been so long ago that something was said last."""
    path = state / "said" / key
    last = parse(path.read_bytes(), key)
    later = aged(last, last.boot, last.up + seconds * 1000, last.wall + seconds)
    path.write_bytes(replace(later, up=last.up, wall=last.wall).dump())


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Return a check that is CRITICAL."""
    return Check(tmp_path)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep."""
    return Kept(tmp_path)


def keep(kept: Kept, *options: str, **given: Any) -> Ran:
    """Run it from cron, whose exit code stays that of the service."""
    ran = kept.run("--for", "cron", *options, **given)
    assert ran.err == "", ran
    return ran


class TestOfACheck:
    """check-* with --name."""

    def test_an_outage(self, check: Check) -> None:
        """A line when it begins, none while it lasts, one when it is over; the exit code is that of each minute."""
        first, *later = [check.run() for _ in range(3)]
        assert first.out.startswith("PORT CRITICAL - ")
        assert [each.out for each in later] == [""] * 2
        with serving(ok) as server:
            over = check.run(port=int(server.at.rpartition(":")[2]))
            after = check.run(port=int(server.at.rpartition(":")[2]))
        assert re.search(r"^PORT OK - .* accepts connections in .*; recovered after .* m?s \| time=", over.out), over
        assert after.out == ""
        assert [each.code for each in (first, *later, over, after)] == [1, 1, 1, 0, 0]

    def test_a_reminder(self, check: Check) -> None:
        """After --remind, with the time that it lasts; the line is JSON where JSON was asked for."""
        check.run("--remind", "2h")
        older(check.state, "check-port.db", HOUR)
        assert check.run("--remind", "2h").out == ""
        older(check.state, "check-port.db", HOUR)
        assert re.search(r'"summary": "[^"]*; since [0-9: -]+, 2 h"', check.run("--remind", "2h", "-o", "json").out)
        assert check.run("--remind", "2h").out == ""

    def test_without_a_name(self, check: Check) -> None:
        """It speaks whenever it is not OK, and writes nothing; so it does with an explicit --quiet."""
        for options in ([], ["--name", "db", "--quiet"]):
            for _ in range(2):
                ran = run("check-port", f"127.0.0.1:{check.port}", "--for", "cron", *options, env=check.env)
                assert ran.out.startswith("PORT CRITICAL"), ran
        assert list(check.state.iterdir()) == []

    def test_a_healthy_one_leaves_nothing(self, check: Check) -> None:
        """Nothing was said, so that nothing is written."""
        with serving(ok) as server:
            ran = check.run(port=int(server.at.rpartition(":")[2]))
        assert (ran.code, ran.out, list(check.state.iterdir())) == (0, "", [])

    @pytest.mark.parametrize(
        "spoil",
        [lambda path: path.write_bytes(b"\0\xff" * 300), lambda path: path.write_text("version=2\n"),
         lambda path: path.write_text(""), lambda path: path.chmod(0o666), lambda path: (path.unlink(), path.mkdir())],
        ids=["rubbish", "of a newer release", "empty", "others can write it", "a directory"],
    )  # fmt: skip
    def test_a_file_that_is_not_believed(self, check: Check, spoil: Callable[[Path], object]) -> None:
        """It says as much as none: the outage is said once more, and then no more."""
        check.run()
        spoil(check.state / "said" / "check-port.db")
        assert [bool(check.run().out) for _ in range(2)] == [True, False]

    def test_a_directory_that_cannot_be_written(self, check: Check) -> None:
        """The verdict and its code stay; each run says it, since none can remember that it did."""
        (check.state / "said").write_text("in the way")
        assert [(ran.code, ran.out[:13]) for ran in (check.run(), check.run())] == [(1, "PORT CRITICAL")] * 2

    def test_wrong_usage_is_always_said(self, check: Check) -> None:
        """Nothing was checked."""
        for _ in range(2):
            assert check.run("--remind", "x").out.startswith("PORT UNKNOWN - usage: ")
        assert "is not a NAME" in run("check-port", ":1", "--for", "cron", "--name", "../x").out


class TestWhatStdoutDidNotTake:
    """Said is what was printed."""

    def test_a_full_disk(self, check: Check) -> None:
        """A spool without room: the next run says it, once."""
        with open("/dev/full", "wb") as full:  # noqa: PTH123 -- a device
            assert subprocess.run(check.words(), stdout=full, env=check.env, check=False).returncode == 1
        assert [bool(check.run().out) for _ in range(2)] == [True, False]

    def test_an_outage_that_is_over_by_the_next_run(self, check: Check) -> None:
        """That one says it, once."""
        with open("/dev/full", "wb") as full:  # noqa: PTH123 -- a device
            assert subprocess.run(check.words(), stdout=full, env=check.env, check=False).returncode == 1
        with serving(ok) as server:
            lines = [check.run(port=int(server.at.rpartition(":")[2])).out for _ in range(2)]
        assert ["; recovered after " in line for line in lines] == [True, False], lines
        assert lines[1] == ""

    def test_a_reader_that_is_gone(self, check: Check) -> None:
        """EPIPE, likewise."""
        reading, writing = os.pipe()
        os.close(reading)
        assert subprocess.run(check.words(), stdout=writing, env=check.env, check=False).returncode == 1
        os.close(writing)
        assert [bool(check.run().out) for _ in range(2)] == [True, False]

    @pytest.mark.parametrize("closed", [">&-", "<&- >&-", "<&- >&- 2>&-"])
    def test_one_that_is_closed(self, check: Check, closed: str) -> None:
        """Nothing that the run opens takes its place and swallows the line."""
        assert check.run(before=("sh", "-c", f'exec "$@" {closed}', "sh")).code == 1
        assert [bool(check.run().out) for _ in range(2)] == [True, False]

    def test_a_deed(self, kept: Kept) -> None:
        """What was done is said by a run that did nothing."""
        with open("/dev/full", "wb") as full:  # noqa: PTH123 -- a device
            words = [command("ensure-running"), *kept.words(), "--for", "cron", "--", *kept.service.command]
            assert subprocess.run(words, stdout=full, check=False).returncode == 0
        kept.wait_testified()
        assert re.search(r"^SERVICE OK - svc is running \(.*\); started at \d\d:\d\d$", keep(kept).out)
        assert keep(kept).out == ""

    def test_killed_before_it_remembers(self, check: Check) -> None:
        """Said again, once; and what it left half written does not stay."""
        need_works("strace", "-f", "-o", "/dev/null", "true")
        inject = ("-e", f"trace={LEADS_NOWHERE}", "-e", f"inject={LEADS_NOWHERE}:signal=KILL")
        struck = check.run(before=("strace", "-f", "-qq", "-o", "/dev/null", *inject))
        assert (struck.code, struck.out[:13]) == (1, "PORT CRITICAL"), struck
        (left,) = (check.state / "said").iterdir()
        os.utime(left, (0, 0))
        assert [bool(check.run().out) for _ in range(2)] == [True, False]
        assert [each.name for each in (check.state / "said").iterdir()] == ["check-port.db"]


class TestOfAService:
    """ensure-running, by its NAME."""

    def test_a_failure_that_lasts(self, kept: Kept) -> None:
        """Said once, whatever the reason of a minute: it cannot start, it backs off. Then how long it was."""
        lines = [keep(kept, command=GONE).out for _ in range(3)]
        assert ("cannot start" in lines[0], lines[1:]) == (True, ["", ""])
        older(kept.state, "ensure-running.svc", 14 * 60)
        over = keep(kept, "--backoff", "0:0")
        assert re.search(
            r"^SERVICE OK - (re)?started svc \(pid \d+\); recovered after 14(\.\d)? min, 1 restart$", over.out
        ), over
        assert keep(kept).out == ""

    def test_restarts_are_counted(self, kept: Kept) -> None:
        """The first is said; then one line when --remind is over, by a run that finds all well."""
        keep(kept)
        for expected in ("restarted svc", "", ""):
            kept.kill()
            ran = keep(kept, "--backoff", "0:0")
            assert (ran.code, ran.out.startswith(f"SERVICE OK - {expected}" if expected else "")) == (0, True), ran
            assert bool(ran.out) == bool(expected)
        older(kept.state, "ensure-running.svc", HOUR)
        assert re.search(r"; restarted 2 times since [0-9: -]+$", keep(kept).out)
        assert keep(kept).out == ""
        older(kept.state, "ensure-running.svc", 4 * HOUR)
        assert (keep(kept).out, list((kept.state / "said").iterdir())) == ("", [])

    @pytest.mark.parametrize("order", [("stop",), ("pause",)], ids=["a stop", "a pause"])
    def test_an_order_is_silent(self, kept: Kept, order: tuple[str, ...]) -> None:
        """Down or up, for as long as it was ordered; and the start by the same operator is no news."""
        keep(kept)
        assert run("watchdog-tools", *order, "svc", "-s", kept.state, "--for", "1h").code == 0
        older(kept.state, "ensure-running.svc", HOUR)
        lines = [keep(kept).out for _ in range(2)]
        assert lines == ["", ""]
        assert run("watchdog-tools", "start" if order == ("stop",) else "resume", "svc", "-s", kept.state).code == 0
        assert keep(kept).out == ""

    @pytest.mark.parametrize(
        "check", ["sh -c 'echo not asked; exit 3'", "check-heartbeat /dev/null --max-age 1m"],
        ids=["a veto", "another check"],
    )  # fmt: skip
    def test_an_order_is_silent_where_a_check_cannot_see(self, kept: Kept, check: str) -> None:
        """As in a maintenance that stops the supervisor as well; the line names the pause, and calls nothing down."""
        options = ("--check", check)
        assert keep(kept, *options).out.startswith("SERVICE UNKNOWN - ")
        assert run("watchdog-tools", "pause", "svc", "-s", kept.state).code == 0
        older(kept.state, "ensure-running.svc", 2 * HOUR)
        ran = keep(kept, *options)
        assert (ran.code, ran.out) == (1, ""), ran
        ran = kept.run(*options)
        assert (ran.code, "; paused until " in ran.out, " down" in ran.out) == (3, True, False), ran

    def test_waiting_for_something_else(self, kept: Kept) -> None:
        """The database is down: one line."""
        line = f"check-port 127.0.0.1:{closed_port()}"
        lines = [keep(kept, "--requires", line).out for _ in range(3)]
        assert ("waiting for" in lines[0], lines[1:]) == (True, ["", ""])

    def test_what_is_pending_is_silent(self, kept: Kept) -> None:
        """It only takes time; that it was started is said once it is well."""
        options = ("--check", f"check-port 127.0.0.1:{closed_port()} -t 1", "--startup-timeout", "0.1")
        ran = keep(kept, "--start-period", "1h", *options)
        assert (ran.code, ran.out) == (1, "")
        assert "; started at " in keep(kept).out

    def test_a_dry_run_always_prints(self, kept: Kept) -> None:
        """And remembers nothing."""
        keep(kept, command=GONE)
        before = (kept.state / "said/ensure-running.svc").read_text()
        for _ in range(2):
            assert "would" in keep(kept, "--dry-run").out
        assert (kept.state / "said/ensure-running.svc").read_text() == before
