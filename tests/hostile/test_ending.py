"""Who is ended, how, and who is not: what we started with all that came from it, what was found alone (P5)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from helpers import fair_clock
from helpers.commands import environment, run
from helpers.components import need, need_nobody, need_works
from helpers.freezer import frozen_group
from helpers.processes import Spawner, alive, carriers, children, exit_code_of, look, ready, wait_for
from helpers.terminal import terminal

from watchdog_tools.actions.kill import end_found, end_own
from watchdog_tools.actions.spawn import Child
from watchdog_tools.system.identity import Identity, handle, of

pytestmark = pytest.mark.usefixtures("starts_services")

HELPER = [sys.executable, Path(__file__).parent.parent / "helpers" / "start_and_end.py"]
UIDS = frozenset({os.geteuid()})
# Ready once $1 is there: what a script has done before it waits.
HANG = 'echo $$ >>"$1"; while :; do sleep 1; done'


def shell(script: str, *words: object) -> list[str]:
    """Return the words of a shell that runs it."""
    return ["/bin/sh", "-c", script, "sh", *map(str, words)]


class Instance:
    """An instance that its keeper is about to end: `room` is where its script leaves traces."""

    def __init__(self, spawn: Spawner, seconds: float, argv: list[str], trace: Path | None = None) -> None:
        """Start it; if a trace is named, wait until it is there."""
        self.keeper = spawn([*HELPER, "end", seconds, *argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.pid = _pid(ready(self.keeper))
        if trace:
            wait_for(lambda: trace.exists() and trace.read_text(), 5, "its trace")

    def end(self) -> dict[str, Any]:
        """Have it ended; return what the keeper said."""
        said = self.keeper.communicate(b"now\n", timeout=20)[0]
        return dict(json.loads(said))


def _pid(line: str) -> int:
    return int(line.partition("pid ")[2].rstrip(")"))


def identity(pid: int) -> Identity:
    """Return who it is."""
    found = of(pid)
    assert found is not None
    return found


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Return where a script says that it is ready."""
    return tmp_path / "trace"


def left_of(token: str, keeper: int) -> list[str]:
    """Return the command lines that carry the test's token, but the keeper's."""
    return [" ".join(seen.argv) for seen in carriers(token) if seen.pid != keeper]


