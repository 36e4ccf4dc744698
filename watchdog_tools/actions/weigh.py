"""TOUCH, prepared: gather the facts that decide, and decide. A run and its dry run ask the same way."""

from __future__ import annotations

import os

from watchdog_tools import backoff, decision
from watchdog_tools.actions.plan import CannotStart, resolve
from watchdog_tools.actions.run import now
from watchdog_tools.record import COMMAND, DAEMON
from watchdog_tools.system.identity import here
from watchdog_tools.system.marks import family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.order import Order
    from watchdog_tools.health import Health
    from watchdog_tools.record import Record, Seen
    from watchdog_tools.system.identity import Identity


class Weighed:
    """The decision and what it rests on: instances found by their mark, daemons left behind, seconds to wait."""

    __slots__ = ("choice", "daemons", "marked", "wait")

    def __init__(self, choice: str, marked: list[Identity], daemons: list[int], wait: float) -> None:
        """Take the fields as the class describes them."""
        self.choice = choice
        self.marked = marked
        self.daemons = daemons
        self.wait = wait


def weigh(order: Order, health: Health, seen: Seen) -> Weighed:
    """Return what a run does next. Raise proc.Unseen where /proc does not show enough for that."""
    record = seen.record
    boot = here()[0]
    expected, target = _expected(order)
    marked = [] if seen.alive or order.wish.oneshot else order.marked(expected, target)
    daemons = _daemons(record, frozenset({os.geteuid(), target}))
    wait = backoff.wait(record, now(), boot)
    choice = decision.decide(
        health,
        record,
        alive=seen.alive,
        marked=len(marked),
        daemons=len(daemons),
        wait=wait,
        flight=_flight(order, record, boot),
    )
    return Weighed(choice, marked, daemons, wait / 1000)


def _expected(order: Order) -> tuple[tuple[str, ...], int]:
    """Return the executables that an instance of ours may have, and its uid."""
    try:
        plan = resolve(order.wish, os.environ)
    except (CannotStart, OSError):
        return (), os.geteuid()
    return plan.executables if plan.identity is None else (), plan.uid


def _daemons(record: Record | None, uids: frozenset[int]) -> list[int]:
    """Return what lives on of an instance that turned itself into a daemon: its mark is inherited."""
    if record is None or record.why != DAEMON or record.identity[2:] != here():
        return []
    return family(record.pid, record.ticks, uids)


def _flight(order: Order, record: Record | None, boot: str) -> int:
    """Return the milliseconds for which a --oneshot command that is gone still counts as in progress."""
    span = int(order.startup_timeout * 1000)
    if record is None or record.boot != boot:
        return 0
    # gone, and nobody saw when: its end is counted from the run that finds it so
    if record.phase == COMMAND:
        return span
    return record.since + span - now() if record.since <= now() else 0
