"""Control groups that are refused, planted, frozen or used up: a start falls back, says so, and never makes two."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers import groups
from helpers.commands import command, run
from helpers.components import NOBODY, need, need_works
from helpers.pid_namespace import PidNamespace, pid_namespace
from helpers.processes import Spawner, alive, wait_for
from helpers.scene import Scene, scene
from helpers.shapes import member

pytestmark = [pytest.mark.usefixtures("starts_services"), pytest.mark.root(reason="makes control groups")]

HELD = "containment: its control group"
NONE = "containment: none ({})"
UNSEEN = NONE.format("no cgroup2 that can be written shows process 1's group")
FAMILY = {"main": 1, "child": 1}


@pytest.fixture
def island() -> Iterator[PidNamespace]:
    """Return a place of its own with a service: a program, and its child, which ignore TERM."""
    if not groups.possible():
        pytest.skip("no control group can be made here")
    need("gcc")
    need_works("unshare", "-pfm", "--mount-proc", "true")
    with scene() as kept:
        kept.start = family(kept)
        with pid_namespace(kept) as made:
            yield made


def family(kept: Scene, way: str = "") -> list[str]:
    """Return the start command of both. way: words in front of the child's command line."""
    child, main = (" ".join(member(kept, "stubborn", role)) for role in ("child", "main"))
    return ["/bin/sh", "-c", f"{way} {child} & exec {main}"]


def lost(kept: Scene) -> list[str]:
    """Return the start command of both, where only the control group leads to the child."""
    return family(kept, "env -i setsid")


def starts(place: PidNamespace, said: str, *, before: tuple[str, ...] = ()) -> None:
    """Assert that a start succeeds, says how it is contained, and is not repeated."""
    ran = place.keep(before=before)
    assert (ran.code, said in ran.out) == (0, True), ran
    wait_for(lambda: place.scene.roles() == FAMILY, 10, f"both: {place.scene.roles()}")
    pids = {each.pid for each in place.scene.members()}
    again = place.keep(before=before)
    assert (again.code, {each.pid for each in place.scene.members()}) == (0, pids), again
    group = place.group()
    assert (group is not None and groups.populated(group)) == (said == HELD), (group, again)


def stops(place: PidNamespace) -> None:
    """Assert that a stop leaves neither a process nor a group."""
    ran = place.stop()
    assert (ran.code, place.scene.left(), place.group()) == (0, [], None), ran


def refusing(what: str, *paths: str) -> tuple[str, ...]:
    """Return what stands in front of a run whose system calls are refused; what it executes is let go."""
    need("strace")
    return ("strace", "-f", "-b", "execve", "-qq", "-o", "/dev/null",
            *(word for path in paths for word in ("-P", path)), "-e", f"inject={what}")  # fmt: skip


# -- refused: none, and said -------------------------------------------------------------------------------------------


def read_only(place: PidNamespace) -> None:
    """Show the hierarchy read-only."""
    subprocess.run(place.inside("mount", "-o", "remount,bind,ro", str(groups.mount())), check=True)


def no_more(place: PidNamespace) -> None:
    """Let no more groups be made."""
    place.room.mkdir()
    (place.room / "cgroup.max.descendants").write_text("0")


def threaded(place: PidNamespace) -> None:
    """Let nobody enter a group, nor be born in one."""
    place.room.mkdir()
    (place.room / "cgroup.type").write_text("threaded")


def writable(place: PidNamespace) -> None:
    """Let others write where the groups are."""
    place.room.mkdir()
    place.room.chmod(0o777)


def no_attribute(place: PidNamespace) -> None:
    """Refuse attributes."""
    place.before = refusing("fsetxattr,setxattr:error=EOPNOTSUPP")


def elsewhere(place: PidNamespace) -> None:
    """Be where the group of process 1 cannot be seen."""
    group = place.base / "inner"
    group.mkdir()
    place.before = ("sh", "-c", f'echo 0 >{group}/cgroup.procs && exec unshare -C "$@"', "sh")


REFUSALS = {
    read_only: UNSEEN,
    no_more: NONE.format("no control group can be made: Resource temporarily unavailable"),
    threaded: NONE.format("it was not started in a control group"),
    writable: "containment: none (others can write ",
    no_attribute: NONE.format("no attribute can be written on its control group"),
    elsewhere: UNSEEN,
}


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda each: each.__name__)
def test_a_group_that_is_refused(island: PidNamespace, refusal: Callable[[PidNamespace], None]) -> None:
    """The service is started without one, once, -v says why, and a stop leaves nothing."""
    refusal(island)
    starts(island, REFUSALS[refusal])
    stops(island)


PREPARE = """import os
from watchdog_tools.actions.containment import prepare
from watchdog_tools.core.owner import Owner
owner = Owner(name={name!r}, uid=0, directory="/x")
before = os.listdir("/proc/self/fd")
said = [prepare(owner, "auto", shared=False) for _ in range(3)]
assert os.listdir("/proc/self/fd") == before and all(group is None for group, _ in said), said
"""


def test_no_descriptor_stays_of_a_group_that_is_refused(island: PidNamespace) -> None:
    """A watch tries it at each start."""
    no_attribute(island)
    ran = run(*island.inside(sys.executable, "-c", PREPARE.format(name=island.scene.name)), cwd="/")
    assert (ran.code, ran.err) == (0, ""), ran


# -- by another way: held ----------------------------------------------------------------------------------------------


def no_ctypes(place: PidNamespace) -> None:
    """Take from the interpreter what makes the system call."""
    found = importlib.util.find_spec("_ctypes")
    if found is None or not found.origin or not Path(found.origin).exists():
        pytest.skip("_ctypes is no file here")
    subprocess.run(place.inside("mount", "--bind", "/dev/null", found.origin), check=True)


