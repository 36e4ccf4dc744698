"""The decision: every combination of what can be seen, held to what must never happen."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from watchdog_tools import decision, policy
from watchdog_tools.health import Health
from watchdog_tools.record import COMMAND, ENDED, FAILED, FOUND, RUNNING, STARTING, Record
from watchdog_tools.result import CRITICAL, OK, UNKNOWN, WARNING, Metric, Result


def check(name: str, state: int) -> tuple[str, Result]:
    """Return what a check says; check-process with the count that goes with it."""
    metrics = [Metric("procs", int(state in (OK, WARNING)))] if name == "check-process" else []
    return name, Result(state, f"{name} {state}", metrics=metrics)


def masked() -> tuple[str, Result]:
    """Return what is said of a unit that runs, and could not be started again."""
    return "systemd", Result(OK, "runs", details={"_exists": True, "_unstartable": "it is masked"})


STATES = (OK, WARNING, CRITICAL, UNKNOWN)
HEALTHS = [
    [],
    *([check("check-port", state)] for state in STATES),
    *([check("check-process", state)] for state in STATES),
    *([check("plugin", state)] for state in STATES),
    *([masked(), check("check-port", state)] for state in STATES),
    *([check("check-port", one), check("check-process", other)] for one in STATES for other in STATES),
]
RECORDS = [None, *(Record(phase) for phase in (STARTING, RUNNING, FAILED, COMMAND, ENDED, FOUND))]


VERDICTS = [policy.Verdict(kind, 1) for kind in (policy.NOW, policy.BACKOFF, policy.HELD)]


class Case(decision.Facts):
    """One combination of facts, and what is decided."""

    choice = ""

    def __repr__(self) -> str:
        facts = (self.record and self.record.phase, self.alive, self.young, self.marked, self.daemons, self.flight)
        return f"{self.health.words!r} {facts} {self.verdict.kind} {self.paused} {self.hand!r} -> {self.choice}"


def cases() -> Iterator[Case]:
    """Yield every combination that can be; only these phases have a process that may live."""
    numbers = itertools.product((0, 2), (0, 1), (0, 1), VERDICTS, (False, True), ("", "start", "stop", "restart"))
    for checks, record, (alive, young), (marked, daemons, flight, verdict, paused, hand) in itertools.product(
        HEALTHS, RECORDS, ((False, False), (True, False), (True, True)), numbers
    ):
        if alive and (record is None or record.phase in (FAILED, ENDED, FOUND)):
            continue
        if hand and verdict.kind != policy.NOW:
            continue
        case = Case(
            Health(checks), record, alive=alive, young=young, marked=marked, daemons=daemons, flight=flight,
            verdict=verdict, paused=paused, hand=hand,
        )  # fmt: skip
        case.choice = decision.decide(case)
        yield case


CASES = list(cases())


def broken(promise: object) -> list[Case]:
    """Return the first cases in which `promise` does not hold."""
    return [case for case in CASES if not promise(case)][:5]  # type: ignore[operator]


def test_all_decisions_are_met() -> None:
    """The cases can fail: each way out is taken by some."""
    ways = {value for name, value in vars(decision).items() if name.isupper() and isinstance(value, str)}
    named = ways - {COMMAND, ENDED, STARTING} - {"start", "stop", "restart"} | {decision.START}
    assert {case.choice for case in CASES} == named


def test_nothing_is_started_beside_what_lives() -> None:
    """P3: neither the record's process, nor one with its mark, nor one that a check found, nor what it became."""
    assert not broken(
        lambda case: (
            case.choice != decision.START or not (case.alive or case.marked or case.health.exists or case.daemons)
        )
    )


def test_only_critical_acts() -> None:
    """P6: WARNING and UNKNOWN start and stop nothing, unless an operator wants it."""
    acts = (decision.START, decision.RESTART, decision.REPLACE)
    assert not broken(
        lambda case: (
            case.choice not in acts or case.health.state == CRITICAL or not case.health.asked or case.hand == "restart"
        )
    )


