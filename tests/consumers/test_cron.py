"""A real cron, a minute of which takes three seconds: what crontab.d ships keeps its service, and is silent otherwise.

It runs in namespaces of its own, with its own /run, crontabs, mail and log. So the snippet is used word for word,
with the paths that it names, and neither the jobs of this machine nor another cron are touched.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.commands import command, run
from helpers.components import NOBODY, lacking, need, need_nobody, need_works
from helpers.processes import Seen, Spawner, end, everyone, look, wait_for
from helpers.servers import HOST

from watchdog_tools.system.path_trust import untrusted

pytestmark = [pytest.mark.root(reason="cron itself runs as root"), pytest.mark.slow, pytest.mark.xdist_group("cron")]
SNIPPET = Path(__file__).parents[2] / "crontab.d/keep-supervisord"
MINUTE = 3.0  # seconds of real time; cron's jobs see that one, not cron's
# The machine as cron finds it. $1: the room, with etc and usr to be laid over the real ones; $2: libfaketime.
WORLD = """
set -e
umask 022
room=$1
mount -t tmpfs none /run
mount --bind /dev "$room/dev"
mount -t tmpfs -o mode=755 none /dev
for name in null zero full random urandom; do : >"/dev/$name"; mount --bind "$room/dev/$name" "/dev/$name"; done
ln -s "$room/log" /dev/log
mount -t tmpfs none "$room/over"
for name in usr etc; do
    mkdir "$room/over/$name" "$room/over/$name.work"
    mount -t overlay -o "lowerdir=/$name,upperdir=$room/over/$name,workdir=$room/over/$name.work" none "/$name"
done
mount -t tmpfs none /etc/cron.d
mount -t tmpfs none /var/spool/cron
mount -t tmpfs -o mode=755 none /var/lib
mkdir -m 1730 /var/spool/cron/crontabs
chgrp crontab /var/spool/cron/crontabs
: >/etc/crontab
cp -rP "$room/etc/." /etc/
cp -rP "$room/usr/." /usr/
[ ! -e "$room/crontab" ] || crontab -u nobody "$room/crontab"
echo ready
LD_PRELOAD=$2 FAKETIME='+0 x20' exec cron -f -L 15
"""
MAILER = '#!/bin/sh\ncat >"{mails}/$$.new"\nmv "{mails}/$$.new" "{mails}/$$.mail"\n'
TRIAL = """
set -e
mount -t tmpfs none /mnt
mkdir /mnt/u /mnt/w
mount -t overlay -o lowerdir=/usr,upperdir=/mnt/u,workdir=/mnt/w none /usr
"""


class Cron:
    """A cron, and what it does: the log that it keeps, the mail that it sends, the processes that live in its world."""

    def __init__(self, room: Path) -> None:
        """Furnish `room`; what a test puts into its etc and usr is there when cron starts."""
        self.room = room
        for name in ("dev", "over", "mails", "etc/cron.d", "usr/sbin", "usr/bin", "usr/local/bin"):
            (room / name).mkdir(parents=True)
        (room / "mails").chmod(0o1777)  # cron mails as the job's user
        mailer = room / "usr/sbin/sendmail"
        mailer.write_text(MAILER.format(mails=room / "mails"))
        mailer.chmod(0o755)
        for name in ("ensure-running", "check-process"):
            (room / "usr/local/bin" / name).symlink_to(command(name))
        self._log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._log.setblocking(False)  # noqa: FBT003 -- the standard library's own
        self._log.bind(str(room / "log"))
        self._lines: list[str] = []
        self._world = ""

    def start(self, spawn: Spawner) -> None:
        """Start it; its first minute comes within MINUTE."""
        libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        if not libraries:
            lacking("libfaketime is not installed")
        script = ["sh", "-c", WORLD, "world", self.room, libraries[0]]
        # Its jobs get cron's environment, without the test's token: what they start is found by its namespace.
        holder = spawn(["unshare", "-mpf", "--mount-proc", "--kill-child", *script], wait_ready=True)
        self._world = str(Path(f"/proc/{holder.pid}/ns/pid_for_children").readlink())

    def close(self) -> None:
        """Forget it; that its first process was killed has ended all the others."""
        self._log.close()
        wait_for(lambda: not self.lives(), 5, "the end of cron's world")

    def lives(self, word: str = "") -> list[Seen]:
        """Return the live processes of its world, those with `word` among their arguments."""
        found = []
        for pid in everyone():
            with contextlib.suppress(OSError):
                inside = str(Path(f"/proc/{pid}/ns/pid").readlink()) == self._world
                seen = look(pid) if inside else None
                if seen and seen.state not in "ZX" and (not word or word in seen.argv):
                    found.append(seen)
        return found

    def log(self) -> list[str]:
        """Return all that it has logged."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._lines.append(self._log.recv(65536).decode())
        return self._lines

    def minutes(self, word: str) -> int:
        """Return how many runs of the job with `word` it knows to have ended."""
        return sum(" END (" in line and word in line for line in self.log())

    def mails(self) -> list[str]:
        """Return the bodies of its mails, oldest first."""
        sent = sorted((self.room / "mails").glob("*.mail"), key=lambda path: path.stat().st_mtime_ns)
        return [path.read_text().partition("\n\n")[2] for path in sent]

    def after(self, minutes: int, word: str) -> None:
        """Wait until so many runs of the job have ended, also for cron, which then mails what they said."""
        wait_for(lambda: self.minutes(word) >= minutes, minutes * MINUTE + 10, f"cron's minute {minutes} of {word}")
        wait_for(lambda: not [seen for seen in self.lives() if seen.argv[0].endswith("CRON")], 5, "cron's children")


@pytest.fixture
def cron(public_path: Path, spawn: Spawner) -> Iterator[Cron]:
    """Return a cron that is yet to be started."""
    for name in ("cron", "faketime"):
        need(name)
    need_works("unshare", "-mpf", "--mount-proc", "sh", "-c", TRIAL)
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
    """Nobody's crontab: a service is started once, as nobody; what cannot be started is said in each minute's mail."""
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
    assert sum("CRITICAL - bad" in body for body in said) == len(said) - 1 >= 2, said
    assert sum("exit status 1" in text for text in cron.log()) >= 2, cron.log()
