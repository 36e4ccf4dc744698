"""What a run does next. A pure function of what was seen; the dry run prints the same."""

from __future__ import annotations

from watchdog_tools.core import policy
from watchdog_tools.core.record import COMMAND, ENDED, STARTING
from watchdog_tools.core.struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core.health import Health
    from watchdog_tools.core.policy import Permission
    from watchdog_tools.core.record import Record

NOTHING = "do nothing"
VETO = "do nothing, as it cannot see enough"
UNSTARTABLE = "do nothing, as it could not be started again"
PAUSED = "do nothing, as it is paused"
KEEP = "finish the verification of the instance that lives"
ADOPT = "adopt the instance that carries its mark"
STOP = "stop it"
RELOAD = "have it reload"
RESTART = "stop the sick instance and start another"
RENEW = "stop the instance that is older than what it goes by, and start another"
REPLACE = "stop the sick instance that somebody else started, and start one"
DAEMON = "not start beside the daemon that it became"
IN_PROGRESS = "wait for the start in progress"
HOLD = "hold"
WAIT = "back off"
START = "start"

# an operator's order
OPERATOR_START, OPERATOR_STOP, OPERATOR_RESTART, OPERATOR_RELOAD = "start", "stop", "restart", "reload"


class Situation(Struct, frozen=True):
    """What a decision rests on.

    alive: the record's very process lives. in_startup: it was never healthy yet, nor called failing, and still has
    time for that. marked: instances found by their mark. daemons: what lives on of an instance that turned itself
    into a daemon. in_progress: milliseconds for which an ended --oneshot command still counts as a start in progress.
    permission: what the policy says. changed: a file of --restart-on is another than at its start.
    operator: an operator's order, or empty.
    """

    health: Health
    record: Record | None
    alive: bool
    in_startup: bool = False
    marked: int = 0
    daemons: int = 0
    in_progress: int = 0
    permission: Permission = policy.Permission(kind=policy.NOW)
    paused: bool = False
    changed: bool = False
    operator: str = ""


def decide(situation: Situation) -> str:
    """Return what to do. A WAIT or a HOLD is of the start alone, or of a restart's stop as well."""
    if situation.paused and not situation.operator:
        return PAUSED
    if situation.health.veto:
        return VETO
    if situation.operator == OPERATOR_STOP:
        return STOP
    if situation.operator == OPERATOR_RELOAD:
        return RELOAD
    choice = _living(situation) or _absent(situation)
    if choice in (START, RESTART, REPLACE) and situation.health.unstartable:
        return UNSTARTABLE
    if (
        choice in (RESTART, REPLACE) and situation.permission.new_hold
    ):  # patience first: one failing check begins no hold
        return choice
    if choice in (START, RESTART, REPLACE) and not situation.operator:
        return {policy.HELD: HOLD, policy.BACKOFF: WAIT}.get(situation.permission.kind, choice)
    return choice


def _living(situation: Situation) -> str:
    """Return what to do about an instance that lives, empty if none is known to."""
    record, health = situation.record, situation.health
    if situation.alive and record and record.phase != COMMAND:
        if situation.operator == OPERATOR_RESTART:
            return RESTART
        if record.phase == STARTING or situation.in_startup:
            return KEEP
        if health.has_checks and health.down:
            return RESTART
        renew = situation.changed and not situation.operator and (health.works or not health.has_checks)
        return RENEW if renew else NOTHING
    if situation.marked:  # healthy or not: its record is lost, and is made anew
        return ADOPT
    if not health.down and situation.operator != OPERATOR_RESTART:
        return NOTHING
    if situation.alive:
        return IN_PROGRESS
    return REPLACE if health.exists and not _in_progress(situation) else ""


def _absent(situation: Situation) -> str:
    """Return what to do where nothing lives."""
    if situation.daemons and not situation.operator:
        return DAEMON
    return IN_PROGRESS if _in_progress(situation) else START


def _in_progress(situation: Situation) -> bool:
    return bool(situation.record and situation.record.phase in (COMMAND, ENDED) and situation.in_progress > 0)
