"""A Result: what it holds, and that a pipe changes nothing of it."""

from __future__ import annotations

import marshal

import pytest

from watchdog_tools.core import (
    CRITICAL,
    NAMES,
    OK,
    UNKNOWN,
    WARNING,
    Metric,
    Result,
    negated,
    of_instance,
    unpack,
    worst,
)


def fields(thing: object) -> dict[str, object]:
    """Return all that a Metric or a Result holds."""
    own = {name: getattr(thing, name) for name in type(thing).__slots__ if name not in ("metrics", "keeper", "each")}  # type: ignore[attr-defined]
    if not isinstance(thing, Result):
        return own
    return own | {"keeper": vars(thing.keeper), "each": [fields(one) for one in thing.each]}


def test_the_numbers_of_the_states_are_those_of_the_plugin_api() -> None:
    """They are exit codes, and stand in files."""
    assert [NAMES[state] for state in (OK, WARNING, CRITICAL, UNKNOWN)] == ["OK", "WARNING", "CRITICAL", "UNKNOWN"]
    assert (OK, WARNING, CRITICAL, UNKNOWN) == (0, 1, 2, 3)


@pytest.mark.parametrize("order", [(OK, UNKNOWN, WARNING, CRITICAL)])
def test_the_worst_state_wins(order: tuple[int, ...]) -> None:
    """Each one over all before it, in whichever order they come."""
    for place, state in enumerate(order):
        assert [worst([*order[:place], state]), worst([state, *order[:place]])] == [state, state]


def test_what_is_packed_is_unpacked() -> None:
    """All of it, through the very bytes that a pipe carries."""
    metrics = [Metric("time", 0.5, "s", "1:2", "3", 0.0, 9.0), Metric("procs", 2)]
    one = Result(
        WARNING, "slow", reason="slow", target="a", metrics=metrics, value=0.5, details={"a": [1]}, lines=["b"],
        processes=[(1, 5)], each=[Result(OK, "first", details={"b": 2})],
    )  # fmt: skip
    one.keeper.pidfile, one.keeper.lost = "/run/a.pid", True
    other = unpack(marshal.loads(marshal.dumps(one.pack())))  # noqa: S302 -- our own bytes
    assert fields(other) == fields(one)
    assert [fields(metric) for metric in other.metrics] == [fields(metric) for metric in metrics]


def test_what_is_left_out_is_empty() -> None:
    """No two results share what they hold."""
    one, other = Result(OK, "a"), Result(OK, "b")
    assert fields(one) == {
        "state": OK, "summary": "a", "reason": "", "target": "", "value": None, "details": {}, "lines": (),
        "processes": None, "each": [], "keeper": {},
    }  # fmt: skip
    assert one.metrics == one.each == ()
    assert one.details is not other.details
    assert one.keeper is not other.keeper
    assert fields(Metric("a", 1)) == {
        "name": "a", "value": 1, "unit": "", "warning": "", "critical": "", "low": None, "high": None,
    }  # fmt: skip


def test_what_a_check_does_not_tell_the_keeper_is_not_so() -> None:
    """No instance is known to live, none is lost, and nothing is in the way of a start."""
    facts = Result(OK, "a").keeper
    assert (facts.exists, facts.lost, facts.claimed, facts.pidfile) == (False, False, "", "")
    assert (facts.process_name, facts.uncontained, facts.unstartable, facts.pid) == ("", "", "", 0)


@pytest.mark.parametrize(("pid", "told"), [(7, 7), (None, 0)])
def test_a_result_tells_of_which_instance_it_is(pid: int | None, told: int) -> None:
    """In JSON null where nobody knows; to a keeper 0."""
    found = of_instance(Result(OK, "a"), pid)
    assert (found.details, found.keeper.pid) == ({"pid": pid}, told)


def test_a_metric_keeps_a_range_as_it_is_written() -> None:
    """Whatever str() makes of it."""
    found = Metric("a", 1, "s", 5, "@1:2")
    assert (found.warning, found.critical) == ("5", "@1:2")


@pytest.mark.parametrize(("state", "after"), [(OK, CRITICAL), (CRITICAL, OK), (WARNING, WARNING), (UNKNOWN, UNKNOWN)])
def test_negate_swaps_two_states_and_says_so(state: int, after: int) -> None:
    """The two others stay, and nothing is said."""
    found = negated(Result(state, "it"))
    assert (found.state, found.summary) == (after, "it (negated)" if state != after else "it")
