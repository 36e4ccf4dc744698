"""A small loop that runs many probes of this process at once: poll(2) and a few threads wait for what they wait for."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from watchdog_tools.core import Result
from watchdog_tools.workers import Blocking, Check, timed_out
from watchdog_tools.workers.worker import LOCAL, Progress

if TYPE_CHECKING:
    from watchdog_tools.workers import Waits

FOREVER = float("inf")


class Phase(Progress):
    """The phase that a probe is in."""

    def __init__(self, deadline: float) -> None:
        """Begin."""
        super().__init__(-1, deadline)
        self.kind, self.words = LOCAL, "starting"

    def __call__(self, kind: str, words: str) -> None:
        """Keep it."""
        self.kind, self.words = kind, words


class Running:
    """One probe of the loop: what it waits for, until when, and its Result once it has one."""

    def __init__(self, check: Check[Result]) -> None:
        """Take a check of ports or replies, with a time limit of its own."""
        self.check, self.limit = check, check.limit or 0.0
        self.deadline = time.monotonic() + self.limit
        self.phase = Phase(self.deadline)
        assert isinstance(check.probe, Blocking), "it does its own waiting"
        self.steps: Waits[Result] = check.probe.steps(self.phase)
        self.masks: dict[int, int] = {}
        self.until = FOREVER
        self.future: Future[Any] | None = None
        self.result: Result | None = None

    def resume(self, step: Callable[[Any], Any], answer: object, pool: ThreadPoolExecutor, wake: int) -> None:
        """Run it until it waits again."""
        self.masks, self.until, self.future = {}, FOREVER, None
        try:
            wait = step(answer)
        except StopIteration as end:
            self.result = end.value
            return
        if isinstance(wait, tuple):
            masks, seconds = wait
            self.masks = dict(masks)
            self.until = FOREVER if seconds is None else time.monotonic() + seconds
        else:
            self.future = pool.submit(wait)
            self.future.add_done_callback(lambda _: os.eventfd_write(wake, 1))

    def end(self) -> None:
        """Give it up: its time is over."""
        self.steps.close()
        self.result = timed_out(self.check, self.phase.kind, self.phase.words, self.limit)


def run_at_once(checks: list[Check[Result]]) -> list[Result]:
    """Run all checks at once in this thread, each within its own time limit, and return their Results."""
    wake = os.eventfd(0, os.EFD_NONBLOCK)
    running = [Running(check) for check in checks]
    with ThreadPoolExecutor(8) as pool:
        for each in running:
            each.resume(each.steps.send, None, pool, wake)
        while waiting := [each for each in running if each.result is None]:
            _once(waiting, pool, wake)
    os.close(wake)
    return [each.result for each in running if each.result]


def _once(waiting: list[Running], pool: ThreadPoolExecutor, wake: int) -> None:
    poll = select.poll()
    poll.register(wake, select.POLLIN)
    for each in waiting:
        for descriptor, mask in each.masks.items():
            poll.register(descriptor, mask)
    due = min(min(each.until, each.deadline) for each in waiting)
    events = dict(poll.poll(max(due - time.monotonic(), 0) * 1000))
    if wake in events:
        os.eventfd_read(wake)
    now = time.monotonic()
    for each in waiting:
        its = [(descriptor, events[descriptor]) for descriptor in each.masks if descriptor in events]
        if now >= each.deadline:
            each.end()
        elif each.future and each.future.done():
            error = each.future.exception()
            step, answer = (each.steps.throw, error) if error else (each.steps.send, each.future.result())
            each.resume(step, answer, pool, wake)
        elif its or each.until <= now:
            each.resume(each.steps.send, its, pool, wake)
