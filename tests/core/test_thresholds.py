"""Ranges are the plugin guidelines', to the letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING
from watchdog_tools.core.thresholds import Range, Timing, judge


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


def test_a_number_has_at_most_thirty_two_characters() -> None:
    """And the refusal shows eighty of what was typed."""
    assert Range("1" * 32).high == float("1" * 32)
    with pytest.raises(ValueError, match="is not a range; accepted: "):
        Range("1" * 33)
    with pytest.raises(ValueError, match=r"^'x{80}' is not a range"):
        Range("x" * 90)


def test_the_bounds_of_a_range() -> None:
    """As numbers."""
    found = [(each.low, each.high, each.inside) for each in map(Range, ("10", "5:", "~:5", "@1:2", ":3", "4:4"))]
    endless = float("inf")
    assert found == [
        (0, 10, False), (5, endless, False), (-endless, 5, False), (1, 2, True), (0, 3, False), (4, 4, False),
    ]  # fmt: skip


def test_the_time_of_an_answer() -> None:
    """Its state, its words, its perfdata."""
    timing = Timing(10, None, Range("1"), Range("2"))
    assert [timing.state(seconds) for seconds in (1, 1.5, 2.5)] == [OK, WARNING, CRITICAL]
    assert [timing.described(seconds) for seconds in (1, 1.5, 2.5)] == [
        "1 s", "1.5 s (warning range 1)", "2.5 s (critical range 2)",
    ]  # fmt: skip
    assert timing.metric(1.5).pack() == ("time", 1.5, "s", "1", "2", 0, 10)
    assert timing.metric(1.5, "handshake").name == "handshake"
    assert [Timing(1, state).on_timeout for state in (None, OK, WARNING, UNKNOWN)] == [CRITICAL, OK, WARNING, UNKNOWN]
    assert Timing(1).state(99) == OK
    assert Timing(7).limit == 7


def test_a_bound_is_fine_and_the_next_is_not() -> None:
    """-w and -c, each alone."""
    assert [judge(value, Range("5"), None) for value in (5, 5.1)] == [OK, WARNING]
    assert [judge(value, None, Range("5")) for value in (5, 5.1)] == [OK, CRITICAL]
    assert judge(3, Range("5"), Range("@1:4")) == CRITICAL
