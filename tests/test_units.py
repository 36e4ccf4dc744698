"""Durations and sizes, as people write them and as they are said back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools import units


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5),
        ("0.5", 0.5),
        ("250ms", 0.25),
        ("5s", 5),
        ("2m", 120),
        ("1h", 3600),
        ("1d", 86400),
        (".5", 0.5),
        ("0", 0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    """A number is seconds; five units."""
    assert units.duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "s", "-1", "1 s", "1M", "1e3", "5\uff15", "1.2.3", "nan", "999999d", "9" * 40, "1_0", "."]
)
def test_what_is_not_a_duration(text: str) -> None:
    """Refused with what is accepted."""
    with pytest.raises(ValueError, match=r"duration|year"):
        units.duration(text)


@pytest.mark.parametrize(
    ("text", "size"), [("4096", 4096), ("64K", 65536), ("10M", 10 << 20), ("2G", 2 << 30), ("1KiB", 1024)]
)
def test_sizes(text: str, size: int) -> None:
    """Powers of 1024."""
    assert units.size(text) == size


@pytest.mark.parametrize("text", ["", "K", "-1K", "1Q", "1 K"])
def test_what_is_not_a_size(text: str) -> None:
    """Refused with what is accepted."""
    with pytest.raises(ValueError, match="size"):
        units.size(text)


@given(st.floats(0, 1e8))
def test_spoken_is_near_and_short(seconds: float) -> None:
    """Whatever is said can be read back, and is off by rounding only."""
    amount, unit = units.spoken(seconds).split()
    factor = {"ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400}[unit]
    assert float(amount) * factor == pytest.approx(seconds, rel=0.06, abs=0.0001)
    assert len(amount) <= 7
