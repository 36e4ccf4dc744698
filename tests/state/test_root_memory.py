"""Root's memory in its own place, on a machine of its own: a reboot, an upgrade, a disk that fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import helpers
import pytest
from helpers.components import need
from helpers.machine import Machine, machine
from helpers.processes import wait_for

KEEP = "ensure-running web --backoff 0s:0s --start-seconds 0.1 -- /opt/web/bin/napper 600"
MEMORY, STATE = "/var/lib/watchdog-tools", "/run/watchdog-tools"
OLD = '{"time": 1, "name": "web", "event": "died", "pid": 7, "how": "ended"}'
pytestmark = pytest.mark.root(reason="makes a machine of its own")


@pytest.fixture
def there() -> Iterator[Machine]:
    """A machine of its own, with a program to keep, and our helpers as /mnt/helpers."""
    with machine(helpers=Path(helpers.__file__).parent) as made:
        made.type(f"rm -rf {MEMORY}")  # what this machine has of it, which is not touched by that
        assert made.type("cp /bin/sleep /opt/web/bin/napper").code == 0
        yield made


def kill(there: Machine) -> None:
    """End the instance."""
    line = "pid=$(pgrep -xf '/opt/web/bin/napper 600') && kill -KILL $pid; while kill -0 $pid 2>/dev/null; do :; done"
    assert there.type(line).code == 0


def events(there: Machine) -> list[str]:
    """Return the events in the memory."""
    return [json.loads(line)["event"] for line in there.type(f"cat {MEMORY}/web.events").out.splitlines()]


def reboot(there: Machine) -> None:
    """End all, and forget /run."""
    kill(there)
    there.type(f"rm -rf {STATE}")


def test_what_was_done_outlives_a_reboot(there: Machine) -> None:
    """Events, who is kept, and by which command line; the cache does not."""
    assert there.type(KEEP).code == 0
    assert there.type(f"cd {MEMORY} && stat -c '%a %n' web.*").out == "600 web.command\n640 web.events\n"
    assert there.type(f"ls {STATE} {STATE}/lock").out.count("web.events") == 0
    reboot(there)
    assert "web: 1 event\n" in there.type("watchdog-tools history web").out
    assert "never kept" not in there.type("watchdog-tools status web").out
    ran = there.type("SUDO_USER=alice watchdog-tools start web")
    assert (ran.code, "started web" in ran.out) == (0, True), ran
    last = json.loads(there.type(f"tail -n 1 {MEMORY}/web.events").out)
    assert (last["event"], last["uid"], last["sudo_user"], last["schema"]) == ("started", 0, "alice", 1)


def test_a_death_and_its_restart_stand_there_in_their_order(there: Machine) -> None:
    """Under --watch, too, where no disk is waited for between the two."""
    assert there.type(KEEP).code == 0
    there.type(f"{KEEP.replace(' --', ' --watch 60s --every 1s --', 1)} >/tmp/said 2>&1 & echo")
    wait_for(lambda: "watch" in there.type(f"cat {STATE}/lock/web.lock").out, 10, "the watch")
    kill(there)
    wait_for(lambda: events(there)[-1:] == ["recovered"], 10, "its recovery")
    assert events(there) == ["started", "died", "restarted", "recovered"]


def test_an_upgrade_brings_along_what_there_was(there: Machine) -> None:
    """What the release before left in /run is shown at once, and moved by the next run that writes."""
    assert there.type(KEEP).code == 0
    there.type(f"mv {MEMORY}/web.events {STATE}/web.events; echo '{OLD}' >>{STATE}/web.events")
    there.type(f"rm {MEMORY}/web.command; mkdir {MEMORY}/kept; touch {MEMORY}/kept/web")
    assert "2 events" in there.type("watchdog-tools history web").out
    assert "ago: died: pid 7" in there.type("watchdog-tools status").out
    ran = there.type("watchdog-tools restart web")
    assert (ran.code, "restarted web" in ran.out) == (0, True), ran
    assert events(there) == ["started", "died", "stopped", "restarted", "recovered"]
    assert there.type(f"ls {STATE}/web.events").code != 0


def test_a_pause_before_the_first_run_is_remembered(there: Machine) -> None:
    """There is no state directory yet."""
    assert there.type("watchdog-tools pause web --reason 'new disk'").code == 0
    assert events(there) == ["paused"]


@pytest.mark.parametrize("trouble", ["-o ro", "-o size=4k,nr_inodes=2"])
def test_121_122_a_memory_that_cannot_be_written(there: Machine, trouble: str) -> None:
    """Read-only, or without an inode left: words, and the code is the service's; an operator can still restart it."""
    assert there.type(f"mkdir -p {MEMORY} && mount -t tmpfs {trouble} none {MEMORY}; touch {MEMORY}/x").out == ""
    ran = there.type(KEEP)
    assert (ran.code, "cannot be" in ran.out, "started web" in ran.out) == (0, True, True), ran
    assert there.type(KEEP).out.count("cannot be") == 0, "a healthy run writes nothing"
    ran = there.type("watchdog-tools restart web")
    assert (ran.code, "restarted web" in ran.out) == (0, True), ran
    ran = there.type("watchdog-tools status")
    assert (ran.code, ran.err) == (0, ""), ran


