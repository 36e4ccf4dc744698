"""TOUCH: a start command that returns (`systemctl restart x`). Recorded before it ran; at most one is in flight."""

from __future__ import annotations

import os

from watchdog_tools.actions.end import end_own
from watchdog_tools.actions.failure import failed
from watchdog_tools.actions.run import count, now
from watchdog_tools.actions.spawn import Born
from watchdog_tools.actions.verify import verify
from watchdog_tools.record import COMMAND, ENDED, RUNNING
from watchdog_tools.result import CRITICAL, WARNING, Result
from watchdog_tools.system.clock import uptime
from watchdog_tools.system.identity import handle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.run import Run
    from watchdog_tools.actions.weigh import Weighed
    from watchdog_tools.health import Health

_GRACE = 1.0  # seconds between TERM and KILL


def followed(run: Run, born: Born, why: str) -> Result:
    """Wait for the command within --startup-timeout, then look until healthy for as long again."""
    limit = run.order.startup_timeout
    run.tell(f"waiting for the start command (pid {born.identity[0]})")
    if not born.ended(limit):
        survivors = end_own(born, run.uids, _GRACE)
        _fate(born)
        run.looked = run.order.look(run.life)
        return _in_vain(run, why, overdue(limit, survivors))
    fate = _fate(born)
    run.write(run.record(ENDED))
    run.event("start command ended", how=fate)
    good = fate == "exited with 0"
    run.tell("looking until it is healthy")
    until = uptime() + (limit if good else 0.0)
    # with no instance that we could watch: the service's next death is a new story
    verdict = verify(run, run.record(RUNNING), until, f"{'restarted' if run.trouble else 'started'} {run.name}"
                     if good else "")  # fmt: skip
    if verdict.state != CRITICAL:
        if not good:
            verdict.summary += f"; but the start command {fate}"
        return verdict
    return _in_vain(run, why, f"the start command {fate}{', but did not help' * good}")


def _in_vain(run: Run, why: str, words: str) -> Result:
    """Return the verdict on a start that failed, with what a look says now, not what it said before."""
    said = run.looked
    how = "alive but failing" if said and said.exists else "down"
    return failed(run, said.words if said and said.words else why, words, how=how)


def _fate(born: Born) -> str:
    fate = born.fate()
    os.close(born.handle)
    return fate


def in_flight(run: Run, health: Health, weighed: Weighed) -> Result:
    """Say that a --oneshot command is at work; end one whose own run was killed, and which does not return."""
    record = weighed.record
    pid = f" (pid {record.pid})" if record and weighed.alive else ""
    if record and weighed.alive and now() - record.since > run.order.startup_timeout * 1000:
        descriptor = handle(record.identity)
        survivors = end_own(Born(record.identity, descriptor), run.uids, 1.0) if descriptor is not None else []
        count(run)
        return failed(run, health.words, overdue(run.order.startup_timeout, survivors))
    if record and record.phase == COMMAND and not weighed.alive:
        count(run)
        run.write(run.record(ENDED))
    words = f"{run.name} is down ({health.words}); start in progress{pid}"
    return Result(WARNING, words, reason="repairing")


def overdue(limit: float, survivors: list[str]) -> str:
    """Return the words for a command that was ended since it did not return."""
    words = f"the start command did not return within {limit:g} s and was ended, with what it had started"
    return f"{words}; not ended: {', '.join(survivors)}" if survivors else words
