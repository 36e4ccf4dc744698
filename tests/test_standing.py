"""How a service stands: one word from its record, its pause and the clock."""

from __future__ import annotations

import pytest

from watchdog_tools import record
from watchdog_tools.columns import aligned
from watchdog_tools.record import History, Record
from watchdog_tools.standing import STATES, standing

NOW = 1_000_000


def of(phase: str, *, pid: int = 7, since: int = NOW - 500, boot: str = "b", wait: int = 0, **past: int) -> Record:
    """Return a record of this boot, half a second old; the next start is `wait` milliseconds away."""
    history = History((NOW - 500,), **{"attempts": 1, **past})
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
        (of(record.RUNNING, ended=NOW), True, False, "failing"),
        (of(record.RUNNING), False, False, "down"),
        (of(record.RUNNING, wait=1), False, False, "backoff"),
        (of(record.RUNNING, wait=1, held=NOW + 1), False, False, "held"),
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
    stands = standing(last, alive=alive, paused=paused, now=NOW, boot="b")
    assert stands.word == word
    assert word in STATES


def test_since_is_the_age_of_what_lives() -> None:
    """Also where it is paused; of what is down nobody knows since when; a time that lies ahead is none."""
    assert standing(of(record.RUNNING), alive=True, paused=True, now=NOW, boot="b").since == 500
    assert standing(of(record.RUNNING), alive=True, paused=True, now=NOW, boot="b").alive
    assert standing(of(record.RUNNING, since=0), alive=False, paused=False, now=NOW, boot="b").since is None
    assert standing(of(record.RUNNING, since=NOW + 1), alive=True, paused=False, now=NOW, boot="b").since is None


def test_a_backoff_has_its_wait_and_its_count() -> None:
    """What the table and the JSON show."""
    stands = standing(of(record.FAILED, attempts=2, wait=1500), alive=False, paused=False, now=NOW, boot="b")
    assert (stands.wait, stands.restarts, stands.starts, stands.alive) == (1500, 2, 1, False)


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    """The last one is not padded: nothing stands behind it."""
    assert aligned([("A", "LONG", "C"), ("wide", "b", "x y")]) == ["A     LONG  C", "wide  b     x y"]