def test_a_dead_disk_holds_no_run_and_no_lock(there: Machine) -> None:
    """One fork waits for it, no second one; the service is restarted by each run as if nothing were."""
    need("mkfs.ext4")
    there.type(f"mkdir -p {MEMORY}; mkfifo /opt/orders")
    there.type(f"(python3 /mnt/helpers/frozen_disk.py /opt/image {MEMORY} </opt/orders >/opt/said) >/dev/null 2>&1 &")
    there.type("(exec 9>/opt/orders; exec sleep 600) >/dev/null 2>&1 &")
    wait_for(lambda: "ready" in there.type("cat /opt/said").out, 10, "the disk")
    assert there.type(KEEP).code == 0
    there.type("echo freeze >/opt/orders")
    wait_for(lambda: "freeze" in there.type("cat /opt/said").out, 10, "the frost")
    try:
        for _ in range(3):
            kill(there)
            ran = there.type(KEEP)
            assert (ran.code, "restarted web" in ran.out, "cannot be remembered" in ran.out) == (0, True, True), ran
            assert ran.seconds < 6, ran
        assert there.type(f"flock -n {STATE}/lock/web.lock true").code == 0
        assert there.type("ps -eo stat,args | grep -c '^D.*ensure-running'").out == "1\n"
    finally:
        there.type("echo thaw >/opt/orders")
    wait_for(lambda: there.type("ps -eo stat,args | grep -c '^D.*ensure-running'").out == "0\n", 10, "the thaw")
    kill(there)
    assert "cannot be" not in there.type(KEEP).out
    assert events(there)[-2:] == ["restarted", "recovered"]


def test_a_memory_that_cannot_be_written_makes_no_mail_a_minute(there: Machine) -> None:
    """Full or read-only, what was said is kept beside the state: an outage and its end are said once each."""
    server = "python3 -m http.server -b 127.0.0.1 8080 >/dev/null 2>&1 & echo $!"
    there.type(f"mkdir -p {MEMORY}; mount -t tmpfs -o size=64k,mode=755 tmpfs {MEMORY}")
    line = "check-port 127.0.0.1:8080 --name web --for cron"
    try:
        there.type(f"dd if=/dev/zero of={MEMORY}/filled bs=1k")
        assert [bool(there.type(line).out) for _ in range(3)] == [True, False, False]
        there.type(f"rm {MEMORY}/filled; mount -o remount,ro {MEMORY}")
        assert there.type(line).out == ""
        pid = there.type(server).out.strip()
        wait_for(lambda: there.type("check-port 127.0.0.1:8080").code == 0, 10, "the server")
        lines = [there.type(line).out for _ in range(3)]
        assert ["recovered after" in each for each in lines] == [True, False, False], lines
        there.type(f"kill {pid}; mount -o remount,rw {MEMORY}")
        wait_for(lambda: there.type("check-port 127.0.0.1:8080").code == 2, 10, "its end")
        assert [bool(there.type(line).out) for _ in range(2)] == [True, False]
        assert there.type(f"cd / && ls {MEMORY}/said && ls {STATE}/said").out == "check-port.web\n"
    finally:
        there.type(f"umount {MEMORY}")


def test_a_memory_made_under_a_tight_umask(there: Machine) -> None:
    """Anybody may ask whether root's services are kept, also behind a reboot."""
    there.type("umask 077; check-port 127.0.0.1:1 --name db --for cron; mkdir -m 755 -p /run/watchdog-tools")
    there.type("umask 077; ensure-running web --for cron --check true -- /opt/web/bin/napper 600")
    assert there.type(f"stat -c %a {MEMORY} {MEMORY}/said").out == "755\n755\n"
    there.type(f"rm -r {STATE}")
    nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups"
    for ask, options in (("watchdog-tools", "status --max-age 1s"), ("check-heartbeat", "--of web --max-age 1s")):
        ran = there.type(f"{nobody} {ask} {options}")
        assert (ran.code, "not seen in this boot" in ran.out) == (2, True), ran
