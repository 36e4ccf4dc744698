"""Strike ensure-running at one system call after another, and see that exactly one instance comes of it.

    cd tests; python -m helpers.kill_points [--role ROLE --fault FAULT] [--scene SCENE] [--every N | --most N]

In the manner of SQLite's fault loops: one run is traced, and for each of its calls another run, with
everything fresh, meets the fault at that call (its name and its ordinal: `when=` counts each name by
itself). Then a clean run, then one with all state deleted. One JSON line a point.

Scenes (helpers/kill_setups.py): `first`, the first start of a service; `sick`, where an instance lives that fails
its check, so that the run stops it and starts another one; `left`, where an instance was killed and left behind what
ignores TERM, so that the run ends it with its control group; `frozen`, where somebody has frozen that.

Roles, each the traced first process: `guard` (the installed command), `actor` (helpers/action_worker.py), and
its `child` between fork and exec, twice: with the child going on before its parent, and after it.
strace counts for each process by itself, so that with `-f` the n-th call of a name would strike the
parent first: the child is stopped where it is born and traced from there, until it executes.

Everything runs in a pid namespace of its own: there /proc is short, the same for each point, and the
end of its first process is the end of all.
"""

# ruff: noqa: T201 -- it talks to a person, or to the process that started it

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from helpers import groups
from helpers.commands import BIN
from helpers.kill_setups import CONTAINED, SECONDS, SETUPS, Setup, others, state
from helpers.processes import look, wait_for

ROLES = ("guard", "actor", "child-before", "child-after")
ERRORS = ("ENOSPC", "EIO", "EROFS")
FAULTS = ("KILL", "STOP", *ERRORS)
NAMES = {
    "fork": "clone", "vfork": "clone", "renameat": "rename", "renameat2": "rename", "mkdirat": "mkdir",
    "fsetxattr": "setxattr", "rmdir": "unlinkat",
}  # fmt: skip
DECISIVE = (
    *("clone", "clone3", "flock", "rename", "write", "execve", "pidfd_open", "pidfd_send_signal", "kill"),
    *("mkdir", "setxattr", "unlinkat"),
)
# Where a full, failing or read-only disk, or a limit of the machine, shows.
FALLIBLE = {
    *("open", "openat", "read", "pread64", "write", "pwrite64", "close", "mkdir", "mkdirat", "ftruncate"),
    *("rename", "unlink", "unlinkat", "newfstatat", "fstat", "stat", "flock", "clone", "pipe2", "chdir"),
    *("dup2", "dup3", "execve", "pidfd_open", "getdents64", "lseek", "clone3", "setxattr", "getxattr", "fgetxattr"),
}
OWN_END = ("close", "write")  # how action_worker.py itself ends, after its work


@dataclass(frozen=True)
class Point:
    """One system call of a traced run: its name, its ordinal among those of its name, its place among all."""

    call: str
    ordinal: int
    place: int

    @property
    def kind(self) -> str:
        """The name that it has on every machine."""
        return NAMES.get(self.call, self.call)


@dataclass
class Struck:
    """What one point did: `missed` if the call did not come, `problem` empty if all promises held."""

    scene: str
    role: str
    fault: str
    call: str
    ordinal: int
    place: int
    missed: bool = False
    problem: str = ""
    said: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The call's name on every machine."""
        return NAMES.get(self.call, self.call)


