"""Case 86: any number of runs of one NAME at the same time, in any environment, start exactly one instance."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.commands import command
from helpers.components import need, need_works
from helpers.instances import Service, marked
from helpers.processes import TOKEN, Spawner, end, exit_code_of, wait_for

from watchdog_tools.state import default

ROUNDS = int(os.environ.get("WDT_ROUNDS", "3"))
RUNS = 50
NAME = "wdt-concurrent"
BARE = {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def default_place(spawn: Spawner) -> Iterator[list[str]]:
    """Return what to put in front of a command so that the default state directory is one of this test's own.

    Root's is below /run, with a memory in /var/lib: a mount namespace gets fresh ones. Anybody else's is where the uid
    says: what this test leaves there is removed.
    """
    if os.geteuid():
        place = Path(default(os.geteuid()))
        was_there = place.exists()
        yield []
        for left in [*place.glob(f"{NAME}*"), *place.glob(f"lock/{NAME}*")]:
            left.unlink()
        if not was_there:
            (place / "lock").rmdir()
            place.rmdir()
        return
    need("nsenter")
    need_works("unshare", "-m", "mount", "-t", "tmpfs", "none", "/run")
    fresh = " && ".join(f"mount -t tmpfs -o mode=755 none {place}" for place in ("/run", "/var/lib"))
    script = f"{fresh} && echo ready && exec sleep 600"
    holder = spawn(["unshare", "-m", "sh", "-c", script], wait_ready=True)
    yield ["nsenter", "-t", str(holder.pid), "-m"]


def environments(room: Path) -> Iterator[dict[str, str]]:
    """Yield, by turns, cron's bare environment and that of somebody's session, each time another one."""
    for index in range(RUNS):
        session = room / f"session{index}"
        session.mkdir(exist_ok=True)
        where = dict.fromkeys(("XDG_RUNTIME_DIR", "HOME", "TMPDIR"), str(session))
        yield BARE | (where if index % 2 else {}) | {TOKEN: os.environ[TOKEN]}


def at_once(words: list[object], room: Path) -> list[tuple[int, str]]:
    """Run the command RUNS times side by side; return each one's exit code and line."""
    argv = [str(word) for word in words]
    running = [
        subprocess.Popen(
            argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for env in environments(room)
    ]
    with contextlib.ExitStack() as stack:
        for each in running:
            stack.enter_context(each)
        return [(exit_code_of(each, 60), each.stdout.read()) for each in running if each.stdout]


def lifetime() -> int:
    """Return seconds to live: the one word of the start command that its instance carries too, and no other test's."""
    return 10_000_000 + int.from_bytes(os.urandom(3))


def rounds(words: list[object], tmp_path: Path, options: list[str], lives: int) -> None:
    """Hold ROUNDS rounds to the promise; what is left of one is ended before the next."""
    for number in range(ROUNDS):
        room = tmp_path / str(number)
        room.mkdir()
        service = Service(room, lives)
        # a NAME for each: an instance that was ended is no reason to back off in the next round
        said = at_once([*words, f"{NAME}-{number}", *options, "--", *service.command], room)
        pid = service.one()
        found = [seen for seen in marked() if str(room) in " ".join(seen.argv) or seen.pid == pid]
        assert [seen.pid for seen in found] == [pid], said
        assert {code for code, _ in said} <= {0, 1}, [each for each in said if each[0] > 1]
        assert sum("started" in line for _, line in said) == 1, said
        assert all(line.count("\n") == 1 for _, line in said), said
        assert all("repairing" in line or "in progress" in line for code, line in said if code), said
        for seen in found:
            end(seen)
        wait_for(lambda seen=found[0]: seen.pid not in [each.pid for each in marked()], 5)


@pytest.mark.usefixtures("starts_services")
def test_86_fifty_at_once_start_one(default_place: list[str], tmp_path: Path) -> None:
    """Half of them bare, half with a session's directories: the lock's place is a function of the uid alone."""
    rounds([*default_place, command("ensure-running")], tmp_path, [], lifetime())


@pytest.mark.usefixtures("starts_services")
def test_86_fifty_at_once_with_a_check_that_matches_their_own_words(tmp_path: Path) -> None:
    """Each of the fifty carries the word that `check-process -a` looks for; none of them is the service."""
    lives = lifetime()
    options = ["--state-dir", str(tmp_path / "state"), "--check", f"check-process -a {lives}"]
    (tmp_path / "state").mkdir(mode=0o700)
    rounds([command("ensure-running")], tmp_path, options, lives)
