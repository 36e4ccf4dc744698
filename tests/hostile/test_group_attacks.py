"""Attacks on control groups and marks: each once made two, none, a stop that was none, or another service's end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers import groups
from helpers.commands import Ran, command, run
from helpers.components import NOBODY, lacking, need_works
from helpers.pid_namespace import PidNamespace, pid_namespace
from helpers.processes import Spawner, alive, exit_code_of, look, ready, wait_for
from helpers.rounds import CONTAINMENT
from helpers.scene import Scene, scene
from helpers.shapes import member
from hypothesis import example, given
from hypothesis import strategies as st

from watchdog_tools.core import marks
from watchdog_tools.system import cgroups

pytestmark = [pytest.mark.usefixtures("starts_services"), pytest.mark.root(reason="makes control groups")]
DROP = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
PIDS = 1 << 22  # as many as a kernel can have


@pytest.fixture
def kept() -> Iterator[Scene]:
    """Return a service to keep in a control group."""
    if not groups.possible():
        lacking("there is no cgroup2 that can be written")
    with scene() as made:
        yield made


@pytest.fixture
def island(kept: Scene) -> Iterator[PidNamespace]:
    """Return a place of its own with that service."""
    need_works("unshare", "-pfm", "--mount-proc", "true")
    with pid_namespace(kept) as made:
        yield made


def line(kept: Scene, role: str, mode: str = "stubborn") -> str:
    """Return the command line of a `member`, for a shell."""
    return " ".join(member(kept, mode, role))


def shell(script: str) -> list[str]:
    """Return the start command of a shell."""
    return ["/bin/sh", "-c", script]


def escaped(kept: Scene) -> list[str]:
    """Return a start command of two, where only the control group leads to the second, which ignores TERM."""
    return shell(f"(env -i setsid {line(kept, 'child')} &); exec {line(kept, 'main')}")


def up(kept: Scene, *roles: str, before: tuple[str, ...] = (), options: tuple[str, ...] = ()) -> dict[str, int]:
    """Start it, and wait until each of these is there once; return their pids by role."""
    ran = kept.keep(*options, before=before)
    assert ran.code == 0, ran
    wait_for(lambda: all(kept.roles()[role] == 1 for role in roles), 10, f"{roles}")
    return {each.role: each.pid for each in kept.members()}


def stops(kept: Scene) -> None:
    """Assert that a stop says so, and leaves nothing."""
    ran = kept.order("stop")
    assert (ran.code, kept.left()) == (0, []), ran


# -- forged marks ----------------------------------------------------------------------------------------------------

NUMBERS = ["0", "4194305", "4000000000", str(1 << 70), "9" * 4000]


def forger(kept: Scene, spawn: Spawner, mark: str, *words: str) -> int:
    """Have nobody run `words`, with the mark in the place of the service; return the pid."""
    place = kept.record()["owner"].split()[1] if "owner" in kept.record() else ""
    environ = Path(f"/proc/{kept.pid()}/environ").read_bytes().split(b"\0")
    place = next((os.fsdecode(each) for each in environ if each.startswith(b"WATCHDOG_TOOLS_PLACE=")), place)
    pid = spawn([*DROP, "env", "-i", f"WATCHDOG_TOOLS_INSTANCE={mark}", place, *words]).pid
    wait_for(lambda: (seen := look(pid)) and seen.argv[0] == words[0], 5, "the forger")
    return pid


@pytest.mark.parametrize("forget", [False, True])
@pytest.mark.parametrize("number", NUMBERS, ids=lambda each: each[:12])
def test_186_a_forged_mark_with_an_impossible_pid_keeps_nothing_down(
    kept: Scene, spawn: Spawner, number: str, forget: bool
) -> None:
    """It is named or passed over; the dead service is started at once."""
    kept.start = member(kept)
    up(kept, "main")
    pid = forger(kept, spawn, f"{number}:1:0:{kept.name}:{kept.state}", "sleep", "999")
    kept.kill()
    if forget:
        kept.forget()
    ran = kept.keep()
    assert (ran.code, alive(pid)) == (0, True), ran
    wait_for(lambda: kept.roles() == {"main": 1}, 10, "the new one")
    assert alive(kept.pid())


@pytest.mark.parametrize("number", NUMBERS, ids=lambda each: each[:12])
def test_186_another_name_s_mark_with_an_impossible_pid_is_no_internal_error(
    kept: Scene, spawn: Spawner, number: str
) -> None:
    """On a process that a check finds."""
    kept.start = member(kept)
    up(kept, "main")
    forger(kept, spawn, f"{number}:1:0:other:{kept.state}", *member(kept, "obeys", "forger"))
    kept.kill()
    ran = kept.keep("--check", f"check-process -u nobody -a '{line(kept, 'forger', 'obeys')}'")
    assert (ran.code, "internal error" in ran.out, "hides" in ran.out) == (0, False, False), ran


@given(st.integers(-1, 1 << 80), st.integers(0, 1 << 80), st.integers(0, 1 << 80))
@example(0, 1, 0)
@example(4_000_000_000, 1, 0)
@example(1 << 70, 1, 0)
@example(1, 1 << 70, 0)
def test_186_no_mark_has_a_pid_that_no_kernel_gives(pid: int, ticks: int, uid: int) -> None:
    """What is read from an environment can be asked of the kernel."""
    found = marks.parse(f"A=1\0{marks.MARK}={pid}:{ticks}:{uid}:web:/x\0{marks.PLACE}=1.2\0".encode())
    assert found is None or (1 <= found.pid <= PIDS and 0 <= found.ticks < 1 << 64)


@given(st.binary(max_size=60))
@example(b":".join([b"1"] * 4) + b":/x")
def test_186_nor_has_any_other_text(value: bytes) -> None:
    """Whatever bytes somebody writes."""
    found = marks.parse(marks.MARK.encode() + b"=" + value)
    assert found is None or 1 <= found.pid <= PIDS


@given(st.integers(-1, 1 << 80), st.integers(-1, 1 << 80), st.binary(max_size=30))
@example(1 << 70, 1, b"a 1 2")
@example(1, 1 << 70, b"a 1 2")
def test_186_no_attribute_of_a_group_has_a_pid_that_no_kernel_gives(pid: int, ticks: int, rest: bytes) -> None:
    """0 is nobody's."""
    found = cgroups._identity([str(pid).encode(), str(ticks).encode(), *rest.split(b" ")])
    assert found is None or (0 <= found[0] <= PIDS and 0 <= found[1] < 1 << 64)


