"""Stops, restarts and deaths of services of every shape, N times each: what is left of them, and how long that took.

    cd tests; python -m helpers.gone --rounds N [--only WORD]…

Prints a table: how many rounds left nothing, and the seconds from the order to the proof (median and worst). The exit
code is 0 only if none left anything, and each was in time. Everything happens in namespaces that end with it.
"""

# ruff: noqa: T201 -- it talks to a person

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from helpers import groups
from helpers.rounds import CONTAINMENT, WAYS, itself, rounds, unable
from helpers.scene import NAMES, Scene, scene
from helpers.shapes import Shape
from helpers.soak import enclosed

WIDTH = 28


def played(count: int, mode: str, play: Callable[[Scene], float]) -> tuple[list[float], list[str]]:
    """Play so many rounds; return the seconds of those that held, and what was wrong with the others."""
    seconds: list[float] = []
    wrong: list[str] = []
    for _ in range(count):
        try:
            with scene(CONTAINMENT[mode]) as kept:
                seconds.append(play(kept))
        except AssertionError as error:
            wrong.append(" ".join(str(error).split())[:600])
    return seconds, wrong


def plays() -> dict[str, tuple[Shape | None, bool, Callable[[Scene], float]]]:
    """Return all that is played, by name."""
    found: dict[str, tuple[Shape | None, bool, Callable[[Scene], float]]] = dict(rounds())
    for verb in ("restart", "stop"):
        for way in WAYS:
            found[f"{verb} itself ({way})"] = None, False, partial(itself, verb, way)
    return found


def row(name: str, mode: str, count: int, play: Callable[[Scene], float]) -> list[str]:
    """Play one line of the table, and print it; return what was wrong."""
    seconds, wrong = played(count, mode, play)
    times = f"{statistics.median(seconds):6.2f} {max(seconds):6.2f}" if any(seconds) else ""
    print(f"{name:{WIDTH}} {mode:5} {len(seconds):3} of {count:<3} {times}", flush=True)
    return [f"{name}, {mode}: {each}" for each in wrong]


def table(count: int, only: list[str]) -> int:
    """Play it all; say at the end what was wrong."""
    print(f"{'':{WIDTH}} group  nothing left  median  worst (s, order to proof)")
    wrong: list[str] = []
    for name, (shape, dead, play) in plays().items():
        if only and not any(word in name.split() for word in only):
            continue
        for mode in CONTAINMENT:
            if not (shape and unable(shape, mode, dead=dead)):
                wrong += row(name, mode, count, play)
    for each in wrong:
        print(f"PROBLEM: {each}")
    print(f"{len(wrong)} problems" if wrong else "no problem")
    return 1 if wrong else 0


def main() -> int:
    """Do it in namespaces of its own, and remove the control groups of one that was killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--only", action="append", default=[], help="a shape, or stop, restart, kill, itself")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        return table(given.rounds, given.only)
    try:
        return enclosed("helpers.gone", sys.argv[1:], namespaces="-pfmn")
    finally:
        for group in groups.named(f"{NAMES}*"):
            groups.remove(group)


if __name__ == "__main__":
    sys.exit(main())
