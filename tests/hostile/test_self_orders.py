"""A service that orders its own restart or stop, or starts what keeps it, with programs between the two (181).

Each of these passes a signal on, or dies of the instance's end: the order is carried out all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import groups
from helpers.commands import command
from helpers.components import need
from helpers.processes import alive, wait_for
from helpers.rounds import CONTAINMENT
from helpers.scene import Scene, scene
from helpers.shapes import member

pytestmark = pytest.mark.usefixtures("starts_services")
# what stands before an order; those in the second list end the run's own first process, and its verdict with it
LAYERS = {
    "timeout": "timeout 60 {order}",
    "sudo": "sudo {order}",
    "su": "su -c 'exec {order}'",
    "setpriv": "setpriv --pdeathsig TERM {order}",
    "an agent that ends its child": "trap 'kill $C; exit' TERM; {order} & C=$!; wait",
    "an agent that ends its timeout": "trap 'kill $C; exit' TERM; timeout 60 {order} & C=$!; wait",
    "a terminal": "script -qec 'exec {order}' /dev/null >/dev/null",
}
DEADLY = {
    "setpriv, deadly": "setpriv --pdeathsig KILL {order}",
    "an agent that kills its child": "trap 'kill -9 $C; exit' TERM; {order} & C=$!; wait",
}
AGENT = """echo $$ >>{room}/pids
if [ ! -e {room}/done ]; then
  while [ ! -e {room}/go ]; do sleep 0.05; done
  : >{room}/done
  {ordered}
fi
exec {member}"""
# one whose job outlives it, and runs what keeps it
CRON = """echo $$ >>{room}/pids
[ -e {room}/done ] || sh -c 'while [ ! -e {room}/go ]; do sleep 0.05; done; : >{room}/done; {ordered}; :' &
exec {member}"""


@pytest.fixture(params=CONTAINMENT)
def kept(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """Return a service to keep."""
    if request.param == "auto" and not groups.possible():
        request.node.add_marker(pytest.mark.root(reason="makes a control group"))
        pytest.skip("no control group can be made here")
    with scene(CONTAINMENT[request.param]) as made:
        yield made


def up(kept: Scene, program: str, layer: str, order: str) -> int:
    """Start a service that gives an order through a layer once it is told to. Return its pid."""
    said = f"{order} >{kept.room}/said 2>&1"
    words = {"room": kept.room, "ordered": layer.format(order=said), "member": " ".join(member(kept, "obeys"))}
    kept.start = [kept.script("agent", program.format(**words))]
    ran = kept.keep()
    assert ran.code == 0, ran
    return kept.pid()


def verb(kept: Scene, word: str) -> str:
    """Return the command line of an operator's order."""
    return f"{command('watchdog-tools')} {word} {kept.name} --state-dir {kept.state}"


def one_new(kept: Scene, first: int) -> None:
    """Assert that there is a second instance, and nothing else: neither of the first, nor what stood between."""
    wait_for(lambda: len(kept.text("pids").split()) > 1, 20, "a new one")
    wait_for(lambda: kept.pid() != first and [each.pid for each in kept.members()] == [kept.pid()], 30, "it alone")
    assert kept.text("pids").split() == [str(first), str(kept.pid())]
    again = kept.keep()
    assert (again.code, f"(pid {kept.pid()}" in again.out) == (0, True), again


def layer(name: str) -> str:
    """Return it, where its program is installed."""
    found = (LAYERS | DEADLY)[name]
    if found.split()[0] in ("sudo", "su", "setpriv", "script", "timeout"):
        need(found.split()[0])
    return found


as_root = [pytest.mark.root(reason="becomes root once more")]
every_layer = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=as_root if name in ("su", "sudo") else []) for name in LAYERS]
)


@every_layer
def test_181_a_restart_of_itself_through_a_layer(kept: Scene, name: str) -> None:
    """There is one new instance, nothing of the old one or of the layer, and the verdict is said."""
    first = up(kept, AGENT, layer(name), verb(kept, "restart"))
    (kept.room / "go").touch()
    one_new(kept, first)
    line = wait_for(lambda: kept.text("said"), 10, "the verdict")
    assert line.startswith("RESTART OK - restarted "), line


@every_layer
def test_181_a_stop_of_itself_through_a_layer(kept: Scene, name: str) -> None:
    """It is paused and gone, with the layer, and the verdict is said."""
    up(kept, AGENT, layer(name), verb(kept, "stop"))
    (kept.room / "go").touch()
    line = wait_for(lambda: kept.text("said"), 20, "the verdict")
    assert line.startswith("STOP OK - "), line
    wait_for(lambda: not kept.left(), 5, "the end of all of it")
    again = kept.keep()
    assert ("paused" in again.out, kept.left()) == (True, []), again


@pytest.mark.parametrize("name", DEADLY)
def test_181_a_restart_whose_first_process_is_killed(kept: Scene, name: str) -> None:
    """Nobody is left to say the verdict, but the start is made: it is part of the step."""
    first = up(kept, AGENT, layer(name), verb(kept, "restart"))
    (kept.room / "go").touch()
    one_new(kept, first)


def test_181_the_grace_is_not_for_what_stands_between(kept: Scene) -> None:
    """What waits for the order is killed at the end: no second of --stop-timeout is spent on it."""
    kept.options += ("--stop-timeout", "60s")
    first = up(kept, AGENT, layer("timeout"), verb(kept, "restart"))
    (kept.room / "go").touch()
    one_new(kept, first)


def test_181_a_restart_of_itself_under_kill_mode_process(kept: Scene) -> None:
    """The instance is replaced alone, and the layer lives to pass the verdict on."""
    kept.options += ("--kill-mode", "process")
    first = up(kept, AGENT, layer("an agent that ends its timeout"), verb(kept, "restart"))
    (kept.room / "go").touch()
    one_new(kept, first)
    assert kept.text("said").startswith("RESTART OK - restarted "), kept.text("said")


def test_181_the_new_instance_obeys_signals(kept: Scene) -> None:
    """What the run ignores while it acts on its own instance is not inherited by what it starts, nor by its hooks."""
    order = f"sed -n s/^SigIgn:.//p /proc/self/status >{kept.room}/hook"
    kept.options += ("--before-stop", kept.script("hook", order))
    first = up(kept, AGENT, layer("timeout"), verb(kept, "restart"))
    (kept.room / "go").touch()
    one_new(kept, first)
    lines = Path(f"/proc/{kept.pid()}/status").read_text().splitlines()
    (mask,) = (line.split()[1] for line in lines if line.startswith("SigIgn:"))
    assert [int(each, 16) & 0x4003 for each in (mask, kept.text("hook"))] == [0, 0]


@pytest.mark.parametrize("watch", [(), ("--watch", "1s", "--every", "1s")], ids=["once", "watching"])
def test_181_a_job_of_a_killed_one_keeps_it(kept: Scene, watch: tuple[str, ...]) -> None:
    """Its own shell and timeout are what the dead one left behind: they end last, and the run goes on."""
    words = [command("ensure-running"), *kept.words(), *watch, "--", kept.room / "agent"]
    first = up(kept, CRON, layer("timeout"), " ".join(map(str, words)))
    kept.kill()
    (kept.room / "go").touch()
    one_new(kept, first)
    assert not alive(first)
    line = wait_for(lambda: kept.text("said"), 30, "the verdict")
    assert " OK - " in line, line
