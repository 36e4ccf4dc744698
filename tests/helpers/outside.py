"""Services that share a name, a state or a root, that fork away, that others pretend to be: each keeps what is its own.

    cd tests; python -m helpers.outside --minutes N [--seed S] [--user | --docker | --pure] [--containment auto|none]
        [--only SCENE]…

Runs of each service begin each 2 s, half of them with --watch, as root or (--user) as an ordinary user; with --docker
as root that finds all control groups mounted read-only, with --pure below a systemd on pure cgroup2. Meanwhile
services and runs are killed and stopped, state is deleted and copied, strangers forge names, marks and pidfiles, and
operators stop, start and restart one service. Nothing here reads our logs: a service holds a lock of its own, writes
when it began and who ended it, and beats while it works. Everything happens in namespaces that end with it.
"""

# ruff: noqa: T201 -- it talks to a person

from __future__ import annotations

import argparse
import os
import random
import sys
from pathlib import Path

from helpers import cgroups, nspawn
from helpers.commands import run
from helpers.observations import Violation, now
from helpers.outside_nemesis import Nemesis
from helpers.outside_services import SCENES
from helpers.outside_soak import USER
from helpers.soak import do, enclosed

TESTS = Path(__file__).parent.parent


def inside(room: Path, given: argparse.Namespace) -> int:
    """Soak, in the namespaces; print what happened before a broken promise."""
    problem = ""
    if given.docker:
        for place in cgroups.version_2():
            do("mount", "-o", "remount,bind,ro", str(place))
    groups = {"containment": given.containment if knows_containment() else "", "contained": contained(given)}
    soak = Nemesis(room, given.seed, given.only or list(SCENES), USER if given.user else 0, **groups)
    try:
        soak.soak(given.minutes * 60)
        soak.finish()
    except Violation as broken:
        problem = str(broken)
        print("\n".join(soak.log.lines))
    seconds = now() - soak.log.begun
    print(f"seed {given.seed}: {seconds:.0f} s, {soak.summary()}, {f'PROBLEM: {problem}' if problem else 'no problem'}")
    return 1 if problem else 0


def knows_containment() -> bool:
    """Whether the installed release has the option."""
    return "--containment" in run("ensure-running", "--help").out


def contained(given: argparse.Namespace) -> bool:
    """Whether control groups can be made here, and are wanted."""
    here = any(os.access(place, os.W_OK) for place in cgroups.version_2())
    return here and given.containment == "auto" and not given.user


def in_systemd(words: list[str], minutes: float) -> int:
    """Soak as a unit of a systemd on pure cgroup2, which is process 1 there."""
    with nspawn.booted("pure", TESTS) as machine:
        unit = ["systemd-run", "--wait", "--pipe", "--quiet", f"--working-directory={TESTS}", sys.executable]
        done = machine.run(*unit, "-m", "helpers.outside", *words, "--booted", timeout=minutes * 60 + 300)
    print(done.out, done.err, sep="", end="")
    return done.code


def main() -> int:
    """Soak in namespaces of their own, and see that they leave nothing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--user", action="store_true", help="the services are an ordinary user's")
    where.add_argument("--docker", action="store_true", help="root's, with control groups that are mounted read-only")
    where.add_argument("--pure", action="store_true", help="root's, below a systemd on cgroup2 alone")
    parser.add_argument("--containment", choices=("auto", "none"), default="auto", help="said to each run")
    parser.add_argument("--only", action="append", choices=SCENES, help="this scene alone, or these")
    parser.add_argument("--booted", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        return inside(given.inside, given)
    words = [*sys.argv[1:], "--seed", str(given.seed)]
    if given.pure and not given.booted:
        return in_systemd(words, given.minutes)
    if not given.booted:
        print(f"seed {given.seed}", flush=True)
    # a systemd has a network of its own, and is to be process 1 of whom it runs
    return enclosed("helpers.outside", words, namespaces="-fm" if given.booted else "-pfmn")


if __name__ == "__main__":
    sys.exit(main())
