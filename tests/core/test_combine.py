"""Several results become one."""

from __future__ import annotations

from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING, Metric, Result
from watchdog_tools.core.combine import combine
from watchdog_tools.core.thresholds import Timing


def result(state: int, name: str, seconds: float, reason: str = "") -> Result:
    """Return the result of one target."""
    return Result(
        state, f"{name} says {state}", reason=reason, target=name, value=seconds, metrics=[Timing(1).metric(1)]
    )


def test_the_worst_wins_and_is_named_first() -> None:
    """And its reason with it; Zabbix gets 0 for something that is down."""
    found = combine([result(OK, "a", 1), result(WARNING, "b=1", 2, "slow"), result(CRITICAL, "c", 3, "refused")])
    assert (found.state, found.reason, found.value) == (CRITICAL, "refused", 0.0)
    assert found.summary == "1 of 3 are OK; c says 2; b=1 says 1"
    assert [metric.name for metric in found.metrics] == ["time a", "time b_1", "time c"]
    assert found.details["targets"][2]["state"] == "CRITICAL"  # type: ignore[index]


def test_all_well_names_the_slowest() -> None:
    """Whose seconds are the value."""
    found = combine([result(OK, "a", 1), result(OK, "b", 2)])
    assert (found.state, found.value, found.summary) == (OK, 2, "all 2 are OK; the slowest: b says 0")
    assert combine([result(OK, "a", 1)], "the oldest").summary == "all 1 are OK; the oldest: a says 0"


def test_unknown_does_not_hide_a_failure() -> None:
    """The order of design: OK, UNKNOWN, WARNING, CRITICAL."""
    assert combine([result(UNKNOWN, "a", 1), result(WARNING, "b", 1)]).state == WARNING
    assert isinstance(combine([result(OK, "a", 1)]).metrics[0], Metric)


def test_what_each_one_said_is_kept() -> None:
    """For JSON and for -v; the value is that of the slowest, and nothing where none has one."""
    one = Result(WARNING, "slow", reason="slow", target="a", value=3.0, details={"x": 1}, lines=["l"])
    two = Result(OK, "fine", target="b", details={"y": 2})
    found = combine([two, one])
    assert found.details == {"targets": [
        {"target": "b", "state": "OK", "reason": "", "summary": "fine", "y": 2},
        {"target": "a", "state": "WARNING", "reason": "slow", "summary": "slow", "x": 1},
    ]}  # fmt: skip
    assert found.lines == ("OK fine", "WARNING slow", "  l")
    assert (found.target, found.value, found.summary) == ("b a", 3.0, "1 of 2 are OK; slow")
    nothing = combine([Result(OK, "a"), Result(OK, "b", value=0.5), Result(OK, "c", value=0.25)])
    assert (nothing.value, nothing.summary, nothing.reason) == (0.5, "all 3 are OK; the slowest: b", "")
    assert combine([Result(OK, "a"), Result(OK, "b")]).value == 0.0
