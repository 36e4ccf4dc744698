"""Words: the verdict on what was found."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools.checks.process.filter import ProcessQuery
from watchdog_tools.checks.process.verdict import Found, ProcessConfig, verdict
from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING, Result
from watchdog_tools.core.thresholds import Range, judge


class Process:
    """Facts without a machine."""

    def __init__(self, pid: int, state: str = "S", figure: float | None = None) -> None:
        self.pid = pid
        self.uid = 0
        self.figure = figure
        self.stat = type("Stat", (), {"state": state, "ticks": 7})()


def asked(critical: str | None = "1:", warning: str | None = None, **other: Any) -> ProcessConfig:
    """Return what is asked for: the process `nginx`."""
    wanted = ProcessQuery()
    wanted.name = "nginx"
    return ProcessConfig(
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
    every.query.name = None
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


def plain(result: Result) -> list[tuple[object, ...]]:
    """Return what perfdata says."""
    return [metric.pack() for metric in result.metrics]


def test_perfdata_has_ranges_and_begins_at_nothing() -> None:
    """Of the count; of another figure the count without ranges, then its bounds."""
    assert plain(verdict(asked("1:", "2:"), found(Process(1)))) == [("procs", 1, "", "2:", "1:", 0, None)]
    two = found(Process(1, figure=400), Process(2, figure=None))
    assert plain(verdict(asked("500", "450", metric="RSS"), two)) == [
        ("procs", 2, "", "", "", 0, None),
        ("rss_min", 0, "KB", "450", "500", 0, None),
        ("rss_max", 400, "KB", "450", "500", 0, None),
    ]
    assert plain(verdict(asked(metric="CPU"), found())) == [("procs", 0, "", "", "", 0, None)]


def test_the_value_is_the_count_or_the_highest() -> None:
    """0 where there is none."""
    assert verdict(asked(), found(Process(1), Process(2))).value == 2
    assert verdict(asked(metric="RSS"), found(Process(1, figure=7), Process(2, figure=3))).value == 7
    assert verdict(asked(metric="RSS"), found()).value == 0


def test_facts_for_json() -> None:
    """States are counted, users named once; root's processes come first among those that may have to be stopped."""
    processes = [Process(pid, "R" if pid == 2 else "S") for pid in (1, 2, 3)]
    processes[0].uid, processes[2].uid = 1000, 0
    processes[1].uid = 1000
    result = verdict(asked(), found(*processes, zombies=[Process(9, "Z")], elsewhere=4))
    assert result.details == {
        "count": 3, "pids": [1, 2, 3], "uids": [0, 1000], "states": {"S": 2, "R": 1}, "zombies": 1, "elsewhere": 4,
    }  # fmt: skip
    assert result.processes == ((3, 7), (1, 7), (2, 7))
    many = verdict(asked(), found(*map(Process, range(1001))))
    assert len(many.processes or ()) == 1000


@pytest.mark.parametrize(
    ("facts", "critical", "summary", "reason"),
    [
        ({}, "1:", "no process nginx", "absent"),
        ({"elsewhere": 2}, "1:", "no process nginx (2 in another pid namespace)", "absent"),
        ({"missing": ("stale", "its file is old")}, "1:", "no process nginx: its file is old", "stale"),
        ({"missing": ("stale", "its file is old"), "zombies": [Process(1, "Z")]}, "1:",
         "no process nginx: its file is old", "stale"),
        ({"hidden": True}, "1:", "cannot see other users' processes (hidepid); seen: no process nginx", "hidden"),
        ({"undecided": 3}, "1:",
         "cannot read the executable of 3 that may be wanted; seen: no process nginx", "permission"),
    ],
)  # fmt: skip
def test_why_there_is_none(facts: dict[str, Any], critical: str, summary: str, reason: str) -> None:
    """In the words that help most."""
    result = verdict(asked(critical), found(**facts))
    assert (result.summary, result.reason) == (summary, reason)


@pytest.mark.parametrize(
    ("critical", "warning", "count", "note"),
    [
        ("3:", None, 2, ", wanted 3:"),
        ("1:", "3:", 2, ", wanted 3:"),
        ("3:", "4:", 2, ", wanted 3:"),
        ("2:", "1:", 2, ""),
    ],
)
def test_the_range_that_was_missed_is_named(critical: str, warning: str | None, count: int, note: str) -> None:
    """CRITICAL's before WARNING's; of another figure than the count none is named."""
    result = verdict(asked(critical, warning), found(*map(Process, range(count))))
    assert result.summary == f"2 processes nginx (pid 0, 1){note}"
    assert result.reason == ("range" if note else "")
    other = verdict(asked("1", metric="RSS"), found(Process(1, figure=5)))
    assert (other.summary, other.reason) == ("1 process nginx, RSS 5 KB (pid 1)", "range")


@pytest.mark.parametrize(("count", "end"), [(5, "(pid 0, 1, 2, 3, 4)"), (6, "(pid 0, 1, 2, 3, 4, ...)")])
def test_five_are_named(count: int, end: str) -> None:
    """The sixth is three dots."""
    assert verdict(asked(), found(*map(Process, range(count)))).summary.endswith(end)


def test_a_state_that_was_asked_for_is_no_fault() -> None:
    """`-s T` wants stopped ones; WARNING and CRITICAL by a range stay what they are."""
    config = asked()
    config.query.states = "T"
    assert verdict(config, found(Process(1, "T"))).state == OK
    assert verdict(asked(), found(Process(1, "t"))).summary == "1 process nginx (pid 1 stopped (t))"
    assert (verdict(asked("2:"), found(Process(1, "T"))).state) == CRITICAL
    assert not asked().listing
    every = ProcessConfig(ProcessQuery(), "PROCS", None, None, absent=False)
    assert (str(every), verdict(every, found(Process(1))).summary) == ("all", "1 process (pid 1)")


@pytest.mark.parametrize(
    ("critical", "hidden"), [("5:", UNKNOWN), ("1:1", UNKNOWN), ("~:0", CRITICAL), ("1000:", UNKNOWN)]
)
def test_hidden_processes_may_be_any_number(critical: str, hidden: int) -> None:
    """Also far more than were seen; what no number could change is certain."""
    assert verdict(asked(critical), found(Process(1), hidden=True)).state == hidden


def test_a_figure_that_cannot_be_read_is_nothing() -> None:
    """0, in the verdict as in the words and the perfdata."""
    one = found(Process(1, figure=None))
    result = verdict(asked("0:0", metric="FDS"), one)
    assert (result.state, result.summary, result.value) == (OK, "1 process nginx, FDS 0 (pid 1)", 0)
