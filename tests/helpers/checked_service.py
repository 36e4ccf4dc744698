"""A kept service that can fall ill: its check logs each look with its time, its hooks log what they were told."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from helpers.commands import Ran
from helpers.instances import Kept
from helpers.processes import alive, look, wait_for

# What no test waits for unless it says so; a later word on the command line wins.
QUICK = ("--retries", "0", "--startup-timeout", "20s", "--stop-timeout", "500ms", "--backoff", "0s:0s",
         "--limit", "none")  # fmt: skip
_IN_VAIN = ("--startup-timeout", "300ms")


class CheckedService(Kept):
    """A service whose check fails where the last instance of the journal is gone, and while it is ill.

    Ill is who has a file `ill`, with nothing in it or with a pid that lives.
    """

    @property
    def check(self) -> str:
        """The path of its check, a plugin: exit 2 while it is ill; each look leaves `look UPTIME` in the log."""
        path = self.room / "health"
        if not path.exists():
            body = f"""lives() {{ [ -n "$1" ] && [ -n "$(tr -d '\\0' 2>/dev/null <"/proc/$1/cmdline")" ]; }}
read -r up _ </proc/uptime; echo "look $up" >>'{self.room}/log'
read -r only 2>/dev/null <'{self.room}/ill' && lives "${{only:-1}}" && {{ echo no answer; exit 2; }}
lives "$(tail -n 1 '{self.service.journal}' 2>/dev/null | cut -d' ' -f2)" && {{ echo fine; exit 0; }}
echo none is there; exit 2"""
            self.script("health", body)
        return str(path)

    def keep(self, *options: object, command: list[str] | None = None, **popen: Any) -> Ran:
        """Run ensure-running once with its check. What is to become healthy has the time that a busy machine takes."""
        in_vain = _IN_VAIN if self.text("ill") == "\n" else ()
        return self.run(*QUICK, *in_vain, "--check", self.check, *options, command=command, **popen)

    def dies_when_checked(self) -> list[str]:
        """Return the words of a service that exits with 3 at the first look since it began: it was `running`."""
        body = f"""looks() {{ wc -l <'{self.room}/log'; }}
before=$(looks); echo "start $$ 0" >>"$1"; while [ "$(looks)" -le "$before" ]; do sleep 0.05; done; exit 3"""
        return shell(body, self.service.journal)

    def ill(self, only: object = "") -> None:
        """Make it ill: until `well`, or until the process `only` is gone."""
        (self.room / "ill").write_text(f"{only}\n")

    def well(self) -> None:
        """Cure it."""
        (self.room / "ill").unlink()

    def up(self, *options: object, **popen: Any) -> int:
        """Start it, healthy; return its pid."""
        ran = self.keep(*options, **popen)
        assert ran.code == 0, ran
        pid = self.pid()
        assert alive(pid)
        return pid

    def log(self) -> list[list[str]]:
        """Return what was logged: `look UPTIME`, and what hooks wrote."""
        return [line.split() for line in self.text("log").splitlines()]

    def looks(self) -> list[float]:
        """Return when each look was taken, up to the first line that is none."""
        log = self.log()
        end = next((at for at, words in enumerate(log) if words[0] != "look"), len(log))
        return [float(words[1]) for words in log[:end]]

    def clear(self) -> None:
        """Forget the log."""
        (self.room / "log").unlink(missing_ok=True)

    def hook(self, word: str, body: str = "") -> str:
        """Return the command line of a hook that logs `word` and all HOOK_* variables, then does `body`."""
        text = f"""{{ echo {word}; env -0 | grep -az ^HOOK_ | sort -z | tr '\\0\\n' ' ,'; echo; }} >>'{self.room}/hooks'
echo {word} $HOOK_PID >>'{self.room}/log'
{body}"""
        return self.script(f"hook-{word}", text)

    def told(self) -> list[tuple[str, dict[str, str]]]:
        """Return which hooks ran, each with its HOOK_* variables."""
        lines = self.text("hooks").splitlines()
        found = []
        for word, facts in zip(lines[::2], lines[1::2], strict=True):
            found.append((word, dict(fact.split("=", 1) for fact in facts.split())))
        return found

    def happened(self) -> list[str]:
        """Return the kinds of its events."""
        path = self.state / f"{self.name}.events"
        return [json.loads(line)["event"] for line in path.read_text().splitlines()] if path.exists() else []

    def last(self, kind: str) -> dict[str, Any]:
        """Return the latest event of a kind."""
        return [event for event in self.events() if event["event"] == kind][-1]

    def fields(self, **changes: object) -> None:
        """Change lines of the record."""
        words = self.record() | {key: str(value) for key, value in changes.items()}
        Path(self.state / f"{self.name}.record").write_text("".join(f"{key}={value}\n" for key, value in words.items()))

    def grow_older(self, seconds: float) -> None:
        """Move what its record tells of into the past, but not before the boot: that may not be long ago."""
        record = self.record()

        def earlier(word: str) -> str:
            return str(max(int(word) - int(seconds * 1000), 1))

        starts = ",".join(map(earlier, filter(None, record["starts"].split(","))))
        self.fields(since=earlier(record["since"]), ended=earlier(record["ended"]), starts=starts)


def stops(pid: int) -> None:
    """Wait until it is stopped (T)."""
    wait_for(lambda: (seen := look(pid)) is not None and seen.state == "T", 5, f"the stop of {pid}")


def shell(script: str, *words: object) -> list[str]:
    """Return the words of a shell that runs it."""
    return ["/bin/sh", "-c", script, "sh", *map(str, words)]


def quoted(*words: object) -> str:
    """Return words as a command line."""
    return shlex.join(map(str, words))
