"""TOUCH, prepared: gather the facts that decide, and decide. A run and its dry run ask the same way."""

from __future__ import annotations

import os

from watchdog_tools import decision, policy
from watchdog_tools.actions.plan import target
from watchdog_tools.actions.run import now
from watchdog_tools.record import COMMAND, DAEMON
from watchdog_tools.system.identity import here
from watchdog_tools.system.marks import family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.order import Order
    from watchdog_tools.health import Health
    from watchdog_tools.policy import Verdict
    from watchdog_tools.record import History, Record, Seen
    from watchdog_tools.system.identity import Identity


class Weighed:
    """The decision and what it rests on.

    past: what the policy knows. marked: instances found by their mark. remains: pids of what instances that are gone
    left behind. claimed: (pid, uid) of what carries our mark without being ours. daemons: what a daemon left
    behind. strays: such of other uids. paused: words about a pause in force. uids: whose marks count.
    """

    __slots__ = (
        "alive", "choice", "claimed", "daemons", "marked", "past", "paused", "record", "remains", "strays", "uids",
        "verdict", "young",
    )  # fmt: skip

    def __init__(self, seen: Seen, past: History, verdict: Verdict) -> None:
        """Take what the record says; `weigh` fills in the rest."""
        self.record = seen.record
        self.alive = seen.alive
        self.past = past
        self.verdict = verdict
        self.marked: list[Identity] = []
        self.remains: list[int] = []
        self.strays: list[Identity] = []
        self.claimed: list[tuple[int, int]] = []
        self.daemons: list[int] = []
        self.uids = frozenset({os.geteuid()})
        self.paused = ""
        self.young = False
        self.choice = ""

    @property
    def wait(self) -> float:
        """Seconds until the policy lets a start be made."""
        return max(self.verdict.until - now(), 0) / 1000


def weigh(order: Order, health: Health, seen: Seen, past: History) -> Weighed:
    """Return what a run does next. Raise proc.Unseen where /proc does not show enough for that."""
    record = seen.record
    weighed = Weighed(seen, past, policy.judge(past, order.limits, now()))
    weighed.paused = order.paused()
    uid = target(order.wish)
    weighed.uids |= {uid}
    if not (seen.alive or (order.wish.oneshot and record)):  # of --oneshot only a lost command is looked for
        found = order.marked(order.owner, uid)
        weighed.marked, weighed.claimed = found.instances, found.claimed
        if not order.wish.oneshot:  # what a command starts is another keeper's
            weighed.remains, weighed.strays = found.remains, found.strays
    weighed.daemons = _daemons(order, record, weighed.uids)
    weighed.young = seen.alive and _young(order, record)
    weighed.choice = decision.decide(
        decision.Facts(
            health,
            record,
            alive=seen.alive,
            young=weighed.young,
            marked=len(weighed.marked),
            daemons=len(weighed.daemons),
            flight=_flight(order, record),
            verdict=weighed.verdict,
            paused=bool(weighed.paused),
            hand=order.hand,
        )
    )
    return weighed


def _young(order: Order, record: Record | None) -> bool:
    """Whether an instance was never healthy yet nor called failing, and still has time for it."""
    if record is None or record.history.good or record.history.over:
        return False
    span = max(order.startup_timeout, order.patience.start_period) * 1000
    return 0 <= now() - record.since < span


def _daemons(order: Order, record: Record | None, uids: frozenset[int]) -> list[int]:
    """Return what lives on of an instance that turned itself into a daemon: its mark is inherited."""
    if record is None or record.why != DAEMON or record.identity[2:] != here():
        return []
    return [pid for pid, uid in family(order.owner, record.pid, record.ticks) if uid in uids]


def _flight(order: Order, record: Record | None) -> int:
    """Return the milliseconds for which a --oneshot command that is gone still counts as in progress."""
    span = int(order.startup_timeout * 1000)
    if record is None or record.boot != here()[0]:
        return 0
    # gone, and nobody saw when: its end is counted from the run that finds it so
    if record.phase == COMMAND:
        return span
    return record.since + span - now() if record.since <= now() else 0
