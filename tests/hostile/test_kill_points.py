"""Cases 103 and 138: ensure-running struck at its system calls. The decisive ones here, all in scripts/soak."""

from __future__ import annotations

import pytest
from helpers import groups
from helpers.components import need, need_works
from helpers.kill_points import Struck, strikes, table
from helpers.kill_setups import CONTAINED

pytestmark = [pytest.mark.slow, pytest.mark.root(reason="makes a pid namespace")]

BIRTH = {"clone", "clone3"}  # the second in a control group


def struck_at(role: str, fault: str, *words: str) -> list[Struck]:
    """Strike at the chosen points; fail if a promise was broken, or the calls did not come."""
    need("strace")
    need("flock")
    need_works("unshare", "-pf", "--mount-proc", "strace", "-qq", "-o", "/dev/null", "true")
    if set(CONTAINED).intersection(words) and not groups.possible():
        pytest.skip("no control group can be made here")
    struck = list(strikes(role, fault, *words))
    print(f"{role} {fault}: {table(struck)}")  # noqa: T201 -- pytest shows it where it failed
    broken = [each for each in struck if each.problem]
    assert not broken, "\n".join(f"{each.call} {each.ordinal}: {each.problem} {each.said}" for each in broken)
    met = [each for each in struck if not each.missed]
    steady = 0.7 if "--scene" in words else 0.9  # how long a process takes to go decides how many calls there are
    assert len(met) >= steady * len(struck), f"not met: {[each for each in struck if each.missed]}"
    return met


@pytest.mark.parametrize("part", ["0/2", "1/2"])
def test_103_138_an_actor_killed_at_a_call_leaves_one_instance_or_none(part: str) -> None:
    """Killed between any two of its calls: the next run makes it one; it stays one when all state is deleted."""
    assert len(struck_at("actor", "KILL", "--most", "60", "--part", part)) > 25


def test_103_the_calls_that_matter_most() -> None:
    """Where the lock is taken, the child born, the record replaced and the child let go: all of these calls."""
    kinds = {each.kind for each in struck_at("actor", "KILL", "--most", "12")}
    assert kinds >= {"flock", "rename", "write"}
    assert kinds & BIRTH


@pytest.mark.parametrize("role", ["child-before", "child-after"])
def test_103_a_child_killed_before_it_executes_was_no_instance(role: str) -> None:
    """Between fork and exec it holds the lock; whichever side is ahead, its death leaves none, and the lock free."""
    assert "execve" in {each.kind for each in struck_at(role, "KILL", "--most", "9")}


def test_103_a_guard_killed_at_a_call_leaves_its_actor_to_finish_the_step() -> None:
    """The actor outlives it and is not met half-way: the next run finds one instance, or makes it one."""
    assert {"clone", "write"} <= {each.kind for each in struck_at("guard", "KILL", "--most", "30")}


def test_103_a_sick_instance_is_replaced_whatever_call_ends_the_actor() -> None:
    """With stop and restart in the path: the first has ended before the second begins, and there is no third."""
    kinds = {each.kind for each in struck_at("actor", "KILL", "--scene", "sick", "--most", "17")}
    assert kinds >= {"flock", "rename", "write", "pidfd_open", "pidfd_send_signal"}
    assert kinds & BIRTH


def test_103_the_child_that_is_to_replace_a_sick_instance_is_killed() -> None:
    """The sick one is gone by then; the next run starts another one."""
    assert "execve" in {each.kind for each in struck_at("child-after", "KILL", "--scene", "sick", "--most", "3")}


def test_103_beside_a_run_that_is_stopped_as_it_stops_nothing_is_started() -> None:
    """Between TERM and the new start, too."""
    kinds = {each.kind for each in struck_at("actor", "STOP", "--scene", "sick", "--most", "12")}
    assert kinds >= {"pidfd_send_signal", "rename"}


def test_138_a_call_that_fails_as_a_sick_instance_is_replaced() -> None:
    """No room on the disk for what is written between the stop and the start: the next run makes it one."""
    assert {"write", "rename"} <= {each.kind for each in struck_at("actor", "ENOSPC", "--scene", "sick", "--most", "6")}


LEFT = ("--scene", "left", "--most")


def test_103_182_186_what_a_killed_instance_left_is_ended_whatever_call_ends_the_actor() -> None:
    """With its control group in the path: all of it has ended before the next begins, and no empty group stays."""
    kinds = {each.kind for each in struck_at("actor", "KILL", *LEFT, "16")}
    assert kinds >= {"clone3", "mkdir", "setxattr", "unlinkat", "write", "rename", "pidfd_open", "pidfd_send_signal"}


def test_103_182_what_was_left_frozen_is_ended_as_well() -> None:
    """As a run leaves it that is killed between freezing and killing."""
    assert {"clone3", "mkdir"} <= {
        each.kind for each in struck_at("actor", "KILL", "--scene", "frozen", "--most", "12")
    }


@pytest.mark.parametrize(("role", "fault", "most"), [
    ("child-before", "KILL", "3"), ("child-after", "KILL", "3"), ("actor", "STOP", "4"), ("actor", "EROFS", "16"),
    ("guard", "KILL", "3"),
])  # fmt: skip
def test_103_138_182_the_others_where_something_was_left(role: str, fault: str, most: str) -> None:
    """The child that is born in the group, a stopped run, a call that fails, the guard."""
    assert struck_at(role, fault, *LEFT, most)


@pytest.mark.parametrize(("role", "most"), [("actor", "18"), ("guard", "6"), ("child-after", "3")])
def test_103_beside_a_stopped_run_nothing_is_started(role: str, most: str) -> None:
    """Stopped instead of killed: the run beside it says so and starts nothing, or works; afterwards one."""
    struck = struck_at(role, "STOP", "--most", most)
    assert role == "guard" or [each for each in struck if any(line.startswith("beside: 1") for line in each.said)]


@pytest.mark.parametrize("fault", ["ENOSPC", "EIO", "EROFS"])
def test_138_a_call_that_fails_never_makes_two(fault: str) -> None:
    """The disk is full, fails, or is read-only at one call: one honest line, and the next run makes it one."""
    assert {"write", "rename"} <= {each.kind for each in struck_at("actor", fault, "--most", "20")}


@pytest.mark.parametrize(("role", "fault"), [("child-before", "EIO"), ("guard", "ENOSPC")])
def test_138_a_call_that_fails_on_either_side_of_the_actor(role: str, fault: str) -> None:
    """The same for who prints the line, and for who is about to become the service."""
    assert struck_at(role, fault, "--most", "5")
