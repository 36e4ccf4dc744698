"""Fresh ground for one point of the kill loop: a state directory, a service that testifies, and a scene to begin with.

`Room` is the first start. `SickRoom` begins with an instance that lives and fails its check: the next run stops it
and starts another one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from helpers.commands import BIN
from helpers.instances import Service, marked
from helpers.processes import everyone, look, wait_for

SECONDS = 20.0  # for any one command

# $1: the journal, $2: the file that names the sick one. The last instance counts: it fails if it is that one, or gone.
_CHECK = """while read -r how number up; do pid=$number; done <"$1"
[ -s "$2" ] && read -r sick <"$2"
[ "$pid" != "$sick" ] && kill -0 "$pid" && echo "pid $pid works" && exit 0
echo "pid $pid does not work"
exit 2
"""


class Room:
    """The first start of a service. before: instances that ended before the one that is to live."""

    before: tuple[int, ...] = ()

    def __init__(self) -> None:
        """Make it."""
        self.path = Path(tempfile.mkdtemp(prefix="wdt-kill-", dir="/tmp"))
        self.state = self.path / "state"
        self.state.mkdir(0o700)
        self.log = self.path / "strace"
        self.service = Service(self.path)

    def words(self, lock_wait: str = "3s") -> list[str]:
        """Return the arguments of ensure-running."""
        return self.plain_words(lock_wait)

    def plain_words(self, lock_wait: str = "3s", *options: str) -> list[str]:
        """Return them without a check."""
        spans = ["--start-seconds", "0.05", "--lock-wait", lock_wait]
        return ["x", "--state-dir", str(self.state), *spans, *options, "--", *self.service.command]

    def run(self, lock_wait: str = "3s") -> tuple[int, str]:
        """Run the installed command undisturbed; return its exit code and its line."""
        return said(self.words(lock_wait))

    def one(self) -> int:
        """Assert that one instance lives, and that it is the only one that has begun since `before`. Return its pid."""
        wait_for(lambda: len(self.service.said()) > len(self.before), 5, "an instance")
        begun = self.service.starts()
        journal = [int(words[1]) for words in self.service.said()]
        assert begun == len(self.before) + 1, f"other starts than one more than {self.before}: {journal}"
        lives = [seen.pid for seen in marked()]
        assert lives == journal[-1:], f"the instance {journal[-1]} is gone, or has company; marked: {lives}"
        return lives[0]

    def forgotten(self) -> tuple[int, str]:
        """Delete all state, and run: the instance is found again by its mark."""
        shutil.rmtree(self.state)
        self.state.mkdir(0o700)
        return said(self.plain_words())

    def close(self) -> None:
        """End all that lives here, and remove it."""
        for pid in everyone():
            if pid != 1:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not others(), SECONDS, "the end of everybody")
        shutil.rmtree(self.path)


class SickRoom(Room):
    """An instance lives by its record, was healthy once, and fails its check from now on."""

    def __init__(self) -> None:
        """Start it, and let it fall sick."""
        super().__init__()
        (self.path / "check").write_text(_CHECK)
        self._sick = self.path / "sick"
        try:
            code, line = self.run()
            assert code == 0, f"the first instance: {code} {line}"
            self.before = (self.one(),)
        except BaseException:
            self.close()
            raise
        self._sick.write_text(f"{self.before[0]}\n")

    def words(self, lock_wait: str = "3s") -> list[str]:
        """Return the arguments of ensure-running, which restarts at the first failing look."""
        check = f"sh {self.path / 'check'} {self.service.journal} {self._sick}"
        policy = ["--retries", "0", "--startup-timeout", "5s", "--stop-timeout", "5s", "--backoff", "0s:0s"]
        return self.plain_words(lock_wait, *policy, "--limit", "none", "--check", check)


ROOMS = {"first": Room, "sick": SickRoom}


def said(words: list[str]) -> tuple[int, str]:
    """Run ensure-running undisturbed; return its exit code and its line."""
    done = subprocess.run(
        [BIN / "ensure-running", *words],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    line = done.stdout.decode()
    assert done.stderr == b"", f"stderr: {done.stderr!r}"
    assert line.count("\n") == 1, f"not one line: {line!r}"
    return done.returncode, line.rstrip("\n")


def others() -> list[int]:
    """Return who lives in this namespace besides its first process and us."""
    return [pid for pid in everyone() if pid != 1 and state(pid) not in "ZX"]


def state(pid: int) -> str:
    """Return a process's state, one letter; X if it is gone."""
    seen = look(pid)
    return seen.state if seen else "X"