# -- another service below this one ----------------------------------------------------------------------------------

# $1: the line that keeps the other one. What has ended above it comes to this process, which becomes the instance.
SUBREAPER = """import ctypes, os, subprocess, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
subprocess.run(["/bin/sh", "-c", sys.argv[1]], stdout=subprocess.DEVNULL)
os.execv(sys.argv[2], sys.argv[2:])"""
WATCHED, ADOPTED = "watched by a child", "below a subreaper"
NONE = ("--containment", "none")
BELOW = {
    "each in its group, watched": (WATCHED, (), (), "env -i"),
    "this one in none, watched": (WATCHED, NONE, (), "env -i"),
    "each in its group, adopted": (ADOPTED, (), (), "env -i"),
    "this one in none, adopted": (ADOPTED, NONE, (), "env -i"),
    "a daemon of a oneshot command": (ADOPTED, (), ("--oneshot",), "env -i"),
    "the other one in none, watched": (WATCHED, (), NONE, "env -i"),
    "the other one in none, adopted": (ADOPTED, (), NONE, "env -i"),
    "neither in a group, watched": (WATCHED, NONE, NONE, "env -i"),
    "neither in a group, adopted": (ADOPTED, NONE, NONE, "env -i"),
    "neither in a group, marked": (ADOPTED, NONE, NONE, ""),
    "another user's, neither in a group": (ADOPTED, NONE, (*NONE, "--user", "nobody"), ""),
}


@pytest.mark.parametrize("verb", ["stop", "restart"])
@pytest.mark.parametrize("case", BELOW)
def test_179_another_service_that_was_started_below_this_one_lives_on(kept: Scene, case: str, verb: str) -> None:
    """By its group, or by another NAME's record, it is no part of this one."""
    way, options, others, before = BELOW[case]
    other = f"{before} {line(kept, 'other')}"
    words = f"--state-dir {kept.state} --start-seconds 0.1 --backoff 0s:0s {' '.join(others)}"
    if "--oneshot" in others:
        words += f" --check {kept.script('check', f'test -e {kept.room}/is-up || exit 2')}"
        other = f"sh -c '{before} setsid {line(kept, 'other')} & : >{kept.room}/is-up'"
    keep = f"{command('ensure-running')} other-{kept.name} {words}"
    if way == WATCHED:
        kept.start = shell(f"{keep} --watch 60s -- {other} >/dev/null & exec {line(kept, 'main', 'obeys')}")
    else:
        kept.start = [sys.executable, "-c", SUBREAPER, f"{keep} -- {other}", *member(kept, "obeys")]
    pids = up(kept, "main", "other", options=options)
    ran = kept.order(verb)
    assert (ran.code, alive(pids["main"]), alive(pids["other"])) == (0, False, True), ran


