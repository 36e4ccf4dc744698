"""TOUCH: a start command that returns (`systemctl restart x`). Recorded before it ran; at most one is in flight."""

from __future__ import annotations

import os

from watchdog_tools.actions.boot_grace import count_attempt
from watchdog_tools.actions.context import now
from watchdog_tools.actions.exits import start_failed
from watchdog_tools.actions.healthy import verify
from watchdog_tools.actions.kill import end_own
from watchdog_tools.actions.spawn import Child
from watchdog_tools.core import CRITICAL, WARNING, Result
from watchdog_tools.core.record import COMMAND, ENDED, RUNNING
from watchdog_tools.system import uptime
from watchdog_tools.system.identity import handle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchdog_tools.actions.assess import Assessment
    from watchdog_tools.actions.context import Run
    from watchdog_tools.core.health import Health

_GRACE = 1.0  # seconds between TERM and KILL


def follow(run: Run, child: Child, cause: str) -> Result:
    """Wait for the command within --startup-timeout, then check until it is healthy for as long again."""
    limit = run.config.startup_timeout
    run.begin_step(f"waiting for the start command (pid {child.identity[0]})")
    if not child.ended(limit):
        survivors = end_own(child, run.uids, _GRACE)
        _exit_status(child)
        run.last_health = run.probes.check(run.parent_fd)
        return _failed(run, cause, overdue(limit, survivors))
    exit_status = _exit_status(child)
    run.write(run.record(ENDED))
    run.event("start command ended", how=exit_status)
    good = exit_status == "exited with 0"
    run.begin_step("looking until it is healthy")
    until = uptime() + (limit if good else 0.0)
    # with no instance that we could watch: the service's next death is a new story
    verdict = verify(
        run, run.record(RUNNING), f"{'restarted' if run.in_trouble else 'started'} {run.name}" if good else "", until
    )
    if verdict.state != CRITICAL:
        if not good:
            verdict.summary += f"; but the start command {exit_status}"
        return verdict
    return _failed(run, cause, f"the start command {exit_status}{', but did not help' * good}")


def _failed(run: Run, cause: str, words: str) -> Result:
    """Return the verdict on a start that failed, with what a check says now, not what it said before."""
    said = run.last_health
    how = "alive but failing" if said and said.exists else "down"
    return start_failed(run, said.summary if said and said.summary else cause, words, how=how)


def _exit_status(child: Child) -> str:
    exit_status = child.exit_status()
    os.close(child.handle)
    return exit_status


def in_flight(run: Run, health: Health, assessment: Assessment) -> Result:
    """Say that a --oneshot command is at work; end one whose own run was killed, and which does not return."""
    record = assessment.record
    pid = f" (pid {record.pid})" if record and assessment.alive else ""
    if record and assessment.alive and now() - record.since > run.config.startup_timeout * 1000:
        descriptor = handle(record.identity)
        child = None if descriptor is None else Child(identity=record.identity, handle=descriptor)
        survivors = end_own(child, run.uids, 1.0) if child else []
        count_attempt(run)
        return start_failed(run, health.summary, overdue(run.config.startup_timeout, survivors))
    if record and record.phase == COMMAND and not assessment.alive:
        count_attempt(run)
        run.write(run.record(ENDED))
    words = f"{run.name} is down ({health.summary}); start in progress{pid}"
    return Result(WARNING, words, reason="repairing")


def overdue(limit: float, survivors: Sequence[str]) -> str:
    """Return the words for a command that was ended since it did not return."""
    words = f"the start command did not return within {limit:g} s and was ended, with what it had started"
    return f"{words}; not ended: {', '.join(survivors)}" if survivors else words
