"""What a run says that does nothing: each reason has its words, and the state is the service's."""

from __future__ import annotations

from watchdog_tools.actions.assess import state_of
from watchdog_tools.actions.boot_grace import pending_after_boot, within_boot_grace
from watchdog_tools.actions.context import down
from watchdog_tools.actions.exits import announce_hold, begin_hold, hold_words, starts
from watchdog_tools.core import CRITICAL, OK, UNKNOWN, Result
from watchdog_tools.core.text import human_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.assess import Assessment
    from watchdog_tools.actions.context import Run
    from watchdog_tools.core.health import Health


def healthy(run: Run, health: Health) -> Result:
    """Return the verdict of a service that works, whoever runs it."""
    reason = "repairing" if health.starting else ""  # another supervisor is at it
    return Result(health.state, f"{run.name} {health.phrase}: {health.summary}", reason=reason, metrics=health.metrics)


def blind(run: Run, health: Health, words: str) -> Result:
    """Return the verdict where who cannot see must not act."""
    state = health.state if health.state != OK else UNKNOWN
    return Result(state, f"{run.name}: {words}; nothing {'done' if run.config.operator else 'started'}", reason="blind")


def shutting_down(run: Run, cause: str, how: str = "down") -> Result:
    """Return the verdict where the machine is shutting down: what would be started now would be killed half made."""
    return down(run, cause, "the machine is shutting down, nothing started", "shutdown", how)


def paused(run: Run, health: Health, assessment: Assessment) -> Result:
    """Return the verdict of a service that is paused: it is checked, and nothing is done."""
    if health.unseen:
        return Result(health.state, f"{run.name}: {health.unseen}; {assessment.paused}", reason="paused")
    if health.works or (assessment.alive and not health.has_checks):
        words = f": {health.summary}" if health.summary else ""
        state = health.state if health.has_checks else OK
        return Result(state, f"{run.name} is up, {assessment.paused}{words}", reason="paused", metrics=health.metrics)
    return Result(CRITICAL, f"{state_of(run, health, assessment)}; {assessment.paused}", reason="paused")


def waiting(run: Run, health: Health, assessment: Assessment) -> Result:
    """Say that a start has to wait for its backoff."""
    run.save_memory(assessment.record)
    attempts = assessment.history.attempts
    words = f"backing off after {attempts} start{'' if attempts == 1 else 's'} that did not last"
    return Result(
        CRITICAL,
        f"{state_of(run, health, assessment)}; {words}, next try in {human_duration(assessment.wait)}",
        reason="backoff",
    )


def held(run: Run, health: Health, assessment: Assessment) -> Result:
    """Say until when it is held; remember a hold that begins, and tell who asked to be told."""
    if within_boot_grace(run.config) and not (assessment.alive or health.exists):
        # a boot costs no hold, but the limit is kept
        return pending_after_boot(run.config, health.summary or "no instance", f"not started, after {starts(run)}")
    begins = begin_hold(run, assessment.permission)
    run.save_memory(assessment.record)
    words = hold_words(run, assessment.wait)
    verdict = Result(CRITICAL, f"{state_of(run, health, assessment)}; {words}", reason="held")
    if begins:
        announce_hold(run, health.summary, verdict)
    return verdict