class TestOwn:
    """What we started: as a whole."""

    def test_it_ends_at_term(self, spawn: Spawner) -> None:
        """One that obeys is gone at once, and its fate is told."""
        ended = Instance(spawn, 5, ["sleep", "611"]).end()
        assert (ended["said"], ended["fate"]) == ([], "was killed by SIGTERM"), ended
        assert ended["fair"] < 1, ended
        assert (ended["children"], ended["descriptors"]) == (0, []), ended

    def test_92_one_that_ignores_term(self, spawn: Spawner, trace: Path) -> None:
        """It has its time, then it is killed."""
        ended = Instance(spawn, 0.5, shell(f"trap '' TERM; {HANG}", trace), trace).end()
        assert (ended["said"], ended["fate"]) == ([], "was killed by SIGKILL"), ended
        assert ended["seconds"] >= 0.5, ended
        assert ended["fair"] < 1.5, ended

    def test_it_has_its_time_to_clean_up(self, spawn: Spawner, trace: Path, tmp_path: Path) -> None:
        """What its handler runs gets no TERM of ours, and all of them are waited for."""
        script = f"""trap 'sleep 0.4; (sleep 0.4; echo done >"$2") & exit 7' TERM; {HANG}"""
        ended = Instance(spawn, 10, shell(script, trace, tmp_path / "clean"), trace).end()
        assert (ended["said"], ended["fate"]) == ([], "exited with 7"), ended
        assert (tmp_path / "clean").read_text() == "done\n"
        assert ended["seconds"] >= 0.8, ended
        assert ended["fair"] < 3, ended

    def test_one_that_is_stopped_sees_term(self, spawn: Spawner, trace: Path) -> None:
        """It is woken, and its handler runs: no KILL is needed."""
        instance = Instance(spawn, 5, shell(f"trap 'exit 7' TERM; {HANG}", trace), trace)
        os.kill(instance.pid, signal.SIGSTOP)
        wait_for(lambda: (seen := look(instance.pid)) and seen.state == "T", what="the stop")
        ended = instance.end()
        assert (ended["said"], ended["fate"]) == ([], "exited with 7"), ended

    def test_93_a_family(self, spawn: Spawner, trace: Path, starts_services: str) -> None:
        """Sessions and groups of their own, orphans, one that ignores TERM, one without our mark, a stopped one."""
        script = """
sleep 601 &
setsid sleep 602 &
(setsid sh -c 'sleep 603 & exec sleep 604' &)
env -u WATCHDOG_TOOLS_INSTANCE sleep 605 &
(sh -c 'trap "" TERM; while :; do sleep 1; done' &)
sh -c 'kill -STOP $$; sleep 606' &
echo ready >"$1"
exec sleep 607
"""
        instance = Instance(spawn, 0.5, shell(script, trace), trace)
        keeper = instance.keeper.pid
        wait_for(lambda: len(left_of(starts_services, keeper)) >= 8, what="the family")
        ended = instance.end()
        assert ended["said"] == [], ended
        assert left_of(starts_services, keeper) == []

    def test_a_vfork_that_hangs_in_the_kernel(self, spawn: Spawner, tmp_path: Path) -> None:
        """Its parent is in state D until the child that waits for a FIFO has ended, too."""
        os.mkfifo(fifo := tmp_path / "fifo")
        code = (
            "import os, sys; opened = (os.POSIX_SPAWN_OPEN, 0, sys.argv[1], os.O_RDONLY, 0);"
            "os.posix_spawn('/bin/true', ['true'], os.environ, file_actions=[opened])"
        )
        instance = Instance(spawn, 0.3, [sys.executable, "-c", code, str(fifo)])
        wait_for(lambda: (seen := look(instance.pid)) and seen.state == "D", what="the vfork")
        ended = instance.end()
        assert ended["said"] == [], ended
        assert ended["fair"] < 2.5, ended

    @pytest.mark.root(reason="freezes a control group")
    def test_one_that_nothing_ends_is_named(self, spawn: Spawner, trace: Path) -> None:
        """In a frozen cgroup KILL stays pending: in state D, in bounded time, and never called gone."""
        with frozen_group() as freeze:
            instance = Instance(spawn, 0.3, shell(HANG, trace), trace)
            freeze(instance.pid)
            ended = instance.end()
        assert ended["said"] == [f"pid {instance.pid} (stuck in the kernel)"], ended
        assert ended["fair"] < 0.3 + 2, ended

    @pytest.mark.parametrize("leave", ["", "setpgrp(0, 0);", "POSIX::setsid();"], ids=["group", "groups", "sessions"])
    def test_what_forks_while_it_is_killed(self, spawn: Spawner, leave: str, starts_services: str, trace: Path) -> None:
        """Chains of forks, each of which ends as soon as it has made the next, and a bomb of a hundred."""
        pause, chains = ("select(undef, undef, undef, 0.02);", 1) if leave else ("", 8)
        script = f"""use POSIX (); $SIG{{TERM}} = "IGNORE"; $SIG{{CHLD}} = "IGNORE";
for (1..100) {{ if (!fork) {{ {leave} sleep 1 while 1 }} }}
for (1..{chains}) {{ if (!fork) {{ while (1) {{ {pause} {leave} exit if fork }} }} }}
open my $f, ">", $ARGV[0]; print $f "ready"; close $f; sleep 1 while 1"""
        instance = Instance(spawn, 0.2, [need("perl"), "-e", script, str(trace)], trace)
        ended = instance.end()
        assert ended["said"] == [], ended
        assert ended["fair"] < 0.2 + 2, ended
        assert left_of(starts_services, instance.keeper.pid) == []

    def test_an_earlier_run_s_instance(self, spawn: Spawner, starts_services: str) -> None:
        """Found again by its record or mark: no child of ours, and ended as a whole all the same."""
        born = adopted(spawn, shell("trap '' TERM; sleep 612 & setsid sleep 613 & while :; do sleep 1; done"))
        wait_for(lambda: len(carriers(starts_services)) >= 3, what="the family")
        assert end_own(born, UIDS, 0.2) == []
        assert carriers(starts_services) == []

    def test_the_session_of_one_that_is_gone(self, spawn: Spawner, starts_services: str) -> None:
        """Its leader is dead: a marked one in it tells that the number is still its own."""
        born = adopted(spawn, shell("sleep 614 & env -u WATCHDOG_TOOLS_INSTANCE sleep 615 & exec sleep 616"))
        wait_for(lambda: len(carriers(starts_services)) == 3, what="the family")
        os.kill(born.identity[0], signal.SIGKILL)
        wait_for(lambda: not alive(born.identity[0]), what="its end")
        assert end_own(born, UIDS, 5) == []
        assert carriers(starts_services) == []

    def test_a_number_that_went_to_another(self, spawn: Spawner) -> None:
        """The ticks differ: neither that process nor its session is touched."""
        child = spawn(["sleep", "617"], start_new_session=True)
        pid, ticks, *place = identity(child.pid)
        wrong: Identity = (pid, ticks - 1, place[0], place[1], place[2])
        born = Child(identity=wrong, handle=os.pidfd_open(os.getpid()))
        try:
            assert end_own(born, UIDS, 0) == []
            assert end_found(wrong, 0) == []
        finally:
            os.close(born.handle)
        assert child.poll() is None

    def test_a_mark_of_another_user_does_not_count(self, spawn: Spawner) -> None:
        """Anybody can write our mark into an environment of their own."""
        child = spawn(["sleep", "618"], env=environment({"WATCHDOG_TOOLS_INSTANCE": "4194303:1:0:svc:/nowhere"}))
        gone = Child(identity=(4194303, 1, *identity(child.pid)[2:]), handle=os.pidfd_open(child.pid))
        try:
            assert end_own(gone, frozenset({4242}), 0) == []
            assert child.poll() is None
            assert end_own(gone, UIDS, 1) == []
        finally:
            os.close(gone.handle)
        assert exit_code_of(child, 5) == -signal.SIGTERM

    def test_the_end_of_our_guard_ends_no_step(self, spawn: Spawner, trace: Path) -> None:
        """TERM was sent, so the wait and KILL follow, though nobody waits for our word."""
        born = adopted(spawn, shell(f"trap '' TERM; {HANG}", trace))
        wait_for(trace.exists)
        life, guard = os.pipe()
        os.close(guard)
        begun, fairly = time.monotonic(), fair_clock.now()
        assert end_own(born, UIDS, 0.4, life) == []
        os.close(life)
        assert time.monotonic() - begun >= 0.4
        assert fair_clock.now() - fairly < 2
        assert not alive(born.identity[0])

    def test_the_run_that_a_sick_cron_started_survives(self, spawn: Spawner, tmp_path: Path) -> None:
        """A cron that we keep starts the run that ends it, in its own session: the run lives to start the next."""
        code = (
            "import os, sys, time; from watchdog_tools.actions.kill import end_own;"
            "from watchdog_tools.actions.spawn import Child; from watchdog_tools.system.identity import of;"
            "cron = os.getppid(); os.setpgid(0, 0) if sys.argv[2] == 'own' else None;"
            "born = Child(identity=of(cron), handle=os.pidfd_open(cron));"
            "\nwhile not os.path.exists(sys.argv[1] + '.go'): time.sleep(0.01)\n"
            "said = end_own(born, frozenset({os.geteuid()}), 0.2);"
            "open(sys.argv[1], 'w').write(f'{said}\\n')"
        )
        for group in ("own", "its"):
            said = tmp_path / group
            cron = f"trap '' TERM; '{sys.executable}' -c \"$0\" '{said}' {group} & wait; while :; do sleep 1; done"
            born = adopted(spawn, ["/bin/sh", "-c", cron, code])
            said.with_name(f"{group}.go").touch()
            wait_for(lambda said=said: said.exists() and said.read_text(), 10, "the run's word")
            assert said.read_text() == "[]\n"
            assert not alive(born.identity[0])


