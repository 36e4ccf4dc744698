"""Workers: real forks, that send plain data or a Result, and a Result for one that did not answer."""

from __future__ import annotations

import os
import select
import signal
import time

import pytest

from watchdog_tools.core import CRITICAL, OK, UNKNOWN, Metric, Result
from watchdog_tools.workers import Check, run_all
from watchdog_tools.workers.actions import act
from watchdog_tools.workers.worker import TALK, Progress

LIMIT = 20.0  # seconds, of what takes milliseconds


@pytest.mark.parametrize("value", [False, 0, "", b"\0", (b"end", True), {"claimed": {7: "web"}, "lost": False}, [1.5]])
def test_plain_data_arrives_as_it_was_sent(value: object) -> None:
    """What is false or empty is an answer like any other."""
    assert run_all([Check(lambda _: value)], LIMIT) == [value]


def test_a_verdict_arrives_with_all_that_it_tells() -> None:
    """Its target is that of the check, where it names none."""

    def probe(_: Progress) -> Result:
        result = Result(CRITICAL, "no answer", reason="refused", metrics=[Metric("time", 1, "s")], processes=[(7, 9)])
        result.keeper.exists = True
        return result

    [found] = run_all([Check(probe, target="here")], LIMIT) or []
    assert (found.state, found.summary, found.reason, found.target) == (CRITICAL, "no answer", "refused", "here")
    assert (found.metrics[0].name, found.processes, found.keeper.exists) == ("time", ((7, 9),), True)


def test_several_answer_each_in_its_place() -> None:
    """Facts and verdicts side by side, in the order of the checks."""
    checks: list[Check[object]] = [Check(lambda _: "facts"), Check(lambda _: Result(OK, "fine")), Check(lambda _: 3)]
    first, second, third = run_all(checks, LIMIT) or []
    assert (first, third) == ("facts", 3)
    assert isinstance(second, Result)
    assert second.summary == "fine"


def raising(_: Progress) -> str:
    """Fail, as a defect would."""
    raise ZeroDivisionError("by zero")


def without_memory(_: Progress) -> str:
    """Fail for want of memory."""
    raise MemoryError


def killed(progress: Progress) -> str:
    """Be killed while talking."""
    progress(TALK, "asking it")
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


def slow(progress: Progress) -> str:
    """Never answer."""
    progress(TALK, "waiting for it")
    select.poll().poll()
    return "never"


@pytest.mark.parametrize(
    ("probe", "limit", "state", "reason", "words"),
    [
        (raising, LIMIT, UNKNOWN, "internal", "internal error: ZeroDivisionError: by zero"),
        (without_memory, LIMIT, UNKNOWN, "memory", "out of memory while looking"),
        (killed, LIMIT, UNKNOWN, "crashed", "the look was ended by SIGKILL while asking it"),
        (slow, 0.5, CRITICAL, "timeout", "timed out after 0.5 s while waiting for it"),
    ],
)
def test_who_does_not_answer_is_a_verdict(probe: object, limit: float, state: int, reason: str, words: str) -> None:
    """Whatever it was to send."""
    assert callable(probe)
    [found] = run_all([Check(probe, target="web")], limit) or []
    assert isinstance(found, Result)
    assert (found.state, found.reason, found.summary, found.target) == (state, reason, words, "web")


def test_what_is_no_plain_data_is_not_sent() -> None:
    """The worker says nothing then."""
    [found] = run_all([Check(lambda _: object())], LIMIT) or []
    assert isinstance(found, Result)
    assert (found.reason, found.summary) == ("crashed", "the look was ended without a word while starting")


def test_an_action_worker_sends_plain_data_too() -> None:
    """It is heard at once, not after the limit."""
    begun = time.monotonic()
    worker = act(lambda _, __: False, LIMIT, -1, 1.0)
    assert (worker.result, worker.silent) == (False, False)
    assert time.monotonic() - begun < LIMIT
