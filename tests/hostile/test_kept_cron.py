"""A cron that is kept here, and whose jobs order its restart (181)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import groups
from helpers.commands import command, run
from helpers.components import lacking, need, need_works
from helpers.processes import Spawner, alive, wait_for
from helpers.scene import Scene, scene
from helpers.shapes import member

pytestmark = [pytest.mark.usefixtures("starts_services"), pytest.mark.root(reason="runs a cron in a mount namespace")]

# What cron reads and writes is in mounts of its own. $1: the room, with the job's crontab.
WORLD = """set -e
mount -t tmpfs -o mode=755 none /run
mount -t tmpfs -o mode=755 none /etc/cron.d
mount -t tmpfs -o mode=755 none /var/spool/cron
mkdir -m 1730 /var/spool/cron/crontabs
: >"$1/nothing"
mount --bind "$1/nothing" /etc/crontab
cp "$1/job" /etc/cron.d/job
echo ready
exec sleep infinity"""
JOB = """* * * * * root [ -e {room}/done ] || {{ : >{room}/done; {carried} & {order} >{room}/said 2>&1; }}
"""


@pytest.fixture(params=[(), ("--containment", "none")], ids=["auto", "none"])
def kept(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """Return a service to keep, of which what it carries must live."""
    if not request.param and not groups.possible():
        lacking("there is no cgroup2 that can be written")
    with scene((*request.param, "--kill-mode", "process")) as made:
        yield made


def test_181_a_cron_whose_job_restarts_it(kept: Scene, spawn: Spawner) -> None:
    """The job lives to give its verdict, what another job started lives on, and there is one cron, a new one."""
    need_works("unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt")
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not libraries:
        lacking("libfaketime is not installed")
    cron = str(kept.copy("cron"))
    order = f"{command('watchdog-tools')} restart {kept.name} --state-dir {kept.state}"
    carried = " ".join(member(kept, "obeys", "carried"))
    (kept.room / "job").write_text(JOB.format(room=kept.room, carried=carried, order=order))
    world = spawn(["unshare", "-m", "sh", "-c", WORLD, "sh", kept.room], wait_ready=True)
    clock = [f"LD_PRELOAD={libraries[0]}", "FAKETIME=+0 x20"]  # a minute of cron in three seconds

    def keep() -> str:
        words = [command("ensure-running"), *kept.words(), "--", need("env"), *clock, cron, "-f"]
        ran = run("nsenter", "-t", world.pid, "-m", "--", *words)
        assert ran.code == 0, ran
        return ran.out

    keep()
    first = kept.pid()
    line = wait_for(lambda: kept.text("said"), 20, "the job's verdict")
    assert line.startswith("RESTART OK - restarted "), line
    second = kept.pid()
    assert (alive(first), alive(second)) == (False, True), line
    wait_for(lambda: kept.roles() == {"cron": 1, "carried": 1}, 10, "one cron, and what was carried")
    assert f"(pid {second}" in keep()
    stopped = kept.order("stop")
    assert (stopped.code, alive(second), kept.roles()) == (0, False, {"carried": 1}), stopped
