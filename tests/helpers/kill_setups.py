"""Where one point of the kill loop begins: a state directory, a service that testifies, and what was done to it before.

`Setup` is the first start. `UnhealthySetup` begins with an instance that lives and fails its check: the next run stops
it and starts another one. `LeftBehindSetup` begins with what an instance left behind that was killed; in `FrozenSetup`
that is frozen, as by a run that was killed between freezing and killing them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from pathlib import Path

from helpers import groups
from helpers.commands import BIN, run
from helpers.instances import Service, marked
from helpers.processes import Seen, everyone, look, wait_for

SECONDS = 20.0  # for any one command

# $1: the journal, $2: the file that names the sick one. The last instance counts: it fails if it is that one, or gone.
_CHECK = """while read -r how number up; do pid=$number; done <"$1"
[ -s "$2" ] && read -r sick <"$2"
[ "$pid" != "$sick" ] && kill -0 "$pid" && echo "pid $pid works" && exit 0
echo "pid $pid does not work"
exit 2
"""

# $1: the journal, $2: the file that all of a family hold, $3: where the first one says that it has a family. That
# ignores TERM; only its control group leads to the second of them, and to the instance where the state is deleted.
_FAMILY = """exec 9>>"$2"
if flock -n 9; then how=start; else how=overlap; fi
read -r up _ </proc/uptime
if [ ! -e "$3" ]; then
  : >"$3"
  trap '' TERM
  sleep 600 &
  env -i setsid sleep 600 &
  trap - TERM
fi
echo "$how $$ $up" >>"$1"
exec env -i sleep 600
"""


class Setup:
    """The first start of a service. before: instances that ended before the one that is to live."""

    before: tuple[int, ...] = ()

    def __init__(self) -> None:
        """Make it."""
        self.path = Path(tempfile.mkdtemp(prefix="wdt-kill-", dir="/tmp"))
        self.state = self.path / "state"
        self.state.mkdir(0o700)
        self.log = self.path / "strace"
        self.name = self.path.name
        self.service = Service(self.path)

    @property
    def command(self) -> list[str]:
        """The start command."""
        return self.service.command

    def words(self, lock_wait: str = "3s") -> list[str]:
        """Return the arguments of ensure-running."""
        return self.plain_words(lock_wait)

    def plain_words(self, lock_wait: str = "3s", *options: str) -> list[str]:
        """Return them without a check."""
        spans = ["--start-seconds", "0.05", "--lock-wait", lock_wait]
        return [self.name, "--state-dir", str(self.state), *spans, *options, "--", *self.command]

    def run(self, lock_wait: str = "3s") -> tuple[int, str]:
        """Run the installed command undisturbed; return its exit code and its line."""
        return said(self.words(lock_wait))

    def one(self) -> int:
        """Assert that one instance lives, and that it is the only one that has begun since `before`. Return its pid."""
        wait_for(lambda: len(self.service.said()) > len(self.before), 5, "an instance")
        begun = self.service.starts()
        journal = [int(words[1]) for words in self.service.said()]
        assert begun == len(self.before) + 1, f"other starts than one more than {self.before}: {journal}"
        lives = [seen.pid for seen in self.lives()]
        assert lives == journal[-1:], f"the instance {journal[-1]} is gone, or has company; marked: {lives}"
        return lives[0]

    def lives(self) -> list[Seen]:
        """Return the instances that live."""
        return marked()

    def is_found(self, pid: int) -> bool:
        """Tell whether anything leads to an instance without the state."""
        return pid > 0

    def empty_groups(self) -> list[Path]:
        """Return the service's control groups in which nothing lives."""
        return [group for group in groups.named(self.name) if not groups.populated(group)]

    def forgotten(self) -> tuple[int, str]:
        """Delete all state, and run: the instance is found again."""
        shutil.rmtree(self.state)
        self.state.mkdir(0o700)
        return said(self.plain_words())

    def close(self) -> None:
        """End all that lives here, and remove it."""
        for pid in everyone():
            if pid != 1:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for group in groups.named(self.name):
            groups.kill(group)  # thaws it, too
        wait_for(lambda: not others(), SECONDS, "the end of everybody")
        wait_for(lambda: all(groups.remove(group) for group in groups.named(self.name)), SECONDS, "its groups' end")
        shutil.rmtree(self.path)


class UnhealthySetup(Setup):
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


class LeftBehindSetup(Setup):
    """An instance was killed, and left behind what ignores TERM. Environments are overwritten."""

    def __init__(self) -> None:
        """Start it, and kill it alone."""
        super().__init__()
        try:
            code, line = self.run()
            assert code == 0, f"the first instance: {code} {line}"
            self.before = (self.one(),)
            self.group = groups.of(self.before[0])
            wait_for(lambda: len(self._sleepers()) == len(("it", "child", "of its own session")), SECONDS, "its family")
            os.kill(self.before[0], signal.SIGKILL)
            wait_for(lambda: state(self.before[0]) == "X", SECONDS, "its end")
        except BaseException:
            self.close()
            raise

    def _sleepers(self) -> list[int]:
        return [pid for pid in others() if (seen := look(pid)) and seen.argv[0] == "sleep"]

    @property
    def command(self) -> list[str]:
        """The start command: what it starts holds the instance's own lock."""
        files = (self.service.journal, self.path / "held", self.path / "family")
        return ["/bin/sh", "-c", _FAMILY, "service", *map(str, files)]

    def words(self, lock_wait: str = "3s") -> list[str]:
        """Return the arguments of ensure-running."""
        return self.plain_words(lock_wait, "--stop-timeout", "0.2s", "--backoff", "0s:0s", "--limit", "none")

    def lives(self) -> list[Seen]:
        """Return the instances that live: one has said so before it overwrites its mark."""
        young = marked()
        pids = {*(seen.pid for seen in young), *(int(words[1]) for words in self.service.said())}
        return [seen for pid in sorted(pids) if (seen := look(pid)) and seen.state not in "ZX"]

    def is_found(self, pid: int) -> bool:
        """Tell whether anything leads to an instance without the state: its control group alone could."""
        return groups.of(pid) == self.group


class FrozenSetup(LeftBehindSetup):
    """The same, and what was left behind is frozen."""

    def __init__(self) -> None:
        """Freeze it."""
        super().__init__()
        groups.freeze(self.group)
        wait_for(lambda: "frozen 1" in (self.group / "cgroup.events").read_text(), SECONDS, "the frost")


SETUPS = {"first": Setup, "sick": UnhealthySetup, "left": LeftBehindSetup, "frozen": FrozenSetup}
CONTAINED = ("left", "frozen")


def said(words: list[str]) -> tuple[int, str]:
    """Run ensure-running undisturbed; return its exit code and its line."""
    ran = run(BIN / "ensure-running", *words, timeout=SECONDS)
    assert ran.err == "", f"stderr: {ran.err!r}"
    assert ran.out.count("\n") == 1, f"not one line: {ran.out!r}"
    return ran.code, ran.out.rstrip("\n")


def others() -> list[int]:
    """Return who lives in this namespace besides its first process and us."""
    return [pid for pid in everyone() if pid != 1 and state(pid) not in "ZX"]


def state(pid: int) -> str:
    """Return a process's state, one letter; X if it is gone."""
    seen = look(pid)
    return seen.state if seen else "X"
