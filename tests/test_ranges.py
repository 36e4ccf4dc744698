"""Ranges are the plugin guidelines', to the letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools.ranges import Range, judge
from watchdog_tools.result import CRITICAL, OK, WARNING


@pytest.mark.parametrize(
    ("text", "fine", "alerts"),
    [  # the table of the guidelines
        ("10", [0, 10, 5.5], [-1, 10.1]),
        ("10:", [10, 1e9], [9.99, -1]),
        ("~:10", [10, -1e9], [10.1]),
        ("10:20", [10, 20], [9, 21]),
        ("@10:20", [9, 21], [10, 15, 20]),
        ("@10", [-1, 11], [0, 10]),
        ("~:", [-1e9, 1e9], []),
        ("-10:-5", [-10, -5], [-11, -4]),
        ("1.5:2.5", [1.5], [1.4]),
        (":10", [0, 10], [-1]),
    ],
)
def test_the_table_of_the_guidelines(text: str, fine: list[float], alerts: list[float]) -> None:
    """What alerts and what does not, bounds included."""
    parsed = Range(text)
    assert [value for value in fine if parsed.alerts(value)] == []
    assert [value for value in alerts if not parsed.alerts(value)] == []
    assert str(parsed) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "a",
        "10:5",
        "1:2:3",
        "1,5",
        "nan",
        "inf",
        "~",
        "~10",
        "1_0",
        "1e3",
        " 1",
        "8\uff10",
        "--1",
        "@@1",
        "9" * 99,
    ],
)
def test_what_is_not_a_range(text: str) -> None:
    """Refused with a sentence, however much float() would have liked it."""
    with pytest.raises(ValueError, match=r"accepted:|not above"):
        Range(text)


@given(st.integers(-99, 99), st.integers(0, 99), st.floats(-300, 300))
def test_the_at_sign_is_the_exact_opposite(low: int, width: int, value: float) -> None:
    """`@` turns every verdict around, at the bounds too."""
    text = f"{low}:{low + width}"
    assert Range(text).alerts(value) is not Range(f"@{text}").alerts(value)


def test_critical_wins() -> None:
    """Outside both is CRITICAL, outside -w alone WARNING, inside OK."""
    warning, critical = Range("5"), Range("10")
    assert [judge(value, warning, critical) for value in (4, 7, 11)] == [OK, WARNING, CRITICAL]
    assert judge(99, None, None) == OK
