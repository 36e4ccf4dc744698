"""Several checks at once: a probe worker each, one deadline, and a Result for whatever else happens.

A probe that says what it waits for (`Waits`) blocks in its worker (`block_on`); a loop may run many of them itself.
"""

from __future__ import annotations

import select
import time

from watchdog_tools.core import CRITICAL, UNKNOWN, Result, negated
from watchdog_tools.workers.worker import LOCAL, MATCH, PARTING, Generic, ProbeWorker, T_co

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from typing import Any, TypeVar

    from watchdog_tools.core import Metric
    from watchdog_tools.workers.worker import Fork, Progress

    T = TypeVar("T")
    # What a probe waits for: descriptors with their masks of poll(2), for seconds (None: however long), and then it is
    # sent the (descriptor, events) that came; or what may hang or be slow, and it is sent what that returns, or has
    # thrown in what that raises. Closed in the middle, it closes its sockets.
    Wait = tuple[Mapping[int, int], float | None] | Callable[[], Any]
    Waits = Generator[Wait, Any, T]


class Check(Generic[T_co]):
    """A check to run: what to call, and the verdict if the deadline strikes.

    probe: what it returns is sent by a worker: a Result, or plain data (`worker.Fork`).
    on_timeout: the state for a target that did not answer; None is the usual CRITICAL, and then
    a deadline that strikes while we only looked at our own machine is UNKNOWN.
    down: what Zabbix gets as value when it timed out; None means the state's number.
    limit: seconds of its own, None for the common deadline alone.
    negate: a target that did not answer is what was wished for. timed: what perfdata says then.
    foreign: it runs somebody else's program, which may leave processes behind in its session.
    """

    __slots__ = ("down", "foreign", "limit", "negate", "on_timeout", "probe", "target", "timed")

    def __init__(  # noqa: PLR0913 -- a record, built by keyword
        self,
        probe: Callable[[Progress], T_co],
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
        self.probe = probe
        self.target = target
        self.on_timeout = on_timeout
        self.down = down
        self.limit = limit
        self.foreign = foreign
        self.negate = negate
        self.timed = timed


class Blocking(Generic[T_co]):
    """A probe that blocks wherever `steps` waits."""

    __slots__ = ("steps",)

    def __init__(self, steps: Callable[[Progress], Waits[T_co]]) -> None:
        """Take the probe as one that says what it waits for."""
        self.steps = steps

    def __call__(self, progress: Progress) -> T_co:
        """Run it to its end."""
        return block_on(self.steps(progress))


def block_on(steps: Waits[T], wait: Wait | None = None) -> T:
    """Run what waits to its end; `wait` is what one in the middle waits for."""
    try:
        wait = wait or next(steps)
        while True:
            wait = steps.send(_polled(*wait)) if isinstance(wait, tuple) else _called(steps, wait)
    except StopIteration as end:
        returned: T = end.value
        return returned


def _called(steps: Waits[T], what: Callable[[], Any]) -> Wait:
    try:
        answer = what()
    except Exception as error:  # noqa: BLE001 -- of the probe's own, which knows what it means
        return steps.throw(error)
    return steps.send(answer)


def _polled(masks: Mapping[int, int], seconds: float | None) -> list[tuple[int, int]]:
    poll = select.poll()
    for descriptor, mask in masks.items():
        poll.register(descriptor, mask)
    return poll.poll(None if seconds is None else seconds * 1000)


def run_all(checks: Sequence[Check[T_co]], limit: float, cancel_fd: int = -1) -> list[T_co | Result] | None:
    """Run all checks side by side within `limit` seconds; None if `cancel_fd` became readable first.

    Return what each probe did, or a Result for one that did not answer.
    """
    start = time.monotonic()
    limits = [min(limit, check.limit or limit) for check in checks]
    workers: list[ProbeWorker[T_co] | OSError] = []
    for check, own in zip(checks, limits, strict=True):
        try:
            workers.append(ProbeWorker(check.probe, start + own))
        except OSError as error:
            workers.append(error)
    woken = False
    for own in sorted(set(limits)):  # usually one
        due = [worker for worker, its in zip(workers, limits, strict=True) if its >= own]
        alive = [worker for worker in due if isinstance(worker, ProbeWorker) and worker.result is None]
        woken = woken or gather(alive, start + own, cancel_fd)
    until = time.monotonic() + PARTING  # for all of them together, however many hang in the kernel
    for check, worker in zip(checks, workers, strict=True):
        if isinstance(worker, ProbeWorker):
            worker.end(until)
            if check.foreign:
                _sweep(worker.pid)
    results = [outcome(check, worker, own, until) for check, worker, own in zip(checks, workers, limits, strict=True)]
    return None if woken else results


def gather(workers: Sequence[Fork[object]], deadline: float, cancel_fd: int = -1) -> bool:
    """Hear all forks until each has ended or the deadline passed.

    `cancel_fd`: a descriptor whose readability ends the wait. Return whether it did.
    """
    poll = select.poll()
    if cancel_fd >= 0:
        poll.register(cancel_fd, select.POLLIN)
    waiting = {worker.read: worker for worker in workers}
    for descriptor in waiting:
        poll.register(descriptor, select.POLLIN)
    while waiting:
        left = deadline - time.monotonic()
        events = poll.poll(max(left * 1000, 0))
        for descriptor, _ in events:
            if descriptor == cancel_fd:
                return True
            if not waiting[descriptor].hear():
                poll.unregister(descriptor)
                del waiting[descriptor]
        if left <= 0 and not events:
            break
    return False


def outcome(check: Check[T_co], worker: ProbeWorker[T_co] | OSError, limit: float, until: float) -> T_co | Result:
    """Return what a worker did, or a Result for one that was ended after `limit` seconds; it is to go by `until`."""
    if isinstance(worker, OSError):
        why = f"cannot fork a look: {worker.strerror}"
        return Result(UNKNOWN, why, reason="resources", target=check.target)
    status = worker.reap(until)
    if worker.result is not None:
        if isinstance(worker.result, Result):
            worker.result.target = worker.result.target or check.target
        return worker.result
    if worker.silent:
        result = Result(UNKNOWN, f"the look was ended {_ending(status)} while {worker.words}", reason="crashed")
    else:
        result = timed_out(check, worker.kind, worker.words, limit)
    if status is None:
        result.summary += f" (pid {worker.pid} is stuck in the kernel)"
    result.target = check.target
    return result


def timed_out(check: Check[object], kind: str, words: str, limit: float) -> Result:
    """Return the verdict of a check that took more than `limit` seconds, by the phase that it was in."""
    span = f"{limit:g} s"
    if kind == MATCH:
        return Result(UNKNOWN, f"pattern too slow: {words} took more than {span}", reason="slow-pattern")
    state = check.on_timeout
    if state is None:
        state = UNKNOWN if kind == LOCAL else CRITICAL
    summary = f"timed out after {span} while {words}"
    result = Result(state, summary, reason="timeout", value=check.down, metrics=check.timed)
    return negated(result) if check.negate and check.on_timeout is None else result


def _ending(status: int | None) -> str:
    import os

    from watchdog_tools.system import signals

    if status is None or not os.WIFSIGNALED(status):
        return "without a word"
    return f"by {signals.name(os.WTERMSIG(status))}"


def _sweep(leader: int) -> None:
    from watchdog_tools.system.proc import ProcUnavailable
    from watchdog_tools.system.process_tree import kill_session

    try:
        kill_session(leader)
    except ProcUnavailable:
        return