class TestFound:
    """What was merely found: alone, with its descendants."""

    def test_an_agent_started_by_hand(self, trace: Path) -> None:
        """From an interactive shell with job control: it ends with its children, the shell and its jobs live."""
        code = "import os, sys, time; os.fork(); os.fork(); open(sys.argv[1], 'a').write('x\\n'); time.sleep(600)"
        agent = f'{sys.executable} -c "{code}" {trace}'
        with terminal() as (shell_pid, master):
            os.write(master, f"sleep 621 &\n{agent} &\n".encode())
            wait_for(lambda: trace.exists() and len(trace.read_text()) == 8, 10, "the agent")
            (found,) = (seen for seen in children(shell_pid) if "-c" in seen.argv)
            assert end_found(identity(found.pid), 5) == []
            assert [" ".join(seen.argv) for seen in children(shell_pid) if seen.state not in "ZX"] == ["sleep 621"]
            os.write(master, b"echo I-am-$((20+3))\n")
            said = b""
            while b"I-am-23" not in said:
                said += os.read(master, 4096)
            assert not [seen for seen in carriers(str(trace)) if seen.pid != shell_pid]

    def test_its_orphans_are_remembered(self, spawn: Spawner, trace: Path) -> None:
        """It ends at TERM, its children do not: re-parented to init they are still its own."""
        script = """sh -c 'trap "" TERM; echo $$ >>"$0"; while :; do sleep 1; done' "$1" & wait"""
        parent = spawn(shell(script, trace))
        wait_for(lambda: trace.exists() and trace.read_text())
        orphan = int(trace.read_text())
        assert end_found(identity(parent.pid), 0.4) == []
        assert not alive(orphan)

    def test_what_forks_while_it_is_killed(self, spawn: Spawner, trace: Path, starts_services: str) -> None:
        """Thirty forkers without our mark: each is stopped before any is killed, or an orphan would outlive them."""
        script = f"""$SIG{{TERM}} = "IGNORE"; $SIG{{CHLD}} = "IGNORE";
sub rest {{ select(undef, undef, undef, shift) }}
sub child {{ my $above = shift; rest(0.05); sleep 1 while getppid() != $above; exit }}
for (1..30) {{ if (!fork) {{ my $own = $$; while (1) {{ child($own) if !fork; rest(0.01) }} }} }}
open my $f, ">", "{trace}"; print $f "x"; close $f; sleep 1 while 1"""
        bomb = spawn([need("perl"), "-e", script])
        wait_for(lambda: trace.exists() and trace.read_text())
        assert end_found(identity(bomb.pid), 0.1) == []
        assert carriers(starts_services) == []

    def test_its_session_and_its_siblings_live(self, spawn: Spawner, trace: Path) -> None:
        """It leads the session that somebody else made: only it and what descends from it ends."""
        script = """setsid sleep 622 & (sleep 623 & echo $! >>"$1") & wait $!; exec sleep 624"""
        leader = spawn(shell(script, trace), start_new_session=True)
        wait_for(lambda: trace.exists() and trace.read_text())
        member = int(trace.read_text())
        wait_for(lambda: (seen := look(leader.pid)) and seen.argv == ("sleep", "624"))
        wait_for(lambda: (seen := look(member)) and seen.parent != leader.pid and "623" in seen.argv, what="an orphan")
        assert end_found(identity(leader.pid), 2) == []
        assert alive(member), "an orphan in its session that nothing proves to be its own"

    def test_another_instance_below_it_is_not_its_own(self, spawn: Spawner, trace: Path) -> None:
        """A cron that somebody found ends; what a run below it keeps lives on, as it would under init."""
        cron = spawn([*shell('"$@"; :'), *HELPER, "end", "1", *shell(HANG, trace)], stdin=subprocess.PIPE)
        wait_for(lambda: trace.exists() and trace.read_text())
        assert end_found(identity(cron.pid), 2) == []
        assert alive(int(trace.read_text()))

    def test_whom_we_never_signal(self) -> None:
        """The first process, ourselves, our ancestors: nothing is sent, and the words say why."""
        own, parent = os.getpid(), os.getppid()
        assert end_found(identity(own), 0) == [f"pid {own} is this run itself"]
        assert end_found(identity(parent), 0) == [f"pid {parent} is an ancestor of this run"]
        assert end_found(identity(1), 0) == ["pid 1 is never ended"]

    @pytest.mark.root(reason="only root may signal one")
    def test_a_kernel_thread(self) -> None:
        """Nothing would end it."""
        threads = Path("/proc/2/comm")
        if not threads.exists() or threads.read_text() != "kthreadd\n":
            pytest.skip("no kernel threads to be seen here")
        assert end_found(identity(2), 0) == ["pid 2 is a kernel thread"]

    @pytest.mark.root(reason="makes a pid namespace")
    def test_37_a_process_of_a_container(self, spawn: Spawner) -> None:
        """Another pid namespace: whoever named that number may have meant another process."""
        need_works("unshare", "-pf", "--mount-proc", "true")
        outer = spawn(["unshare", "-pf", "--mount-proc", "--kill-child", "sleep", "625"])
        (inner,) = wait_for(lambda: children(outer.pid), what="the container")
        assert end_found(identity(inner.pid), 0) == [f"pid {inner.pid} is in another pid namespace"]
        assert alive(inner.pid)

    @pytest.mark.root(reason="runs a command as another user")
    def test_one_that_we_may_not_signal(self, spawn: Spawner) -> None:
        """The words say so, without waiting for what cannot come."""
        child = spawn(["sleep", "626"])
        helper = Path(__file__).parent.parent / "helpers" / "start_and_end.py"
        ran = run(sys.executable, "-c", helper.read_text(), "found", 5, child.pid, **need_nobody(sys.executable))
        ended = json.loads(ran.out)
        assert ended["said"] == [f"pid {child.pid} (Operation not permitted)"], ran
        assert ended["fair"] < 4, ended
        assert child.poll() is None


def adopted(spawn: Spawner, argv: list[str]) -> Child:
    """Start an instance whose own run is gone; return it as a later run holds it."""
    run_ = spawn([*HELPER, "leave", *argv], stdout=subprocess.PIPE, bufsize=0)
    pid = _pid(ready(run_))
    exit_code_of(run_, 5)
    who = identity(pid)
    descriptor = handle(who)
    assert descriptor is not None
    return Child(identity=who, handle=descriptor)
