"""What a run says that did not get the lock, or without one: the state is the service's, unless it was an order."""

from __future__ import annotations

from watchdog_tools.actions.context import down, ended_early
from watchdog_tools.actions.lock_queue import last_owner, stale_owner
from watchdog_tools.actions.no_action import healthy
from watchdog_tools.actions.time_limit import run_limit
from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING, Result
from watchdog_tools.core.record import RUNNING
from watchdog_tools.state import instance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.context import Run
    from watchdog_tools.core.health import Health


def lock_held(run: Run, cause: str) -> Result:
    """Another run has the lock: check once more, and report."""
    if run.config.operator:  # how the service is says nothing about an order that was not carried out
        words = _stuck_holder(run) or "another run has the lock"
        return Result(UNKNOWN, f"{run.name}: {cause}, and not done: {words}", reason="lock-held")
    health = run.probes.check(run.guard)
    if health is None:
        return ended_early(run)
    if health.works:
        return healthy(run, health)
    seen = instance.read_in(run.directory, run.owner)
    if not health.has_checks and seen.alive and seen.record and seen.record.phase == RUNNING:
        return Result(OK, f"{run.name} is running (pid {seen.record.pid})")
    holder = _stuck_holder(run)
    if holder:
        return down(run, cause, holder, "lock-held")
    words = f"{run.name} is not up ({cause}); another run is repairing it"
    return Result(WARNING, words, reason="repairing")


def no_lock(run: Run, cause: str, words: str, reason: str) -> Result:
    """No state directory or no lock to be had: the verdict stays the service's, unless an order was not carried out."""
    if run.config.operator:
        state = UNKNOWN if reason == "no-state" else CRITICAL
        return Result(state, f"{run.name}: {cause}, and not done: {words}", reason=reason)
    health: Health | None = run.probes.check(run.guard)
    if health and health.works:
        result = healthy(run, health)
        result.summary += f"; {words}"
        return result
    return down(run, cause, words, reason)


def _stuck_holder(run: Run) -> str:
    """Return a sentence about whoever holds the lock and is stuck, empty where nobody is known to be."""
    from watchdog_tools.actions.stuck_start import stuck_start

    found = stuck_start(run.lock, last_owner(run.lock), run.config.start_options)
    return found or stale_owner(run.lock, run_limit(run.config))
