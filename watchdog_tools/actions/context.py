"""TOUCH: what one run under the lock works with, and its ways to leave a trace: the record, the events, the line."""

from __future__ import annotations

import os
import select
import time

from watchdog_tools.actions.evidence import clues_for
from watchdog_tools.actions.memory import Memory
from watchdog_tools.core import CRITICAL, UNKNOWN, Result, policy
from watchdog_tools.core.events import DEEDS
from watchdog_tools.core.record import History, Record
from watchdog_tools.state import record_files
from watchdog_tools.system import uptime
from watchdog_tools.system.identity import here
from watchdog_tools.workers.worker import LOCAL, is_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from watchdog_tools.actions.evidence import Clues
    from watchdog_tools.actions.lock import Lock
    from watchdog_tools.actions.spawn import Child
    from watchdog_tools.core.config import ServiceConfig
    from watchdog_tools.core.health import Health
    from watchdog_tools.core.owner import Owner
    from watchdog_tools.system.identity import Identity
    from watchdog_tools.workers.worker import Progress

    class Probes(Protocol):
        """What a run asks about its service. parent_fd: tells of the guard's end; the answer is None then."""

        def check(self, parent_fd: int, /) -> Health | None:
            """Run all checks, side by side."""

        def requirements(self, parent_fd: int, /) -> list[tuple[str, Result]] | None:
            """Run the checks of --requires, each with its name."""

        def paused(self) -> str:
            """Return words about the pause that is in force, or nothing."""

        def resume(self) -> str:
            """End the pause; return words about that, or nothing where there was none."""

        def others(self) -> frozenset[int]:
            """Return the pids of the live instances of other NAMEs, by their records."""

        def inside(self) -> bool:
            """Whether this run comes from an instance of the service."""


_KEPT = ("failures", "successes", "in_trouble")
_BAD = ("died", "cannot start", "cannot stop", "held")


class StateChanged(Exception):  # noqa: N818 -- not an error: the world goes on
    """What a step rests on is so no longer: check again."""


