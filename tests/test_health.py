"""Health: what checks say together, and what may be concluded about an instance."""

from __future__ import annotations

import itertools

import pytest

from watchdog_tools.health import Health, lines
from watchdog_tools.result import CRITICAL, NAMES, OK, UNKNOWN, WARNING, Metric, Result

STATES = (OK, WARNING, CRITICAL, UNKNOWN)


def said(name: str, state: int, procs: int | None = None) -> tuple[str, Result]:
    """Return what a check says, in words that name it; `procs`: how many check-process counted."""
    if procs is None:
        procs = int(state in (OK, WARNING))
    metrics = [Metric("procs", procs)] if name == "check-process" else []
    return name, Result(state, f"{name} is {NAMES[state]}", metrics=metrics)


def test_without_checks_nothing_was_asked() -> None:
    """Then health is whether our instance lives, which is not known here."""
    health = Health([])
    assert (health.asked, health.works, health.down, health.exists, health.veto) == (False, False, True, False, "")


@pytest.mark.parametrize(("one", "other"), list(itertools.product(STATES, repeat=2)))
def test_the_worst_wins(one: int, other: int) -> None:
    """OK < UNKNOWN < WARNING < CRITICAL, in either order, and its words are those that are said."""
    health = Health([said("check-port", one), said("check-http", other)])
    rank = [OK, UNKNOWN, WARNING, CRITICAL]
    assert health.state == rank[max(rank.index(one), rank.index(other))]
    assert health.works == (health.state in (OK, WARNING))
    assert health.down == (health.state == CRITICAL)
    expected = [f"{name} is {NAMES[state]}" for name, state in (("check-port", one), ("check-http", other))]
    assert health.words == "; ".join(words for words in expected if words.endswith(f" {NAMES[health.state]}"))


@pytest.mark.parametrize("name", ["check-process", "check_procs", "plugin"])
def test_unknown_about_processes_vetoes(name: str) -> None:
    """Also beside a CRITICAL; and a plugin may be about processes."""
    health = Health([said("check-port", CRITICAL), said(name, UNKNOWN)])
    assert health.veto == f"{name} is UNKNOWN"
    assert health.state == CRITICAL


@pytest.mark.parametrize("name", ["check-port", "check-http"])
def test_unknown_about_a_conversation_does_not(name: str) -> None:
    """It tells nothing about whether an instance exists."""
    assert not Health([said(name, UNKNOWN), said("check-process", CRITICAL)]).veto


@pytest.mark.parametrize(
    ("name", "state", "procs", "exists"),
    [
        ("check-process", OK, 1, True),
        ("check-process", WARNING, 3, True),
        ("check-process", OK, 0, False),
        ("check-process", WARNING, 0, False),
        ("check-process", CRITICAL, 0, False),
        ("check-process", UNKNOWN, 0, False),
        ("check-port", OK, 0, False),
        ("plugin", OK, 0, False),
    ],
)
def test_who_tells_that_an_instance_exists(name: str, state: int, procs: int, *, exists: bool) -> None:
    """A look at processes that found one; not one that is satisfied because there is none (--absent, --negate)."""
    assert Health([said(name, state, procs)]).exists is exists


def test_the_metrics_of_all_are_kept() -> None:
    """In the order of the checks."""
    one, other = Metric("time", 0.1, "s"), Metric("procs", 2)
    health = Health(
        [("check-port", Result(OK, "a", metrics=[one])), ("check-process", Result(OK, "b", metrics=[other]))]
    )
    assert health.metrics == (one, other)


def test_long_output_has_a_line_for_each() -> None:
    """With its state by name."""
    assert lines([said("check-port", CRITICAL), said("plugin", OK)]) == [
        "check-port: CRITICAL - check-port is CRITICAL",
        "plugin: OK - plugin is OK",
    ]
