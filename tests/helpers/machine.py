"""A machine of its own, as far as a reader of the README can tell: processes, loopback, /run, /opt, /etc, /usr/bin.

What is typed there finds the installed commands in /usr/local/bin, every port free, and no state; what it writes to
those directories is gone with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from helpers import components
from helpers.commands import CRON, Ran, run
from helpers.documents import COMMANDS
from helpers.processes import everyone, look

TYPED = {**CRON, "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root", "LANG": "C.UTF-8"}
_EMPTY = ("/run", "/opt", "/usr/local/bin", "/root", "/tmp")
_COPIED = ("/usr/bin", "/usr/local/share", "/etc", "/var/lib", "/var/log")
# $1: the directory of our commands; $2: what else is brought, NAME=DIRECTORY, as /mnt/NAME; the others: the names of
# our commands. The shell is the first process, and reaps orphans.
_FIRST = """
set -e
bin=$1 brought=$2
shift 2
ip link set lo up
mount -t tmpfs -o mode=755 tmpfs /mnt && mkdir /mnt/bin
for each in $brought; do
  mkdir "/mnt/${each%%%%=*}" && mount --bind "${each#*=}" "/mnt/${each%%%%=*}"
done
for each; do cp "$bin/$each" /mnt/bin/; done
for each in %(empty)s; do mount -t tmpfs -o mode=755 tmpfs "$each"; done
for each in %(copied)s; do
  mkdir -p "/mnt/upper$each" "/mnt/work$each"
  mount -t overlay overlay -o "lowerdir=$each,upperdir=/mnt/upper$each,workdir=/mnt/work$each" "$each"
done
chmod 1777 /tmp
mkdir -p /opt/web/bin /run/lock
for each; do cp "/mnt/bin/$each" /usr/local/bin/; done
printf '#!/bin/sh\\nexec /usr/bin/python3 -m http.server -b 127.0.0.1 8080\\n' >/opt/web/bin/server
chmod 755 /opt/web/bin/server
echo ready
set +e
while :; do wait; sleep 1; done
"""


class Machine:
    """It, while it runs."""

    def __init__(self, commands: tuple[str, ...], brought: dict[str, Path]) -> None:
        """Begin it. commands: what of ours is installed. brought: directories that are there as /mnt/NAME."""
        bin_ = Path(sys.prefix, "bin")
        empty = [place for place in _EMPTY if not bin_.is_relative_to(place)]
        copied = [*_COPIED, *({*_EMPTY} - {*empty})]  # where we are ourselves: what is written there is gone as well
        script = _FIRST % {"empty": " ".join(empty), "copied": " ".join(copied)}
        self.first = subprocess.Popen(
            ["unshare", "-mpfn", "--mount-proc", "--kill-child", "sh", "-c", script, "sh", str(bin_),
             " ".join(f"{name}={path}" for name, path in brought.items()), *commands],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=TYPED,
        )  # fmt: skip
        assert self.first.stdout is not None
        assert self.first.stderr is not None
        if self.first.stdout.readline() != b"ready\n":
            raise AssertionError(f"it does not begin: {self.first.stderr.read().decode(errors='replace')}")
        self.pid = next(pid for pid in everyone() if (seen := look(pid)) and seen.parent == self.first.pid)
        here, there = (Path(f"/proc/{pid}/ns/mnt").readlink() for pid in ("self", self.pid))
        assert here != there, "what is typed would be typed on this machine"

    def type(self, line: str, *, timeout: float = 30) -> Ran:
        """Run what somebody types, or cron reads: a line for /bin/sh."""
        inside = ("nsenter", "-t", str(self.pid), "-p", "-m", "-n", "-r", "--")
        return run(*inside, "/bin/sh", "-c", line, timeout=timeout, env=TYPED, cwd="/")

    def end(self) -> None:
        """End it, with all that lives in it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.first.wait(10)
        for pipe in (self.first.stdout, self.first.stderr):
            assert pipe is not None
            pipe.close()


@contextlib.contextmanager
def machine(commands: tuple[str, ...] = tuple(COMMANDS), **brought: Path) -> Iterator[Machine]:
    """Yield one, as root, with commands of ours; directories that are brought are there as /mnt/NAME."""
    components.only_root("makes a machine of its own")
    for tool in ("unshare", "nsenter", "ip"):
        components.need(tool)
    made = Machine(commands, brought)
    try:
        yield made
    finally:
        made.end()
