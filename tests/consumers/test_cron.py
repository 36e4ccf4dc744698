"""A real cron, a minute of which takes three seconds: what crontab.d ships keeps its service, and is silent otherwise.

It runs in namespaces of its own, with its own /run, crontabs, mail and log. So the snippet is used word for word,
with the paths that it names, and neither the jobs of this machine nor another cron are touched.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.commands import command, run
from helpers.components import NOBODY, need, need_nobody
from helpers.cron_world import Cron
from helpers.processes import Seen, Spawner, end, wait_for
from helpers.servers import HOST

from watchdog_tools.system.path_trust import untrusted

pytestmark = [pytest.mark.root(reason="cron itself runs as root"), pytest.mark.slow, pytest.mark.xdist_group("cron")]
SNIPPET = Path(__file__).parents[2] / "crontab.d/keep-supervisord"


@pytest.fixture
def cron(public_path: Path, spawn: Spawner) -> Iterator[Cron]:
    """Return a cron that is yet to be started."""
    made = Cron(public_path)
    yield made
    spawn.end()
    made.close()


def furnish(room: Path) -> str:
    """Put a supervisord with an HTTP agent where the snippet expects it. Return the agent's URL."""
    with socket.create_server((HOST, 0)) as probe:
        port = probe.getsockname()[1]
    (room / "usr/bin/supervisord").symlink_to(command("supervisord"))
    (room / "etc/supervisor").mkdir()
    (room / "var").mkdir()
    agent = f"{need('setpriv')} --pdeathsig KILL {sys.executable} -m http.server -b {HOST} -d {room}/var {port}"
    (room / "etc/supervisor/supervisord.conf").write_text(
        f"[supervisord]\nlogfile={room}/var/log\nchildlogdir={room}/var\npidfile={room}/var/pid\n"
        f"[program:agent]\ncommand={agent}\n"
    )
    return f"http://{HOST}:{port}/"


def test_what_we_ship_keeps_a_real_supervisord(cron: Cron, spawn: Spawner) -> None:
    """Started by cron, killed with -9, back in the next minute with its agent; a mail for each of the two, and no more.

    Cron sees its job end while the service lives: nothing of cron's is held.
    """
    url, job = furnish(cron.room), "ensure-running supervisord"
    line = SNIPPET.read_text()
    if untrusted(command("supervisord")):  # a clone that is not root's, which is not what we look at here
        line = line.replace("--for cron", "--for cron --allow-unsafe-path")
    (cron.room / "etc/cron.d" / SNIPPET.name).write_text(line)

    def one() -> Seen:
        """Return the only supervisord, whose agent answers."""
        wait_for(lambda: run("check-http", url).code == 0, 10, "the agent's answer")
        (only,) = cron.lives("/usr/bin/supervisord")
        assert {str(Path(f"/proc/{only.pid}/fd/{number}").readlink()) for number in range(3)} == {"/dev/null"}
        return only

    cron.start(spawn)
    cron.after(1, job)
    first = one()
    end(first)
    wait_for(lambda: not cron.lives("/usr/bin/supervisord"), 5, "its death")
    cron.after(2, job)
    second = one()
    cron.after(3, job)
    assert one() == second != first
    said = cron.mails()
    assert len(said) == 2, said
    for body, did in zip(said, ("started", "restarted"), strict=True):
        assert body.startswith(f"SERVICE OK - {did} supervisord (pid "), said
        assert body.count("\n") == 1, said
    assert not [text for text in cron.log() if "exit status" in text], cron.log()


def test_a_crontab_of_one_s_own(cron: Cron, spawn: Spawner) -> None:
    """Nobody's crontab: a service is started once, as nobody; what cannot be started is said in one mail."""
    need_nobody(command("ensure-running"))
    ours = f"/usr/local/bin/ensure-running {{}} --for cron --state-dir {cron.room}/mails/state --start-seconds 0.1 --"
    (cron.room / "crontab").write_text(
        f"* * * * * {ours.format('good')} /bin/sleep 8640087\n* * * * * {ours.format('bad')} /bin/no-such-program\n"
    )
    cron.start(spawn)
    cron.after(2, "ensure-running good")
    cron.after(2, "ensure-running bad")
    (service,) = cron.lives("8640087")
    assert Path(f"/proc/{service.pid}").stat().st_uid == NOBODY
    said = cron.mails()
    assert sum("OK - started good" in body for body in said) == 1, said
    assert sum("CRITICAL - bad" in body for body in said) == len(said) - 1 == 1, said
    assert sum("exit status 1" in text for text in cron.log()) >= 2, cron.log()
