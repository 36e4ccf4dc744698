"""reload: by the signal or the command of --reload, to the very instance; it counts as no restart."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.commands import Ran, oracle, run
from helpers.instances import Kept
from helpers.processes import Spawner, alive, wait_for
from helpers.watching import AT_ONCE, Watcher

pytestmark = pytest.mark.usefixtures("starts_services")
HISTORY = ("starts", "attempts", "ended", "held", "phase", "pid")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep, with a state directory of its own."""
    return Kept(tmp_path)


def reload(kept: Kept, *words: object) -> Ran:
    """Order it."""
    return run("watchdog-tools", "reload", kept.name, "-s", kept.state, *words)


def listener(kept: Kept, reaction: str = "echo heard >>{room}/heard") -> list[str]:
    """Return the command of a service that says when it got HUP."""
    body = f"trap '{reaction.format(room=kept.room)}' HUP; echo $$ >{kept.room}/up; while :; do sleep 0.05; done"
    return [kept.script("listener", body)]


def test_a_signal_reaches_the_instance(kept: Kept) -> None:
    """It alone, once; record and policy are as they were, and an event tells of it."""
    kept.run("--reload", "HUP", command=listener(kept))
    wait_for(lambda: kept.text("up"), 10, "its handler")
    before = kept.record()
    ran = reload(kept)
    assert ran.code == 0, ran
    assert oracle(ran, 20).startswith(f"RELOAD OK - svc was reloaded (SIGHUP to pid {kept.pid()})")
    wait_for(lambda: kept.text("heard") == "heard\n", 10, "the signal")
    assert {key: kept.record()[key] for key in HISTORY} == {key: before[key] for key in HISTORY}
    assert kept.events()[-1]["event"] == "reloaded"
    assert kept.events()[-1]["pid"] == kept.pid()


def test_a_command_is_run(kept: Kept) -> None:
    """It is told the pid; one that fails is said, with UNKNOWN, and no event."""
    command = kept.script("again", 'echo "$HOOK_PID $HOOK_REASON" >>"$(dirname "$0")/heard"; test ! -e "$0.broken"')
    kept.run("--reload", command)
    ran = reload(kept)
    assert ran.code == 0, ran
    assert "svc was reloaded (by --reload)" in oracle(ran, 20)
    assert kept.text("heard") == f"{kept.pid()} reload\n"
    Path(f"{command}.broken").touch()
    ran = reload(kept)
    assert ran.code == 3, ran
    assert "svc was not reloaded; --reload again exited with 1" in oracle(ran, 20)
    assert [each["event"] for each in kept.events()].count("reloaded") == 1


def test_without_reload_it_says_what_to_add(kept: Kept) -> None:
    """Nothing is guessed: a HUP ends most programs."""
    kept.run()
    ran = reload(kept)
    assert ran.code == 3, ran
    assert "says no --reload HUP, or --reload CMD" in oracle(ran, 20)
    assert alive(kept.pid())


def test_a_signal_without_a_handler_is_not_sent(kept: Kept) -> None:
    """It would end what is to be reloaded."""
    kept.run("--reload", "sighup")
    pid = kept.pid()
    ran = reload(kept)
    assert ran.code == 3, ran
    assert f"pid {pid} has no handler for SIGHUP" in oracle(ran, 20)
    assert alive(pid)


def test_what_is_down_is_not_started(kept: Kept) -> None:
    """Nor is a stranger signalled whom a check finds."""
    kept.run("--reload", "HUP")
    kept.kill()
    ran = reload(kept)
    assert ran.code == 2, ran
    assert "svc is down" in oracle(ran, 20)
    assert "not reloaded" in ran.out
    assert kept.service.starts() == 1


@pytest.mark.parametrize("change", ["lost", "starting"])
def test_an_instance_that_is_not_verified_is_not_signalled(kept: Kept, change: str) -> None:
    """Its handler may not be there yet, or it is not known for certain which one it is."""
    kept.run("--reload", "HUP", command=listener(kept))
    wait_for(lambda: kept.text("up"), 10, "its handler")
    path = kept.state / "svc.record"
    if change == "lost":
        path.unlink()
    else:
        path.write_text(path.read_text().replace("phase=running", "phase=starting"))
    ran = reload(kept)
    assert ran.code == 3, ran
    assert "not reloaded" in oracle(ran, 20)
    assert not kept.text("heard")


def test_one_that_does_not_survive_it_is_said(kept: Kept) -> None:
    """CRITICAL, and nothing is done: the next run starts it."""
    kept.run("--reload", "HUP", "--start-seconds", "10s", command=listener(kept, "exit 4"))
    wait_for(lambda: kept.text("up"), 10, "its handler")
    ran = reload(kept)
    assert ran.code == 2, ran
    assert "and ended behind it; the next run of ensure-running starts it" in oracle(ran, 30)


def test_one_that_fails_behind_it_is_said(kept: Kept) -> None:
    """One check, whose verdict it is; the instance lives on."""
    check = f"sh -c 'test -e {kept.room}/broken && exit 2; exit 0'"
    kept.run("--reload", "HUP", command=listener(kept, "touch {room}/broken"))
    wait_for(lambda: kept.text("up"), 10, "its handler")
    for saved in (kept.state / "svc.command", kept.state / "lock" / "svc.command"):
        saved.write_text(saved.read_text().replace("word=--reload\n", f"word=--check\nword={check}\nword=--reload\n"))
    pid = kept.pid()
    ran = reload(kept)
    assert ran.code == 2, ran
    assert "svc was reloaded (SIGHUP" in oracle(ran, 30)
    assert alive(pid)


def test_a_watch_lets_it_go_on(kept: Kept, spawn: Spawner) -> None:
    """It lends the lock, and goes on watching the same instance."""
    watcher = Watcher(kept, spawn, *AT_ONCE, "--reload", "HUP", command=listener(kept)).begun()
    wait_for(lambda: kept.text("up"), 10, "its handler")
    pid = kept.pid()
    ran = reload(kept)
    assert ran.code == 0, ran
    wait_for(watcher.signed, 10, "the watcher again")
    kept.kill(pid)
    wait_for(lambda: kept.pid() != pid, 10, "a restart by the watch")


def test_another_supervisor_s_is_reloaded_by_a_command(kept: Kept) -> None:
    """No process is known of --oneshot; that it works is enough."""
    command = kept.script("again", 'echo heard >>"$(dirname "$0")/heard"')
    check = f"sh -c 'test -e {kept.room}/up || exit 2'"
    kept.run("--oneshot", "--check", check, "--reload", command, command=["/usr/bin/touch", f"{kept.room}/up"])
    ran = reload(kept)
    assert ran.code == 0, ran
    assert kept.text("heard") == "heard\n"
