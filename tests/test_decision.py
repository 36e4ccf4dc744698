"""The decision: every combination of what can be seen, held to what must never happen."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from watchdog_tools import decision
from watchdog_tools.health import Health
from watchdog_tools.record import COMMAND, ENDED, FAILED, RUNNING, STARTING, Record
from watchdog_tools.result import CRITICAL, OK, UNKNOWN, WARNING, Metric, Result


def check(name: str, state: int) -> tuple[str, Result]:
    """Return what a check says; check-process with the count that goes with it."""
    metrics = [Metric("procs", int(state in (OK, WARNING)))] if name == "check-process" else []
    return name, Result(state, f"{name} {state}", metrics=metrics)


STATES = (OK, WARNING, CRITICAL, UNKNOWN)
HEALTHS = [
    [],
    *([check("check-port", state)] for state in STATES),
    *([check("check-process", state)] for state in STATES),
    *([check("plugin", state)] for state in STATES),
    *([check("check-port", one), check("check-process", other)] for one in STATES for other in STATES),
]
RECORDS = [None, *(Record(phase) for phase in (STARTING, RUNNING, FAILED, COMMAND, ENDED))]


class Case:
    """One combination of facts, and what is decided."""

    def __init__(self, facts: tuple[Health, Record | None, bool, int, int, int, int]) -> None:
        """Decide."""
        self.health, self.record, self.alive, self.marked, self.daemons, self.wait, self.flight = facts
        self.choice = decision.decide(
            self.health, self.record, alive=self.alive, marked=self.marked, daemons=self.daemons,
            wait=self.wait, flight=self.flight,
        )  # fmt: skip

    def __repr__(self) -> str:
        facts = (self.record and self.record.phase, self.alive, self.marked, self.daemons, self.wait, self.flight)
        return f"{self.health.words!r} {facts} -> {self.choice}"


def cases() -> Iterator[Case]:
    """Yield every combination that can be; only these phases have a process that may live."""
    numbers = itertools.product((0, 1, 2), (0, 1), (0, 1), (0, 1))
    for checks, record, alive, (marked, daemons, wait, flight) in itertools.product(
        HEALTHS, RECORDS, (False, True), numbers
    ):
        if alive and (record is None or record.phase in (FAILED, ENDED)):
            continue
        yield Case((Health(checks), record, alive, marked, daemons, wait, flight))


CASES = list(cases())


def broken(promise: object) -> list[Case]:
    """Return the first cases in which `promise` does not hold."""
    return [case for case in CASES if not promise(case)][:5]  # type: ignore[operator]


def test_all_decisions_are_met() -> None:
    """The cases can fail: each way out is taken by some."""
    ways = {value for name, value in vars(decision).items() if name.isupper() and name not in ("COMMAND", "ENDED")}
    assert {case.choice for case in CASES} == ways - {False}


def test_nothing_is_started_beside_what_lives() -> None:
    """P3: neither the record's process, nor one with its mark, nor one that a check found, nor what it became."""
    assert not broken(
        lambda case: (
            case.choice != decision.START or not (case.alive or case.marked or case.health.exists or case.daemons)
        )
    )


def test_only_critical_starts() -> None:
    """P6: WARNING and UNKNOWN start nothing; without a check, the instance that is not there does."""
    assert not broken(
        lambda case: case.choice != decision.START or case.health.state == CRITICAL or not case.health.asked
    )


def test_an_unknown_about_processes_vetoes_everything() -> None:
    """P6: one of those among the checks, and no hand is moved."""
    assert not broken(lambda case: not case.health.veto or case.choice == decision.VETO)


def test_what_is_down_and_gone_is_started() -> None:
    """And nothing else is in the way of a start: no fact but these, and the backoff."""
    assert not broken(
        lambda case: case.choice == decision.START
        or case.health.veto or not case.health.down or case.alive or case.marked or case.health.exists
        or case.daemons or case.wait or (case.flight and case.record and case.record.phase in (COMMAND, ENDED))
    )  # fmt: skip


def test_a_backoff_is_kept() -> None:
    """P7: no start while there is something left to wait for, nor while a --oneshot command is in flight."""
    assert not broken(lambda case: case.choice != decision.START or not case.wait)
    in_flight = (COMMAND, ENDED)
    assert not broken(
        lambda case: (
            case.choice != decision.START or not (case.record and case.record.phase in in_flight and case.flight)
        )
    )


@pytest.mark.parametrize("phase", [STARTING, RUNNING])
def test_an_instance_that_lives_is_kept(phase: str) -> None:
    """Sick or well, its verification is finished; only a veto comes before."""
    mine = [case for case in CASES if case.alive and case.record and case.record.phase == phase]
    assert {case.choice for case in mine if not case.health.veto} == {decision.KEEP}


def test_what_carries_the_mark_is_adopted() -> None:
    """A lost record is made anew, whether the service is healthy or not."""
    mine = [case for case in CASES if case.marked and not case.alive and not case.health.veto]
    assert {case.choice for case in mine} == {decision.ADOPT}
