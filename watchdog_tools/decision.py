"""Words: what a run does next. A pure function of what was seen; the dry run prints the same."""

from __future__ import annotations

from watchdog_tools import policy
from watchdog_tools.record import COMMAND, ENDED, STARTING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.health import Health
    from watchdog_tools.policy import Verdict
    from watchdog_tools.record import Record

NOTHING = "do nothing"
VETO = "do nothing, as it cannot see enough"
UNSTARTABLE = "do nothing, as it could not be started again"
PAUSED = "do nothing, as it is paused"
KEEP = "finish the verification of the instance that lives"
ADOPT = "adopt the instance that carries its mark"
STOP = "stop it"
RESTART = "stop the sick instance and start another"
REPLACE = "stop the sick instance that somebody else started, and start one"
DAEMON = "not start beside the daemon that it became"
IN_FLIGHT = "wait for the start in progress"
HOLD = "hold"
WAIT = "back off"
START = "start"

HAND_START, HAND_STOP, HAND_RESTART = "start", "stop", "restart"  # an operator's order


class Facts:
    """What a decision rests on.

    alive: the record's very process lives. young: it was never healthy yet, nor called sick, and has
    time for that. marked: instances found by their mark. daemons: what lives on of an instance that
    turned itself into a daemon. flight: milliseconds for which an ended --oneshot command still counts as a start in
    progress. verdict: what the policy says. hand: an operator's order, or empty.
    """

    __slots__ = (
        "alive", "daemons", "flight", "hand", "health", "marked", "paused", "record", "verdict", "young",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 -- a record, built by keyword
        self,
        health: Health,
        record: Record | None,
        *,
        alive: bool,
        young: bool = False,
        marked: int = 0,
        daemons: int = 0,
        flight: int = 0,
        verdict: Verdict | None = None,
        paused: bool = False,
        hand: str = "",
    ) -> None:
        """Take the fields as the class describes them."""
        self.health = health
        self.record = record
        self.alive = alive
        self.young = young
        self.marked = marked
        self.daemons = daemons
        self.flight = flight
        self.verdict = verdict or policy.Verdict(policy.NOW)
        self.paused = paused
        self.hand = hand


def decide(facts: Facts) -> str:
    """Return what to do. A WAIT or a HOLD is of the start alone, or of a restart's stop as well."""
    if facts.paused and not facts.hand:
        return PAUSED
    if facts.health.veto:
        return VETO
    if facts.hand == HAND_STOP:
        return STOP
    choice = _living(facts) or _absent(facts)
    if choice in (START, RESTART, REPLACE) and facts.health.unstartable:
        return UNSTARTABLE
    if choice in (RESTART, REPLACE) and facts.verdict.fresh:  # patience first: one failing look begins no hold
        return choice
    if choice in (START, RESTART, REPLACE) and not facts.hand:
        return {policy.HELD: HOLD, policy.BACKOFF: WAIT}.get(facts.verdict.kind, choice)
    return choice


def _living(facts: Facts) -> str:
    """Return what to do about an instance that lives, empty if none is known to."""
    record, health = facts.record, facts.health
    if facts.alive and record and record.phase != COMMAND:
        if facts.hand == HAND_RESTART:
            return RESTART
        if record.phase == STARTING or facts.young:
            return KEEP
        return RESTART if health.asked and health.down else NOTHING
    if facts.marked:  # healthy or not: its record is lost, and is made anew
        return ADOPT
    if not health.down and facts.hand != HAND_RESTART:
        return NOTHING
    if facts.alive:
        return IN_FLIGHT
    return REPLACE if health.exists and not _in_flight(facts) else ""


def _absent(facts: Facts) -> str:
    """Return what to do where nothing lives."""
    if facts.daemons:
        return DAEMON
    return IN_FLIGHT if _in_flight(facts) else START


def _in_flight(facts: Facts) -> bool:
    return bool(facts.record and facts.record.phase in (COMMAND, ENDED) and facts.flight > 0)