class Run:
    """One run: how its service is kept, whose the instance is, and what can be asked of it. `notes` end its line.

    directory, lock: the open state directory and NAME.lock in it, there once they could be had.
    parent_fd: tells of the end that no further step outlives.
    guard: tells of the guard's end. That is `parent_fd`, but for a run that comes from the instance: what it stops
    takes the guard along, or the programs between them, and the start is part of that step.
    history: what the policy knows, as the record is to say it. failures, successes, in_trouble: as in the record.
    uids: whose marks count, those of the keeper and of its instances. instance: the one that is
    held by its pidfd, if one is. steps: (when it began, words) of each step. done: what happened, in words; deeds: how
    often what of `DEEDS`; acted: the last reason of a round that did something. quiet: steps are not told to the guard.
    last_health: what the last check of a verification said. clues: what it remembers of the instance, for its end.
    uncontained: why the last start was in no control group of its own, or empty. memory: what outlives a reboot.
    boot_grace: a start has failed within --start-period of the boot; one is enough for a run.
    seen_again: when a watch is to say again that it is here (monotonic clock, seconds). waited: it stood in line.
    """

    __slots__ = (
        "acted", "boot_grace", "clues", "config", "deeds", "directory", "done", "failures", "guard", "history",
        "in_trouble", "instance", "last_health", "lock", "memory", "name", "notes", "owner", "parent_fd", "probes",
        "progress", "quiet", "seen_again", "steps", "successes", "uids", "uncontained", "waited",
    )  # fmt: skip
    directory: int
    lock: Lock

    def __init__(self, config: ServiceConfig, owner: Owner, probes: Probes, progress: Progress, parent_fd: int) -> None:
        """Take what the run works with."""
        self.config = config
        self.name = config.name
        self.owner = owner
        self.probes = probes
        self.progress = progress
        self.guard = self.parent_fd = parent_fd
        self.memory = Memory(owner, ordered=bool(config.operator))
        self.history = History()
        self.failures = self.successes = self.in_trouble = 0
        self.uids = frozenset({os.geteuid()})
        self.instance: Child | None = None
        self.last_health: Health | None = None
        self.clues: Clues | None = None
        self.notes: list[str] = []
        self.steps: list[tuple[float, str]] = []
        self.done: list[str] = []
        self.deeds: dict[str, int] = {}
        self.acted = ""
        self.uncontained = ""
        self.boot_grace = self.quiet = self.waited = False
        self.seen_again = 0.0

    def outlive_guard(self) -> None:
        """Go on without the guard: the run comes from the instance, whose stop takes the guard along."""
        self.parent_fd = os.pipe()[0]  # nobody closes the other end

    def guard_gone(self) -> bool:
        """Whether our guard is gone, so that no further step may begin; never where the run comes from the instance."""
        return is_over(self.parent_fd)

    def wait(self, seconds: float) -> None:
        """Wait out a backoff, or until the guard is gone."""
        poll = select.poll()
        poll.register(self.parent_fd, 0)
        poll.poll(seconds * 1000)

    def load(self, record: Record | None) -> None:
        """Take over what the record remembers, as far as it is of this boot and these namespaces."""
        ours = record if record and record.identity[2:] == here() else None
        self.history = ours.history if ours else History()
        self.failures, self.successes = (ours.failures, ours.successes) if ours else (0, 0)
        self.in_trouble = ours.in_trouble if ours else 0

    def begin_step(self, words: str, *, urgent: bool = False) -> None:
        """Say what comes next, in words that follow "while". urgent: nothing is written before it."""
        if not urgent:
            self.flush()
        if not self.quiet:
            self.progress(LOCAL, words)
        self.steps.append((time.monotonic(), words))

    def timed(self) -> list[str]:
        """Return a line for each step: how long it took."""
        ends = [begun for begun, _ in self.steps[1:]] + [time.monotonic()]
        return [f"{end - begun:.3f} s {words}" for (begun, words), end in zip(self.steps, ends, strict=True)]

    def note(self, *sentences: str) -> None:
        """Add sentences to the line, each once."""
        self.notes += [words for words in dict.fromkeys(sentences) if words and words not in self.notes]

    def record(self, phase: str, identity: Identity | None = None, since: int = 0) -> Record:
        """Return a record of this moment; `since` in milliseconds, 0 for now."""
        pid, ticks, boot, pidns, timens = identity or (0, 0, *here())
        history = policy.without_old_starts(self.history, self.config.limits, now())
        return Record(
            phase, owner=self.owner.text, pid=pid, ticks=ticks, boot=boot, pidns=pidns, timens=timens,
            since=since or now(), wall=int(time.time()), failures=self.failures, successes=self.successes,
            in_trouble=self.in_trouble, history=history, until=policy.next_start(history, self.config.limits, now()),
        )  # fmt: skip

    def write(self, record: Record) -> bool:
        """Replace the record; return whether it could be. Else there is a note: state is a cache."""
        try:
            record_files.write(self.directory, self.name, record)
        except OSError as error:
            self.note(f"the record cannot be written: {error.strerror}")
            return False
        return True

    def save_memory(self, old: Record | None) -> bool:
        """Write what changed of the run's memory into the record that there is, whatever it is of.

        Return whether it stands there now, as far as there is a record.
        """
        if old is None or (self._memory() == (*(getattr(old, key) for key in _KEPT), repr(old.history))):
            return True
        record = self.record(old.phase, identity=old.identity, since=old.since)
        record.reason = old.reason
        return self.write(record)

    def _memory(self) -> tuple[object, ...]:
        """Return what the run remembers, for comparison."""
        return (*(getattr(self, key) for key in _KEPT), repr(self.history))

    def event(self, event: str, **facts: object) -> None:
        """Say into the event log, and to syslog if asked, what happened."""
        if event in DEEDS:
            self.deeds[event] = self.deeds.get(event, 0) + 1
        self.note(*self.memory.event(self.directory, event, facts))
        if self.config.syslog:
            from watchdog_tools.net.syslog import syslog

            words = " ".join([event, *(f"{key}={value}" for key, value in facts.items())])
            self.note(syslog(self.name, words, bad=event in _BAD))

    def save_command(self) -> None:
        """Save the command line by which NAME is kept, unless an operator's order has brought this run here."""
        if not self.config.operator:
            self.note(*self.memory.command(self.directory, self.lock, self.config.words))

    def flush(self) -> None:
        """Write what is to be remembered: there is time for it."""
        if self.memory.waits:  # without a lock nothing was done
            self.note(*self.memory.flush(self.directory, self.lock))

    def fail(self, at: int = 0) -> None:
        """Remember that it fails, or has died: first seen at `at`, or now. Later signs change nothing."""
        self.history = policy.with_failure(self.history, self.config.limits, at or now(), now())

    def detach(self) -> None:
        """Close the pidfd of an instance that is held no longer."""
        if self.instance:
            os.close(self.instance.handle)
            self.instance = None

    def attach(self, child: Child) -> Child:
        """Hold an instance by its pidfd, in the place of another one."""
        if self.instance and self.instance.identity == child.identity:
            if self.instance.handle != child.handle:
                os.close(child.handle)
            return self.instance
        self.detach()
        self.instance = child
        self.clues = clues_for(self.clues, child.identity)
        return child


def now() -> int:
    """Return milliseconds on the boot clock."""
    return int(uptime() * 1000)


def down(run: Run, cause: str, words: str, reason: str, how: str = "down") -> Result:
    """Return the verdict for a service that is down (or `how` it is), with why nothing was done, or did not help."""
    said = f" ({cause})" if cause else ""
    return Result(CRITICAL, f"{run.name} is {how}{said}; {words}", reason=reason)


def ended_early(run: Run) -> Result:
    """Return the verdict of a run whose guard went before it began a step."""
    return Result(UNKNOWN, f"{run.name}: ended before anything was done", reason="signal")
