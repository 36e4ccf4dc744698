"""The decision: every combination of what can be seen, held to what must never happen."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING, Metric, Result, decision, policy
from watchdog_tools.core.health import Health
from watchdog_tools.core.record import COMMAND, ENDED, FAILED, FOUND, RUNNING, STARTING, Record


def check(name: str, state: int) -> tuple[str, Result]:
    """Return what a check says; check-process with the count that goes with it."""
    metrics = [Metric("procs", int(state in (OK, WARNING)))] if name == "check-process" else []
    return name, Result(state, f"{name} {state}", metrics=metrics)


def masked() -> tuple[str, Result]:
    """Return what is said of a unit that runs, and could not be started again."""
    result = Result(OK, "runs")
    result.keeper.exists, result.keeper.unstartable = True, "it is masked"
    return "systemd", result


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


PERMISSIONS = [policy.Permission(kind=kind, until=1) for kind in (policy.NOW, policy.BACKOFF, policy.HELD)]


class Case(decision.Situation):
    """One combination of facts, and what is decided."""

    choice: str = ""

    def __repr__(self) -> str:
        facts = (
            self.record and self.record.phase,
            self.alive,
            self.in_startup,
            self.marked,
            self.daemons,
            self.in_progress,
        )
        return (
            f"{self.health.summary!r} {facts} {self.permission.kind} {self.paused} {self.operator!r} -> {self.choice}"
        )


def cases() -> Iterator[Case]:
    """Yield every combination that can be; only these phases have a process that may live."""
    numbers = itertools.product(
        (0, 2), (0, 1), (0, 1), PERMISSIONS, (False, True), ("", "start", "stop", "restart", "reload"), (False, True)
    )
    for checks, record, (alive, young), (
        marked,
        daemons,
        in_progress,
        permission,
        paused,
        operator,
        changed,
    ) in itertools.product(HEALTHS, RECORDS, ((False, False), (True, False), (True, True)), numbers):
        if alive and (record is None or record.phase in (FAILED, ENDED, FOUND)):
            continue
        if operator and permission.kind != policy.NOW:
            continue
        if changed and not (alive and record and record.phase == RUNNING):
            continue
        case = Case(
            health=Health(checks), record=record, alive=alive, in_startup=young, marked=marked, daemons=daemons,
            in_progress=in_progress,
            permission=permission, paused=paused, operator=operator, changed=changed,
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
    named = ways - {COMMAND, ENDED, STARTING} - {"start", "stop", "restart", "reload"} | {decision.START}
    assert {case.choice for case in CASES} == named


def test_what_has_changed_renews_what_works() -> None:
    """--restart-on: an instance that lives and is up, and of which nobody wants anything else."""
    renewed = [case for case in CASES if case.choice == decision.RENEW]
    assert all(case.changed and case.alive and not case.in_startup and not case.paused for case in renewed)
    assert all(case.health.works or not case.health.has_checks for case in renewed)
    assert not [case for case in renewed if case.operator]
    assert not broken(
        lambda case: (
            not (case.changed and case.health.works and not case.health.veto)
            or case.in_startup or case.paused or case.operator
            or case.choice == decision.RENEW
        )
    )  # fmt: skip


def test_nothing_is_started_beside_what_lives() -> None:
    """P3: neither the record's process, nor one with its mark, nor one that a check found."""
    assert not broken(
        lambda case: case.choice != decision.START or not (case.alive or case.marked or case.health.exists)
    )


def test_nothing_is_started_beside_what_it_became_unless_an_operator_wants_it() -> None:
    """Behind an exit with 0 no run knows better; an order goes through: what is left is ended, or named beside it."""
    mine = [case for case in CASES if case.daemons and case.choice in (decision.START, decision.DAEMON)]
    assert {(case.operator, case.choice) for case in mine} == {
        ("", decision.DAEMON), ("start", decision.START), ("restart", decision.START),
    }  # fmt: skip


def test_only_critical_acts() -> None:
    """P6: WARNING and UNKNOWN start and stop nothing, unless an operator wants it."""
    acts = (decision.START, decision.RESTART, decision.REPLACE)
    assert not broken(
        lambda case: (
            case.choice not in acts
            or case.health.state == CRITICAL
            or not case.health.has_checks
            or case.operator == "restart"
        )
    )


def test_only_an_instance_that_was_asked_about_is_sick() -> None:
    """Without a check nothing says that one which lives is sick; a young one has time."""
    assert not broken(
        lambda case: (
            case.choice != decision.RESTART
            or case.operator == "restart"
            or (case.health.has_checks and not case.in_startup)
        )
    )


