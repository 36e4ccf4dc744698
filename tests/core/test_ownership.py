"""Processes that are not this service's: a check that found them does not count them."""

from __future__ import annotations

import pytest

from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING, Metric, Result
from watchdog_tools.core.ownership import without_claimed, without_unproven


def result(*pids: int, state: int = OK) -> Result:
    """Return what a check of processes says that found these, started at tick 5."""
    return Result(
        state, f"{len(pids)} run", metrics=[Metric("procs", len(pids)), Metric("more", 9)],
        processes=[(pid, 5) for pid in pids],
    )  # fmt: skip


def test_what_nobody_claims_stays() -> None:
    """The very same result."""
    one = result(1, 2)
    assert without_claimed(one, {3: "db"}) is one
    assert without_unproven(one, {3: 1000}, "web", known_before=True) is one
    assert (one.state, one.summary, one.processes) == (OK, "2 run", ((1, 5), (2, 5)))
    assert without_claimed(Result(OK, "a"), {3: "db"}).processes is None


def test_what_another_service_claims_is_taken_out() -> None:
    """With something of ours beside it the verdict stays."""
    found = without_claimed(result(1, 2), {1: "db"})
    assert (found.state, found.reason, found.summary, found.processes) == (OK, "", "2 run", ((2, 5),))


@pytest.mark.parametrize("state", [OK, WARNING, CRITICAL, UNKNOWN])
def test_a_check_that_is_ok_by_another_s_processes_alone_is_critical(state: int) -> None:
    """And says whose they are; one that was not OK says what it said."""
    found = without_claimed(result(1, 2, state=state), {1: "db", 2: "mq"})
    if state in (OK, WARNING):
        words = "pid 1 is of db, pid 2 is of mq"
        assert (found.state, found.reason, found.summary) == (CRITICAL, "claimed", f"2 run; but {words}")
        assert (found.processes, found.keeper.claimed) == ((), words)
    else:
        assert (found.state, found.reason, found.summary, found.processes) == (state, "", "2 run", ())


@pytest.mark.parametrize(("count", "end"), [(3, "pid 3 is of db"), (4, "pid 3 is of db, ...")])
def test_three_are_named(count: int, end: str) -> None:
    """A line stays short."""
    pids = range(1, count + 1)
    assert without_claimed(result(*pids), dict.fromkeys(pids, "db")).summary.endswith(end)


def test_who_merely_calls_itself_so_does_not_count_beside_ours() -> None:
    """It is named, and the figure is ours alone."""
    found = without_unproven(result(1, 2, 3), {1: 65000}, "web", known_before=False)
    words = "pid 1 of uid 65000 merely calls itself web, which any user can do"
    assert (found.state, found.summary) == (OK, f"3 run; {words}")
    assert (found.processes, [metric.value for metric in found.metrics]) == (((2, 5), (3, 5)), [2, 9])


def test_alone_it_makes_what_was_kept_before_critical() -> None:
    """Ours is down: it is known what is meant."""
    found = without_unproven(result(1, 2), {1: 65000, 2: 65001}, "web", known_before=True)
    words = "pid 1 of uid 65000, pid 2 of uid 65001 merely call itself web"
    assert (found.state, found.reason, found.summary) == (CRITICAL, "unproven", f"no process web of root; {words}")
    assert (found.keeper.claimed, [metric.value for metric in found.metrics]) == (words, [0, 9])


def test_alone_it_vetoes_where_nothing_was_kept() -> None:
    """Nobody knows what is meant: the line advises."""
    pids = range(1, 6)
    found = without_unproven(result(*pids), dict.fromkeys(pids, 65000), "web", known_before=False)
    who = ", ".join(f"pid {pid} of uid 65000" for pid in (1, 2, 3))
    assert found.summary == (
        f"{who} and 2 more merely call itself web, which any user can do: --user USER says whose it is, "
        "or --check 'check-process -u USER web'"
    )
    assert (found.state, found.reason, found.keeper.claimed, found.metrics[0].value) == (UNKNOWN, "unproven", "", 0)
    three = without_unproven(result(1, 2, 3), dict.fromkeys(pids, 65000), "web", known_before=False)
    assert " more " not in three.summary


def test_a_name_is_quoted_briefly() -> None:
    """Eighty characters of it, wherever it stands."""
    long, short = "x" * 90, f"{'x' * 77}..."
    beside, alone, kept = (
        without_unproven(result(*pids), {1: 65000}, long, known_before=known).summary
        for pids, known in (((1, 2), False), ((1,), False), ((1,), True))
    )
    who = f"pid 1 of uid 65000 merely calls itself {short}"
    assert beside == f"2 run; {who}, which any user can do"
    assert alone.startswith(f"{who}, which any user can do: ")
    assert alone.endswith(f"'check-process -u USER {short}'")
    assert kept == f"no process {short} of root; {who}"
