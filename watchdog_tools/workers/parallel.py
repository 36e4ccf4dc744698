"""Several targets of one command, side by side, so that one that hangs delays no other.

All wait together in this process; a probe that comes to what may hang or be slow goes on in a worker of its own.
"""

from __future__ import annotations

import select
import time

from watchdog_tools.core.combine import combine
from watchdog_tools.workers import Blocking, Check, block_on, outcome, timed_out
from watchdog_tools.workers.worker import LOCAL, PARTING, ProbeWorker, Progress, internal_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from watchdog_tools.core import Result
    from watchdog_tools.workers import Wait, Waits

_REPORT = 0.05  # seconds in front of the guard's deadline, so that there is time to say who did not answer
_LAST = 0.02  # seconds past the limit in which what had come by then is heard
_FOREVER = float("inf")


class _Phase(Progress):
    """The phase of a probe: kept for whoever waits for several, and said where it has a worker of its own."""

    __slots__ = ("_teller", "kind", "words")

    def __init__(self, deadline: float) -> None:
        """Begin; `deadline` is what the probe may know of its time."""
        super().__init__(-1, deadline)
        self._teller: Progress | None = None
        self.kind, self.words = LOCAL, "starting"

    def __call__(self, kind: str, words: str) -> None:
        self.kind, self.words = kind, words
        if self._teller:
            self._teller(kind, words)

    def tell_by(self, teller: Progress) -> None:
        """Tell it by `teller`, too, from now on."""
        self._teller = teller


class _Probe:
    """One of several probes. `masks` and `until` are what it waits for, `blocks_on` what wants a worker of its own.

    `result` is there once it has ended without one.
    """

    __slots__ = ("blocks_on", "check", "masks", "phase", "result", "steps", "until", "worker")

    def __init__(self, target: str, probe: Blocking[Result], on_timeout: int | None, deadline: float) -> None:
        """Take it; nothing of it is run yet."""
        self.check = Check(probe, target=target, on_timeout=on_timeout, down=0.0)
        self.phase = _Phase(deadline)
        self.steps = probe.steps(self.phase)
        self.masks: Mapping[int, int] = {}
        self.until = _FOREVER
        self.blocks_on: Callable[[], Any] | None = None
        self.result: Result | None = None
        self.worker: ProbeWorker[Result] | OSError | None = None

    def has_ended(self) -> bool:
        """Whether it has a result, or its worker can have no more to say."""
        worker = self.worker
        if isinstance(worker, ProbeWorker):
            return worker.silent or worker.result is not None
        return worker is not None or self.result is not None

    def resume(self, events: list[tuple[int, int]] | None) -> None:
        """Run it until it waits again. `events` are those that came, None at its start."""
        if isinstance(self.worker, ProbeWorker):
            self.worker.hear()
            return
        try:
            wait = self.steps.send(events)
        except StopIteration as end:
            self.result = end.value
        except Exception as error:  # noqa: BLE001 -- whatever it is, it becomes one line
            self.result = internal_error(error)
        else:
            self._wait_for(wait)

    def _wait_for(self, wait: Wait) -> None:
        self.until = _FOREVER
        if not isinstance(wait, tuple):
            self.masks, self.blocks_on = {}, wait
            return
        self.masks, seconds = wait
        if seconds is not None:
            self.until = time.monotonic() + seconds

    def fork(self, others: list[_Probe]) -> None:
        """Have a worker go on with what may hang or be slow."""

        def go_on(progress: Progress) -> Result:
            for each in others:
                if each is not self:
                    each.steps.close()  # our copies of its sockets
            self.phase.tell_by(progress)
            return block_on(self.steps, self.blocks_on)

        try:
            self.worker = ProbeWorker(go_on, self.phase.deadline)
            self.worker.kind, self.worker.words = self.phase.kind, self.phase.words
            self.masks = {self.worker.read: select.POLLIN}
        except OSError as error:
            self.worker = error
        self.blocks_on = None
        self.steps.close()


def run_parallel(
    probes: list[tuple[str, Callable[[Progress], Waits[Result]]]],
    on_timeout: int | None,
    progress: Progress,
    greatest: str = "the slowest",
) -> Waits[Result]:
    """Run all probes, (target, probe) each, and combine their Results.

    on_timeout: as of a Check. greatest: as of `combine`.
    """
    limit = max(progress.left() - _REPORT, _REPORT)
    deadline = time.monotonic() + limit
    running = [_Probe(target, Blocking(probe), on_timeout, deadline) for target, probe in probes]
    try:
        yield from _run(running, deadline)
    finally:
        # for all of them together, however many hang in the kernel, and in time for our own Result
        until = min(time.monotonic() + PARTING, progress.deadline - _REPORT / 2)
        for each in running:
            each.steps.close()
            if isinstance(each.worker, ProbeWorker):
                each.worker.end(until)
    return combine([_result(each, limit, until) for each in running], greatest)


def _run(probes: list[_Probe], deadline: float) -> Waits[None]:
    """Run them until all have ended, or the deadline has passed.

    A fork takes milliseconds, and the others' times are measured meanwhile: between two of them is heard what came.
    """
    waiting: list[_Probe] = []
    beginning = iter(probes)
    while True:
        busy = _begin_or_fork(waiting, beginning, probes)
        waiting = [each for each in waiting if not each.has_ended()]
        now = time.monotonic()
        left = deadline - now
        if not (waiting or busy):
            return
        masks = {descriptor: mask for each in waiting for descriptor, mask in each.masks.items()}
        next_due = now if busy else min(each.until for each in waiting)
        events = yield masks, max(min(left, next_due - now), 0.0)
        _resume(waiting, dict(events))
        if left <= 0 and (not events or left < -_LAST):  # what had come by then counts
            return


def _begin_or_fork(waiting: list[_Probe], beginning: Iterator[_Probe], probes: list[_Probe]) -> bool:
    """Fork for one that wants a worker of its own, or begin the next one. Return whether there was one."""
    each = next((each for each in waiting if each.blocks_on), None)
    if each is None:
        each = next(beginning, None)
        if each is None:
            return False
        waiting.append(each)
        each.resume(None)
    if each.blocks_on:
        each.fork(probes)
    return True


def _resume(waiting: list[_Probe], events: dict[int, int]) -> None:
    """Resume those for which something came, or whose time is over."""
    now = time.monotonic()
    for each in waiting:
        its = [(descriptor, events[descriptor]) for descriptor in each.masks if descriptor in events]
        if its or each.until <= now:
            each.resume(its)


def _result(probe: _Probe, limit: float, until: float) -> Result:
    check = probe.check
    if probe.worker is not None:
        result = outcome(check, probe.worker, limit, until)
    else:
        result = probe.result or timed_out(check, probe.phase.kind, probe.phase.words, limit)
    result.target = result.target or check.target
    if check.target not in result.summary:
        result.summary = f"{check.target}: {result.summary}"
    return result
