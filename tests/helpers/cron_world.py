"""A real cron in namespaces of its own, a minute of which takes three seconds: its jobs, its log, its mail.

It has its own /run, /var/lib, crontabs and mail, so that neither the jobs of this machine nor another cron are touched.
"""

from __future__ import annotations

import contextlib
import mailbox
import socket
from pathlib import Path

from helpers.commands import command
from helpers.components import lacking, need, need_works
from helpers.processes import Seen, Spawner, everyone, look, wait_for

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
if [ -e "$room/spool" ]; then
    mount -t tmpfs -o mode=2775,gid=mail none /var/mail
    mount -t tmpfs -o mode=2770,gid=mail none /var/spool/dma
fi
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

    def __init__(self, room: Path, *, spool: bool = False) -> None:
        """Furnish `room`; what a test puts into its etc and usr is there when cron starts.

        spool: mail is delivered by Debian's dma, to the mailbox of its user (`spooled`); else it is kept (`mails`).
        """
        for name in ("unshare", "cron", "faketime"):
            need(name)
        need_works("unshare", "-mpf", "--mount-proc", "sh", "-c", TRIAL)
        self.room = room
        for name in ("dev", "over", "mails", "etc/cron.d", "usr/sbin", "usr/bin", "usr/local/bin"):
            (room / name).mkdir(parents=True)
        (room / "mails").chmod(0o1777)  # cron mails as the job's user
        if spool:
            need("dma")
            (room / "spool").touch()
        else:
            mailer = room / "usr/sbin/sendmail"
            mailer.write_text(MAILER.format(mails=room / "mails"))
            mailer.chmod(0o755)
        for name in ("ensure-running", "check-process", "check-port", "watchdog-tools"):
            (room / "usr/local/bin" / name).symlink_to(command(name))
        self._log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._log.setblocking(False)  # noqa: FBT003 -- the standard library's own
        self._log.bind(str(room / "log"))
        self._lines: list[str] = []
        self._world = ""
        self.first = 0  # its pid, once it runs

    def start(self, spawn: Spawner) -> None:
        """Start it; its first minute comes within MINUTE."""
        libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        if not libraries:
            lacking("libfaketime is not installed")
        script = ["sh", "-c", WORLD, "world", self.room, libraries[0]]
        # Its jobs get cron's environment, without the test's token: what they start is found by its namespace.
        holder = spawn(["unshare", "-mpf", "--mount-proc", "--kill-child", *script], wait_ready=True)
        self._world = str(Path(f"/proc/{holder.pid}/ns/pid_for_children").readlink())
        self.first = next(seen.pid for seen in map(look, everyone()) if seen and seen.parent == holder.pid)

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

    def spooled(self, word: str) -> list[str]:
        """Return the bodies of root's mail about the jobs with `word` in their command line, oldest first."""
        self.log()  # a socket that nobody reads holds ten lines, and then everybody who logs
        try:
            raw = Path(f"/proc/{self.first}/root/var/mail/root").read_bytes()
        except FileNotFoundError:
            return []
        copy = self.room / "mbox"
        copy.write_bytes(raw)
        with contextlib.closing(mailbox.mbox(copy, create=False)) as box:
            return [str(mail.get_payload()) for mail in box if word in str(mail["Subject"])]

    def after(self, minutes: int, word: str) -> None:
        """Wait until so many runs of the job have ended, also for cron, which then mails what they said."""
        wait_for(lambda: self.minutes(word) >= minutes, minutes * MINUTE + 10, f"cron's minute {minutes} of {word}")
        wait_for(lambda: not [seen for seen in self.lives() if seen.argv[0].endswith("CRON")], 5, "cron's children")
