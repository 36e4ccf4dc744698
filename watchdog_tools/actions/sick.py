"""TOUCH: an instance lives and fails. Be patient, then stop it for certain, then start another."""

from __future__ import annotations

import os

from watchdog_tools import policy
from watchdog_tools.actions import remains, starting
from watchdog_tools.actions.order import PATIENCE
from watchdog_tools.actions.plan import CannotStart
from watchdog_tools.actions.rehearsal import ensure_startable
from watchdog_tools.actions.run import Changed, left, now
from watchdog_tools.actions.standstill import held, remembered, state_of, unmet, waiting
from watchdog_tools.actions.stopping import Refused, instance, stop
from watchdog_tools.record import FAILED, FOUND
from watchdog_tools.result import CRITICAL, OK, Result
from watchdog_tools.system.clock import seconds, uptime
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.run import Run
    from watchdog_tools.actions.spawn import Born
    from watchdog_tools.actions.weigh import Weighed
    from watchdog_tools.health import Health


def restart(run: Run, health: Health, weighed: Weighed) -> Result:
    """Restart a sick instance. Raise Changed where it is well, or gone, before that."""
    try:
        sick = instance(run, health, weighed)
    except Refused as refused:
        return Result(refused.state, f"{state_of(run, health, weighed)}; {refused}", reason=refused.reason)
    if run.order.hand:
        verdict = _hopeless(run, health, weighed)
    else:
        verdict = (
            _pending(run, health, weighed, sick)
            or _borne(run, health, weighed, sick)
            or _gated(run, health, weighed, sick)
        )
    if verdict:
        return verdict
    if run.alone():
        return left(run.order)
    if run.order.paused():  # since we looked: patience takes its time
        raise Changed
    if run.order.wish.oneshot:  # its command is the restart
        run.trouble = 1
        return starting.start(run, health.words, run.order.stopping.restart)
    if sick:
        trouble = stop(run, sick, health, weighed)
        if trouble:
            return trouble
        after = run.order.look(run.life)
        if after and (after.veto or after.exists or after.works):
            raise Changed  # somebody else has started one meanwhile, or that cannot be seen
    return starting.start(run, health.words)


def stopped(run: Run, health: Health, weighed: Weighed) -> Result:
    """Stop the instance, as an operator wants it, and see that it is gone."""
    try:
        sick = instance(run, health, weighed)
    except Refused as refused:
        return Result(refused.state, f"{run.name}: {refused}", reason=refused.reason)
    hidden = unknown(run, health, weighed)
    if hidden:
        return hidden
    if sick is None and not (run.order.wish.oneshot and (health.exists or not health.down)):
        trouble = remains.ended(run, health, weighed)
        return trouble or Result(OK, "; ".join([f"{run.name} was not running", *run.done]), reason="stopped")
    if sick is None and not run.order.stopping.command:
        words = "what --oneshot starts is not ours to stop; --stop CMD says how"
        return Result(CRITICAL, f"{run.name} was not stopped: {words}", reason="failing")
    trouble = stop(run, sick, health, weighed)
    if trouble:
        return trouble
    after = run.order.look(run.life)
    if after and (after.exists or after.works):
        return Result(CRITICAL, f"{run.name} was stopped, but there is another: {after.words}", reason="failing")
    pid = f" (pid {sick.identity[0]})" if sick else ""
    if sick is None:  # then its record has no process by which that is seen
        run.write(run.record(FAILED))
    return Result(OK, f"{run.name} was stopped{pid}", reason="stopped")


def unknown(run: Run, health: Health, weighed: Weighed) -> Result | None:
    """Return the verdict of an order to stop what works, though nobody knows its process; None if that is not so."""
    if run.order.wish.oneshot or weighed.alive or weighed.marked or health.exists or not health.works:
        return None
    words = f"was not stopped: it works ({health.words}), but no process of it is known"
    return Result(CRITICAL, f"{run.name} {words}", reason="failing")


def _pending(run: Run, health: Health, weighed: Weighed, sick: Born | None) -> Result | None:
    """Return the verdict on one that somebody else started so short ago that it may not be healthy yet."""
    period = run.order.patience.start_period
    if sick is None or weighed.alive or run.past.good or uptime() - seconds(sick.identity[1]) >= period:
        return None
    words = f"{state_of(run, health, weighed)}; within its start period of {spoken(period)}"
    return Result(OK, words, reason="pending")


def _borne(run: Run, health: Health, weighed: Weighed, sick: Born | None) -> Result | None:
    """Look again, --retries times with growing gaps; return None if it is sick for good."""
    patience = run.order.patience
    if not run.failures:
        run.fail()
    pause = patience.delay
    for _ in range(patience.retries):
        run.tell(f"waiting {spoken(pause)} before another look at what fails")
        if not _still_sick(run, sick, pause):
            return left(run.order)
        pause *= 2
    run.failures += 1
    run.successes = 0
    if run.failures >= patience.fail_after:
        return None
    _noted(run, weighed, sick)
    words = f"{run.failures} of {patience.fail_after} failing looks before it is restarted"
    return Result(CRITICAL, f"{state_of(run, health, weighed)}; {words}", reason="failing")


def _gated(run: Run, health: Health, weighed: Weighed, sick: Born | None) -> Result | None:
    """Return why it is not restarted now; None if it may be, and what is stopped can be started again."""
    written = _noted(run, weighed, sick)
    blocked = unmet(run, health, weighed)
    if blocked:
        return blocked
    weighed.past = run.past
    weighed.verdict = policy.judge(run.past, run.order.limits, now())
    if weighed.verdict.kind == policy.HELD:
        return held(run, health, weighed)
    if weighed.wait > PATIENCE:
        return waiting(run, health, weighed)
    if weighed.wait > 0 and not _still_sick(run, sick, weighed.wait):
        return left(run.order)
    return _hopeless(run, health, weighed, written=written)


def _hopeless(run: Run, health: Health, weighed: Weighed, *, written: bool = True) -> Result | None:
    """Return the verdict where none could be started after a stop, None where one can. written: its record could be."""
    lacking = "" if written else "no record of it can be written"
    try:
        ensure_startable(run.order.wish, os.environ)
    except (CannotStart, OSError) as error:
        lacking = str(error)
    if not lacking:
        return None
    what = f"{run.name} was" if run.order.hand else f"{state_of(run, health, weighed)};"
    return Result(CRITICAL, f"{what} not stopped, since none can be started: {lacking}", reason="failing")


def _still_sick(run: Run, sick: Born | None, span: float) -> bool:
    """Wait, and look again. Return False if our guard is gone. Raise Changed if it is well, or gone."""
    if sick:
        if sick.ended(span, run.life):
            raise Changed
    else:
        run.rest(span)
    health = None if run.alone() else run.order.look(run.life)
    if health and (health.veto or not health.down):
        raise Changed
    return health is not None


def _noted(run: Run, weighed: Weighed, sick: Born | None) -> bool:
    """Write down how often it was found failing, also for one that somebody else started. Return whether it could."""
    oneshot = run.order.wish.oneshot
    if weighed.record and (weighed.alive or oneshot):
        return remembered(run, weighed)
    return run.write(run.record(FOUND, identity=sick.identity if sick else None)) if sick or oneshot else True
