"""One look at several things at once: a looker each, one deadline, and a Result for whatever happens."""

from __future__ import annotations

import select
import time

from watchdog_tools.result import CRITICAL, UNKNOWN, Result, negated
from watchdog_tools.system.looker import LOCAL, MATCH, PARTING, Looker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from watchdog_tools.result import Metric
    from watchdog_tools.system.looker import Fork, Say


class Job:
    """A look to take: what to call, and the verdict if the deadline strikes.

    on_timeout: the state for a target that did not answer; None is the usual CRITICAL, and then
    a deadline that strikes while we only looked at our own machine is UNKNOWN.
    down: what Zabbix gets as value when it timed out; None means the state's number.
    limit: seconds of its own, None for the common deadline alone.
    negate: a target that did not answer is what was wished for. timed: what perfdata says then.
    foreign: it runs somebody else's program, which may leave processes behind in its session.
    """

    __slots__ = ("down", "foreign", "limit", "look", "negate", "on_timeout", "target", "timed")

    def __init__(  # noqa: PLR0913 -- a record, built by keyword
        self,
        look: Callable[[Say], Result],
        *,
        target: str = "",
        on_timeout: int | None = None,
        down: float | None = None,
        limit: float | None = None,
        foreign: bool = False,
        negate: bool = False,
        timed: tuple[Metric, ...] = (),
    ) -> None:
        """Take the fields as the class describes them."""
        self.look = look
        self.target = target
        self.on_timeout = on_timeout
        self.down = down
        self.limit = limit
        self.foreign = foreign
        self.negate = negate
        self.timed = timed


def look_all(jobs: list[Job], limit: float, wake: int = -1) -> list[Result] | None:
    """Take all looks side by side within `limit` seconds; None if `wake` became readable first."""
    start = time.monotonic()
    limits = [min(limit, job.limit or limit) for job in jobs]
    lookers: list[Looker | OSError] = []
    for job, own in zip(jobs, limits, strict=True):
        try:
            lookers.append(Looker(job.look, start + own))
        except OSError as error:
            lookers.append(error)
    woken = False
    for own in sorted(set(limits)):  # usually one
        due = [looker for looker, its in zip(lookers, limits, strict=True) if its >= own]
        alive = [looker for looker in due if isinstance(looker, Looker) and looker.result is None]
        woken = woken or gather(alive, start + own, wake)
    until = time.monotonic() + PARTING  # for all of them together, however many hang in the kernel
    for job, looker in zip(jobs, lookers, strict=True):
        if isinstance(looker, Looker):
            looker.end(until)
            if job.foreign:
                _sweep(looker.pid)
    results = [_outcome(job, looker, own, until) for job, looker, own in zip(jobs, lookers, limits, strict=True)]
    return None if woken else results


def gather(lookers: Sequence[Fork], deadline: float, wake: int = -1) -> bool:
    """Hear all lookers until each has ended or the deadline passed.

    `wake`: a descriptor whose readability ends the wait. Return whether it did.
    """
    poll = select.poll()
    if wake >= 0:
        poll.register(wake, select.POLLIN)
    waiting = {looker.read: looker for looker in lookers}
    for descriptor in waiting:
        poll.register(descriptor, select.POLLIN)
    while waiting:
        left = deadline - time.monotonic()
        events = poll.poll(max(left * 1000, 0))
        for descriptor, _ in events:
            if descriptor == wake:
                return True
            if not waiting[descriptor].hear():
                poll.unregister(descriptor)
                del waiting[descriptor]
        if left <= 0 and not events:
            break
    return False


def _outcome(job: Job, looker: Looker | OSError, limit: float, until: float) -> Result:
    if isinstance(looker, OSError):
        why = f"cannot fork a look: {looker.strerror}"
        return Result(UNKNOWN, why, reason="resources", target=job.target)
    status = looker.reap(until)
    if looker.result:
        looker.result.target = looker.result.target or job.target
        return looker.result
    if looker.silent:
        result = Result(UNKNOWN, f"the look was ended {_ending(status)} while {looker.words}", reason="crashed")
    else:
        result = _timed_out(job, looker, limit)
    if status is None:
        result.summary += f" (pid {looker.pid} is stuck in the kernel)"
    result.target = job.target
    return result


def _timed_out(job: Job, looker: Looker, limit: float) -> Result:
    span = f"{limit:g} s"
    if looker.kind == MATCH:
        return Result(UNKNOWN, f"pattern too slow: {looker.words} took more than {span}", reason="slow-pattern")
    words = f"timed out after {span} while {looker.words}"
    state = job.on_timeout
    if state is None:
        state = UNKNOWN if looker.kind == LOCAL else CRITICAL
    result = Result(state, words, reason="timeout", value=job.down, metrics=job.timed)
    return negated(result) if job.negate and job.on_timeout is None else result


def _ending(status: int | None) -> str:
    import os

    from watchdog_tools.system import signals

    if status is None or not os.WIFSIGNALED(status):
        return "without a word"
    return f"by {signals.name(os.WTERMSIG(status))}"


def _sweep(leader: int) -> None:
    from watchdog_tools.system.family import kill_session
    from watchdog_tools.system.proc import Unseen

    try:
        kill_session(leader)
    except Unseen:
        return