def test_an_unknown_about_processes_vetoes_everything() -> None:
    """P6: one of those among the checks, and no hand is moved, not even an operator's."""
    assert not broken(lambda case: not case.health.veto or case.choice in (decision.VETO, decision.PAUSED))


def test_what_could_not_be_started_again_is_left_alone() -> None:
    """A unit that is masked while it runs: neither a failing check nor an order restarts it; it can be stopped."""
    mine = [case for case in CASES if case.health.unstartable and not (case.health.veto or case.paused)]
    acts = (decision.START, decision.RESTART, decision.REPLACE)
    assert {case.choice for case in mine}.isdisjoint(acts)
    assert {case.choice for case in mine if case.operator == "stop"} == {decision.STOP}


def test_a_pause_stops_the_hands() -> None:
    """All but an operator's own order."""
    assert not broken(lambda case: not case.paused or bool(case.operator) or case.choice == decision.PAUSED)


def test_what_is_down_and_gone_is_started() -> None:
    """And nothing else is in the way of a start: no fact but these, and the policy."""
    assert not broken(
        lambda case: case.choice == decision.START
        or case.health.veto or case.health.unstartable or not case.health.down or case.alive or case.marked
        or case.health.exists or (case.daemons and not case.operator) or case.paused
        or case.operator in {"stop", "reload"}
        or case.permission.kind != policy.NOW
        or (case.in_progress and case.record and case.record.phase in (COMMAND, ENDED))
    )  # fmt: skip


def test_what_fails_is_restarted() -> None:
    """An instance of ours that is no longer young, and fails: the policy alone is in the way."""
    mine = [
        case
        for case in CASES
        if case.alive and case.record and case.record.phase == RUNNING and not case.in_startup and not case.operator
        if case.health.has_checks and case.health.down and not case.health.veto and not case.paused
        if not case.health.unstartable
    ]
    assert {(case.permission.kind, case.choice) for case in mine} == {
        (policy.NOW, decision.RESTART), (policy.BACKOFF, decision.WAIT), (policy.HELD, decision.HOLD),
    }  # fmt: skip


def test_patience_comes_before_a_hold() -> None:
    """A hold that would begin now is judged again once patience is at its end; what is down is held at once."""
    fresh = policy.Permission(kind=policy.HELD, until=1, new_hold=True)
    bad, lives = Health([check("check-port", CRITICAL)]), Health([check("check-process", CRITICAL)])
    lives.exists = True
    assert (
        decision.decide(decision.Situation(health=bad, record=Record(RUNNING), alive=True, permission=fresh))
        == decision.RESTART
    )
    assert (
        decision.decide(decision.Situation(health=lives, record=None, alive=False, permission=fresh))
        == decision.REPLACE
    )
    assert decision.decide(decision.Situation(health=bad, record=None, alive=False, permission=fresh)) == decision.HOLD


def test_the_policy_is_kept() -> None:
    """P7: no start and no stop for one while there is something to wait for, nor while a start is in progress."""
    acts = (decision.START, decision.RESTART, decision.REPLACE)
    assert not broken(lambda case: case.choice not in acts or case.permission.kind == policy.NOW)
    phases = (COMMAND, ENDED)
    assert not broken(
        lambda case: (
            case.choice != decision.START or not (case.record and case.record.phase in phases and case.in_progress)
        )
    )


def test_an_instance_that_starts_is_kept() -> None:
    """Sick or well, its verification is finished; only a veto, a pause and an operator come before."""
    mine = [case for case in CASES if case.alive and case.record and case.record.phase == STARTING]
    assert {case.choice for case in mine if not (case.health.veto or case.paused or case.operator)} == {decision.KEEP}


def test_what_carries_the_mark_is_adopted() -> None:
    """A lost record is made anew, whether the service is healthy or not."""
    mine = [case for case in CASES if case.marked and not case.alive and not (case.health.veto or case.paused)]
    assert {case.choice for case in mine if case.operator not in {"stop", "reload"}} == {decision.ADOPT}


def test_what_is_not_said_of_a_situation_is_not_so() -> None:
    """The policy lets a start be made."""
    plain = decision.Situation(health=Health([]), record=None, alive=False)
    assert (plain.in_startup, plain.marked, plain.daemons, plain.in_progress) == (False, 0, 0, 0)
    assert (plain.permission.kind, plain.paused, plain.operator) == (policy.NOW, False, "")


def test_a_reload_neither_starts_nor_stops() -> None:
    """Whatever is found; who cannot see does not reload either."""
    mine = [case for case in CASES if case.operator == "reload"]
    assert {case.choice for case in mine} == {decision.RELOAD, decision.VETO}