def no_clone3(place: PidNamespace) -> None:
    """Be an old kernel."""
    place.before = refusing("clone3:error=ENOSYS")


def clone3_forbidden(place: PidNamespace) -> None:
    """Be behind an old seccomp profile."""
    place.before = refusing("clone3:error=EPERM")


def killed_before(place: PidNamespace) -> None:
    """Have the service's group killed at one stroke before the start: whatever is born in it is killed, too."""
    group = made_before(place)
    (group / "cgroup.kill").write_text("1")


def run_killed_before(place: PidNamespace) -> None:
    """Run in a group that was killed once: whatever is born from there in another one is killed."""
    group = place.base / "inner"
    group.mkdir()
    (group / "cgroup.kill").write_text("1")
    place.before = ("sh", "-c", f'echo 0 >{group}/cgroup.procs && exec "$@"', "sh")


def frozen_before(place: PidNamespace) -> None:
    """Have somebody freeze the group before the start."""
    groups.freeze(made_before(place))


def subgroups(place: PidNamespace) -> None:
    """Have groups below it."""
    (made_before(place) / "one/two").mkdir(parents=True)


def made_before(place: PidNamespace) -> Path:
    """Make the service's group, which is told by a first start."""
    assert place.keep().code == 0
    group = place.group()
    assert group is not None
    groups.kill(group)
    wait_for(lambda: not place.scene.left(), 10, "its end")
    wait_for(lambda: groups.remove(group), 5, "the group's end")
    group.mkdir()
    return group


WAYS = (no_ctypes, no_clone3, clone3_forbidden, killed_before, run_killed_before, frozen_before, subgroups)


@pytest.mark.parametrize("way", WAYS, ids=lambda each: each.__name__)
def test_a_group_that_is_to_be_had_by_another_way(island: PidNamespace, way: Callable[[PidNamespace], None]) -> None:
    """The service is in its group: a stop leaves nothing, also of what nothing else leads to."""
    way(island)
    island.scene.start = lost(island.scene)
    starts(island, HELD)
    stops(island)


# -- the end -----------------------------------------------------------------------------------------------------------


def test_without_cgroup_kill_all_are_frozen_and_killed_one_by_one(island: PidNamespace) -> None:
    """As on kernels before 5.14."""
    island.scene.start = lost(island.scene)
    starts(island, HELD)
    island.before = refusing("openat:error=ENOENT", "cgroup.kill")
    stops(island)


def test_a_run_killed_between_freezing_and_killing(island: PidNamespace) -> None:
    """They stay frozen, and the next run ends them all the same."""
    island.scene.start = lost(island.scene)
    starts(island, HELD)
    group = island.group()
    assert group is not None
    freezer = str(group / "cgroup.freeze")
    # opened and closed to thaw it, then to freeze it: by these names only
    names = ("cgroup.kill", "cgroup.freeze", freezer)
    before = (*refusing("openat:error=ENOENT:when=2", *names), "-e", "inject=close:signal=KILL:when=2")
    island.before = before
    ran = island.stop()
    assert ran.code != 0, ran
    wait_for(lambda: "frozen 1" in (group / "cgroup.events").read_text(), 5, "the frost")
    island.before = ()
    stops(island)


def test_members_of_another_pid_namespace_are_let_be(island: PidNamespace, spawn: Spawner) -> None:
    """They cannot be told from here: none is ended, the service is, and the next start has no group."""
    starts(island, HELD)
    group = island.group()
    assert group is not None
    stranger = spawn(["sleep", "600"])
    (group / "cgroup.procs").write_text(str(stranger.pid))
    assert island.stop().code == 0
    wait_for(lambda: not island.scene.members(), 5, "the service's end")
    assert alive(stranger.pid)
    island.scene.order("resume")
    ran = island.keep()
    assert (ran.code, NONE.format("processes of another pid namespace are in its control group") in ran.out) == (
        0,
        True,
    ), ran
    wait_for(lambda: island.scene.roles() == FAMILY, 10, "both")
    assert island.keep().code == 0
    assert (island.stop().code, island.scene.members(), alive(stranger.pid)) == (0, [], True)


@pytest.mark.parametrize("way", ["mode", "owner"])
def test_a_group_that_the_service_gave_away(island: PidNamespace, way: str) -> None:
    """Only root makes groups in the room, whomever it gives them to: the service is found there, and ends whole."""
    starts(island, HELD)
    group = island.group()
    assert group is not None
    if way == "mode":
        group.chmod(0o777)
    else:
        os.chown(group, NOBODY, NOBODY)
    stops(island)
    island.scene.order("resume")
    starts(island, HELD)
    stops(island)


def test_what_a_job_of_another_service_keeps_outlives_that(island: PidNamespace) -> None:
    """With --containment none as well: it is started where no service's group is."""
    ours = island.scene
    job, main = (" ".join(member(ours, "stubborn", role)) for role in ("job", "main"))
    keep = f"{command('ensure-running')} job --containment none --state-dir {ours.state} --start-seconds 0.1"
    ours.start = ["/bin/sh", "-c", f"{keep} -- {job}; exec {main}"]
    assert island.keep().code == 0
    wait_for(lambda: ours.roles() == {"main": 1, "job": 1}, 10, "both")
    pid = next(each.pid for each in ours.members() if each.role == "job")
    assert groups.of(pid) == island.room
    ran = island.stop()
    assert (ran.code, ours.roles()) == (0, {"job": 1}), ran
    os.kill(pid, signal.SIGKILL)
