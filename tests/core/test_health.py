"""Health: what checks say together, and what may be concluded about an instance."""

from __future__ import annotations

import itertools

import pytest

from watchdog_tools.core import CRITICAL, NAMES, OK, UNKNOWN, WARNING, Metric, Result
from watchdog_tools.core.health import Health, found_pids, lines

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
    assert (health.has_checks, health.works, health.down, health.exists, health.veto) == (False, False, True, False, "")


@pytest.mark.parametrize(("one", "other"), list(itertools.product(STATES, repeat=2)))
def test_the_worst_wins(one: int, other: int) -> None:
    """OK < UNKNOWN < WARNING < CRITICAL, in either order, and its words are those that are said."""
    health = Health([said("check-port", one), said("check-http", other)])
    rank = [OK, UNKNOWN, WARNING, CRITICAL]
    assert health.state == rank[max(rank.index(one), rank.index(other))]
    assert health.works == (health.state in (OK, WARNING))
    assert health.down == (health.state == CRITICAL)
    expected = [f"{name} is {NAMES[state]}" for name, state in (("check-port", one), ("check-http", other))]
    assert health.summary == "; ".join(words for words in expected if words.endswith(f" {NAMES[health.state]}"))


@pytest.mark.parametrize("name", ["check-process", "check_procs", "plugin"])
def test_unknown_about_processes_vetoes(name: str) -> None:
    """Also beside a CRITICAL; and a plugin may be about processes."""
    health = Health([said("check-port", CRITICAL), said(name, UNKNOWN)])
    assert health.veto == f"{name} is UNKNOWN"
    assert health.state == CRITICAL
    assert Health([said(name, UNKNOWN), said("systemd", UNKNOWN)]).veto == health.veto  # the first one is named


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


def found(*pids: int, name: str = "check-process", **facts: object) -> tuple[str, Result]:
    """Return what a check that found these processes says, started at tick 5, and tells the keeper besides."""
    result = Result(OK, "it runs", processes=[(pid, 5) for pid in pids])
    for key, value in facts.items():
        setattr(result.keeper, key, value)
    return name, result


def test_found_are_the_processes_that_every_check_found() -> None:
    """In order; of one that found none it is said, and nothing of those that ask a service."""
    assert Health([found(3, 1, 2), found(2, 9, 1)]).found == ((1, 5), (2, 5))
    assert Health([found(3), found()]).found == ((3, 5),)
    assert Health([found(3), found(4)]).found == ()
    assert Health([found(3, name="check-port")]).found == ()
    assert (Health([found()]).found, Health([found()]).exists) == ((), False)
    assert Health([found(3)]).exists


def test_what_a_check_tells_the_keeper() -> None:
    """Of the checks that tell of an instance, the first that says it; whose it is, of all."""
    both = Health([found(1, claimed="a", pidfile=""), found(2, claimed="b", pidfile="/p", unstartable="masked")])
    assert (both.claimed, both.pidfile, both.unstartable, both.lost) == ("a; b", "/p", "masked", False)
    assert Health([found(lost=True)]).lost
    assert Health([found(exists=True)]).exists
    mute = Health([found(1, name="check-port", claimed="a", pidfile="/p", unstartable="m", lost=True, exists=True)])
    assert (mute.claimed, mute.pidfile, mute.unstartable, mute.lost, mute.exists) == ("", "", "", False, False)
    assert Health([found(pidfile="/p")]).pidfile == ""  # it found nothing


@pytest.mark.parametrize(
    ("state", "reason", "works", "phrase"),
    [
        (OK, "", True, "is healthy"),
        (WARNING, "", True, "is degraded"),
        (WARNING, "starting", False, "is starting"),
        (OK, "starting", True, "is healthy"),
        (CRITICAL, "", False, "is failing"),
        (UNKNOWN, "", False, "cannot be judged"),
    ],
)
def test_what_is_said_of_a_service(state: int, reason: str, works: bool, phrase: str) -> None:
    """One that another supervisor starts is neither up nor down."""
    health = Health([("check-port", Result(state, "it", reason=reason))])
    assert (health.works, health.phrase, health.starting) == (works, phrase, phrase == "is starting")


def test_metrics_of_one_name_are_numbered() -> None:
    """As perfdata wants: the second is `time_2`."""
    checks = [("check-port", Result(OK, "a", metrics=[Metric("time", 1), Metric("size", 1)])) for _ in range(3)]
    names = [metric.name for metric in Health(checks).metrics]
    assert names == ["time", "size", "time_2", "size_2", "time_3", "size_3"]


@pytest.mark.parametrize(
    ("metric", "exists"), [(Metric("procs", 1), True), (Metric("procs", 0), False), (Metric("time", 1), False)]
)
def test_a_plugin_s_count_is_believed(metric: Metric, exists: bool) -> None:
    """Of check-process without its list; a plugin of others tells no count of ours."""
    assert Health([("check-process", Result(OK, "a", metrics=[metric]))]).exists is exists
    assert not Health([("check-process", Result(OK, "a", metrics=[Metric("procs", 3)], processes=[]))]).exists


def test_found_pids_are_not_those_beside_our_own() -> None:
    """Where our own instance is among them nothing else is meant."""
    assert found_pids(*found(3, 4), own=None) == [3, 4]
    assert found_pids(*found(3, 4), own=4) == []
    assert found_pids(*found(3, name="check-port"), own=None) == []
    assert found_pids("check-process", Result(OK, "a"), own=None) == []


def test_a_line_of_the_long_output_has_what_leads_it() -> None:
    """Such as "at first, "."""
    assert lines([said("plugin", OK)], "at first, ") == ["at first, plugin: OK - plugin is OK"]
