"""The backoff: doubled, bounded, forgotten after stability, a reboot, or a clock that cannot be ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools import backoff
from watchdog_tools.record import COMMAND, ENDED, FAILED, RUNNING, STARTING, Record

TIME = st.integers(0, 10**13)


def last(phase: str, attempts: int, since: int = 0, boot: str = "here") -> Record:
    """Return the record of the last start."""
    return Record(phase, attempts=attempts, since=since, boot=boot)


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(0, 0), (1, 1), (2, 2), (3, 4), (4, 8), (8, 128), (9, 256), (10, 300), (11, 300), (10**9, 300)],
)
def test_it_doubles_to_five_minutes(attempts: int, seconds: int) -> None:
    """1 s, 2 s, 4 s … and never more, after any number of them."""
    assert backoff.delay(attempts) == seconds * 1000


def test_a_failed_start_is_waited_for_from_its_end() -> None:
    """The wait shrinks with the clock, and ends."""
    waits = [backoff.wait(last(FAILED, 3, 10_000), now, "here") for now in (10_000, 13_000, 13_999, 14_000, 99_000)]
    assert waits == [4_000, 1_000, 1, 0, 0]


def test_a_first_start_waits_for_nothing() -> None:
    """There was none before."""
    assert backoff.wait(None, 5, "here") == 0
    assert backoff.earned(None, 5, "here") == 0


@pytest.mark.parametrize("phase", [STARTING, COMMAND, ENDED])
def test_a_start_that_never_was_earns_no_backoff(phase: str) -> None:
    """A record whose child may never have run is no crash."""
    assert backoff.wait(last(phase, 5), 0, "here") == 0


def test_a_reboot_forgets() -> None:
    """Another boot's clock says nothing about this one's."""
    assert backoff.wait(last(FAILED, 9, 10**9, boot="before"), 0, "here") == 0
    assert backoff.earned(last(FAILED, 9, boot="before"), 0, "here") == 0


def test_ten_minutes_of_life_are_stable() -> None:
    """Case 96, as far as it goes here: who lived so long is started at once, and begins to count anew."""
    instance = last(RUNNING, 7, 1_000)
    assert backoff.earned(instance, 1_000 + backoff.STABLE - 1, "here") == 7
    assert backoff.earned(instance, 1_000 + backoff.STABLE, "here") == 0
    assert backoff.wait(instance, 1_000 + backoff.STABLE, "here") == 0


def test_a_failed_start_is_never_stable() -> None:
    """Ten minutes since a failure are no ten minutes of life: the attempts count on."""
    assert backoff.earned(last(FAILED, 7, 0), 10 * backoff.STABLE, "here") == 7


@given(st.integers(0, 10**9), TIME, TIME, st.sampled_from([FAILED, RUNNING, STARTING, COMMAND, ENDED]))
def test_nobody_waits_longer_than_the_backoff(attempts: int, since: int, now: int, phase: str) -> None:
    """Whatever a record says, also one from a clock that is ahead of ours, by a lie or in another time namespace."""
    wait = backoff.wait(last(phase, attempts, since), now, "here")
    assert 0 <= wait <= backoff.delay(attempts) <= backoff.LONGEST


def test_a_crash_loop_of_ten_hours_is_bounded() -> None:
    """Case 95: cron runs it every minute, it dies at once: some hundred starts instead of six hundred."""
    record, starts = None, 0
    for now in range(0, 36_000_000, 60_000):
        if backoff.wait(record, now, "here") <= 5_000:
            starts += 1
            record = last(FAILED, backoff.earned(record, now, "here") + 1, now)
    assert 100 < starts < 140
