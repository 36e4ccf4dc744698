"""TOUCH: an instance has ended. Say how, remember it, and notice what it left behind."""

from __future__ import annotations

from watchdog_tools.actions.failure import begin_hold, failed, judged, next_try, tell_hold
from watchdog_tools.actions.mercy import forgiven, in_mercy
from watchdog_tools.actions.run import down, now
from watchdog_tools.record import RUNNING
from watchdog_tools.result import CRITICAL
from watchdog_tools.system.identity import here
from watchdog_tools.system.marks import family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.run import Run
    from watchdog_tools.actions.spawn import Born
    from watchdog_tools.record import Record
    from watchdog_tools.result import Result

DAEMONS = "a program that turns itself into a daemon wants its foreground flag, or --oneshot"
_DONE = "exited with 0"


def mourn(run: Run, record: Record) -> None:
    """Remember the death of the record's instance, once.

    A watcher sees the death itself; another run finds it dead, and then the backoff counts from its start.
    """
    born = run.born if run.born and run.born.identity == record.identity else None
    how = born.fate() if born else "ended"
    run.let_go()
    known = run.past.over and run.trouble  # one that was only seen failing is not dead yet
    if known or record.phase != RUNNING or not record.pid or record.identity[2:] != here():
        return  # or of another boot or namespace, where nobody saw it die
    run.fail(0 if born else record.since)
    run.trouble, run.successes = 1, 0
    run.done.append(f"pid {record.pid} {how}")
    run.event("died", pid=record.pid, how=how)


def leftovers(run: Run, record: Record) -> None:
    """Name what the last instance left running: supervisord's children outlive it."""
    if not record.pid or record.identity[2:] != here():
        return
    orphans = family(record.pid, record.ticks, run.uids)
    if orphans:
        run.note(f"the last instance left pid {', '.join(map(str, orphans[:5]))} running")


def died_at_once(run: Run, born: Born) -> Result:
    """Return the verdict on one that did not live for --start-seconds: a failed start, unless others serve."""
    fate, daemons = _ending(run, born)
    words = f"pid {born.identity[0]} {fate} within {run.order.start_seconds:g} s of its start"
    if fate == _DONE:
        words += f"{_left_behind(daemons)}; {DAEMONS}"
    health = run.order.look(run.life)
    served = bool(health and health.works)
    verdict = failed(run, "", words, born.identity if daemons else None, served=served)
    if health and served:  # the verdict is the service's, whoever serves
        verdict.state = min(health.state, CRITICAL)
        verdict.summary = f"{run.name} is healthy: {health.words}; but {words}"
    return verdict


def died(run: Run, born: Born) -> Result:
    """Return the verdict on one that died before it was healthy."""
    fate, daemons = _ending(run, born)
    words = f"pid {born.identity[0]} {fate}"
    if daemons:
        return failed(run, "", f"{words}{_left_behind(daemons)}; {DAEMONS}", born.identity)
    run.fail()
    run.trouble = 1
    begins = not in_mercy(run.order) and begin_hold(run, judged(run))
    run.write(run.record(RUNNING, identity=born.identity, since=run.past.last or now()))
    if in_mercy(run.order):
        return forgiven(run.order, "", words)
    verdict = down(run.order, words, next_try(run), "died")
    if begins:
        tell_hold(run, words, verdict)
    return verdict


def _ending(run: Run, born: Born) -> tuple[str, list[int]]:
    """Return how it ended, and the live processes that came from one that ended on purpose."""
    fate = born.fate()
    run.let_go()
    run.event("died", pid=born.identity[0], how=fate)
    return fate, family(*born.identity[:2], run.uids) if fate == _DONE else []


def _left_behind(pids: list[int]) -> str:
    return f" and left pid {', '.join(map(str, pids[:5]))} behind" if pids else ""
