"""Hostile case 185: a process in the middle of an exec shows nothing for a moment; so does a dead main thread."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import fair_clock
from helpers.commands import command, oracle, run
from helpers.components import need, plain_user
from helpers.instances import Kept
from helpers.processes import Spawner, look, wait_for

from watchdog_tools.checks.port.owners import Holder
from watchdog_tools.checks.process import scan as probe
from watchdog_tools.checks.process.filter import ProcessQuery
from watchdog_tools.system import identity, marks, proc
from watchdog_tools.system.process import Process

WHO = ["user", pytest.param("root", marks=pytest.mark.root(reason="root's own sight"))]
# It executes itself, from its main thread or from another one, whose place that takes.
LOOP = """
#include <pthread.h>
#include <unistd.h>
extern char **environ;
static void *again(void *words) { execve("/proc/self/exe", words, environ); return 0; }
int main(int count, char **words) {
  (void)count;
#ifdef THREAD
  pthread_t thread;
  pthread_create(&thread, 0, again, words);
  pause();
#endif
  again(words);
  return 1;
}
"""
READS = 3000
HEADLESS = (
    "import ctypes, os, socket, sys, threading, time\n"
    "threading.Thread(target=time.sleep, args=(60,)).start()\n"
    "server = socket.create_server(('127.0.0.1', 0))\n"
    "print(server.getsockname()[1], flush=True)\n"
    "ctypes.CDLL(None).pthread_exit(None)\n"
)


@pytest.fixture(params=["main thread", "another thread"])
def executes(request: pytest.FixtureRequest, public_path: Path, spawn: Spawner) -> Iterator[int]:
    """Return the pid of one that carries a mark, is called `agent`, and executes itself all the time."""
    (source := public_path / "agent.c").write_text(LOOP)
    path, how = public_path / "agent", ["-DTHREAD"] if request.param == "another thread" else []
    subprocess.run([need("gcc"), "-O1", *how, "-pthread", "-o", path, source], check=True, timeout=60)
    child = spawn([path, "--id", "42"], env={"PATH": "/bin", "WATCHDOG_TOOLS_INSTANCE": "1:2:0:svc:/nowhere"})
    wait_for(lambda: "agent" in str(look(child.pid)), what="exec")
    yield child.pid
    assert child.poll() is None, "it executes itself no longer"


def test_185_a_mark_is_not_overlooked(executes: int) -> None:
    """Whoever looks for a mark finds it at each look."""
    found = [marks.environ(executes) for _ in range(10 * READS)]
    assert found.count(b"") == 0


def test_185_a_session_is_not_overlooked(executes: int) -> None:
    """What an instance left is known by its session, also while it executes."""
    assert {proc.session(executes) for _ in range(10 * READS)} == {os.getsid(executes)}


@pytest.mark.parametrize("asked", ["name", "args", "exe", "user"])
def test_185_a_name_is_not_overlooked(asked: str, executes: int, public_path: Path) -> None:
    """By its name, arguments, executable, user: one process that runs, with its arguments, at each look."""
    wanted = ProcessQuery()
    if asked == "name":
        wanted.name, wanted.name_bytes = "agent", b"agent"
    elif asked == "args":
        wanted.args = b"--id 42"
    elif asked == "exe":
        wanted.exe = (str((public_path / "agent").resolve()),)
    else:
        wanted.uid = os.geteuid()
    found = [probe.candidates(wanted, [executes]) for _ in range(READS)]
    assert [len(each) for each in found].count(0) == 0
    assert sum(each[0][0].argv[-2:] == ["--id", "42"] for each in found) == READS
    assert all(each[0][0].stat.running for each in found)


def test_185_who_holds_a_socket_has_its_name(executes: int) -> None:
    """And its executable."""
    held = [Holder(executes) for _ in range(READS)]
    assert sum(each.is_named("agent") and bool(each.exe) for each in held) == READS


def test_185_it_is_alive_all_the_time(executes: int) -> None:
    """A thread that takes its main thread's place for an exec leaves no moment in which the process is dead."""
    me = identity.of(executes)
    assert me
    assert all(identity.alive(me) for _ in range(10 * READS))


def test_185_nothing_is_waited_for_where_there_is_nothing(spawn: Spawner) -> None:
    """An empty environment, a kernel thread, a zombie: a hundred of each are read within the time of one wait."""
    child = spawn(["env", "-i", "sleep", "600"])
    wait_for(lambda: (seen := look(child.pid)) and seen.argv[0] == "sleep", what="exec")
    dead = spawn(["true"])
    wait_for(lambda: (seen := look(dead.pid)) and seen.state == "Z", what="a zombie")
    kernel = [pid for pid in proc.pids() if (found := proc.stat(pid)) and found.kernel][:1]
    begun = fair_clock.now()
    for _ in range(100):
        assert not any(marks.environ(pid) for pid in (child.pid, dead.pid, *kernel))
        assert not any(Process(pid, b"").line for pid in (dead.pid, *kernel))
    assert fair_clock.now() - begun < 0.25


@pytest.mark.parametrize("who", WHO)
def test_one_whose_main_thread_has_ended_is_adopted(
    who: str, public_path: Path, starts_services: str, request: pytest.FixtureRequest
) -> None:
    """Its state is gone, its mark is found in another thread: also by an ordinary user."""
    del starts_services
    options = plain_user(command("ensure-running"), public_path) | {"cwd": "/"} if who == "user" else {}
    kept = Kept(public_path, mine=public_path.stat().st_uid)
    (program := public_path / "threads.py").write_text(HEADLESS)
    words = [need_python(), str(program)]
    ran = kept.run("--allow-unsafe-path", command=words, **options)
    assert ran.code == 0, ran
    pid = kept.pid()
    request.addfinalizer(lambda: os.kill(pid, signal.SIGKILL))  # who looks for what tests leave takes it for a zombie
    wait_for(lambda: (seen := look(pid)) and seen.state == "Z", what="its main thread ends")
    kept.forget()
    ran = kept.run("--allow-unsafe-path", command=words, **options)
    assert (ran.code, f"adopted svc (pid {pid})" in oracle(ran, 20)) == (0, True), ran


@pytest.mark.parametrize("who", WHO)
def test_who_listens_is_found_though_its_main_thread_has_ended(who: str, public_path: Path, spawn: Spawner) -> None:
    """Its descriptors are shown by another thread."""
    options = plain_user(command("check-port"), public_path) | {"cwd": "/"} if who == "user" else {}
    (program := public_path / "threads.py").write_text(HEADLESS)
    child = spawn([need_python(), program], stdout=-1, bufsize=0, **options)
    port = int(child.stdout.readline())  # type: ignore[union-attr]
    wait_for(lambda: (seen := look(child.pid)) and seen.state == "Z", what="its main thread ends")
    ran = run("check-port", f"127.0.0.1:{port}", "--listening", "--owner", "threads.py", **options)
    assert (ran.code, f"pid {child.pid}" in oracle(ran, 10)) == (0, True), ran


def need_python() -> str:
    """Return a Python that nobody may execute too."""
    return os.path.realpath(sys.executable)
