"""Certificates: how many days one is good for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools.certificates import days_left


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31)), st.integers(0, 4_000_000_000))  # noqa: DTZ001
def test_days_are_those_of_the_calendar(end: datetime, now: int) -> None:
    """Against the standard library's calendar."""
    end = end.replace(microsecond=0, tzinfo=UTC)
    expected = (end - datetime.fromtimestamp(now, UTC)) // timedelta(days=1)
    assert days_left(f"{end:%b %e %H:%M:%S %Y} GMT", now) == expected


@pytest.mark.parametrize(
    "text", ["", "never", "Foo  1 12:00:00 2030 GMT", "Jun x 12:00:00 2030 GMT", "Jun 1 12 30 GMT"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    """A certificate may hold anything."""
    assert days_left(text, 0) is None
