"""Words: the verdict on what was found."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools.headcount import Asked, Found, verdict
from watchdog_tools.processes import Wanted
from watchdog_tools.ranges import Range, judge
from watchdog_tools.result import CRITICAL, OK, UNKNOWN, WARNING


class Process:
    """Facts without a machine."""

    def __init__(self, pid: int, state: str = "S", figure: float | None = None) -> None:
        self.pid = pid
        self.uid = 0
        self.figure = figure
        self.stat = type("Stat", (), {"state": state, "ticks": 7})()


def asked(critical: str | None = "1:", warning: str | None = None, **other: Any) -> Asked:
    """Return what is asked for: the process `nginx`."""
    wanted = Wanted()
    wanted.name = "nginx"
    return Asked(
        wanted,
        other.get("metric", "PROCS"),
        Range(warning) if warning else None,
        Range(critical) if critical else None,
        absent=other.get("absent", False),
    )


def found(*processes: Any, **facts: Any) -> Found:
    """Return what was found."""
    made = Found()
    made.processes = list(processes)
    for name, value in facts.items():
        setattr(made, name, value)
    return made


def test_one_is_running() -> None:
    """The sentence names it and its pid; the value for Zabbix is the count."""
    result = verdict(asked(), found(Process(812)))
    assert (result.state, result.summary) == (OK, "1 process nginx (pid 812)")
    assert (result.value, result.target, result.reason) == (1, "nginx", "")
    assert result.details["pids"] == [812]


def test_none_is_running() -> None:
    """None is CRITICAL, and a zombie is none (hostile case 9)."""
    assert verdict(asked(), found()).state == CRITICAL
    result = verdict(asked(), found(zombies=[Process(9, "Z")]))
    assert (result.state, result.reason) == (CRITICAL, "zombie")
    assert result.summary == "no process nginx: only zombie(s), pid 9"


def test_none_is_wanted() -> None:
    """--absent says so, both ways."""
    assert verdict(asked("0:0", absent=True), found()).summary == "no process nginx, as wanted"
    result = verdict(asked("0:0", absent=True), found(Process(1)))
    assert (result.state, result.summary) == (CRITICAL, "1 process nginx (pid 1), wanted none")


def test_stopped_and_stuck_are_said() -> None:
    """Stopped is degraded; D is shown, and judged as any other state."""
    result = verdict(asked(), found(Process(1, "T"), Process(2, "D")))
    assert (result.state, result.reason) == (WARNING, "stopped")
    assert result.summary == "2 processes nginx (pid 1 stopped (T), 2 in state D)"


def test_a_stopped_process_that_nobody_asked_for_is_nobodys_business() -> None:
    """A count of all processes of a user is no verdict on each."""
    every = asked()
    every.wanted.name = None
    assert verdict(every, found(Process(1, "T"))).state == OK


@pytest.mark.parametrize(
    ("critical", "count", "state"),
    [("1:", 0, UNKNOWN), ("1:", 1, OK), ("0:0", 0, UNKNOWN), ("0:0", 1, CRITICAL), ("1:3", 2, UNKNOWN)],
)
def test_what_is_hidden_could_change_the_verdict(critical: str, count: int, state: int) -> None:
    """With hidepid the seen are a lower bound: a verdict that more could change is UNKNOWN."""
    result = verdict(asked(critical), found(*map(Process, range(count)), hidden=True))
    assert result.state == state
    assert ("cannot see other users' processes" in result.summary) is (state == UNKNOWN)


def test_an_undecided_one_matters_only_where_it_decides() -> None:
    """An executable that we may not read is UNKNOWN if the verdict depends on it."""
    assert verdict(asked(), found(undecided=1)).state == UNKNOWN
    assert verdict(asked("2:"), found(undecided=1)).state == CRITICAL
    assert verdict(asked(), found(Process(1), undecided=1)).state == OK


bounds = st.integers(0, 30)


@given(bounds, bounds, st.booleans(), st.integers(0, 30), st.integers(0, 40))
def test_a_certain_verdict_is_the_same_for_every_possible_count(
    low: int, width: int, inside: bool, count: int, more: int
) -> None:
    """UNKNOWN exactly where some number of unseen processes gives another state."""
    text = f"{'@' if inside else ''}{low}:{low + width}"
    states = {judge(count + extra, None, Range(text)) for extra in range(more + 1)}
    result = verdict(asked(text), found(*map(Process, range(count)), undecided=more))
    assert result.state == (states.pop() if len(states) == 1 else UNKNOWN)


def test_figures_are_judged_one_by_one() -> None:
    """-w and -c are for each process; the highest and the lowest are perfdata."""
    two = found(Process(1, figure=10), Process(2, figure=400))
    result = verdict(asked("300", "100", metric="RSS"), two)
    assert (result.state, result.reason, result.value) == (CRITICAL, "range", 400)
    assert result.summary == "2 processes nginx, RSS 10 to 400 KB (pid 1, 2)"
    assert [metric.name for metric in result.metrics] == ["procs", "rss_min", "rss_max"]
    assert verdict(asked(None, metric="RSS"), found()).state == CRITICAL
    assert verdict(asked(None, metric="RSS"), found(hidden=True)).state == UNKNOWN


def test_many_are_counted_not_listed() -> None:
    """Five pids in the sentence, twenty in JSON."""
    result = verdict(asked(), found(*map(Process, range(50))))
    assert result.summary.endswith("(pid 0, 1, 2, 3, 4, ...)")
    assert len(result.details["pids"]) == 20  # type: ignore[arg-type]
