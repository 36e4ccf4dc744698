"""TOUCH: what one run under the lock works with, and its ways to leave a trace: the record, the events, the line."""

from __future__ import annotations

import os
import select
import time

from watchdog_tools import history, policy
from watchdog_tools.actions import events, recordfile
from watchdog_tools.actions.mercy import in_mercy
from watchdog_tools.record import History, Record
from watchdog_tools.result import CRITICAL, UNKNOWN, Result
from watchdog_tools.system.clock import uptime
from watchdog_tools.system.identity import here
from watchdog_tools.system.looker import LOCAL, is_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.lock import Lock
    from watchdog_tools.actions.order import Order
    from watchdog_tools.actions.spawn import Born
    from watchdog_tools.health import Health
    from watchdog_tools.system.identity import Identity
    from watchdog_tools.system.looker import Say

_BAD = ("died", "cannot start", "cannot stop", "held")


class Changed(Exception):  # noqa: N818 -- not an error: the world goes on
    """What a step rests on is so no longer: look again."""


class Run:
    """One run. `notes` are sentences that its line ends with; `life` tells of the guard's end.

    past: what the policy knows, as the record is to say it. failures, successes, trouble: as in the record.
    uids: whose marks count, those of the keeper and of its instances. born: the instance that is
    held by its pidfd, if one is. steps: (when it began, words) of each step. done: what happened, in
    words; acted: the last reason of a round that did something. quiet: steps are not told to the guard.
    looked: what the last look of a verification said.
    mercy: a start has failed within --start-period of the boot; one is enough for a run.
    """

    __slots__ = (
        "acted", "born", "directory", "done", "failures", "life", "lock", "looked", "mercy", "name", "notes", "order",
        "past", "quiet", "say", "steps", "successes", "trouble", "uids",
    )  # fmt: skip

    def __init__(self, order: Order, directory: int, lock: Lock, say: Say, life: int) -> None:
        """Take what the run works with; the lock is held."""
        self.order = order
        self.name = order.name
        self.directory = directory
        self.lock = lock
        self.say = say
        self.life = life
        self.past = History()
        self.failures = self.successes = self.trouble = 0
        self.uids = frozenset({os.geteuid()})
        self.born: Born | None = None
        self.looked: Health | None = None
        self.notes: list[str] = []
        self.steps: list[tuple[float, str]] = []
        self.done: list[str] = []
        self.acted = ""
        self.mercy = self.quiet = False

    def alone(self) -> bool:
        """Whether our guard is gone, so that no further step may begin."""
        return is_over(self.life)

    def rest(self, seconds: float) -> None:
        """Wait out a backoff, or until the guard is gone."""
        poll = select.poll()
        poll.register(self.life, 0)
        poll.poll(seconds * 1000)

    def load(self, record: Record | None) -> None:
        """Take over what the record remembers, as far as it is of this boot and these namespaces."""
        ours = record if record and record.identity[2:] == here() else None
        self.past = ours.history if ours else History()
        self.failures, self.successes = (ours.failures, ours.successes) if ours else (0, 0)
        self.trouble = ours.trouble if ours else 0

    def tell(self, words: str) -> None:
        """Say what comes next, in words that follow "while"."""
        if not self.quiet:
            self.say(LOCAL, words)
        self.steps.append((time.monotonic(), words))

    def timed(self) -> list[str]:
        """Return a line for each step: how long it took."""
        ends = [begun for begun, _ in self.steps[1:]] + [time.monotonic()]
        return [f"{end - begun:.3f} s {words}" for (begun, words), end in zip(self.steps, ends, strict=True)]

    def note(self, words: str) -> None:
        """Add a sentence to the line, once."""
        if words and words not in self.notes:
            self.notes.append(words)

    def record(self, phase: str, identity: Identity | None = None, since: int = 0) -> Record:
        """Return a record of this moment; `since` in milliseconds, 0 for now."""
        pid, ticks, boot, pidns, timens = identity or (0, 0, *here())
        past = policy.kept(self.past, self.order.limits, now())
        return Record(
            phase, owner=self.order.owner.text, pid=pid, ticks=ticks, boot=boot, pidns=pidns, timens=timens,
            since=since or now(), wall=int(time.time()), failures=self.failures, successes=self.successes,
            trouble=self.trouble, history=past, until=policy.opens(past, self.order.limits, now()),
        )  # fmt: skip

    def write(self, record: Record) -> bool:
        """Replace the record; return whether it could be. Else there is a note: state is a cache."""
        try:
            recordfile.write(self.directory, self.name, record)
        except OSError as error:
            self.note(f"the record cannot be written: {error.strerror}")
            return False
        return True

    def event(self, event: str, **facts: object) -> None:
        """Say into the event log, and to syslog if asked, what happened."""
        self.note(events.note(self.directory, self.name, event, **facts))
        if self.order.syslog:
            words = " ".join([event, *(f"{key}={value}" for key, value in facts.items())])
            self.note(events.syslog(self.name, words, bad=event in _BAD))

    def fail(self, at: int = 0) -> None:
        """Remember that it fails, or has died: first seen at `at`, or now. Later signs change nothing."""
        self.past = policy.failed(self.past, self.order.limits, at or now(), now())

    def let_go(self) -> None:
        """Close the pidfd of an instance that is held no longer."""
        if self.born:
            os.close(self.born.handle)
            self.born = None

    def hold(self, born: Born) -> Born:
        """Hold an instance by its pidfd, in the place of another one."""
        if self.born and self.born.identity == born.identity:
            if self.born.handle != born.handle:
                os.close(born.handle)
            return self.born
        self.let_go()
        self.born = born
        return born


def now() -> int:
    """Return milliseconds on the boot clock."""
    return int(uptime() * 1000)


def down(order: Order, why: str, words: str, reason: str, how: str = "down") -> Result:
    """Return the verdict for a service that is down (or `how` it is), with why nothing was done, or did not help."""
    said = f" ({why})" if why else ""
    return Result(CRITICAL, f"{order.name} is {how}{said}; {words}", reason=reason)


def left(order: Order) -> Result:
    """Return the verdict of a run whose guard went before it began a step."""
    return Result(UNKNOWN, f"{order.name}: ended before anything was done", reason="signal")


def count(run: Run) -> None:
    """Count a start that was let go, or could not be; soon after the boot none counts."""
    if not in_mercy(run.order):
        run.past = history.counted(run.past)
