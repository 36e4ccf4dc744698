"""TOUCH: an instance lives and fails. Retry its checks, then stop it for certain, so that another may be started."""

from __future__ import annotations

import os

from watchdog_tools.actions.assess import StopRefused, find_instance, state_of, unmet_requirements
from watchdog_tools.actions.context import StateChanged, ended_early, now
from watchdog_tools.actions.no_action import held, shutting_down, waiting
from watchdog_tools.actions.rehearsal import ensure_startable
from watchdog_tools.actions.start_plan import CannotStart
from watchdog_tools.actions.stop import end_remains, run_stop_hooks, stop
from watchdog_tools.actions.time_limit import PATIENCE
from watchdog_tools.core import CRITICAL, OK, Result, policy
from watchdog_tools.core.record import FAILED, FOUND
from watchdog_tools.core.text import human_duration
from watchdog_tools.net.shutdown import is_shutting_down
from watchdog_tools.system import ticks_to_seconds, uptime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.assess import Assessment
    from watchdog_tools.actions.context import Run
    from watchdog_tools.actions.spawn import Child
    from watchdog_tools.core.health import Health


def stop_for_restart(run: Run, health: Health, assessment: Assessment) -> Result | None:
    """Stop an instance that lives and fails. Return None where another may be started now, else the verdict.

    Raise StateChanged where it is well, or gone, before that.
    """
    try:
        instance = find_instance(run, health, assessment)
    except StopRefused as refused:
        return Result(refused.state, f"{state_of(run, health, assessment)}; {refused}", reason=refused.reason)
    if run.config.operator:
        verdict = _cannot_restart(run, health, assessment, written=can_record(run, assessment))
    else:
        verdict = (
            _pending(run, health, assessment, instance)
            or _retry_before_restart(run, health, assessment, instance)
            or _blocked(run, health, assessment, instance)
        )
    if verdict:
        return verdict
    if run.guard_gone():
        return ended_early(run)
    if run.probes.paused():  # since the check: retries take their time
        raise StateChanged
    if is_shutting_down():  # none could be started after the stop
        return shutting_down(run, health.summary, "alive but failing" if health.down else "up")
    if run.config.start_options.oneshot:  # its command is the restart
        run.in_trouble = 1
        run_stop_hooks(run, instance, health)
        return None
    return stop_instance(run, instance, health, assessment)


def stop_instance(
    run: Run, instance: Child | None, health: Health, assessment: Assessment, changed: str = ""
) -> Result | None:
    """Stop it for certain, if one is known. Return None where another may be started, else the verdict.

    changed: why it is stopped though it is healthy. Raise StateChanged where there is another one already.
    """
    if instance:
        failure = stop(run, instance, health, assessment, changed)
        if failure:
            return failure
        after = run.probes.check(run.parent_fd)
        if after and (after.veto or after.exists or after.works):
            raise StateChanged  # somebody else has started one meanwhile, or that cannot be seen
    return end_remains(run, health, assessment)  # where another's was replaced, ours may have left something


def stop_for_operator(run: Run, health: Health, assessment: Assessment) -> Result:
    """Stop the instance, as an operator wants it, and see that it is gone."""
    try:
        instance = find_instance(run, health, assessment)
    except StopRefused as refused:
        return Result(refused.state, f"{run.name}: {refused}", reason=refused.reason)
    refusal = no_known_process(run, health, assessment)
    if refusal:
        return refusal
    if instance is None and not (run.config.start_options.oneshot and (health.exists or not health.down)):
        failure = end_remains(run, health, assessment)
        return failure or Result(OK, "; ".join([f"{run.name} was not running", *run.done]), reason="stopped")
    if instance is None and not run.config.stopping.command:
        words = "what --oneshot starts is not ours to stop; --stop CMD says how"
        return Result(CRITICAL, f"{run.name} was not stopped: {words}", reason="failing")
    failure = stop(run, instance, health, assessment)
    if failure:
        return failure
    after = run.probes.check(run.parent_fd)
    if after and (after.exists or after.works):
        return Result(CRITICAL, f"{run.name} was stopped, but there is another: {after.summary}", reason="failing")
    pid = f" (pid {instance.identity[0]})" if instance else ""
    if instance is None:  # then its record has no process by which that is seen
        run.write(run.record(FAILED))
    return Result(OK, f"{run.name} was stopped{pid}", reason="stopped")


