"""TOUCH: which process is the sick instance, and how it is stopped for certain. What is not ours is stopped alone."""

from __future__ import annotations

from watchdog_tools.actions.end import end_found, end_own
from watchdog_tools.actions.hooking import tell
from watchdog_tools.actions.run import Changed
from watchdog_tools.actions.spawn import Born
from watchdog_tools.actions.standstill import remembered, state_of
from watchdog_tools.decision import HAND_STOP
from watchdog_tools.record import FAILED
from watchdog_tools.result import CRITICAL, UNKNOWN, Result
from watchdog_tools.system.identity import handle, here
from watchdog_tools.system.proc import stat, status
from watchdog_tools.system.trust import insecure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.run import Run
    from watchdog_tools.actions.weigh import Weighed
    from watchdog_tools.health import Health


class Refused(Exception):  # noqa: N818 -- a sentence
    """Nobody may be signalled; the sentence says why."""

    def __init__(self, words: str, state: int = CRITICAL, reason: str = "failing") -> None:
        """Take the sentence, and what it makes of the verdict."""
        super().__init__(words)
        self.state = state
        self.reason = reason


def instance(run: Run, health: Health, weighed: Weighed) -> Born | None:
    """Return the instance that lives, held by its pidfd; None if none is known. Raise Refused, Changed."""
    if weighed.alive and weighed.record:
        return _held(run, weighed.record.identity[:2])
    if weighed.marked:
        return _held(run, min(weighed.marked, key=lambda each: each[1])[:2])
    if run.order.wish.oneshot or not health.exists:
        return None
    roots = _roots(health)
    if len(roots) != 1:
        said = f"{len(roots)} processes that do not belong together" if roots else "no process that can be told"
        raise Refused(f"the checks found {said}, so it is not restarted")
    root = roots[0]
    if health.pidfile:
        why = insecure(health.pidfile, _uid(root[0]))
        if why:
            raise Refused(f"{why}; nothing is signalled", UNKNOWN, "insecure")
    return _held(run, root)


def hold_found(run: Run, health: Health) -> None:
    """Hold the instance that somebody else started, if it is one, so that a watch notices its death at once."""
    roots = _roots(health) if run.order.watch else []
    if len(roots) != 1:
        run.let_go()
        return
    try:
        _held(run, roots[0])
    except Changed:
        run.let_go()


def stop(run: Run, sick: Born | None, health: Health, weighed: Weighed) -> Result | None:
    """Stop it. Return None when it is provably gone, else the verdict: none is started beside it."""
    how = run.order.stopping
    pid = sick.identity[0] if sick else 0
    run.trouble, run.successes = int(run.order.hand != HAND_STOP), 0  # what was ordered is no trouble
    run.fail()
    remembered(run, weighed)
    for command, option in ((how.before, "--before-restart"), (how.command, "--stop")):
        if command and not (run.order.hand == HAND_STOP and command is how.before):
            tell(run, command, option, ("CRITICAL", "failing"), pid)
    why = "ordered" if run.order.hand else health.words
    if sick is None:
        run.event("stopped", why=why)
        return None
    run.tell(f"stopping pid {pid}")
    seconds = how.timeout
    if how.command:  # it has asked; what is left after that is told by us
        sick.ended(seconds, run.life)
        seconds = 0.0
    ours = weighed.alive or bool(weighed.marked)
    survivors = end_own(sick, run.uids, seconds, run.life) if ours else end_found(sick.identity, seconds, run.life)
    fate = sick.fate() if sick.ended(0) else "not ended"
    run.let_go()
    if not survivors:
        if run.order.hand == HAND_STOP:  # its end was ordered, so that no run mourns it
            run.write(run.record(FAILED))
        run.event("stopped", pid=pid, how=fate, why=why)
        run.done.append(f"pid {pid} was stopped{f' ({health.words})' if health.down and health.words else ''}")
        return None
    words = f"it cannot be stopped: {', '.join(survivors)}; nothing is started beside it"
    run.event("cannot stop", pid=pid, how=fate, why=", ".join(survivors))
    return Result(CRITICAL, f"{state_of(run, health, weighed)}; {words}", reason="unstoppable")


def _held(run: Run, born: tuple[int, int]) -> Born:
    """Hold exactly that process (pid, start ticks) by its pidfd. Raise Changed if it is gone."""
    identity = (*born, *here())
    descriptor = handle(identity)
    if descriptor is None:
        raise Changed
    return run.hold(Born(identity, descriptor))


def _roots(health: Health) -> list[tuple[int, int]]:
    """Return those found whose parent is not among them: a master, not its workers."""
    pids = {pid for pid, _ in health.found}
    found = [(each, stat(each[0])) for each in health.found]
    return [each for each, seen in found if seen and seen.ticks == each[1] and seen.parent not in pids]


def _uid(pid: int) -> int | None:
    found = status(pid)
    return int(found["Uid"].split()[1]) if found else None