# -- a group that exists, and is not to be had -----------------------------------------------------------------------


def read_only(place: PidNamespace) -> None:
    """Show the hierarchy read-only."""
    subprocess.run(place.inside("mount", "-o", "remount,bind,ro", str(groups.mount())), check=True)


def unseen(place: PidNamespace) -> None:
    """Run where the group of process 1 cannot be seen."""
    group = place.base / "inner"
    group.mkdir()
    place.before = ("sh", "-c", f'echo 0 >{group}/cgroup.procs && exec unshare -C "$@"', "sh")


def given_away(place: PidNamespace) -> None:
    """Give the service's group to nobody."""
    group = place.group()
    assert group is not None
    os.chown(group, NOBODY, NOBODY)


AWAY = (read_only, unseen, given_away)
# Of a dead instance nothing leads to a group that cannot be seen: there is none then, as docs/ensure-running.md says.
SEEN = (read_only, given_away)


def order(place: PidNamespace, verb: str) -> Ran:
    """Give an operator's order inside."""
    kept = place.scene
    words = (command("watchdog-tools"), verb, kept.name, "--state-dir", str(kept.state))
    return run(*place.inside(*words), timeout=40)


@pytest.mark.parametrize("verb", ["stop", "restart"])
@pytest.mark.parametrize("away", AWAY, ids=lambda each: each.__name__)
def test_181_stopped_is_said_only_of_what_is_gone(
    island: PidNamespace, away: Callable[[PidNamespace], None], verb: str
) -> None:
    """Where its group is there and cannot be used: nothing of the old one lives, or CRITICAL and none beside it."""
    kept = island.scene
    kept.start = escaped(kept)
    up(kept, "main", "child", before=island.inside())
    away(island)
    old = set(kept.members())
    ran = order(island, verb)
    left, new = old & set(kept.members()), set(kept.members()) - old
    assert not left or (ran.code == 2 and not new), (ran, left, new)


@pytest.mark.parametrize("away", SEEN, ids=lambda each: each.__name__)
def test_181_the_run_after_a_death_starts_none_beside_what_it_cannot_end(
    island: PidNamespace, away: Callable[[PidNamespace], None]
) -> None:
    """The same, where the instance alone was killed."""
    kept = island.scene
    kept.start = escaped(kept)
    pids = up(kept, "main", "child", before=island.inside())
    main, child = pids["main"], pids["child"]
    os.kill(main, signal.SIGKILL)
    wait_for(lambda: not alive(main), 5, "its end")
    away(island)
    ran = kept.keep(before=island.inside())
    assert not alive(child) or (ran.code == 2 and kept.roles()["main"] == 0), (ran, kept.roles())


@pytest.mark.parametrize("away", SEEN, ids=lambda each: each.__name__)
def test_186_none_is_started_beside_one_without_mark_and_state(
    island: PidNamespace, away: Callable[[PidNamespace], None]
) -> None:
    """Its group alone would tell: it is adopted all the same, or nothing is started."""
    kept = island.scene
    kept.start = ["/usr/bin/env", "-i", *member(kept)]
    pid = up(kept, "main", before=island.inside())["main"]
    away(island)
    kept.forget()
    ran = kept.keep(before=island.inside())
    assert (kept.roles(), alive(pid)) == ({"main": 1}, True), ran


def test_members_of_an_outer_pid_namespace_are_told_of(island: PidNamespace, spawn: Spawner) -> None:
    """Nobody can be named from here, but that somebody is there is said."""
    kept = island.scene
    kept.start = member(kept, "obeys")
    up(kept, "main", before=island.inside())
    group = island.group()
    assert group is not None
    stranger = spawn(["sleep", "600"])
    (group / "cgroup.procs").write_text(str(stranger.pid))
    ran = order(island, "stop")
    assert (kept.members(), alive(stranger.pid), "another pid namespace" in ran.out) == ([], True, True), ran


# -- what is of the service all the same -----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", CONTAINMENT)
def test_181_what_carries_its_mark_ends_with_it_whoever_s_it_is(kept: Scene, mode: str) -> None:
    """A program that ignores TERM, of another user, in a session of its own, below a shell that has ended."""
    drop = f"({' '.join(DROP)} setsid {line(kept, 'other')} &)"
    kept.start = shell(f"{drop}; exec {line(kept, 'main', 'obeys')}")
    up(kept, "main", "other", options=CONTAINMENT[mode])
    stops(kept)


