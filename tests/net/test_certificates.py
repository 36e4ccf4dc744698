"""Certificates: how many days one is good for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools.net.certificates import TlsVerify, days_left


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


@pytest.mark.parametrize(
    ("end", "now", "days"),
    [
        ("Jan  1 00:00:00 1970 GMT", 0, 0),
        ("Jan  1 23:59:59 1970 GMT", 0, 0),
        ("Jan  2 00:00:00 1970 GMT", 0, 1),
        ("Jan  2 00:00:00 1970 GMT", 1, 0),
        ("Jan  1 01:00:00 1970 GMT", 3600, 0),
        ("Jan  1 01:00:00 1970 GMT", 3601, -1),
        ("Jan  1 00:01:00 1970 GMT", 60, 0),
        ("Jan  1 00:01:00 1970 GMT", 61, -1),
        ("Jan  1 00:00:01 1970 GMT", 2, -1),
        ("Feb 29 00:00:00 2000 GMT", 949_190_400, 30),
        ("Mar  1 00:00:00 2100 GMT", 4_107_456_000, 1),
        ("Dec 31 00:00:00 1999 GMT", 946_598_400, 0),
    ],
)
def test_days_by_hand(end: str, now: int, days: int) -> None:
    """To the second, at the ends of days, and around leap days."""
    assert days_left(end, now) == days


@pytest.mark.parametrize(
    "text",
    ["anF  1 12:00:00 2030 GMT", "Jun  1 12:00 2030 GMT", "Jun  1 12:00:00:00 2030 GMT", "Jun  1 12:00:00 2030",
     "Jun  1 12:00:00 2030 GMT x", "Jun  1 12:x:00 2030 GMT", "Jun  1 12:00:00 x GMT"],
)  # fmt: skip
def test_a_torn_date_is_none(text: str) -> None:
    """Each part is looked at."""
    assert days_left(text, 0) is None


def test_a_server_is_verified_by_the_system_s_authorities() -> None:
    """Unless told otherwise."""
    plain, other = TlsVerify("h"), TlsVerify("h", "/ca", verify=False)
    assert (plain.name, plain.authorities, plain.verify) == ("h", None, True)
    assert (other.name, other.authorities, other.verify) == ("h", "/ca", False)
