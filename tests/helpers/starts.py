"""Programs that fork away in their first instruction, and instances that exec without end: none is overlooked.

    cd tests; python -m helpers.starts --starts N --adoptions M

The starts go four abreast, under four busy loops. What the parent left behind is found whatever it ended with, and
named by the run; the next one starts nothing beside it, and ends it first if its parent had failed. An instance in
the middle of an exec shows an empty environment for a moment; it is adopted all the same when its record is lost.
"""

# ruff: noqa: T201 -- it talks to a person

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from helpers.instances import UNTIL_IT_ENDS, Kept
from helpers.processes import alive, carriers, end_carriers, wait_for
from helpers.soak import enclosed

ABREAST = 4
PATIENCE = 60  # seconds for a run on a machine that has far more to do
# The end of a parent is seen: only then has it left a daemon.
_OPTIONS = ("--backoff", "1ms:1ms", "--limit", "none", *UNTIL_IT_ENDS)
# $1: what the parent ends with. The child makes a session of its own, or it does not.
_AWAY = {"setsid": 'code=$1; shift; setsid "$@" & exit "$code"', "plain": 'code=$1; shift; "$@" & exit "$code"'}
# It holds a lock of its own over all its execs, and testifies once.
_AGAIN = """[ "$3" = again ] && exec "$0" "$1" "$2" again
exec 9>>"$2"
if flock -n 9; then how=start; else how=overlap; fi
read -r up _ </proc/uptime
echo "$how $$ $up" >>"$1"
exec "$0" "$1" "$2" again"""


@contextmanager
def busy(count: int = 4) -> Iterator[None]:
    """Have so many busy loops run meanwhile."""
    loops = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def start(room: Path, number: int) -> None:
    """Start one that forks away, twice. Raise AssertionError."""
    kept, way = Kept(room / f"s{number}", f"s{number}"), list(_AWAY)[number // 2 % 2]
    command = ["/bin/sh", "-c", _AWAY[way], "sh", str(number % 2), *kept.service.command]
    try:
        first = kept.run(*_OPTIONS, command=command, timeout=PATIENCE)
        wait_for(kept.service.said, PATIENCE, "what it became")
        second = kept.run(*_OPTIONS, command=command, timeout=PATIENCE)
        what = f"{way}, exit {number % 2}: {first.out!r}, then {second.out!r}"
        begun = kept.service.starts()  # two at once fail here
        pid = kept.service.said()[0][1]
        assert begun == 1 or (number % 2 and not alive(int(pid))), f"a second one, {kept.service.said()}: {what}"
        # one that has not come to testify yet counts, too; one in the middle of its exec is seen a moment later
        wait_for(lambda: len(carriers(str(kept.room))) == 1, 5, f"one alone: {what}")
        assert all(re.search(rf"\b{pid}\b", ran.out) for ran in (first, second)), f"pid {pid} is not named: {what}"
    finally:
        _end(kept)


def adopt(kept: Kept, command: list[str]) -> None:
    """Lose the state of the instance that execs, and run. Raise AssertionError."""
    kept.forget()
    ran = kept.run(command=command, timeout=PATIENCE)
    assert kept.service.starts() == 1, f"a second one: {ran.out!r}"
    assert ran.code == 0, ran
    assert "adopted" in ran.out, ran


def _end(kept: Kept) -> None:
    end_carriers(str(kept.room), PATIENCE)
    shutil.rmtree(kept.room)


def failed(attempt: Callable[[int], None], number: int) -> str:
    """Return what an attempt found wrong, empty if nothing."""
    try:
        attempt(number)
    except AssertionError as error:
        return str(error)
    return ""


def many_starts(room: Path, count: int) -> list[str]:
    """Start so many, four abreast under four busy loops; return what was wrong."""
    with busy(), ThreadPoolExecutor(ABREAST) as pool:
        return list(filter(None, pool.map(lambda number: failed(lambda each: start(room, each), number), range(count))))


def many_adoptions(room: Path, count: int) -> list[str]:
    """Adopt one that execs so often; return what was wrong."""
    wrong = []
    for number in range(count):
        if not number or wrong[-1]:  # two live after a failure: begin anew
            kept = Kept(room / f"a{number}", "again")
            command = [kept.script("again", _AGAIN), str(kept.service.journal), str(kept.room / "held"), "first"]
            kept.run(command=command, timeout=PATIENCE)
            wait_for(kept.service.said, PATIENCE, "its testimony")
        wrong.append(failed(lambda _: adopt(kept, command), number))  # noqa: B023 -- called at once
        if wrong[-1] or number == count - 1:
            _end(kept)
    return list(filter(None, wrong))


def inside(room: Path, given: argparse.Namespace) -> int:
    """Do both, in the namespaces; say what was wrong."""
    starts, adoptions = many_starts(room, given.starts), many_adoptions(room, given.adoptions)
    for words in (*starts[:3], *adoptions[:3]):
        print(f"PROBLEM: {words}")
    print(f"{given.starts} starts of programs that fork away, four abreast under four busy loops: {len(starts)} failed")
    print(f"{given.adoptions} adoptions of an instance that execs: {len(adoptions)} failed")
    return 1 if starts or adoptions else 0


def main() -> int:
    """Do it in namespaces of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--starts", type=int, default=0)
    parser.add_argument("--adoptions", type=int, default=0)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        return inside(given.inside, given)
    return enclosed("helpers.starts", sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