def test_only_an_instance_that_was_asked_about_is_sick() -> None:
    """Without a check nothing says that one which lives is sick; a young one has time."""
    assert not broken(
        lambda case: case.choice != decision.RESTART or case.hand == "restart" or (case.health.asked and not case.young)
    )


def test_an_unknown_about_processes_vetoes_everything() -> None:
    """P6: one of those among the checks, and no hand is moved, not even an operator's."""
    assert not broken(lambda case: not case.health.veto or case.choice in (decision.VETO, decision.PAUSED))


def test_what_could_not_be_started_again_is_left_alone() -> None:
    """A unit that is masked while it runs: neither a failing check nor an order restarts it; it can be stopped."""
    mine = [case for case in CASES if case.health.unstartable and not (case.health.veto or case.paused)]
    acts = (decision.START, decision.RESTART, decision.REPLACE)
    assert {case.choice for case in mine}.isdisjoint(acts)
    assert {case.choice for case in mine if case.hand == "stop"} == {decision.STOP}


def test_a_pause_stops_the_hands() -> None:
    """All but an operator's own order."""
    assert not broken(lambda case: not case.paused or bool(case.hand) or case.choice == decision.PAUSED)


def test_what_is_down_and_gone_is_started() -> None:
    """And nothing else is in the way of a start: no fact but these, and the policy."""
    assert not broken(
        lambda case: case.choice == decision.START
        or case.health.veto or case.health.unstartable or not case.health.down or case.alive or case.marked
        or case.health.exists or case.daemons or case.paused or case.hand == "stop" or case.verdict.kind != policy.NOW
        or (case.flight and case.record and case.record.phase in (COMMAND, ENDED))
    )  # fmt: skip


def test_what_fails_is_restarted() -> None:
    """An instance of ours that is no longer young, and fails: the policy alone is in the way."""
    mine = [
        case
        for case in CASES
        if case.alive and case.record and case.record.phase == RUNNING and not case.young and not case.hand
        if case.health.asked and case.health.down and not case.health.veto and not case.paused
        if not case.health.unstartable
    ]
    assert {(case.verdict.kind, case.choice) for case in mine} == {
        (policy.NOW, decision.RESTART), (policy.BACKOFF, decision.WAIT), (policy.HELD, decision.HOLD),
    }  # fmt: skip


def test_patience_comes_before_a_hold() -> None:
    """A hold that would begin now is judged again once patience is at its end; what is down is held at once."""
    fresh = policy.Verdict(policy.HELD, 1, fresh=True)
    bad, lives = Health([check("check-port", CRITICAL)]), Health([check("check-process", CRITICAL)])
    lives.exists = True
    assert decision.decide(decision.Facts(bad, Record(RUNNING), alive=True, verdict=fresh)) == decision.RESTART
    assert decision.decide(decision.Facts(lives, None, alive=False, verdict=fresh)) == decision.REPLACE
    assert decision.decide(decision.Facts(bad, None, alive=False, verdict=fresh)) == decision.HOLD


def test_the_policy_is_kept() -> None:
    """P7: no start and no stop for one while there is something to wait for, nor while a command is in flight."""
    acts = (decision.START, decision.RESTART, decision.REPLACE)
    assert not broken(lambda case: case.choice not in acts or case.verdict.kind == policy.NOW)
    in_flight = (COMMAND, ENDED)
    assert not broken(
        lambda case: (
            case.choice != decision.START or not (case.record and case.record.phase in in_flight and case.flight)
        )
    )


def test_an_instance_that_starts_is_kept() -> None:
    """Sick or well, its verification is finished; only a veto, a pause and an operator come before."""
    mine = [case for case in CASES if case.alive and case.record and case.record.phase == STARTING]
    assert {case.choice for case in mine if not (case.health.veto or case.paused or case.hand)} == {decision.KEEP}


def test_what_carries_the_mark_is_adopted() -> None:
    """A lost record is made anew, whether the service is healthy or not."""
    mine = [case for case in CASES if case.marked and not case.alive and not (case.health.veto or case.paused)]
    assert {case.choice for case in mine if case.hand != "stop"} == {decision.ADOPT}
