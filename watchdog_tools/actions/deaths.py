"""TOUCH: an instance ended while a run watched it. Say how, remember it, and notice what it left behind."""

from __future__ import annotations

from watchdog_tools.actions.run import down, failed
from watchdog_tools.result import CRITICAL
from watchdog_tools.system.marks import family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.run import Run
    from watchdog_tools.actions.spawn import Born
    from watchdog_tools.result import Result

DAEMONS = "a program that turns itself into a daemon wants its foreground flag, or --oneshot"
_DONE = "exited with 0"


def died_at_once(run: Run, born: Born) -> Result:
    """Return the verdict on one that did not live for --start-seconds: a failed start, unless others serve."""
    fate, daemons = _ending(run, born)
    words = f"pid {born.identity[0]} {fate} within {run.order.start_seconds:g} s of its start"
    if fate == _DONE:
        words += f"{_left_behind(daemons)}; {DAEMONS}"
    health = run.order.look(run.life)
    verdict = failed(run, "", words, born.identity if daemons else None)
    if health and health.works:  # the verdict is the service's, whoever serves
        verdict.state = min(health.state, CRITICAL)
        verdict.summary = f"{run.name} is healthy: {health.words}; but {words}"
    return verdict


def died(run: Run, born: Born) -> Result:
    """Return the verdict on one that died before it was healthy."""
    fate, daemons = _ending(run, born)
    words = f"pid {born.identity[0]} {fate}"
    if daemons:
        return failed(run, "", f"{words}{_left_behind(daemons)}; {DAEMONS}", born.identity)
    return down(run.order, words, "the next run starts it", "died")


def _ending(run: Run, born: Born) -> tuple[str, list[int]]:
    """Return how it ended, and the live processes that came from one that ended on purpose."""
    fate = born.fate()
    run.event("died", pid=born.identity[0], how=fate)
    return fate, family(*born.identity[:2], run.uids) if fate == _DONE else []


def _left_behind(pids: list[int]) -> str:
    return f" and left pid {', '.join(map(str, pids[:5]))} behind" if pids else ""
