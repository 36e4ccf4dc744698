"""How a service stands: one word from its record, its pause and the clock."""

from __future__ import annotations

import pytest

from watchdog_tools.core import record
from watchdog_tools.core.record import History, Record
from watchdog_tools.core.service_state import STATES, service_state
from watchdog_tools.core.text import aligned

NOW = 1_000_000


def of(phase: str, *, pid: int = 7, since: int = NOW - 500, boot: str = "b", wait: int = 0, **changed: int) -> Record:
    """Return a record of this boot, half a second old; the next start is `wait` milliseconds away."""
    history = History((NOW - 500,), **{"attempts": 1, **changed})
    return Record(phase, pid=pid, since=since, boot=boot, until=NOW + wait if wait else 0, history=history)


@pytest.mark.parametrize(
    ("last", "alive", "paused", "word"),
    [
        (None, False, False, "unknown"),
        (None, False, True, "paused"),
        (of(record.RUNNING), True, False, "running"),
        (of(record.RUNNING), True, True, "paused"),
        (of(record.STARTING), True, False, "starting"),
        (of(record.FOUND), True, False, "running"),
        (of(record.RUNNING, failed_at=NOW), True, False, "failing"),
        (of(record.RUNNING), False, False, "down"),
        (of(record.RUNNING, wait=1), False, False, "backoff"),
        (of(record.RUNNING, wait=1, held_until=NOW + 1), False, False, "held"),
        (of(record.RUNNING, wait=1, boot="other"), False, False, "down"),
        (of(record.RUNNING, boot="other"), False, False, "down"),
        (of(record.FAILED, wait=1500), False, False, "backoff"),
        (of(record.FAILED), False, False, "down"),
        (of(record.FAILED), False, True, "paused"),
        (of(record.RUNNING, pid=0), False, False, "up"),
        (of(record.RUNNING, pid=0, boot="other"), False, False, "down"),
        (of(record.COMMAND), True, False, "starting"),
        (of(record.ENDED), False, False, "starting"),
        (of(record.ENDED, boot="other"), False, False, "down"),
    ],
)
def test_the_word(last: Record | None, alive: bool, paused: bool, word: str) -> None:
    """Each one is a state with a verdict."""
    state = service_state(last, alive=alive, paused=paused, now=NOW, boot="b")
    assert state.word == word
    assert word in STATES


def test_since_is_the_age_of_what_lives() -> None:
    """Also where it is paused; of what is down nobody knows since when; a time that lies ahead is none."""
    assert service_state(of(record.RUNNING), alive=True, paused=True, now=NOW, boot="b").since == 500
    assert service_state(of(record.RUNNING), alive=True, paused=True, now=NOW, boot="b").alive
    assert service_state(of(record.RUNNING, since=0), alive=False, paused=False, now=NOW, boot="b").since is None
    assert service_state(of(record.RUNNING, since=NOW + 1), alive=True, paused=False, now=NOW, boot="b").since is None


def test_a_backoff_has_its_wait_and_its_count() -> None:
    """What the table and the JSON show."""
    state = service_state(of(record.FAILED, attempts=2, wait=1500), alive=False, paused=False, now=NOW, boot="b")
    assert (state.wait, state.restarts, state.starts, state.alive) == (1500, 2, 1, False)


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    """The last one is not padded: nothing state behind it."""
    assert aligned([("A", "LONG", "C"), ("wide", "b", "x y")]) == ["A     LONG  C", "wide  b     x y"]


@pytest.mark.parametrize(
    ("last", "alive", "wait"),
    [
        (of(record.RUNNING, wait=700, held_until=NOW + 700), True, 700),  # held, though it lives
        (of(record.RUNNING, wait=700, held_until=NOW + 700, boot="other"), True, 0),
        (of(record.RUNNING, wait=700), True, 0),
        (of(record.RUNNING, wait=700, boot="other"), False, 0),
        (of(record.RUNNING, pid=0, wait=700), False, 0),
        (of(record.COMMAND, wait=700), False, 0),
        (of(record.FAILED, wait=700), False, 700),
        (of(record.FAILED), False, 0),
        (None, False, 0),
    ],
)
def test_the_wait_until_a_start_is_allowed(last: Record | None, alive: bool, wait: int) -> None:
    """Of a backoff and of a hold; what lies behind is none."""
    assert service_state(last, alive=alive, paused=False, now=NOW, boot="b").wait == wait
    over = of(record.FAILED)
    over.until = NOW - 1
    assert service_state(over, alive=False, paused=False, now=NOW, boot="b").word == "down"


@pytest.mark.parametrize(
    ("last", "alive", "up", "since"),
    [
        (of(record.RUNNING), True, True, 500),
        (of(record.COMMAND), True, False, 500),  # a start command is no instance
        (of(record.RUNNING, pid=0), False, True, 500),
        (of(record.FAILED, wait=1), False, False, 500),
        (of(record.FAILED), False, False, None),
        (of(record.RUNNING, boot="other"), True, True, None),
        (of(record.RUNNING, since=NOW), True, True, 0),
    ],
)
def test_whether_an_instance_lives(last: Record, alive: bool, up: bool, since: int | None) -> None:
    """And since when it is so, where anybody knows."""
    state = service_state(last, alive=alive, paused=False, now=NOW, boot="b")
    assert (state.alive, state.since) == (up, since)


def test_one_that_fails_more_than_once_is_failing() -> None:
    """By its failures in a row, or by the end of its history."""
    last = of(record.RUNNING)
    last.failures = 1
    assert service_state(last, alive=True, paused=False, now=NOW, boot="b").word == "failing"
    nothing = service_state(None, alive=False, paused=False, now=NOW, boot="b")
    assert (nothing.since, nothing.restarts, nothing.starts, nothing.wait) == (None, None, None, 0)


@pytest.mark.parametrize("paused", [False, True])
def test_without_a_record_nobody_knows_whether_it_lives(*, paused: bool) -> None:
    """A service that was found up has none; with one that says it is down, it is."""
    assert service_state(None, alive=False, paused=paused, now=NOW, boot="b").alive is None
    assert service_state(of(record.FAILED), alive=False, paused=paused, now=NOW, boot="b").alive is False
