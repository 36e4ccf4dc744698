"""What ensure-running starts and ends, in a process of its own without threads, for tests that watch it.

    python start_and_end.py end SECONDS COMMAND …      start it, say `ready (pid N)`, wait for a line, end it; say Ended
    python start_and_end.py leave COMMAND …            start it, say `ready (pid N)`, and leave it to init
    python start_and_end.py hook SECONDS COMMAND …     run it as a hook; say Ended
    python start_and_end.py found SECONDS PID          end a process that was found; say Ended

Ended is JSON: `said` (survivors, or a hook's sentence), `seconds`, `fair` (less those for which it waited for a CPU),
`exit_status`, `children` (that are left, zombies too), `descriptors` (open afterwards, but not before).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from watchdog_tools.actions.hooks import run_command
from watchdog_tools.actions.kill import end_found, end_own
from watchdog_tools.actions.spawn import Child, spawn
from watchdog_tools.actions.start_plan import resolve
from watchdog_tools.core.config import StartOptions
from watchdog_tools.core.owner import Owner
from watchdog_tools.system.identity import of

FACTS = {"HOOK_NAME": "svc", "HOOK_STATE": "2", "HOOK_REASON": "it's $(bad)", "HOOK_ATTEMPT": "3", "HOOK_PID": "12"}


def main(job: str, *words: str) -> None:
    """Do one of the jobs above."""
    if job == "leave":
        said(started(words))
    elif job == "end":
        born = said(started(words[1:]))
        sys.stdin.readline()
        ended = timed(lambda: end_own(born, frozenset({os.geteuid()}), float(words[0])))
        say(json.dumps(ended | {"fate": born.exit_status(), "children": children()}))
    elif job == "hook":
        say(json.dumps(timed(lambda: run_command(words[1:], FACTS, float(words[0]), trust_any=True))))
    elif job == "found":
        identity = of(int(words[1]))
        assert identity is not None
        say(json.dumps(timed(lambda: end_found(identity, float(words[0])))))


def said(born: Child) -> Child:
    """Say who was born."""
    say(f"ready (pid {born.identity[0]})")
    return born


def say(line: str) -> None:
    """Say a line at once."""
    os.write(1, f"{line}\n".encode())


OWNER = Owner(name="svc", uid=os.geteuid(), directory="/nowhere")


def started(argv: tuple[str, ...]) -> Child:
    """Start an instance of svc, without a lock or a record."""
    return spawn(resolve(StartOptions(argv=argv, trust_any=True), os.environ), -1, OWNER, lambda _: None)


def timed(work: Callable[[], object]) -> dict[str, Any]:
    """Return what it said, the seconds that it took, how many of them it did not wait for a CPU, what it left."""
    before = descriptors()
    begun, waited = time.monotonic(), queued()
    answer = work()
    seconds = time.monotonic() - begun
    fair = seconds - (queued() - waited)
    more = sorted(descriptors() - before)
    return {"said": answer, "seconds": seconds, "fair": fair, "descriptors": more, "children": children()}


def queued() -> float:
    """Return for how many seconds this process could have run, but others did: a loaded machine is not slow code."""
    return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9


def descriptors() -> set[str]:
    """Return which are open, with that of the look itself."""
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def children() -> int:
    """Return how many children we have, 1 for any number; one that waits to be reaped counts."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return 0
    return 1


if __name__ == "__main__":
    main(*sys.argv[1:])
