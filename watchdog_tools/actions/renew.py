"""TOUCH: an instance is healthy, and older than a file of --restart-on: stop it, so that another may be started.

The whole policy holds; what keeps it from being restarted is said, and the verdict stays that of a healthy service.
"""

from __future__ import annotations

import os

from watchdog_tools.actions.assess import StopRefused, find_instance, missing_requirements
from watchdog_tools.actions.changes import add_words, file_states
from watchdog_tools.actions.context import StateChanged, ended_early, now
from watchdog_tools.actions.exits import announce_hold, begin_hold, hold_words
from watchdog_tools.actions.healthy import on_healthy
from watchdog_tools.actions.rehearsal import ensure_startable
from watchdog_tools.actions.start_plan import CannotStart
from watchdog_tools.actions.time_limit import PATIENCE, SETTLING
from watchdog_tools.actions.unhealthy import can_record, stop_instance
from watchdog_tools.core import policy
from watchdog_tools.core.text import human_duration
from watchdog_tools.net.shutdown import is_shutting_down

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.assess import Assessment
    from watchdog_tools.actions.changes import Comparison
    from watchdog_tools.actions.context import Run
    from watchdog_tools.actions.spawn import Child
    from watchdog_tools.core import Result
    from watchdog_tools.core.health import Health


def stop_for_renewal(run: Run, health: Health, assessment: Assessment, found: Comparison) -> Result | None:
    """Stop a healthy instance. Return None where another may be started now, else the verdict.

    Raise StateChanged where it is gone before that.
    """
    try:
        child = find_instance(run, health, assessment)
    except StopRefused as refused:
        return add_words(on_healthy(run, health, assessment), f"not restarted: {refused}")
    reason = _not_now(run, health, assessment, found, child)
    if run.guard_gone():
        return ended_early(run)
    if reason:
        return add_words(on_healthy(run, health, assessment), f"not restarted: {reason}")
    if run.probes.paused():  # since the check: what it requires, and the backoff, take their time
        raise StateChanged
    return stop_instance(run, child, health, assessment, found.cause)


def _not_now(run: Run, health: Health, assessment: Assessment, found: Comparison, child: Child | None) -> str:
    """Return why it is not restarted now, empty where it may be, and can be started again."""
    run.begin_step("seeing whether it is still being changed")
    _wait(run, child, SETTLING)
    if not run.guard_gone() and file_states(run.config.files) != found.files:
        return "still being changed"
    said = missing_requirements(run)
    if said:
        return f"waiting for {', '.join(said)}"
    permission = policy.judge(run.history, run.config.limits, now())
    wait = max(permission.until - now(), 0) / 1000
    if permission.kind == policy.HELD:
        return _held(run, health, assessment, found)
    if wait > PATIENCE:
        return f"backing off, next try in {human_duration(wait)}"
    if wait > 0:
        _wait(run, child, wait)
    if is_shutting_down():
        return "the machine is shutting down"
    if not can_record(run, assessment):
        return "no record of the next one can be written"
    try:
        ensure_startable(run.config.start_options, os.environ)
    except (CannotStart, OSError) as error:
        return f"none can be started: {error}"
    return ""


def _wait(run: Run, child: Child | None, seconds: float) -> None:
    """Wait, unless our guard goes. Raise StateChanged where the instance ends meanwhile."""
    if child is None:
        run.wait(seconds)
    elif child.ended(seconds, run.parent_fd):
        raise StateChanged


def _held(run: Run, health: Health, assessment: Assessment, found: Comparison) -> str:
    """Return until when it is held; remember a hold that begins, and tell who asked to be told."""
    # health for --stable ends a hold, but not the window's being full: it is told once all the same
    begins = run.history.held_until <= now() and begin_hold(run, policy.judge(run.history, run.config.limits, now()))
    run.save_memory(assessment.record)
    words = hold_words(run, max(policy.next_start(run.history, run.config.limits, now()) - now(), 0) / 1000)
    if begins:
        from watchdog_tools.actions.no_action import healthy

        announce_hold(run, found.cause, healthy(run, health))
    return words
