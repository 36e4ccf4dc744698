"""How many mails somebody gets: counted in a real mailbox, under a real cron whose minute takes three seconds.

All scenarios run side by side. The jobs see real time, so that --remind is 18 s; an outage lasts some 2.5 of that.
"""

from __future__ import annotations

import itertools
import math
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.commands import run
from helpers.cron_world import Cron
from helpers.processes import Spawner, wait_for
from helpers.servers import HOST, closed_port

pytestmark = [pytest.mark.root(reason="cron itself runs as root"), pytest.mark.slow, pytest.mark.xdist_group("cron")]
REMIND = 18.0
LASTS = 48.0  # a reminder comes with the first run after it is due: two within 42 s, a third after 54
OURS = "--for cron --remind 18s --allow-unsafe-path --start-seconds 0.2"
KEEP = "/usr/local/bin/ensure-running {name} {ours} {options} -- {room}/bin/{name}"
KEPT = {
    "outage": "--limit none --backoff 100ms:1s",
    "waits": "--requires 'check-port 127.0.0.1:{port}' --limit none",
    "holds": "--limit 2/40s --hold 49s --backoff 0:0",
    "ordered": "",
    "paused": "",
    "flaps": "--limit 5/30s --hold 10s --backoff 100ms:9s --stable 30s",
}
LIVES = "#!/bin/sh\nexec sleep 864000\n"
# The job whose output a full disk takes, as long as there is that file.
FULL = "[ ! -e {room}/full ] || exec >/dev/full; exec /usr/local/bin/check-port 127.0.0.1:1 --name full --for cron"


def program(room: Path, name: str, text: str) -> None:
    """Put a program in its place, at once."""
    new = room / "bin" / f"{name}.new"
    new.write_text(text)
    new.chmod(0o755)
    new.rename(room / "bin" / name)


@pytest.fixture
def scenarios(public_path: Path, spawn: Spawner) -> Iterator[tuple[Cron, int]]:
    """Return a cron that is yet to be started, with a job for each scenario; and the port that one waits for."""
    made = Cron(public_path, spool=True)
    room = public_path
    (room / "bin").mkdir()
    (room / "full").touch()
    port = closed_port()
    jobs = [
        KEEP.format(name=name, ours=OURS, options=options.format(port=port), room=room)
        for name, options in KEPT.items()
    ]
    jobs.append(FULL.format(room=room))
    (room / "etc/cron.d/jobs").write_text("".join(f"* * * * * root {job}\n" for job in jobs))
    for name in ("waits", "ordered", "paused"):
        program(room, name, LIVES)
    program(room, "holds", "#!/bin/sh\nexit 1\n")
    program(room, "flaps", "#!/bin/sh\nexec sleep 4\n")
    yield made, port
    spawn.end()
    made.close()


def order(cron: Cron, *words: str) -> None:
    """Have an operator type something."""
    inside = ("nsenter", "-t", str(cron.first), "-m", "-p", "--")
    ran = run(*inside, "/usr/local/bin/watchdog-tools", *words)
    assert ran.code == 0, ran


def about(cron: Cron, name: str) -> list[str]:
    """Return the mails about a scenario."""
    return cron.spooled(f"ensure-running {name} " if name in KEPT else f"--name {name} ")


def test_the_mails_of_each_scenario(scenarios: tuple[Cron, int], spawn: Spawner) -> None:
    """An outage, a wait, a hold: 1 + 2 + 1 mails; an order: none; flapping: at most three and one a reminder."""
    cron, port = scenarios
    cron.start(spawn)
    begun = time.monotonic()
    wait_for(lambda: about(cron, "outage") and about(cron, "waits"), 20, "the mails of their outage")
    known = time.monotonic()
    wait_for(lambda: about(cron, "ordered") and about(cron, "paused"), 20, "the mails of their start")
    order(cron, "stop", "ordered", "--for", "1h")
    order(cron, "pause", "paused", "--for", "1h")
    before = {name: len(about(cron, name)) for name in ("ordered", "paused")}
    assert about(cron, "full") == []
    (cron.room / "full").unlink()
    wait_for(lambda: any("held" in mail for mail in about(cron, "holds")), 30, "a hold")
    program(cron.room, "holds", LIVES)
    wait_for(lambda: cron.log() and time.monotonic() >= known + LASTS, LASTS + 10, "2.5 reminder periods")
    program(cron.room, "outage", LIVES)
    with socket.create_server((HOST, port)):
        over = ("outage", "waits", "holds")
        wait_for(lambda: all("recovered" in "".join(about(cron, name)) for name in over), 30, "their recovery")
    lasted = time.monotonic() - begun
    mails = {name: about(cron, name) for name in (*KEPT, "full")}

    for name in ("outage", "waits"):
        first, second, third, last = mails[name]
        assert "CRITICAL" in first, mails
        assert all(re.search(r"; since \d\d:\d\d, ", mail) for mail in (second, third)), mails
        assert "OK" in last, mails
        assert "; recovered after " in last, mails
    held = list(itertools.dropwhile(lambda mail: "held" not in mail, mails["holds"]))
    assert len(held) == 4, mails
    assert len(mails["holds"]) - len(held) <= 2, mails
    assert {name: len(mails[name]) for name in before} == before, mails
    assert len(mails["flaps"]) <= 3 + math.ceil(lasted / REMIND), mails
    assert len(mails["full"]) == 1, mails
    print({name: len(found) for name, found in mails.items()}, f"{lasted:.0f} s")  # noqa: T201 -- the issue's table
