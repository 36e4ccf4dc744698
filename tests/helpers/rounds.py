"""What is done to a kept service, and what must be true of it afterwards: one round each, with its seconds.

Each takes a service that does not run yet, and returns the seconds from the order to the proof. Raises AssertionError.
more: seconds that it may take beyond what is promised, where other tests run beside it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial

from helpers import groups
from helpers.commands import Ran, command
from helpers.processes import alive, wait_for
from helpers.scene import STOP_TIMEOUT, Member, Scene
from helpers.shapes import BY_NAME, SHAPES, STORM, Shape, member

GRACE = 2.0  # seconds past --stop-timeout in which nothing may be left
START = 1.0  # seconds that a new instance may take on top of that
CONTAINMENT: dict[str, tuple[str, ...]] = {"auto": (), "none": ("--containment", "none")}

_KILLED = ("supervisord", "nginx", "su", "runuser", "sudo", "env-setsid", "sh-env-setsid")
KILLED = [BY_NAME[name] for name in _KILLED]  # those whose instance carries something that outlives it
BESIDE = [shape for shape in KILLED if shape.name != "nginx"]  # without a port that the next one would want


def unable(shape: Shape, mode: str, *, dead: bool = False) -> str:
    """Return why a round cannot be played here. dead: the instance alone will be killed."""
    if shape.root and os.geteuid():
        return "root: becomes another user, or makes control groups"
    if mode == "auto" and not groups.possible():
        return "root: no control group can be made here"
    if mode == "none" and (shape.contained or (dead and shape.traceless)):
        return "nothing but a control group leads to all of it"
    return ""


def stop(shape: Shape, kept: Scene, more: float = 0.0) -> float:
    """Stop it: nothing lives when the verdict is given, in time."""
    shape.up(kept)
    ran = kept.order("stop")
    assert (ran.code, kept.left()) == (0, []), ran
    return _in_time(ran, more)


def restart(shape: Shape, kept: Scene, more: float = 0.0) -> float:
    """Restart it: of the old one nothing lives, and of the new one each program once."""
    shape.up(kept)
    old = set(kept.members())
    ran = kept.order("restart")
    left = old & set(kept.members())
    assert (ran.code, left) == (0, set()), ran
    shape.wait_up(kept)
    return _in_time(ran, START + more)


def _in_time(ran: Ran, more: float) -> float:
    assert ran.fair <= STOP_TIMEOUT + GRACE + more, f"{ran.seconds:.1f} s, {ran.fair:.1f} on a fair clock: {ran}"
    return ran.seconds


def killed(shape: Shape, kept: Scene) -> float:
    """Kill the instance alone: the next run ends what it left behind, and then there is each program once."""
    shape.up(kept)
    old = set(kept.members())
    kept.kill()
    ran = kept.keep()
    left = old & set(kept.members())
    assert (ran.code, left) == (0, set()), ran
    shape.wait_up(kept)
    pid = kept.pid()
    again = kept.keep()
    assert (again.code, kept.pid(), f"(pid {pid}" in again.out) == (0, pid, True), again
    return ran.seconds


def beside(shape: Shape, kept: Scene) -> float:
    """Kill it under `--kill-mode process`: what it carried is named, pid by pid, and lives; a new one is beside it."""
    kept.options += ("--kill-mode", "process")
    shape.up(kept)
    first = kept.pid()
    rest = [each.pid for each in kept.members() if each.pid != first]
    kept.kill()
    ran = kept.keep()
    unnamed = [pid for pid in rest if str(pid) not in ran.out]
    dead = [pid for pid in rest if not alive(pid)]
    assert (ran.code, unnamed, dead) == (0, [], []), ran
    assert alive(kept.pid()), ran
    wait_for(lambda: kept.roles()[shape.instance] >= 1, 10, "the new one")
    return ran.seconds


# -- orders that a service gives about itself ------------------------------------------------------------------------

_AGENT = """echo $$ >>{room}/pids
if [ ! -e {room}/done ]; then
  while [ ! -e {room}/go ]; do sleep 0.05; done
  : >{room}/done
  {order}
fi
exec {member}"""
_DIRECT = "{bin} {verb} {name} --state-dir {room}/state >{room}/said 2>&1"
WAYS = {"direct": _DIRECT, "child shell": f"sh -c '{_DIRECT}; :'", "own session": f"setsid -w {_DIRECT}"}


def itself(verb: str, way: str, kept: Scene) -> float:
    """Let an agent order its own restart, or its own stop: that is done, and the verdict is said."""
    words = {"bin": command("watchdog-tools"), "verb": verb, "name": kept.name, "room": str(kept.room)}
    words |= {"order": WAYS[way].format(**words), "member": " ".join(member(kept, "obeys"))}
    kept.start = [kept.script("agent", _AGENT.format(**words))]
    assert kept.keep().code == 0
    old = set(kept.members())
    begun = time.monotonic()
    (kept.room / "go").touch()
    line = wait_for(lambda: kept.text("said"), 20, "the verdict")
    assert line.startswith(f"{verb.upper()} OK - "), line
    left, seconds = [] if verb == "restart" else kept.left(), time.monotonic() - begun
    assert not left, f"{left}: {line}"
    if verb == "restart":
        _is_new(kept, old)
    else:
        assert "paused" in (ran := kept.keep()).out, ran
    return seconds


def _is_new(kept: Scene, old: set[Member]) -> None:
    """Assert that there is a second instance, and nothing of the first."""
    wait_for(lambda: len(kept.text("pids").split()) == 2, 10, "the new one")
    wait_for(lambda: not old & set(kept.members()), 5, "the end of the old one")
    first, second = map(int, kept.text("pids").split())
    assert (alive(first), alive(second), kept.pid()) == (False, True, second)


def rounds() -> dict[str, tuple[Shape, bool, Callable[[Scene], float]]]:
    """Return all rounds by name: the shape, whether the instance alone is killed, and what is done."""
    found: dict[str, tuple[Shape, bool, Callable[[Scene], float]]] = {}
    for shape in (*SHAPES, STORM):
        found[f"stop {shape.name}"] = shape, False, partial(stop, shape)
        found[f"restart {shape.name}"] = shape, False, partial(restart, shape)
    for shape in KILLED:
        found[f"kill {shape.name}"] = shape, True, partial(killed, shape)
    for shape in BESIDE:
        found[f"kill {shape.name} (process)"] = shape, True, partial(beside, shape)
    return found
