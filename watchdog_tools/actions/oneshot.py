"""TOUCH: a start command that returns (`systemctl restart x`). Recorded before it ran; at most one is in flight."""

from __future__ import annotations

from watchdog_tools.actions.end import end_family
from watchdog_tools.actions.run import failed
from watchdog_tools.actions.verify import verify
from watchdog_tools.record import ENDED, RUNNING
from watchdog_tools.result import CRITICAL
from watchdog_tools.system.clock import uptime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.run import Run
    from watchdog_tools.actions.spawn import Born
    from watchdog_tools.result import Result


def command(run: Run, born: Born, why: str) -> Result:
    """Wait for the command within --startup-timeout, then look until healthy for as long again."""
    limit = run.order.startup_timeout
    run.say("local", f"waiting for the start command (pid {born.identity[0]})")
    if not born.ended(limit):
        survivors = end_family(born, run.uids)
        born.fate()
        return failed(run, why, overdue(limit, survivors))
    fate = born.fate()
    run.write(run.record(ENDED, run.attempts + 1))
    run.event("start command ended", how=fate)
    good = fate == "exited with 0"
    until = uptime() + (limit if good else 0.0)
    verdict = verify(run, None, until, f"started {run.name}" if good else "")
    if verdict.state != CRITICAL:
        # the service is up, with no instance that we could watch: its next death is a new story
        run.write(run.record(RUNNING, run.attempts + 1))
        if not good:
            verdict.summary += f"; but the start command {fate}"
        return verdict
    return failed(run, why, "the start command succeeded but it is still failing" if good
                   else f"the start command {fate}")  # fmt: skip


def overdue(limit: float, survivors: list[str]) -> str:
    """Return the words for a command that was ended since it did not return."""
    words = f"the start command did not return within {limit:g} s and was ended, with what it had started"
    return f"{words}; not ended: {', '.join(survivors)}" if survivors else words
