"""Gone means all of it: what a stop, a restart or a start after a death leaves of a service is nothing (181-183)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from helpers import groups, rounds
from helpers.components import lacking
from helpers.instances import UNTIL_IT_ENDS
from helpers.processes import alive
from helpers.rounds import CONTAINMENT
from helpers.scene import Scene, scene
from helpers.shapes import BY_NAME, SHAPES, Shape, member

Need = Callable[..., Shape]
pytestmark = pytest.mark.usefixtures("starts_services")
STOPPED = [BY_NAME[name] for name in ("supervisord", "nginx", "su", "sh-env-setsid", "thread", "frozen")]
BESIDE_OTHERS = {"chains": 10.0}  # seconds more, as it takes a processor for itself; scripts/soak --gone is strict


@pytest.fixture(params=CONTAINMENT)
def mode(request: pytest.FixtureRequest) -> str:
    """Return with which --containment."""
    return str(request.param)


@pytest.fixture
def kept(mode: str) -> Iterator[Scene]:
    """Return a service to keep."""
    with scene(CONTAINMENT[mode]) as made:
        yield made


@pytest.fixture
def need(request: pytest.FixtureRequest, mode: str) -> Callable[..., Shape]:
    """Return what goes on only where a service of a shape can be. dead: its instance alone will be killed."""

    def needed(shape: Shape, *, dead: bool = False) -> Shape:
        if why := rounds.unable(shape, mode, dead=dead):
            request.node.add_marker(pytest.mark.root(reason=why))
            pytest.skip(why)
        shape.need()
        return shape

    return needed


class TestOrders:
    """What an operator orders is done to all of it. Every restart begins with a stop; scripts/soak --gone stops all."""

    @pytest.mark.parametrize("shape", STOPPED, ids=lambda shape: shape.name)
    def test_181_to_183_a_stop_leaves_nothing(self, kept: Scene, need: Need, shape: Shape) -> None:
        """Nothing of it lives when the verdict is given, in time."""
        rounds.stop(need(shape), kept, BESIDE_OTHERS.get(shape.name, 0))

    @pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
    def test_181_to_183_a_restart_leaves_nothing_of_the_old_one(self, kept: Scene, need: Need, shape: Shape) -> None:
        """Of the old one nothing lives, and of the new one each program once."""
        rounds.restart(need(shape), kept, BESIDE_OTHERS.get(shape.name, 0))


class TestKilled:
    """The instance alone is killed: a wrapper, a master, a supervisor."""

    @pytest.mark.parametrize("shape", rounds.KILLED, ids=lambda shape: shape.name)
    def test_181_to_183_each_program_once_after_the_next_run(self, kept: Scene, need: Need, shape: Shape) -> None:
        """What it left behind is ended first."""
        rounds.killed(need(shape, dead=True), kept)

    @pytest.mark.parametrize("shape", rounds.BESIDE, ids=lambda shape: shape.name)
    def test_182_kill_mode_process_names_it_and_starts_beside(self, kept: Scene, need: Need, shape: Shape) -> None:
        """What the killed one carried lives on: each of its pids is in the line, and the new one is beside."""
        rounds.beside(need(shape, dead=True), kept)

    def test_182_a_stop_after_a_death_ends_what_was_left(self, kept: Scene, need: Need) -> None:
        """`watchdog-tools stop supervisord` behind a dead supervisord leaves no program."""
        need(BY_NAME["supervisord"]).up(kept)
        kept.kill()
        assert kept.roles()["a"] == 1
        ran = kept.order("stop")
        assert (ran.code, kept.left()) == (0, []), ran

    @pytest.mark.root(reason="makes a control group")
    def test_184_one_that_became_a_daemon_in_a_cleared_environment(self) -> None:
        """Its parent exited with 0: it is named, neither ended nor started beside, whoever it says that it is."""
        if not groups.possible():
            lacking("there is no cgroup2 that can be written")
        with scene() as kept:
            kept.start = member(kept, "daemon")
            kept.run(*UNTIL_IT_ENDS, command=kept.start)
            daemon = kept.pid_in("pid")
            for _ in range(2):
                ran = kept.keep()
                assert (ran.code, f"pid {daemon}" in ran.out, alive(daemon)) == (2, True, True), ran
                assert len(kept.members()) == 1, ran


@pytest.mark.parametrize("way", rounds.WAYS)
@pytest.mark.parametrize("verb", ["restart", "stop"])
def test_181_an_agent_that_orders_itself(kept: Scene, verb: str, way: str) -> None:
    """It is restarted, or paused and gone, and the verdict is said where the order's output goes."""
    rounds.itself(verb, way, kept)