class Traced:
    """A run under strace. `pid`: the traced process; `first`: the process that we started."""

    def __init__(self, role: str, room: Setup, options: list[str]) -> None:
        """Start it; when this returns it runs, or has ended already."""
        self.room = room
        # a child is seized while it stands still, which strace's log has as a stop too
        self.own_stops = int(role.startswith("child"))
        self.strace = ["strace", "-qq", "-o", str(room.log), *options]
        python = [sys.executable, str(Path(__file__).with_name("action_worker.py"))]
        if role.startswith("child"):
            self._stopped_child(python, before=role == "child-before")
            return
        command = [str(BIN / "ensure-running")] if role == "guard" else [*python, "either"]
        self.first = self._started([*self.strace, *command, *room.words()])
        self.tracer = self.first

    def _started(self, words: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def _stopped_child(self, python: list[str], *, before: bool) -> None:
        first = "child" if before else "parent"
        self.first = self._started([*python, first, *self.room.words()])
        assert self.first.stdout is not None
        child = int(self.first.stdout.readline().split()[1])
        wait_for(lambda: state(child) == "T", SECONDS, "the stopped child")
        if before:
            wait_for(lambda: state(self.first.pid) == "T", SECONDS, "the stopped parent")
        self.tracer = self._started([*self.strace, "-b", "execve", "-p", str(child)])
        own = "stopped by SIGSTOP"
        wait_for(lambda: self.room.log.exists() and own in self.room.log.read_text(), SECONDS, "strace's grip")
        os.kill(child, signal.SIGCONT)
        if before:
            done = "the child's last step but one"
            wait_for(lambda: state(child) in "ZX" or _waits(child) or self.met("STOP"), SECONDS, done)
            os.kill(self.first.pid, signal.SIGCONT)

    def stopped(self) -> bool:
        """Wait until the process was stopped by the fault; False if it ended without."""
        wait_for(lambda: self.met("STOP") or self.tracer.poll() is not None, SECONDS, "the stop")
        return self.met("STOP")

    def met(self, fault: str) -> bool:
        """Tell whether the fault has struck, by strace's log."""
        text = self.room.log.read_text() if self.room.log.exists() else ""
        if fault == "STOP":
            return text.count("stopped by SIGSTOP") > self.own_stops
        return ("+++ killed by SIGKILL +++" if fault == "KILL" else "(INJECTED)") in text

    def resume(self) -> None:
        """Let everybody go on."""
        for pid in others():
            os.kill(pid, signal.SIGCONT)

    def end(self) -> tuple[int, str]:
        """Wait for its end; return its code and all that it said."""
        for process in {self.first, self.tracer}:
            wait_for(lambda process=process: process.poll() is not None, SECONDS, "its end")  # type: ignore[misc]
        out, err = self.first.communicate(timeout=SECONDS)
        if self.tracer is not self.first:
            self.tracer.communicate(timeout=SECONDS)
        assert not err, f"stderr: {err!r}"
        return self.first.returncode, out.decode()


def points(scene: str, role: str) -> list[Point]:
    """Return the calls of one undisturbed run, from the first touch of the state directory on.

    The guard itself touches nothing: its calls count from its first pipe, that of the signals. How often a look for
    those that are to go is taken is a matter of time: only what came in each of three such runs counts.
    """
    found, *more = [_points(scene, role) for _ in range(1 if scene == "first" else 3)]
    often = [Counter(point.call for point in each) for each in more]
    begun = Counter[str]()
    steady = []
    for point in found:
        begun[point.call] += 1
        if all(begun[point.call] <= each[point.call] for each in often):
            steady.append(point)
    return steady


def _points(scene: str, role: str) -> list[Point]:
    room = SETUPS[scene]()
    try:
        code, said = Traced(role, room, []).end()
        assert code == 0, f"the undisturbed {role}: exit {code}, {said!r}"
        quiet(room)
        assert room.one()
        lines = room.log.read_text().splitlines()
    finally:
        room.close()
    begin = next(index for index, line in enumerate(lines) if index and _begins(role, line, str(room.state)))
    seen: dict[str, int] = {}
    found = []
    for place, line in enumerate(lines):
        match = re.match(r"(\w+)\(", line)
        if match:
            seen[match[1]] = seen.get(match[1], 0) + 1
            if place >= begin and match[1] != "exit_group":
                found.append(Point(match[1], seen[match[1]], place))
    return found[: -len(OWN_END)] if role == "actor" else found


def _begins(role: str, line: str, state: str) -> bool:
    """Whether the calls that count begin here: the way to the state directory leads level by level."""
    if role == "guard":
        return line.startswith("pipe2(")
    return role != "actor" or state in line or f'"{Path(state).parent.name}"' in line


def strike(scene: str, role: str, fault: str, point: Point) -> Struck:
    """Strike at one point, then run twice more. Never raises for a broken promise: it returns it."""
    struck = Struck(scene, role, fault, point.call, point.ordinal, point.place)
    what = f"error={fault}" if fault in ERRORS else f"signal={fault}"
    options = ["-e", f"trace={point.call}", "-e", f"inject={point.call}:{what}:when={point.ordinal}"]
    room = SETUPS[scene]()
    try:
        traced = Traced(role, room, options)
        if fault == "STOP" and traced.stopped():
            _beside(room, struck)
            traced.resume()
        code, said = traced.end()
        struck.missed = not traced.met(fault)
        struck.said.append(f"{code} {said.strip()}")
        if fault in ERRORS and not struck.missed:
            _error_promises(struck, code, said)
        _aftermath(room, struck)
    except AssertionError as broken:
        struck.problem = str(broken)
    except (OSError, subprocess.SubprocessError) as broken:
        struck.problem = f"{type(broken).__name__}: {broken}"
    finally:
        room.close()
    return struck


def _beside(room: Setup, struck: Struck) -> None:
    """Hold what runs beside a stopped one to its promise: it says so with 1 or 2, or it works; never two."""
    code, line = room.run("0.1s")
    struck.said.append(f"beside: {code} {line}")
    lives = room.lives()
    assert code in (0, 1, 2), f"beside a stopped run: {code} {line}"
    assert len(lives) <= 1, f"two: {lives}"
    assert code or lives, f"it says 0, with no instance: {line}"
    # the parent of what a stopped actor has let go is that actor; a stopped guard's actor goes on, and ends
    own = [seen for seen in lives if seen.parent == 1 and seen.pid not in room.before]
    assert not code or not own or struck.role == "guard", f"it says {code} but started {own}: {line}"


def _error_promises(struck: Struck, code: int, said: str) -> None:
    if struck.role == "guard" and struck.call == "write":  # its only one: the line is lost, the code is not
        assert (code, said) == (0, ""), f"exit {code}: {said!r}"
        return
    assert said.count("\n") == 1, f"not one line: {said!r}"
    if struck.role == "guard":
        # 3: no look could be taken, or the interpreter could not load a module of its own, or of ours
        blind = any(
            words in said for words in ("cannot fork a look", "cannot be loaded", "internal error: ", "installation")
        )
        assert code in (0, 2) or (code == 3 and blind), f"exit {code}: {said}"
    else:
        # or: the look itself failed, and it says so
        blind = (": cannot read /proc", ": cannot fork a look")
        honest = said.startswith(("OK ", "CRITICAL ")) or (said.startswith("UNKNOWN ") and any(map(said.count, blind)))
        assert honest, said


def _aftermath(room: Setup, struck: Struck) -> None:
    code, line = room.run()
    struck.said.append(f"clean: {code} {line}")
    quiet(room)
    assert code == 0, f"the clean run: {code} {line}"
    pid = room.one()
    assert not room.empty_groups(), f"left: {room.empty_groups()}"
    if struck.fault in ERRORS and not room.is_found(pid):  # no group was to be had, and it has no other mark
        return
    code, line = room.forgotten()
    struck.said.append(f"without state: {code} {line}")
    assert code == 0, f"without state: {code} {line}"
    quiet(room)
    assert room.one() == pid, "another one"


def quiet(room: Setup) -> None:
    """Wait until nobody but instances is left: a run whose guard was killed finishes its step first."""

    def busy() -> list[int]:
        instances = {seen.pid for seen in room.lives()}
        return [pid for pid in others() if pid not in instances]

    wait_for(lambda: not busy(), SECONDS, f"the end of all but instances: {[look(pid) for pid in busy()]}")


def _waits(pid: int) -> bool:
    """Tell whether a child sleeps at its go pipe."""
    with contextlib.suppress(OSError):
        return state(pid) == "S" and "pipe_read" in Path(f"/proc/{pid}/wchan").read_text()
    return False


def decisive(found: list[Point]) -> list[Point]:
    """Return the decisive calls with their neighbours, and the first, middle and last call of each name."""
    places: set[int] = set()
    for index, point in enumerate(found):
        if point.kind in DECISIVE:
            places |= {index - 1, index, index + 1}
    names: dict[str, list[int]] = {}
    for index, point in enumerate(found):
        names.setdefault(point.call, []).append(index)
    for indices in names.values():
        places |= {indices[0], indices[len(indices) // 2], indices[-1]}
    return [point for index, point in enumerate(found) if index in places]


def thinned(found: list[Point], most: int) -> list[Point]:
    """Return at most `most` points: of each decisive kind as many as of the others, or all; the rest evenly."""
    if len(found) <= most:
        return found
    kinds: dict[str, list[Point]] = {}
    for point in found:
        if point.kind in DECISIVE:
            kinds.setdefault(point.kind, []).append(point)
    room, first = most, []
    for index, each in enumerate(sorted(kinds.values(), key=len)):
        share = min(len(each), room // (len(kinds) - index))
        first += [each[place * len(each) // share] for place in range(share)]
        room -= share
    rest = [point for point in found if point not in first]
    left = most - len(first)
    return sorted({*first, *(rest[index * len(rest) // left] for index in range(left))}, key=lambda each: each.place)


def possible(role: str, fault: str, found: list[Point]) -> list[Point]:
    """Leave out the calls that cannot fail this way; a child stopped as it executes is an instance that is stopped."""
    if fault == "STOP" and role.startswith("child"):
        return [point for point in found if point.call != "execve"]
    return [point for point in found if fault not in ERRORS or {point.kind, point.call} & FALLIBLE]


def strikes(role: str, fault: str, *words: str) -> Iterator[Struck]:
    """Strike in a namespace of its own; yield what each point did. `words`: more of main's options."""
    # a shell is the first process there: it reaps orphans. Not for users: in their own namespace nothing is root's
    inside = ["unshare", "-pf", "--mount-proc", "--kill-child"]
    itself = [sys.executable, "-m", "helpers.kill_points", "--role", role, "--fault", fault, *words]
    process = subprocess.Popen(
        [*inside, "sh", "-c", '"$@"; exit', "sh", *itself],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        for line in process.stdout:
            yield Struck(**json.loads(line))
        assert process.wait(SECONDS) == 0, f"the loop itself failed: exit {process.returncode}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def table(struck: Iterable[Struck]) -> str:
    """Return at which calls the points struck, with counts, in one line."""
    counts = Counter(each.kind for each in struck if not each.missed)
    return ", ".join(f"{kind} {count}" for kind, count in counts.most_common())


def sweep(every: int, scene: str | None = None) -> int:
    """Strike at all points for each role and fault, a worker for each core; print what it came to."""
    failures = 0
    scenes = [scene] if scene else [each for each in SETUPS if groups.possible() or each not in CONTAINED]
    kinds = [(scene, role, fault) for scene in scenes for role in ROLES for fault in FAULTS]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = pool.map(lambda kind: list(strikes(*kind[1:], "--scene", kind[0], "--every", str(every))), kinds)
        for (place, role, fault), struck in zip(kinds, runs, strict=True):
            broken = [each for each in struck if each.problem]
            missed = sum(each.missed for each in struck)
            print(f"{place} {role} {fault}: {len(struck) - missed} points, {len(broken)} failures, {missed} not met")
            print(f"  {table(struck)}", flush=True)
            for each in broken:
                print(f"  FAILED at {each.call} {each.ordinal}: {each.problem} {each.said}", flush=True)
            failures += len(broken)
    print(f"{failures} failures" if failures else "exactly one instance at every point")
    return 1 if failures else 0


def main() -> int:
    """Strike at the chosen points one after another; without a role at all of them, for people to read."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--role", choices=ROLES)
    parser.add_argument("--fault", choices=FAULTS)
    parser.add_argument("--scene", choices=SETUPS, help="without it and a role all of them")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--most", type=int, default=0, help="only the decisive points, at most so many")
    parser.add_argument("--part", default="0/1", metavar="I/N")
    given = parser.parse_args()
    if given.role is None or given.fault is None:
        return sweep(given.every, given.scene)
    scene = given.scene or "first"
    found = possible(given.role, given.fault, points(scene, given.role))
    if given.most:
        found = thinned(decisive(found), given.most)
    share, parts = map(int, given.part.split("/"))
    for point in found[share :: parts * given.every]:
        print(json.dumps(vars(strike(scene, given.role, given.fault, point))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
