"""Upgrades and downgrades while runs begin each second: every service stays what it is, and as it is.

    cd tests; python -m helpers.upgrade --flips N [--seed S] [--user]

Services that the earlier release started, healthy and paused, with --watch and without, found again by a mark, by a
check, or by the record alone, are kept by this one, and the other way round.
"""

# ruff: noqa: T201 -- it talks to a person

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from helpers.commands import BIN
from helpers.observations import Ran, Violation, now
from helpers.outside_services import BOUND
from helpers.outside_soak import USER, Outside
from helpers.processes import look
from helpers.releases import build
from helpers.soak import enclosed

ROUND = 5  # flips in a row; odd, so that the repair behind them is made by each release in its turn
SETTLED = 1.5  # seconds in which whoever was started is written down as running, and has been found well


class Upgrade(Outside):
    """Runs of two releases by turns."""

    def __init__(self, room: Path, seed: int, earlier: Path, uid: int) -> None:
        """Begin with the earlier release. earlier: where its commands are."""
        super().__init__(room, seed, ["upgraded"], uid)
        self.period = 1.0
        self.releases = {"the earlier one": earlier, "this one": BIN}
        self.release = ""
        self.quiet = False  # whether nothing is to happen: each run says that all is well, nobody is started
        self.flips = 0
        self.flip()

    def flip(self) -> None:
        """Let the other release be the one that is installed."""
        self.release = "the earlier one" if self.release != "the earlier one" else "this one"
        self.bin = self.releases[self.release]
        self.log.add(f"installed: {self.release}")  # each run goes by the path of that moment

    def ends(self, run: Ran) -> None:
        """Judge a run: as long as nothing happens to the services, all is well."""
        super().ends(run)
        said = self.log.lines[-1].strip()
        busy = run.child.returncode == 1 and "another run" in said  # where records were lost, on a slow machine
        if self.quiet and run.begun > self.calm and run.child.returncode and not busy:
            raise Violation(f"{run.what} found something wrong: {said}")

    def begin(self) -> None:
        """Start all, with the earlier release, and pause those that are to be paused."""
        self.up()
        for name in ("paused", "paused-watched"):
            if self.done(self.operate(self.services[name], "pause", "--for", "1h")):
                raise Violation(f"{name} cannot be paused")

    def up(self) -> None:
        """Wait until all work, and have been seen to."""
        if not self.stay(BOUND, self.all_work):
            raise Violation("not all work")
        self.stay(SETTLED)

    def turn(self, count: int) -> None:
        """Flip so often. No instance ends, none begins, and nobody finds anything wrong. Raise Violation."""
        self.calm, self.quiet = now(), True
        before = self.oracle.starts()
        for _ in range(count):
            self.flip()
            self.flips += 1
            self.stay(self.random.uniform(1.0, 2.0))
            if self.random.random() < 0.3:
                self.lose_records()
        if self.oracle.starts() != before:
            raise Violation("something was started, though all was well")
        self.quiet = False

    def lose_records(self) -> None:
        """Delete the records of those that can be found by their mark, while no run is alive; flip at times."""
        self.still()
        for name in ("bare", "bare-watched", "named", "named-watched"):
            (self.cast.state / f"{name}.record").unlink(missing_ok=True)
        if self.random.random() < 0.5:
            self.flip()
        self.go_on()
        self.stay(1.5)

    def repair(self) -> None:
        """Kill, order and resume: what this release does with what the other one wrote down. Raise Violation."""
        for name in ("bare", "named-watched", "blank", "paused"):
            life = self.instance(name)
            if life:
                life.struck = True
                self.send(look(life.pid), signal.SIGKILL, f"kill {name}")
        paused = self.services["paused"]
        self.stay(BOUND, lambda: not self.oracle.living("paused"))
        if self.stay(3 * self.period, lambda: self.oracle.living("paused")):
            raise Violation("a paused service was started")
        if self.done(self.operate(paused, "resume")):
            raise Violation("a pause cannot be ended")
        self.up()
        if self.done(self.operate(self.services["blank-watched"], "restart")):
            raise Violation("an operator cannot restart what the other release has started")
        self.up()
        self.done(self.operate(paused, "pause", "--for", "1h"))

    def play(self, flips: int) -> None:
        """Do all of it; a repair follows an upgrade and a downgrade by turns. Raise Violation."""
        self.begin()
        while self.flips < flips:
            self.turn(min(ROUND, flips - self.flips))
            self.repair()


def inside(room: Path, given: argparse.Namespace) -> int:
    """Flip, in the namespaces; print what happened before a broken promise."""
    problem = ""
    soak = Upgrade(room, given.seed, build(room / "earlier"), USER if given.user else 0)
    try:
        soak.play(given.flips)
    except Violation as broken:
        problem = str(broken)
        print("\n".join(soak.log.lines))
    told = f"{soak.flips} flips, {soak.summary()}, {f'PROBLEM: {problem}' if problem else 'no problem'}"
    print(f"seed {given.seed}: {now() - soak.log.begun:.0f} s, {told}")
    return 1 if problem else 0


def main() -> int:
    """Flip in namespaces of their own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--flips", type=int, default=3, help="so many upgrades and downgrades together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--user", action="store_true", help="the services are an ordinary user's")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        return inside(given.inside, given)
    return enclosed("helpers.upgrade", sys.argv[1:], namespaces="-pfmn")


if __name__ == "__main__":
    sys.exit(main())
