"""An instance that is older than its command line or its files: said; with --restart-on acted on, with all policy."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from helpers.checked_service import CheckedService
from helpers.commands import Ran, run
from helpers.commands import command as installed
from helpers.processes import Spawner, alive, wait_for
from helpers.watching import AT_ONCE, Watcher

pytestmark = pytest.mark.usefixtures("starts_services")


@pytest.fixture
def kept(tmp_path: Path) -> CheckedService:
    """Return a service to keep, with a configuration."""
    kept = CheckedService(tmp_path)
    config(kept).write_text("one\n")
    return kept


def config(kept: CheckedService) -> Path:
    """Return the path of its configuration."""
    return kept.room / "agent.conf"


def keep(kept: CheckedService, *options: object, **popen: object) -> Ran:
    """Run it once without a check, with --restart-on."""
    return kept.run("--restart-on", config(kept), *AT_ONCE, *options, **popen)  # type: ignore[arg-type]


def reason(ran: Ran) -> str:
    """Return the reason that JSON says."""
    return str(json.loads(ran.out)["reason"])


class TestTheCommand:
    """The words behind -- and the start options that the child gets."""

    @pytest.mark.parametrize("option", [("--env", "A=2"), ("--cwd", "/tmp"), ("--umask", "027"), ("--clean-env",),
                                        ("--nice", "1"), ("--log", "/tmp/there-is-none")])  # fmt: skip
    def test_an_edited_line_is_said_and_nothing_is_done(self, kept: CheckedService, option: tuple[str, ...]) -> None:
        """OK, reason `changed`, run after run; silent under -q; the original line has nothing to say."""
        pid = kept.up()
        ran = kept.keep(*option)
        assert (ran.code, "; runs the command of " in ran.out, kept.pid()) == (0, True, pid), ran
        assert reason(kept.keep(*option, "-o", "json")) == "changed"
        assert kept.keep(*option, "-q").out == ""
        again = kept.keep()
        assert (again.code, "runs the command" in again.out) == (0, False), again
        assert kept.service.starts() == 1

    def test_what_the_child_does_not_get_is_no_change(self, kept: CheckedService) -> None:
        """Patience, policy and checks are the keeper's own."""
        kept.up()
        ran = kept.keep("--fail-after", "3", "--hold", "1h", "--requires", "check-process --absent there-is-none")
        assert (ran.code, "runs the command" in ran.out) == (0, False), ran

    def test_an_operator_s_restart_takes_the_line_last_seen(self, kept: CheckedService) -> None:
        """Who reads "runs the command of" restarts it, and has the new command."""
        pid = kept.up("--env", "A=1")
        assert "runs the command" in kept.keep("--env", "A=2").out
        ran = run(installed("watchdog-tools"), "restart", "svc", "--state-dir", str(kept.state))
        assert (ran.code, alive(pid)) == (0, False), ran
        assert b"A=2" in Path(f"/proc/{kept.pid()}/environ").read_bytes().split(b"\0")
        assert "runs the command" not in kept.keep("--env", "A=2").out

    def test_no_value_of_it_is_written_down_for_all(self, kept: CheckedService) -> None:
        """The file has checksums alone, and is the keeper's."""
        kept.up("--env", "TOKEN=hush")
        path = kept.state / "svc.start"
        assert (path.stat().st_mode & 0o777, "hush" in path.read_text()) == (0o600, False)

    def test_an_instance_of_the_release_before_says_nothing(self, kept: CheckedService) -> None:
        """Without the file, or with one that is not to be believed, there is nothing to compare."""
        kept.up()
        path = kept.state / "svc.start"
        for spoil in (path.unlink, lambda: path.write_bytes(b"9 nonsense\n\xff"), lambda: path.chmod(0o666)):
            spoil()
            ran = kept.keep("--env", "A=2")
            assert (ran.code, "runs the command" in ran.out) == (0, False), ran
        assert kept.service.starts() == 1

    def test_a_state_directory_that_cannot_be_written_changes_nothing(self, kept: CheckedService) -> None:
        """It is healthy, and what differs is said all the same."""
        pid = kept.up()
        (kept.state / "svc.start.tmp").mkdir()
        (kept.state / "svc.start.tmp" / "x").mkdir()
        ran = kept.keep("--env", "A=2")
        assert (ran.code, "runs the command" in ran.out, kept.pid()) == (0, True, pid), ran


