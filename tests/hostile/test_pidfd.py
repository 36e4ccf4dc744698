"""A kernel before Linux 5.3, or a container's seccomp profile older than that, refuses pidfd_open."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.commands import Ran, command, oracle, run
from helpers.components import need, need_works
from helpers.instances import Kept
from helpers.processes import alive

pytestmark = pytest.mark.usefixtures("starts_services")

WORDS = "pidfd_open is refused (it needs Linux 5.3 or later, and a seccomp profile that allows it)"


@pytest.fixture(params=["ENOSYS", "EPERM"])
def refused(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Return the words in front of a command that make the call fail in it, and in all that it starts."""
    words = (need("strace"), "-f", "-qq", "-o", "/dev/null", "-e", f"inject=pidfd_open:error={request.param}")
    need_works(*words, "true")
    return words


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep, with a state directory of its own."""
    return Kept(tmp_path)


def test_nothing_is_started(kept: Kept, refused: tuple[str, ...]) -> None:
    """Down: CRITICAL with one sentence that names the call and the kernel; the child ends before it was anything."""
    for _ in range(2):
        ran = kept.run("--port", ":1", before=refused)
        assert ran.code == 2, ran
        assert oracle(ran, 10).endswith(f"; nothing started: {WORDS}")
        assert kept.service.said() == []
    assert kept.run().code == 0
    assert kept.service.one()


def test_what_lives_is_left_alone(kept: Kept, refused: tuple[str, ...]) -> None:
    """Healthy: OK without a word about it. Failing: CRITICAL, neither stopped nor started beside. So for an order."""
    assert kept.run().code == 0
    pid = kept.service.one()
    healthy = kept.run(before=refused)
    assert (healthy.code, "pidfd" in oracle(healthy, 10)) == (0, False), healthy
    for ran in (kept.run("--retries", "0", "--port", ":1", before=refused), ordered(kept, refused)):
        assert (ran.code, WORDS in oracle(ran, 10)) == (2, True), ran
        assert (alive(pid), kept.service.one()) == (True, pid)


def ordered(kept: Kept, refused: tuple[str, ...]) -> Ran:
    """Return what an operator's restart says."""
    return run(*refused, command("watchdog-tools"), "restart", kept.name, "-s", kept.state)


def test_a_watch_of_what_is_healthy_is_ok(kept: Kept, refused: tuple[str, ...]) -> None:
    """It cannot hold the instance, says why, and ends; the next run of cron looks again."""
    assert kept.run().code == 0
    ran = kept.run("--watch", "1s", "--every", "200ms", before=refused)
    assert (ran.code, WORDS in oracle(ran, 10)) == (0, True), ran
    assert kept.service.one()


def test_a_check_that_needs_it_is_unknown(kept: Kept, refused: tuple[str, ...]) -> None:
    """A plugin and a supervisor's tool are not heard without it: nothing is done, and neither is left running."""
    plugin = kept.script("endless", "exec sleep 600")
    ran = kept.run("--check", plugin, before=refused)
    assert (ran.code, f"cannot run the plugin endless: {WORDS}; nothing started" in oracle(ran, 10)) == (3, True), ran
    ran = run(*refused, command("ensure-running"), *kept.words("other"), "--supervisor", "nosuch")
    assert (ran.code, f"supervisorctl: {WORDS}" in oracle(ran, 10)) == (3, True), ran
