"""Somebody notices when cron itself has died: a real one, a minute of which takes three seconds, and nobody who asks.

What asks is what a monitoring system runs: as nobody, by its own path, from the same machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.commands import Ran, command, oracle, run
from helpers.components import NOBODY, lacking, need, need_nobody, need_works
from helpers.processes import Spawner, everyone, look, wait_for

pytestmark = [pytest.mark.root(reason="cron itself runs as root"), pytest.mark.slow, pytest.mark.xdist_group("cron")]
AGE = 6  # seconds: two of cron's minutes
# $1: the room, $2: libfaketime. What cron and we read and write is in mounts of its own.
WORLD = """
set -e
umask 022
room=$1
for place in /run /var/lib /etc/cron.d /var/spool/cron; do mount -t tmpfs -o mode=755 none "$place"; done
mkdir -m 1730 /var/spool/cron/crontabs
: >"$room/nothing"
mount --bind "$room/nothing" /etc/crontab
cp "$room/job" /etc/cron.d/keep
echo ready
exec sleep infinity
"""


class Machine:
    """A machine with a cron that keeps the service `web`, every minute."""

    def __init__(self, room: Path, spawn: Spawner) -> None:
        """Begin it; its cron is yet to be started."""
        libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        if not libraries:
            lacking("libfaketime is not installed")
        self.room, self._spawn, self._library = room, spawn, libraries[0]
        options = "--for cron --allow-unsafe-path --start-seconds 0.1"
        keep = f"{command('ensure-running')} web {options} -- {need('sleep')} 8640011"
        (room / "job").write_text(f'MAILTO=""\n* * * * * root {keep}\n')
        script = ["sh", "-c", WORLD, "world", room]
        holder = spawn(["unshare", "-mpf", "--mount-proc", "--kill-child", *script], wait_ready=True)
        self.pid = next(pid for pid in everyone() if (seen := look(pid)) and seen.parent == holder.pid)

    def inside(self, *words: object) -> list[str]:
        """Return the words that run something there."""
        return ["nsenter", "-t", str(self.pid), "-p", "-m", "--", *map(str, words)]

    def do(self, script: str) -> Ran:
        """Have root type something."""
        ran = run(*self.inside("sh", "-c", script))
        assert ran.code == 0, ran
        return ran

    def start_cron(self) -> int:
        """Start a cron; return its pid there."""
        self._spawn(self.inside("env", f"LD_PRELOAD={self._library}", "FAKETIME=+0 x20", "cron", "-f"))
        return int(wait_for(self._pid_of_cron, 10, "cron's pid"))

    def _pid_of_cron(self) -> str:
        return run(*self.inside("cat", "/run/crond.pid")).out.strip()

    def ask(self, name: str, *words: object) -> Ran:
        """Ask as nobody."""
        nobody = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", command(name))
        return run(*self.inside(*nobody, *words))

    def heartbeat(self, *words: object) -> Ran:
        """Ask as Nagios would."""
        return self.ask("check-heartbeat", "--of", "web", "--max-age", f"{AGE}s", *words)

    def status(self, *words: object) -> Ran:
        """Ask as an operator who has no rights would."""
        return self.ask("watchdog-tools", "status", "--max-age", f"{AGE}s", *words)

    def is_fresh(self) -> bool:
        """Whether both say so."""
        return self.heartbeat().code == 0 == self.status().code

    def is_silent(self) -> bool:
        """Whether both say that nobody runs it any more; they never differ for long."""
        return self.heartbeat().code == 2 == self.status().code


@pytest.fixture
def machine(public_path: Path, spawn: Spawner) -> Iterator[Machine]:
    """Return a machine whose cron has kept its service for a while."""
    for name in ("cron", "faketime", "setpriv"):
        need(name)
    need_works("unshare", "-mpf", "--mount-proc", "mount", "-t", "tmpfs", "none", "/mnt")
    need_nobody(command("check-heartbeat"))
    made = Machine(public_path, spawn)
    yield made
    spawn.end()


def test_silence_is_noticed(machine: Machine) -> None:
    """Cron killed, its line deleted, its file writable for the group, which cron ignores: each within the age.

    The service lives all the time: it is not its state that is wrong. What nobody ever kept is another thing.
    """
    before = machine.heartbeat()
    assert (before.code, "web was never kept in " in oracle(before, 10)) == (3, True)
    cron = machine.start_cron()
    wait_for(machine.is_fresh, 15, "the first minutes")
    assert "HEARTBEAT OK - web of root was seen " in machine.heartbeat().out
    assert "wbe was never kept in " in machine.ask("check-heartbeat", "--of", "wbe", "--max-age", "1h").out

    machine.do(f"kill -9 {cron}; rm -f /run/crond.pid")
    wait_for(machine.is_silent, AGE + 10, "the silence of a cron that was killed")
    line, row = oracle(machine.heartbeat(), 10), machine.status().out
    assert "web of root was not seen for " in line
    assert "no run of cron since " in line
    assert "STATUS CRITICAL - 1 service: 1 running; web not seen for " in row
    assert "no run of cron since " in row
    facts = json.loads(machine.status("-o", "json").out)
    assert (facts["reason"], facts["details"]["alive"], facts["details"]["seen"] > AGE) == ("running", True, True)
    assert machine.ask("watchdog-tools", "status").code == 0  # nobody asked for that

    machine.start_cron()
    wait_for(machine.is_fresh, 15, "cron is back")
    machine.do("chmod g+w /etc/cron.d/keep; touch /etc/cron.d/keep")
    wait_for(machine.is_silent, AGE + 15, "the silence of a file that cron ignores")
    machine.do("chmod g-w /etc/cron.d/keep; touch /etc/cron.d/keep")
    wait_for(machine.is_fresh, 20, "cron reads it again")
    machine.do(f"{command('watchdog-tools')} pause web")
    wait_for(machine.is_fresh, 15, "a pause is no silence")
    machine.do(": >/etc/cron.d/keep")
    wait_for(machine.is_silent, AGE + 15, "the silence of a line that was deleted")


def test_after_a_reboot_with_a_dead_cron(machine: Machine) -> None:
    """An empty /run and another boot id: what was ever kept and not seen in this boot is not forgotten."""
    cron = machine.start_cron()
    wait_for(machine.is_fresh, 15, "the first minutes")
    machine.do(
        f"kill -9 {cron}; mount -t tmpfs -o mode=755 none /run; cd {machine.room};"
        " echo 00000000-0000-0000-0000-00000000000b >id; mount --bind id /proc/sys/kernel/random/boot_id"
    )
    line, row = oracle(machine.heartbeat(), 10), machine.status()
    assert (machine.heartbeat().code, "web of root was not seen in this boot, which began " in line) == (2, True), line
    assert (row.code, "web not seen in this boot, which began " in row.out) == (2, True), row
    # a boot that is younger than the age has its time
    young = machine.heartbeat("--max-age", "360d")
    assert (young.code, "web of root was not seen yet in this boot" in young.out) == (0, True), young
    machine.start_cron()
    wait_for(machine.is_fresh, 15, "cron runs in this boot, too")


def test_who_could_make_a_dead_cron_look_alive(machine: Machine) -> None:
    """Another user's own file says nothing of root's, nor does a copy of root's that was carried away."""
    cron = machine.start_cron()
    wait_for(machine.is_fresh, 15, "the first minutes")
    machine.do(f"kill -9 {cron}")
    carried = "umask 077; cp /run/watchdog-tools/web.seen . && ! cp web.seen /run/watchdog-tools/web.seen 2>/dev/null"
    machine.do(
        f"mkdir {machine.room}/his; cd {machine.room}/his; chown 1:1 .;"
        f" setpriv --reuid=1 --regid=1 --clear-groups sh -c '{carried}'"
    )
    wait_for(machine.is_silent, AGE + 10, "silence")
    his = machine.ask("check-heartbeat", "--of", "web", "--state-dir", machine.room / "his", "--max-age", "1h")
    assert (his.code, " belongs to uid 1" in his.out) == (3, True), his
    assert machine.heartbeat("--keeper", "root").code == 2
    other = machine.heartbeat("--keeper", "daemon")
    assert (other.code, "HEARTBEAT UNKNOWN - web" in other.out) == (3, True), other
    stranger = machine.heartbeat("--keeper", "nobody-of-that-name")
    assert (stranger.code, "there is no user nobody-of-that-name" in stranger.out) == (3, True), stranger
