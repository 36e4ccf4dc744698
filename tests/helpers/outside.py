"""Services that share a name, a state or a root, that fork away, that others pretend to be: each keeps what is its own.

    cd tests; python -m helpers.outside --minutes N [--seed S] [--user] [--only SCENE]…

Runs of each service begin each 2 s, half of them with --watch, as root or (--user) as an ordinary user. Meanwhile
services and runs are killed and stopped, state is deleted and copied, strangers forge names, marks and pidfiles, and
operators stop, start and restart one service. Nothing here reads our logs: a service holds a lock of its own, writes
when it began and who ended it, and beats while it works. Everything happens in namespaces that end with it.
"""

# ruff: noqa: T201 -- it talks to a person

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from helpers.kept_services import SCENES
from helpers.outside_nemesis import Nemesis
from helpers.outside_world import USER
from helpers.stage import enclosed
from helpers.witness import Broken, now


def inside(room: Path, given: argparse.Namespace) -> int:
    """Soak, in the namespaces; tell the story of a broken promise."""
    problem = ""
    world = Nemesis(room, given.seed, given.only or list(SCENES), USER if given.user else 0)
    try:
        world.soak(given.minutes * 60)
        world.finish()
    except Broken as broken:
        problem = str(broken)
        print("\n".join(world.story.lines))
    seconds = now() - world.story.begun
    print(
        f"seed {given.seed}: {seconds:.0f} s, {world.summary()}, {f'PROBLEM: {problem}' if problem else 'no problem'}"
    )
    return 1 if problem else 0


def main() -> int:
    """Soak in namespaces of their own, and see that they leave nothing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--user", action="store_true", help="the services are an ordinary user's")
    parser.add_argument("--only", action="append", choices=SCENES, help="this scene alone, or these")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        return inside(given.inside, given)
    print(f"seed {given.seed}", flush=True)
    return enclosed("helpers.outside", [*sys.argv[1:], "--seed", str(given.seed)], namespaces="-pfmn")


if __name__ == "__main__":
    sys.exit(main())