@pytest.mark.parametrize("mode", CONTAINMENT)
def test_181_a_user_s_child_that_forges_a_mark_of_its_own_ends_with_it(kept: Scene, mode: str) -> None:
    """By its mark it would be another service's instance; any user can write that."""
    mark = "WATCHDOG_TOOLS_INSTANCE=$$:$(cut -d' ' -f22 /proc/$$/stat):65534:mine:/tmp/x"
    forge = kept.script("forge", f'exec env -i "{mark}" setsid {line(kept, "other")}')
    kept.start = shell(f"{' '.join(DROP)} {forge} & exec {line(kept, 'main', 'obeys')}")
    up(kept, "main", "other", options=CONTAINMENT[mode])
    stops(kept)


TRACER = """import ctypes, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] * 2 + [ctypes.c_void_p] * 2
if libc.ptrace(0x4206, int(sys.argv[1]), None, 0x40):  # PTRACE_SEIZE, PTRACE_O_TRACEEXIT
    print("refused", ctypes.get_errno(), flush=True)
else:
    print("ready", flush=True)
time.sleep(300)"""


def test_a_member_whom_a_user_s_tracer_keeps_from_ending(kept: Scene, spawn: Spawner) -> None:
    """It stays in its exit, and cannot be killed: root's start is unmoved and contained, and its line is no riddle."""
    kept.start = shell(f"{' '.join(DROP)} {line(kept, 'child')} & exec {line(kept, 'main')}")
    child = up(kept, "main", "child")["child"]
    tracer = spawn([*DROP, "/usr/bin/python3", "-c", TRACER, child], stdout=subprocess.PIPE, bufsize=0, cwd="/")
    try:
        said = ready(tracer)
        if said != "ready":
            lacking(f"PTRACE_SEIZE: {said}")
        kept.kill()
        ran = kept.keep("-o", "json")
        told = json.loads(ran.out)
        assert (ran.code, told["details"].get("containment")) == (0, "group"), ran
        seen = look(child)
        assert seen is not None
        assert seen.state == "t", seen
        assert f"pid {child}, left behind by an earlier instance, was ended" not in told["summary"], told
        assert f"not ended: pid {child}" in told["summary"], told
        pid = kept.pid()
        assert (kept.keep().code, kept.pid()) == (0, pid)
    finally:
        tracer.kill()
        exit_code_of(tracer, 10)


def test_more_subgroups_than_descriptors_hide_nobody(kept: Scene) -> None:
    """What was left behind is ended, or CRITICAL and none beside it."""
    kept.start = escaped(kept)
    child = up(kept, "main", "child")["child"]
    delegated = kept.group() / "delegated"
    for number in range(150):
        (delegated / f"{number}").mkdir(parents=True)
    kept.kill()
    ran = kept.keep(before=("prlimit", "--nofile=64:64"))
    assert not alive(child) or (ran.code == 2 and kept.roles()["main"] == 0), (ran, kept.roles())


def test_182_the_subgroups_of_what_lives_on_stay(kept: Scene) -> None:
    """With --kill-mode process: a container manager's empty groups are its own."""
    kept.options += ("--kill-mode", "process")
    kept.start = escaped(kept)
    child = up(kept, "main", "child")["child"]
    empty = kept.group() / "delegated/empty"
    empty.mkdir(parents=True)
    kept.kill()
    ran = kept.keep()
    assert (ran.code, alive(child), empty.is_dir()) == (0, True, True), ran
    assert f"pid {child}" in ran.out, ran


def test_184_the_daemon_of_a_command_lives_on_where_the_name_is_kept_plainly(kept: Scene) -> None:
    """First kept as --oneshot, state deleted, kept without: its healthy daemon counts, and is not replaced."""
    sleeper = kept.copy("sleep")
    words = ("--check", f"check-process -a {sleeper}", "--startup-timeout", "10s")
    kept.start = shell(f"env -i setsid {sleeper} 613 &")
    assert kept.keep("--oneshot", *words).code == 0
    [daemon] = (member.pid for member in kept.members())
    kept.forget()
    kept.start = [str(sleeper), "613"]
    for _ in range(2):
        ran = kept.keep(*words)
        assert (ran.code, [member.pid for member in kept.members()]) == (0, [daemon]), ran