class TestRestartOn:
    """A file that is another than at the start."""

    def test_an_edit_restarts_it_once(self, kept: CheckedService) -> None:
        """The line and the event say why; the next run is quiet."""
        assert keep(kept).code == 0
        pid = kept.pid()
        assert keep(kept, "-q").out == ""
        config(kept).write_text("two\n")
        ran = keep(kept)
        assert (ran.code, alive(pid)) == (0, False), ran
        assert f"pid {pid} was stopped (older than {config(kept)})" in ran.out
        assert ran.out.startswith("SERVICE OK - restarted svc"), ran
        assert (kept.last("stopped")["why"], kept.last("stopped")["pid"]) == (f"older than {config(kept)}", pid)
        assert kept.happened() == ["started", "stopped", "restarted", "recovered"]
        again = keep(kept)
        assert (again.out.count("restart"), kept.service.starts()) == (0, 2), again

    def test_with_the_hooks_of_a_restart(self, kept: CheckedService) -> None:
        """They are told that it is healthy, and why it is restarted."""
        kept.up("--restart-on", config(kept))
        config(kept).write_text("two\n")
        hooks = ("--before-restart", kept.hook("before"), "--before-stop", kept.hook("stop"), "--on-restart",
                 kept.hook("on"))  # fmt: skip
        ran = kept.keep("--restart-on", config(kept), *hooks)
        assert ran.code == 0, ran
        assert [word for word, _ in kept.told()] == ["before", "stop", "on"]
        assert (kept.told()[0][1]["HOOK_STATE"], kept.told()[0][1]["HOOK_REASON"]) == ("OK", "changed")

    @pytest.mark.parametrize("how", ["replaced", "touched back", "link"])
    def test_no_clock_matters(self, kept: CheckedService, how: str) -> None:
        """Another inode of the same size, a time that went back, a link that leads elsewhere."""
        other = kept.room / "other"
        other.write_text("two\n")
        path = config(kept)
        if how == "link":
            shutil.move(path, kept.room / "real")
            path.symlink_to(kept.room / "real")
        assert keep(kept).code == 0
        pid = kept.pid()
        if how == "replaced":
            shutil.copystat(path, other)
            other.rename(path)
        elif how == "link":
            path.unlink()
            path.symlink_to(other)
        else:
            os.utime(path, (1, 1))
        assert keep(kept).code == 0
        assert (alive(pid), kept.service.starts()) == (False, 2)

    def test_one_that_is_gone_is_a_word(self, kept: CheckedService) -> None:
        """It may be on its way; when it is back as another it acts."""
        keep(kept)
        pid = kept.pid()
        moved = config(kept).rename(kept.room / "aside")
        ran = keep(kept, "-o", "json")
        assert (ran.code, reason(ran), f"{config(kept)} is missing" in ran.out, kept.pid()) == (0, "changed", True, pid)
        moved.rename(config(kept))
        assert "missing" not in keep(kept).out
        config(kept).unlink()
        config(kept).write_text("new")
        keep(kept)
        assert not alive(pid)

    def test_one_that_is_named_later_counts_from_then(self, kept: CheckedService) -> None:
        """Adding the option to a line is no reason for a restart, and an edit behind that is one."""
        kept.run(*AT_ONCE)
        pid = kept.pid()
        config(kept).write_text("two\n")
        assert keep(kept).code == 0
        assert kept.pid() == pid
        config(kept).write_text("three\n")
        assert "restarted" in keep(kept).out

    def test_a_sick_one_keeps_its_patience(self, kept: CheckedService) -> None:
        """Where a check fails, --fail-after counts as ever."""
        pid = kept.up("--restart-on", config(kept))
        config(kept).write_text("two\n")
        kept.ill(pid)
        ran = kept.keep("--restart-on", config(kept), "--fail-after", "2")
        assert (ran.code, "1 of 2 failing looks" in ran.out, alive(pid)) == (2, True, True), ran

    def test_what_cannot_be_started_is_not_stopped(self, kept: CheckedService) -> None:
        """It stays, healthy, and the line says why."""
        pid = kept.up("--restart-on", config(kept))
        config(kept).write_text("two\n")
        ran = kept.keep("--restart-on", config(kept), command=["/there/is/none"])
        assert (ran.code, alive(pid)) == (0, True), ran
        assert "not restarted: none can be started: executing /there/is/none" in ran.out
        assert f"older than {config(kept)}" in ran.out

    def test_it_waits_for_what_it_requires_and_for_a_pause(self, kept: CheckedService) -> None:
        """A database that is down, an operator who works on it."""
        pid = kept.up("--restart-on", config(kept))
        config(kept).write_text("two\n")
        down = ("--requires", "check-process there-is-none")
        ran = kept.keep("--restart-on", config(kept), *down)
        assert (ran.code, "not restarted: waiting for check-process" in ran.out, alive(pid)) == (0, True, True), ran
        run(installed("watchdog-tools"), "pause", "svc", "--state-dir", str(kept.state))
        assert (kept.keep("--restart-on", config(kept)).code, alive(pid)) == (0, True)
        run(installed("watchdog-tools"), "resume", "svc", "--state-dir", str(kept.state))
        assert "restarted" in kept.keep("--restart-on", config(kept)).out

    def test_one_that_changes_at_every_start_is_bounded_and_named(self, kept: CheckedService) -> None:
        """Its own log: --limit holds, the service stays up, and the line says what it is older than."""
        words = ["/bin/sh", "-c", 'echo "start $$ 0" >>"$2"; echo $$ >>"$1"; exec sleep 600', "sh", str(config(kept)),
                 str(kept.service.journal)]  # fmt: skip
        options = ("--restart-on", config(kept), "--backoff", "0s:0s", "--limit", "3/1h", "--on-hold",
                   kept.hook("hold"))  # fmt: skip
        for _ in range(5):
            ran = kept.run(*options, command=words)
            assert ran.code == 0, ran
        assert kept.service.starts() == 3
        assert f"older than {config(kept)}; not restarted: held for " in ran.out
        assert [word for word, _ in kept.told()] == ["hold"]
        assert reason(kept.run(*options, "-o", "json", command=words)) == "changed"

    def test_a_hold_is_told_once_though_it_is_healthy_for_long(self, kept: CheckedService) -> None:
        """Health for --stable ends a hold; the window is full all the same."""
        options = ("--limit", "1/1h", "--stable", "1ms", "--on-hold", kept.hook("hold"))
        assert keep(kept, *options).code == 0
        pid = kept.pid()
        config(kept).write_text("two\n")
        for _ in range(3):
            ran = keep(kept, *options)
            assert (ran.code, "not restarted: held for " in ran.out, alive(pid)) == (0, True, True), ran
        assert len(kept.told()) == 1

    def test_a_watch_does_it_too(self, kept: CheckedService, spawn: Spawner) -> None:
        """Below the minute, without a check."""
        watcher = Watcher(kept, spawn, "--restart-on", config(kept), *AT_ONCE, every="100ms").begun()
        pid = kept.pid()
        config(kept).write_text("two\n")
        wait_for(lambda: kept.pid() != pid and kept.record()["phase"] == "running", 20, "the next instance")
        said = watcher.settled().end()
        assert (said.code, f"older than {config(kept)}" in said.line, alive(pid)) == (0, True, False), said

    def test_the_dry_run_says_so(self, kept: CheckedService) -> None:
        """And touches nothing."""
        pid = kept.up("--restart-on", config(kept))
        config(kept).write_text("two\n")
        ran = kept.keep("--restart-on", config(kept), "--dry-run")
        assert (ran.code, f"would restart it, as it is older than {config(kept)}" in ran.out, alive(pid)) == (
            0, True, True,
        ), ran  # fmt: skip

    @pytest.mark.parametrize("words", [("--oneshot", "--process", "x"), ()])
    def test_wrong_usage_is_named(self, kept: CheckedService, words: tuple[str, ...]) -> None:
        """A relative path; a service of another keeper."""
        ran = kept.run("--restart-on", config(kept) if words else "agent.conf", *words)
        assert (ran.code, "--restart-on: " in ran.out) == (3, True), ran
