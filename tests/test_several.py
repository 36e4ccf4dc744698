"""Several results become one."""

from __future__ import annotations

from watchdog_tools.result import CRITICAL, OK, UNKNOWN, WARNING, Metric, Result
from watchdog_tools.several import combined
from watchdog_tools.timing import Timing


def result(state: int, name: str, seconds: float, reason: str = "") -> Result:
    """Return the result of one target."""
    return Result(
        state, f"{name} says {state}", reason=reason, target=name, value=seconds, metrics=[Timing(1).metric(1)]
    )


def test_the_worst_wins_and_is_named_first() -> None:
    """And its reason with it; Zabbix gets 0 for something that is down."""
    found = combined([result(OK, "a", 1), result(WARNING, "b=1", 2, "slow"), result(CRITICAL, "c", 3, "refused")])
    assert (found.state, found.reason, found.value) == (CRITICAL, "refused", 0.0)
    assert found.summary == "1 of 3 are OK; c says 2; b=1 says 1"
    assert [metric.name for metric in found.metrics] == ["time a", "time b_1", "time c"]
    assert found.details["targets"][2]["state"] == "CRITICAL"  # type: ignore[index]


def test_all_well_names_the_slowest() -> None:
    """Whose seconds are the value."""
    found = combined([result(OK, "a", 1), result(OK, "b", 2)])
    assert (found.state, found.value, found.summary) == (OK, 2, "all 2 are OK; the slowest: b says 0")


def test_unknown_does_not_hide_a_failure() -> None:
    """The order of design: OK, UNKNOWN, WARNING, CRITICAL."""
    assert combined([result(UNKNOWN, "a", 1), result(WARNING, "b", 1)]).state == WARNING
    assert isinstance(combined([result(OK, "a", 1)]).metrics[0], Metric)
