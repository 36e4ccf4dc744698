"""Several probes of one process: none waits for another's fork, and what had come by the time limit counts."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator

import pytest

from watchdog_tools.core import CRITICAL, OK, Result
from watchdog_tools.workers import block_on
from watchdog_tools.workers.parallel import run_parallel
from watchdog_tools.workers.worker import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.workers import Waits

    Probe = Callable[[Progress], Waits[Result]]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Both ends of a pipe."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def combined(probes: list[Probe], seconds: float) -> list[tuple[str, str]]:
    """Return each one's state and reason, all of them within the same time limit."""
    named = [(f"target{number}", probe) for number, probe in enumerate(probes)]
    write = os.open(os.devnull, os.O_WRONLY)
    try:
        result = block_on(run_parallel(named, None, Progress(write, time.monotonic() + seconds)))
    finally:
        os.close(write)
    targets = result.details["targets"]
    assert isinstance(targets, list)
    return [(each["state"], each["reason"]) for each in targets]


def plain(descriptor: int, heard: list[int]) -> Probe:
    """Return a probe that waits for a descriptor, and then says so in `heard`."""

    def steps(_progress: Progress) -> Waits[Result]:
        yield {descriptor: select.POLLIN}, None
        heard.append(descriptor)
        return Result(OK, "came")

    return steps


def test_what_came_is_heard_between_two_forks(pipe: tuple[int, int]) -> None:
    """Each of the forks behind the first one is made when the plain probe has gone on."""
    reading, writing = pipe
    os.write(writing, b"x")
    heard: list[int] = []

    def forks(_progress: Progress) -> Waits[Result]:
        result: Result = yield lambda: Result(OK if heard else CRITICAL, "as it was when this worker was forked")
        return result

    found = combined([plain(reading, heard), *[forks] * 5], 30)
    assert [state for state, _ in found][2:] == ["OK"] * 4


def test_what_wants_a_worker_in_the_middle_delays_no_other(pipe: tuple[int, int]) -> None:
    """All for which something came go on; then the forks are made."""
    reading, writing = pipe
    heard: list[int] = []

    def forks_later(_progress: Progress) -> Waits[Result]:
        yield {reading: select.POLLIN}, None
        result: Result = yield lambda: Result(OK if heard else CRITICAL, "as it was when this worker was forked")
        return result

    def last(_progress: Progress) -> Waits[Result]:
        os.write(writing, b"x")
        yield {}, 0.0
        return Result(OK, "all others wait")

    found = combined([*[forks_later] * 3, plain(reading, heard), last], 30)
    assert [state for state, _ in found] == ["OK"] * 5


def test_what_had_come_at_the_time_limit_counts(pipe: tuple[int, int]) -> None:
    """A probe takes all the time that there is; meanwhile the other one's answer came, and is read."""
    reading, writing = pipe

    def slow(progress: Progress) -> Waits[Result]:
        os.write(writing, b"x")
        while progress.left():
            time.sleep(0.01)
        yield {}, None
        return Result(CRITICAL, "never")

    assert combined([plain(reading, []), slow], 0.2) == [("OK", ""), ("UNKNOWN", "timeout")]
