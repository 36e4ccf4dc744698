"""stop --all and start --all, and a pause that ends with the next boot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.commands import Ran, oracle, run
from helpers.instances import Kept, marked
from helpers.processes import Spawner, alive

from watchdog_tools.core import pause as pauses

pytestmark = pytest.mark.usefixtures("starts_services")
NAMES = ("one", "two", "three")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a room for services, with one state directory."""
    return Kept(tmp_path)


def ordered(kept: Kept, *words: object) -> Ran:
    """Run an order."""
    return run("watchdog-tools", *words, "-s", kept.state)


def begin(kept: Kept, *options: object) -> dict[str, int]:
    """Start a service of each NAME; return their pids."""
    for name in NAMES:
        ours = ("--state-dir", kept.state, "--start-seconds", "0.1", *options)
        assert run("ensure-running", name, *ours, "--", "/bin/sleep", "600").code == 0
    return pids(kept)


def pids(kept: Kept) -> dict[str, int]:
    """Return the pid in the record of each."""
    return {name: int(_fields(kept, name)["pid"]) for name in NAMES}


def _fields(kept: Kept, name: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (kept.state / f"{name}.record").read_text().splitlines())


def objects(ran: Ran) -> dict[str, dict[str, object]]:
    """Return what JSON says of each."""
    return {each["name"]: each for each in map(json.loads, ran.out.splitlines())}


def test_all_are_stopped_and_started(kept: Kept) -> None:
    """One line with all, a line for each, and until when; what never stopped is left as it is."""
    before = begin(kept)
    ran = ordered(kept, "stop", "--all", "--for", "2h", "--reason", "upgrade")
    assert ran.code == 0, ran
    first, head, *rows = ran.out.splitlines()
    assert first.startswith("STOP OK - 3 services: 3 down; they stay down until 20")
    assert first.endswith("a reboot does not change that")
    assert head.split() == ["NAME", "STATE", "WHAT"]
    assert [row.split()[:2] for row in rows] == [["one", "OK"], ["three", "OK"], ["two", "OK"]]
    assert not any(map(alive, before.values()))
    assert ordered(kept, "start", "two").code == 0
    second = pids(kept)["two"]
    ran = ordered(kept, "start", "--all")
    assert ran.out.startswith("START OK - 3 services: 3 up\n"), ran
    assert pids(kept)["two"] == second
    assert len(marked(kept.state)) == 3
    assert not list((kept.state / "pause").iterdir())


def test_one_that_fails_keeps_no_other(kept: Kept, spawn: Spawner) -> None:
    """The exit code is the worst, and the line names it."""
    before = begin(kept)
    kept.name = "two"
    kept.hold(spawn)
    ran = ordered(kept, "stop", "--all", "--lock-wait", "200ms", "-o", "json")
    assert ran.code == 3, ran
    said = objects(ran)
    assert {name: each["reason"] for name, each in said.items()} == {
        "one": "stopped", "two": "lock-held", "three": "stopped",
    }  # fmt: skip
    assert {name for name, pid in before.items() if alive(pid)} == {"two"}
    ran = ordered(kept, "stop", "--all", "--lock-wait", "200ms")
    assert "3 services: 2 down, 1 not (two: lock-held)" in ran.out


def test_they_are_stopped_side_by_side(kept: Kept) -> None:
    """Each takes its whole --stop-timeout, and all together hardly more than one."""
    for name in NAMES:
        ours = ("--state-dir", kept.state, "--start-seconds", "0.1", "--stop-timeout", "2s", "--kill-mode", "process")
        deaf = f"trap '' TERM; echo ready >{kept.room}/{name}; exec sleep 600"
        assert run("ensure-running", name, *ours, "--", "/bin/sh", "-c", deaf).code == 0
    ran = ordered(kept, "stop", "--all")
    assert ran.code == 0, ran
    assert ran.seconds >= 2
    assert ran.fair < 5


def test_a_pause_alone_is_one_of_them(kept: Kept) -> None:
    """A NAME that was never kept here has nothing to stop; its pause begins anew, and ends with start --all."""
    begin(kept)
    ordered(kept, "pause", "manual", "--for", "1h")
    ran = ordered(kept, "stop", "--all", "-o", "json")
    assert ran.code == 0, ran
    assert objects(ran)["manual"]["reason"] == "paused"
    assert "4 services: 3 down, 1 paused" in ordered(kept, "stop", "--all").out
    assert ordered(kept, "start", "--all").code == 0
    assert not (kept.state / "pause" / "manual").exists()


def test_what_was_up_from_its_first_run_is_not_said_to_be_down(kept: Kept, spawn: Spawner) -> None:
    """Nobody here knows how to stop it: it is paused, so that no run starts it, and said to be up."""
    begin(kept)
    spawn(["/bin/sleep", "601"])
    ours = ("--state-dir", kept.state, "--check", "check-process --ereg-argument-array '^/bin/sleep 601$'")
    assert run("ensure-running", "found", *ours, "--", "/bin/sleep", "601").code == 0
    assert "nothing is kept" not in ordered(kept, "pause", "found").out
    ran = ordered(kept, "stop", "--all")
    assert ran.code == 3, ran
    assert ran.out.startswith("STOP UNKNOWN - 4 services: 3 down, 1 not (found: never-kept)")
    assert "it is not stopped: it was never started here" in ran.out
    assert ordered(kept, "start", "--all").out.startswith("START OK - 4 services: 3 up, 1 resumed\n")


def test_nothing_is_kept(kept: Kept) -> None:
    """As status has it."""
    ran = ordered(kept, "stop", "--all")
    assert ran.code == 3
    assert "nothing is kept in" in oracle(ran, 10)


class TestUntilBoot:
    """A pause that the next boot ends."""

    @pytest.mark.parametrize("order", [("pause", "one"), ("stop", "one"), ("stop", "--all")])
    def test_it_holds_and_says_so(self, kept: Kept, order: tuple[str, ...]) -> None:
        """In the line, in status, in JSON, and to each run."""
        begin(kept)
        assert "the next boot" in ordered(kept, *order, "--until-boot", "--reason", "kernel").out
        assert "paused until the next boot: kernel (by uid" in ordered(kept, "history", "one").out
        assert "until the next boot: kernel" in ordered(kept, "status", "one").out
        details = objects(ordered(kept, "status", "one", "-o", "json"))["one"]["details"]
        assert isinstance(details, dict)
        keys = ("paused_left", "paused_until", "paused_until_boot", "paused_reason")
        assert [details[key] for key in keys] == [None, None, True, "kernel"]
        line = run("ensure-running", "one", "--state-dir", kept.state, "--", "/bin/sleep", "600").out
        assert "paused until the next boot (kernel)" in line
        assert "was until the next boot" in ordered(kept, "resume", "one").out

    def test_a_boot_ends_it(self, kept: Kept) -> None:
        """Of another boot it is over, whatever the clocks say."""
        begin(kept)
        ordered(kept, "stop", "one", "--until-boot")
        path = kept.state / "pause" / "one"
        order = pauses.parse(path.read_bytes())
        path.write_bytes(path.read_bytes().replace(order.boot.encode(), b"0" * 8))
        ran = run("ensure-running", "one", "--state-dir", kept.state, "--", "/bin/sleep", "600")
        assert ran.code == 0, ran
        assert "started one" in ran.out or "restarted one" in ran.out
