"""TOUCH: what one run under the lock works with, and its two ways to leave a trace: the record and the events."""

from __future__ import annotations

import os
import select

from watchdog_tools import backoff
from watchdog_tools.actions import events, recordfile
from watchdog_tools.record import DAEMON, FAILED, Record
from watchdog_tools.result import CRITICAL, UNKNOWN, Result
from watchdog_tools.system.clock import boot_id, uptime
from watchdog_tools.system.looker import is_over
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.lock import Lock
    from watchdog_tools.actions.order import Order
    from watchdog_tools.system.identity import Identity
    from watchdog_tools.system.looker import Say

_BAD = ("died", "cannot start")


class Run:
    """One run. `notes` are sentences that its line ends with; `life` tells of the guard's end.

    attempts: starts in a row before this run's own, of which none has been stable yet. uids: whose
    marks count, those of the keeper and of its instances.
    """

    __slots__ = ("attempts", "boot", "directory", "life", "lock", "name", "notes", "order", "say", "uids")

    def __init__(self, order: Order, directory: int, lock: Lock, say: Say, life: int) -> None:
        """Take what the run works with; the lock is held."""
        self.order = order
        self.name = order.name
        self.directory = directory
        self.lock = lock
        self.say = say
        self.life = life
        self.boot = boot_id()
        self.attempts = 0
        self.uids = frozenset({os.geteuid()})
        self.notes: list[str] = []

    def alone(self) -> bool:
        """Whether our guard is gone, so that no further step may begin."""
        return is_over(self.life)

    def record(self, phase: str, attempts: int, identity: Identity | None = None, since: int = 0) -> Record:
        """Return a record of this moment; `since` in milliseconds, 0 for now."""
        import time

        pid, ticks, boot, pidns, timens = identity or (0, 0, self.boot, "", "")
        return Record(
            phase, pid=pid, ticks=ticks, boot=boot, pidns=pidns, timens=timens, attempts=attempts,
            since=since or now(), wall=int(time.time()),
        )  # fmt: skip

    def write(self, record: Record) -> None:
        """Replace the record. A disk that does not take it becomes a note: state is a cache."""
        try:
            recordfile.write(self.directory, self.name, record)
        except OSError as error:
            self.notes.append(f"the record cannot be written: {error.strerror}")

    def event(self, event: str, **facts: object) -> None:
        """Say into the event log, and to syslog if asked, what happened."""
        troubles = [events.note(self.directory, self.name, event, **facts)]
        if self.order.syslog:
            words = " ".join([event, *(f"{key}={value}" for key, value in facts.items())])
            troubles.append(events.syslog(self.name, words, bad=event in _BAD))
        self.notes += [trouble for trouble in troubles if trouble and trouble not in self.notes]


def now() -> int:
    """Return milliseconds on the boot clock."""
    return int(uptime() * 1000)


def down(order: Order, why: str, words: str, reason: str) -> Result:
    """Return the verdict for a service that is down, with why nothing was done, or did not help."""
    said = f" ({why})" if why else ""
    return Result(CRITICAL, f"{order.name} is down{said}; {words}", reason=reason)


def left(order: Order) -> Result:
    """Return the verdict of a run whose guard went before it began a step."""
    return Result(UNKNOWN, f"{order.name}: ended before anything was done", reason="signal")


def failed(run: Run, why: str, words: str, daemon: Identity | None = None) -> Result:
    """Remember a start that failed, so that the next ones back off. Return the verdict.

    daemon: the instance that ended and left a daemon behind, by whose mark that is known.
    """
    record = run.record(FAILED, run.attempts + 1, identity=daemon)
    record.why = DAEMON if daemon else ""
    run.write(record)
    run.event("cannot start", why=words)
    wait = spoken(backoff.delay(run.attempts + 1) / 1000)
    return down(run.order, why, f"{words}; next try in {wait}", "failed")


def rest(run: Run, seconds: float) -> None:
    """Wait out a backoff, or until the guard is gone."""
    poll = select.poll()
    poll.register(run.life, 0)
    poll.poll(seconds * 1000)
