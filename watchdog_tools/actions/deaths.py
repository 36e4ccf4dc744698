"""TOUCH: an instance has ended. Say how, remember it, and notice what it left behind."""

from __future__ import annotations

from watchdog_tools.actions.failure import begin_hold, failed, judged, next_try, tell_hold
from watchdog_tools.actions.mercy import forgiven, in_mercy
from watchdog_tools.actions.run import down, now
from watchdog_tools.record import DAEMON, FAILED, RUNNING
from watchdog_tools.result import CRITICAL
from watchdog_tools.system.identity import here
from watchdog_tools.system.marks import family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.run import Run
    from watchdog_tools.actions.spawn import Born
    from watchdog_tools.record import Record
    from watchdog_tools.result import Result
    from watchdog_tools.system.identity import Identity

DAEMONS = "a program that turns itself into a daemon wants its foreground flag, or --oneshot"
_DONE = "exited with 0"


def mourn(run: Run, record: Record) -> Record:
    """Remember the death of the record's instance, once. Return the record as it is from now on.

    A watcher sees the death itself; another run finds it dead, and then the backoff counts from its start.
    """
    born = run.born if run.born and run.born.identity == record.identity else None
    how = born.fate() if born else "ended"
    run.let_go()
    if record.phase != RUNNING or not record.pid or record.identity[2:] != here():
        return record  # or of another boot or namespace, where nobody saw it die
    if not (run.past.over and run.trouble):  # one that was only seen failing is not dead yet
        run.fail(0 if born else record.since)
        run.trouble, run.successes = 1, 0
        run.done.append(f"pid {record.pid} {how}")
        run.event("died", pid=record.pid, how=how)
    return _became_a_daemon(run, record) if how == _DONE else record


def _became_a_daemon(run: Run, record: Record) -> Record:
    """Write down that an instance which exited with 0 lives on as what it left behind, if it does."""
    if not _family(run, record.identity)[0]:
        return record
    daemon = run.record(FAILED, identity=record.identity)
    daemon.why = DAEMON
    run.write(daemon)
    return daemon


def died_at_once(run: Run, born: Born) -> Result:
    """Return the verdict on one that did not live for --start-seconds: a failed start, unless others serve."""
    fate, ours, others = _ending(run, born)
    words = f"pid {born.identity[0]} {fate} within {run.order.start_seconds:g} s of its start{_left(ours + others)}"
    if fate == _DONE:
        words += f"; {DAEMONS}"
    health = run.order.look(run.life)
    served = bool(health and health.works)
    verdict = failed(run, "", words, born.identity if ours and fate == _DONE else None, served=served)
    if health and served:  # the verdict is the service's, whoever serves
        verdict.state = min(health.state, CRITICAL)
        verdict.summary = f"{run.name} is healthy: {health.words}; but {words}"
    return verdict


def died(run: Run, born: Born) -> Result:
    """Return the verdict on one that died before it was healthy."""
    fate, ours, others = _ending(run, born)
    words = f"pid {born.identity[0]} {fate}{_left(ours + others)}"
    if ours and fate == _DONE:
        return failed(run, "", f"{words}; {DAEMONS}", born.identity)
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


def _ending(run: Run, born: Born) -> tuple[str, list[int], list[int]]:
    """Return how it ended, and `_family`: that is looked for behind every ending, whatever its status."""
    fate = born.fate()
    run.let_go()
    run.event("died", pid=born.identity[0], how=fate)
    return fate, *_family(run, born.identity)


def _family(run: Run, identity: Identity) -> tuple[list[int], list[int]]:
    """Return the live processes that came from it, and where we are root those of other uids, who only say so."""
    found = family(run.order.owner, *identity[:2])
    others = [pid for pid, uid in found if uid not in run.uids and run.order.owner.uid == 0]
    return [pid for pid, uid in found if uid in run.uids], others


def _left(pids: list[int]) -> str:
    return f" and left pid {', '.join(map(str, pids[:5]))} behind" if pids else ""