def no_known_process(run: Run, health: Health, assessment: Assessment) -> Result | None:
    """Return the verdict of an order to stop what works, though nobody knows its process; None if that is not so."""
    if run.config.start_options.oneshot or assessment.alive or assessment.marked or health.exists or not health.works:
        return None
    words = f"was not stopped: it works ({health.summary}), but no process of it is known"
    return Result(CRITICAL, f"{run.name} {words}", reason="failing")


def _pending(run: Run, health: Health, assessment: Assessment, instance: Child | None) -> Result | None:
    """Return the verdict on one that somebody else started so short ago that it may not be healthy yet."""
    period = run.config.patience.start_period
    if (
        instance is None
        or assessment.alive
        or run.history.healthy_since
        or uptime() - ticks_to_seconds(instance.identity[1]) >= period
    ):
        return None
    words = f"{state_of(run, health, assessment)}; within its start period of {human_duration(period)}"
    return Result(OK, words, reason="pending")


def _retry_before_restart(run: Run, health: Health, assessment: Assessment, instance: Child | None) -> Result | None:
    """Check again, --retries times with growing gaps; return None if it goes on failing."""
    patience = run.config.patience
    if not run.failures:
        run.fail()
    pause = patience.delay
    for _ in range(patience.retries):
        run.begin_step(f"waiting {human_duration(pause)} before another look at what fails")
        if not _still_unhealthy(run, instance, pause):
            return ended_early(run)
        pause *= 2
    run.failures += 1
    run.successes = 0
    if run.failures >= patience.fail_after:
        return None
    _save_failures(run, assessment, instance)
    words = f"{run.failures} of {patience.fail_after} failing looks before it is restarted"
    return Result(CRITICAL, f"{state_of(run, health, assessment)}; {words}", reason="failing")


def _blocked(run: Run, health: Health, assessment: Assessment, instance: Child | None) -> Result | None:
    """Return why it is not restarted now; None if it may be, and what is stopped can be started again."""
    written = _save_failures(run, assessment, instance)
    blocked = unmet_requirements(run, health, assessment)
    if blocked:
        return blocked
    assessment.history = run.history
    assessment.permission = policy.judge(run.history, run.config.limits, now())
    if assessment.permission.kind == policy.HELD:
        return held(run, health, assessment)
    if assessment.wait > PATIENCE:
        return waiting(run, health, assessment)
    if assessment.wait > 0 and not _still_unhealthy(run, instance, assessment.wait):
        return ended_early(run)
    return _cannot_restart(run, health, assessment, written=written)


def can_record(run: Run, assessment: Assessment) -> bool:
    """Whether the record of what lives can be written, as that of the next one will have to be."""
    old = assessment.record
    if old is None or not assessment.alive:
        return True
    return run.write(run.record(old.phase, identity=old.identity, since=old.since))


def _cannot_restart(run: Run, health: Health, assessment: Assessment, *, written: bool = True) -> Result | None:
    """Return the verdict where none could be started after a stop, None where one can. written: its record could be."""
    missing = "" if written else "no record of it can be written"
    try:
        ensure_startable(run.config.start_options, os.environ)
    except (CannotStart, OSError) as error:
        missing = str(error)
    if not missing:
        return None
    what = f"{run.name} was" if run.config.operator else f"{state_of(run, health, assessment)};"
    return Result(CRITICAL, f"{what} not stopped, since none can be started: {missing}", reason="failing")


def _still_unhealthy(run: Run, instance: Child | None, span: float) -> bool:
    """Wait, and check again. Return False if our guard is gone. Raise StateChanged if it is well, or gone."""
    if instance:
        if instance.ended(span, run.parent_fd):
            raise StateChanged
    else:
        run.wait(span)
    health = None if run.guard_gone() else run.probes.check(run.parent_fd)
    if health and (health.veto or not health.down):
        raise StateChanged
    return health is not None


def _save_failures(run: Run, assessment: Assessment, instance: Child | None) -> bool:
    """Write down how often it was found failing, also for one that somebody else started. Return whether it could."""
    oneshot = run.config.start_options.oneshot
    if assessment.record and (assessment.alive or oneshot):
        return run.save_memory(assessment.record)
    return (
        run.write(run.record(FOUND, identity=instance.identity if instance else None)) if instance or oneshot else True
    )
