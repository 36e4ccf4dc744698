"""The helpers themselves: a leak is found, a hang is cut, and the oracle refuses what it must."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers import cgroups, components
from helpers.commands import CRON, Ran, oracle, run
from helpers.processes import Spawner, alive, carriers, end_carriers, forks, look, ready, wait_for
from helpers.start_times import StartTimes, build, kill

SLEEP = ["sleep", "60"]


def test_a_daemon_that_cut_all_its_ties_is_found_and_ended(leaves_nothing: str) -> None:
    """The token finds what has a session of its own, no pipe and no parent of ours."""
    run("setsid", "-f", "sh", "-c", "exec sleep 60 >/dev/null 2>&1")
    found = wait_for(lambda: carriers(leaves_nothing))
    assert [seen.argv[-1] for seen in end_carriers(leaves_nothing)] == ["60"]
    assert not alive(found[0].pid)


def test_a_fork_without_a_token_is_seen(spawn: Spawner, leaves_nothing: str) -> None:
    """A fork of the test has the token in no file of /proc; being our child is enough."""
    child = spawn(SLEEP, env={})
    assert child.pid in {fork.pid for fork in forks()}
    assert not carriers(leaves_nothing)


def test_a_zombie_is_not_alive() -> None:
    """Init may reap late or never, so no test waits for a pid to vanish."""
    with subprocess.Popen(["true"]) as child:
        wait_for(lambda: not alive(child.pid))
        seen = look(child.pid)
        assert seen is not None
        assert seen.state == "Z"


def test_ready_reads_one_line_and_leaves_the_next(spawn: Spawner) -> None:
    """A program may say "ready" and go on talking."""
    child = spawn(["printf", "one\\ntwo\\n"], stdout=subprocess.PIPE, bufsize=0)
    assert [ready(child), ready(child)] == ["one", "two"]
    with pytest.raises(AssertionError, match="closed its stdout"):
        ready(child)


def test_run_tells_a_hang_from_a_held_pipe(starts_services: str) -> None:
    """Both end in time, and the failure says which it was."""
    with pytest.raises(AssertionError, match=r"still runs after 0\.2 s"):
        run(*SLEEP, timeout=0.2)
    with pytest.raises(AssertionError, match="something that it started holds its pipe"):
        run("sh", "-c", "sleep 60 & echo started", timeout=0.5)
    assert carriers(starts_services)


def test_run_gives_cron_s_environment_and_the_token() -> None:
    """A bare environment stays bare, but for what finds leftovers."""
    names = {line.partition("=")[0] for line in run("env", env=CRON).out.splitlines()}
    assert names == {"PATH", "HOME", "SHELL", "LOGNAME", "WDT_TEST_TOKEN"}


@pytest.mark.parametrize(
    ("ran", "why"),
    [
        (Ran((), 4, "X OK\n", "", 0), "exit code"),
        (Ran((), -9, "X OK\n", "", 0), "exit code"),
        (Ran((), 0, "X OK\n", "oops", 0), "stderr"),
        (Ran((), 0, "", "", 0), "newline"),
        (Ran((), 0, "\n", "", 0), "empty"),
        (Ran((), 0, "one\ntwo\n", "", 0), "printable"),
        (Ran((), 0, "\x1b[2J\n", "", 0), "printable"),
        (Ran((), 0, "é" * 512 + "\n", "", 0), "1 KiB"),
        (Ran((), 0, "X OK\n", "", 3.1, 3.1), "timeout"),
    ],
)
def test_the_oracle_refuses(ran: Ran, why: str) -> None:
    """Each clause of the oracle can fail."""
    with pytest.raises(AssertionError, match=why):
        oracle(ran, timeout=2)


def test_the_oracle_accepts() -> None:
    """And one honest line passes."""
    assert oracle(Ran((), 2, "X CRITICAL - é | t=1s\n", "", 4, 2.9), 2) == "X CRITICAL - é | t=1s"


def test_a_missing_component_skips_or_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a laptop it is skipped; where all must be there it is a failure."""
    assert components.need("sh").endswith("/sh")
    assert components.need(sys.executable) == sys.executable
    monkeypatch.delenv("REQUIRE_COMPONENTS", raising=False)
    with pytest.raises(pytest.skip.Exception):
        components.need("no-such-program")
    monkeypatch.setenv("REQUIRE_COMPONENTS", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-program is not installed"):
        components.need("no-such-program")


@pytest.mark.root(reason="runs a command as another user")
def test_nobody_can_run_our_commands() -> None:
    """Root's checks run as nagios or nobody, so the interpreter must be within their reach."""
    options = components.need_nobody(sys.executable)
    ran = run(sys.executable, "-c", "import os, watchdog_tools; print(os.getuid())", **options)
    assert (ran.code, ran.out) == (0, f"{components.NOBODY}\n")
    assert os.getuid() == 0


def test_a_stamp_says_who_began_and_when(spawn: Spawner, public_path: Path) -> None:
    """Each is heard, also when nobody looks meanwhile: its pid, and a moment between its spawn and its hearing."""
    components.need("cc")
    stamp, stamps = build(public_path), StartTimes(public_path / "s")
    try:
        assert stamps.next(0) is None
        before = time.monotonic_ns()
        children = [spawn([stamp, public_path / "s"]) for _ in range(2)]
        heard = [begun for begun in (stamps.next(10), stamps.next(10)) if begun]
        assert all(before < begun.at < time.monotonic_ns() for begun in heard)
        assert {begun.pid for begun in heard} == {child.pid for child in children}
        assert max(begun.at for begun in heard) < kill(heard[0])
        assert next(child for child in children if child.pid == heard[0].pid).wait(10) == -signal.SIGKILL
    finally:
        stamps.close()


def test_a_stamp_lives_on_where_nobody_hears(spawn: Spawner, public_path: Path) -> None:
    """When a benchmark ends, a supervisor must not see it die, and start another."""
    components.need("cc")
    child = spawn([build(public_path), public_path / "nobody"])
    assert wait_for(lambda: (seen := look(child.pid)) and seen.state in "SZ" and seen.state) == "S"


@pytest.mark.root(reason="makes control groups")
def test_a_sweep_leaves_alone_what_another_test_has_just_made() -> None:
    """An empty group may be one whose first process is about to join; only that of a process that is gone is swept."""
    parent = next(iter(cgroups.parents()), None)
    if parent is None or not os.access(parent, os.W_OK):
        pytest.skip("no control group can be made here")
    living, gone, other = (parent / name for name in (cgroups.fresh_name(), "wdt-4194305-0", "wdt-other-0"))
    for group in (living, gone, other):
        group.mkdir()
    try:
        assert cgroups.sweep()
        assert (living.exists(), gone.exists(), other.exists()) == (True, False, True)
    finally:
        living.rmdir()
        other.rmdir()
