"""`ensure-running --watch`: below the minute, by runs that hand over to each other."""

from __future__ import annotations

import os
import select
import signal
import statistics
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from helpers import fair_clock
from helpers.commands import Ran, oracle, run
from helpers.components import need_works
from helpers.instances import Kept
from helpers.processes import Spawner, alive, wait_for
from helpers.servers import closed_port
from helpers.watching import (
    AT_ONCE,
    Said,
    Watcher,
    asleep,
    children,
    descriptors,
    is_free,
    phase,
    replaced,
    wake_ups,
    zombies,
)

pytestmark = pytest.mark.usefixtures("starts_services")

# As few modules as answer a request; a default disposition of SIGTERM.
_SERVER = """import _socket as s, sys
l = s.socket(); l.setsockopt(s.SOL_SOCKET, s.SO_REUSEADDR, 1)
l.bind(("127.0.0.1", int(sys.argv[1]))); l.listen(16)
while 1:
    c, _ = l._accept(); c = s.socket(fileno=c); c.recv(4096)
    c.send(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok"); c.close()
"""


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep, with a state directory of its own."""
    return Kept(tmp_path)


def looks_alive(kept: Kept, *before: str) -> str:
    """Return a check that is CRITICAL while no instance lives; `before`: what it does first."""
    lines = (*before, f"flock -n {kept.room}/held true && exit 2", "echo fine")
    return kept.script("alive", "\n".join(lines))


def lined(said: Said, code: int = 0) -> str:
    """Assert that a run ended with that code and one line; return the line."""
    assert said.code == code, said
    return oracle(Ran(("ensure-running",), said.code, said.line, "", 0), 1)


class TestADeath:
    """What a watch is for."""

    def test_is_repaired_at_once(self, kept: Kept, spawn: Spawner) -> None:
        """Without a backoff the next instance lives long before the next look; the line says all that was done."""
        watcher = Watcher(kept, spawn, *AT_ONCE, every="40s").begun()
        took = [replaced(kept) for _ in range(5)]
        assert statistics.median(took) < 1, took
        said = watcher.settled().end()
        assert said.code == 0, said
        assert said.line.count("was killed by SIGKILL") >= 3
        assert f"restarted (pid {kept.service.said()[-2][1]})" in said.line
        assert f"restarted svc (pid {kept.pid()})" in said.line

    def test_waits_for_the_backoff(self, kept: Kept, spawn: Spawner) -> None:
        """The default is one second, however often it would look."""
        Watcher(kept, spawn, every="40s").begun()
        killed = time.clock_gettime(time.CLOCK_BOOTTIME)
        assert replaced(kept) < 6
        assert float(kept.service.said()[-1][2]) - killed > 0.9

    def test_leaves_nothing_behind_in_the_watcher(self, kept: Kept, spawn: Spawner) -> None:
        """Fifty deaths later: no more descriptors than before, no zombie, and the line still has room."""
        words = ("--start-seconds", "10ms", *AT_ONCE)
        watcher = Watcher(kept, spawn, *words, every="50s", command=["/bin/sleep", "600"]).begun()
        actor = watcher.actor
        before = descriptors(actor)
        for _ in range(50):
            pid = kept.pid()
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda pid=pid: phase(kept) == "running" and kept.pid() != pid, 10, "the next instance")
        wait_for(lambda: not zombies(actor), 5, "no zombies")
        wait_for(lambda: descriptors(actor) == before, 5, "no more descriptors")
        said = watcher.settled().end()
        assert "meanwhile" in lined(said)
        assert " more, " in said.line


class TestTheLine:
    """One run, one line, one verdict: the service's."""

    @pytest.mark.parametrize("option", [(), ("-q",), ("--for", "cron")])
    def test_of_a_quiet_minute(self, kept: Kept, spawn: Spawner, option: tuple[str, ...]) -> None:
        """Nothing was done: OK, and silence for those who asked for it."""
        kept.run()
        said = Watcher(kept, spawn, *option, every="100ms").begun().end()
        assert said.code == 0
        assert said.line == "" if option else "svc is running" in said.line

    def test_of_a_minute_with_a_death(self, kept: Kept, spawn: Spawner) -> None:
        """Cron mails it, though the service is well again."""
        watcher = Watcher(kept, spawn, "--for", "cron", *AT_ONCE, every="100ms").begun()
        first = kept.pid()
        replaced(kept)
        watcher.settled()
        time.sleep(0.5)  # some looks later
        said = watcher.end()
        assert f"pid {first} was killed by SIGKILL, restarted (pid {kept.pid()})" in lined(said)

    @pytest.mark.parametrize(("option", "code"), [("-q", 2), ("--for=cron", 1)])
    def test_of_a_service_that_fails(self, kept: Kept, spawn: Spawner, option: str, code: int) -> None:
        """The exit code is the service's, and it is never quiet about that."""
        bad = kept.script("bad", f"echo broken; echo >>{kept.room}/looks; exit 2")
        words = ("--startup-timeout", "100ms", "--fail-after", "99", "--retries", "0")
        watcher = Watcher(kept, spawn, option, "--check", bad, *words, every="500ms")
        wait_for(lambda: kept.text("looks").count("\n") > 6 and watcher.signed() and asleep(watcher.actor), 20)
        assert "broken" in lined(watcher.end(), code)

    def test_sigterm_ends_the_watcher_and_not_the_service(self, kept: Kept, spawn: Spawner) -> None:
        """It has its last verdict within a second; the service does not notice; no process of ours is left."""
        watcher = Watcher(kept, spawn, every="40s").begun()
        actor, begun = watcher.actor, fair_clock.now()
        said = watcher.end()
        assert fair_clock.now() - begun < 3
        assert "started svc" in lined(said)
        assert kept.service.one() == kept.pid()
        wait_for(lambda: not alive(actor), 5, "the actor's end")
        assert kept.is_free()


class TestAHang:
    """Alive, but not answering."""

    def test_is_repaired_like_a_death(self, tmp_path: Path, spawn: Spawner) -> None:
        """From SIGSTOP to an answer within 4 seconds, with looks a second apart of which two must fail.

        Another load of the machine can take that time away: one of three shows it, and each is repaired.
        """
        took: list[float] = []
        while not took or (min(took) >= 4 and len(took) < 3):
            took.append(self._hang(Kept(tmp_path / str(len(took))), spawn))
        assert min(took) < 4, took

    @staticmethod
    def _hang(kept: Kept, spawn: Spawner) -> float:
        """Return the seconds between a hang and the next answer."""
        port = closed_port()
        url = f"http://127.0.0.1:{port}/"
        words = ("--url", url, "--fail-after", "2", "--retries", "0", "-t", "500ms", "--stop-timeout", "500ms")
        command = [sys.executable, "-SIc", _SERVER, str(port)]
        watcher = Watcher(kept, spawn, *words, every="1s", command=command).begun()
        first, begun = kept.pid(), fair_clock.now()
        os.kill(first, signal.SIGSTOP)
        wait_for(lambda: not answers(url), 5, "a hang")
        wait_for(lambda: answers(url), 30, "an answer")
        seconds = fair_clock.now() - begun
        assert not alive(first)
        wait_for(lambda: phase(kept) == "running" and kept.pid() != first, 10, "its record")
        assert f"pid {first} was stopped" in watcher.end().line
        return seconds


def answers(url: str) -> bool:
    """Whether a server answers soon."""
    try:
        with urllib.request.urlopen(url, timeout=0.3) as reply:  # noqa: S310 -- our own
            return bool(reply.status == 200)
    except OSError:
        return False


class TestHandOver:
    """Two runs, one after the other, as cron starts them."""

    def test_without_a_gap(self, kept: Kept, spawn: Spawner) -> None:
        """The second stands in line without a single wake-up, a third reports at once, the first ends, and so on."""
        first = Watcher(kept, spawn, *AT_ONCE, watch="5s", every="300ms").begun()
        second = Watcher(kept, spawn, *AT_ONCE, watch="5s", every="300ms").in_line()
        line = [second.guard.pid, second.actor, *children(second.actor)]
        third = Watcher(kept, spawn, *AT_ONCE, watch="3s", every="300ms")
        begun = fair_clock.now()
        assert f"svc is running (pid {kept.pid()})" in lined(third.said())
        assert fair_clock.now() - begun < 2
        wait_for(lambda: wake_ups(line, 0.5) == 0, 2.5, "a quiet time, though the guard may just have been told")
        assert "meanwhile started" in lined(first.said())
        second.begun()
        assert is_free(kept, "waiting")
        assert replaced(kept) < 2
        assert "ended" in lined(second.settled().end())  # the first's child: how, only that could have told

    def test_with_a_death_at_the_worst_moment(self, kept: Kept, spawn: Spawner) -> None:
        """The instance dies just when the first watcher has gone, and nobody holds its pidfd: back at once."""
        watcher = Watcher(kept, spawn, *AT_ONCE, watch="1s", every="1s").begun()
        for _ in range(3):
            gone = os.pidfd_open(watcher.actor)
            after = Watcher(kept, spawn, *AT_ONCE, watch="1s", every="1s")
            wait_for_end(gone)
            assert replaced(kept) < 2
            assert watcher.said().code == 0
            watcher = after.begun()
        assert watcher.end().code == 0

    @pytest.mark.parametrize("who", ["guard", "actor", "both"])
    def test_after_a_watcher_is_killed(self, kept: Kept, spawn: Spawner, who: str) -> None:
        """The one in line takes over at once, and repairs; the killed one's guard still has a true line."""
        watcher = Watcher(kept, spawn, *AT_ONCE, every="40s").begun()
        after = Watcher(kept, spawn, *AT_ONCE, every="40s").in_line()
        pids = {"guard": [watcher.guard.pid], "actor": [watcher.actor], "both": [watcher.guard.pid, watcher.actor]}
        for pid in pids[who]:
            os.kill(pid, signal.SIGKILL)
        begun = fair_clock.now()
        assert replaced(kept) < 2
        after.begun()
        assert fair_clock.now() - begun < 4
        if who == "actor":
            said = watcher.said()
            assert "the run was killed" in said.line
            assert said.code in (0, 2), said  # it looked while the instance was dead, or when the next one lived
        assert after.end().code == 0

    def test_a_killed_watch_over_a_service_that_lives(self, kept: Kept, spawn: Spawner) -> None:
        """Its run was killed, the service was not: OK, and said, also when quiet."""
        watcher = Watcher(kept, spawn, "-q", every="40s").begun()
        os.kill(watcher.actor, signal.SIGKILL)
        line = lined(watcher.said())
        assert line.startswith("SERVICE OK - svc is running (pid ")
        assert "the run was killed while" in line

    def test_sigterm_to_the_one_in_line(self, kept: Kept, spawn: Spawner) -> None:
        """What it saw when it came is its last verdict."""
        Watcher(kept, spawn, every="40s").begun()
        after = Watcher(kept, spawn).in_line()
        assert "svc is running" in lined(after.end())
        assert is_free(kept, "waiting")
        assert kept.service.one()


class TestTheOperator:
    """An operator comes first, and the watch goes on afterwards: never more than two runs of it."""

    def test_restart(self, kept: Kept, spawn: Spawner) -> None:
        """Restarted at once, though a watcher has the lock and another run stands in line for it."""
        watcher = Watcher(kept, spawn, *AT_ONCE, every="40s").begun()
        after = Watcher(kept, spawn, *AT_ONCE, every="40s").in_line()
        ran = ordered(kept, "restart")
        assert ran.code == 0, ran
        assert "restarted svc" in oracle(ran, 10)
        assert kept.service.starts() == 2
        wait_for(lambda: watcher.signed() or after.signed(), 10, "a watcher")
        wait_for(lambda: len(runs(watcher, after)) <= 2, 5)
        assert replaced(kept) < 3
        wait_for(lambda: any(each.rests() for each in runs(watcher, after)), 10, "rest")
        for each in runs(watcher, after):
            assert each.end().code == 0

    def test_restart_without_anybody_in_line(self, kept: Kept, spawn: Spawner) -> None:
        """The watcher itself goes on, with the new instance; meanwhile it is the one in line."""
        watcher = Watcher(kept, spawn, *AT_ONCE, every="40s").begun()
        assert ordered(kept, "restart").code == 0
        wait_for(watcher.signed, 10, "the watcher again")
        assert replaced(kept) < 3
        assert "restarted svc" in lined(watcher.settled().end())

    def test_stop_and_start(self, kept: Kept, spawn: Spawner) -> None:
        """What is stopped stays down, and its watch ends; what is started is watched by the next run."""
        watcher = Watcher(kept, spawn, *AT_ONCE, every="200ms").begun()
        pid = kept.service.one()
        ran = ordered(kept, "stop")
        assert ran.code == 0, ran
        assert not alive(pid)
        assert "stopped by order" in lined(watcher.said(), 2)
        ran = ordered(kept, "start")
        assert ran.code == 0, ran
        after = Watcher(kept, spawn, *AT_ONCE, every="200ms").begun()
        assert kept.service.starts() == 2
        assert replaced(kept) < 3
        assert after.settled().end().code == 0

    def test_pause_and_resume(self, kept: Kept, spawn: Spawner) -> None:
        """A pause stops the hands, not the eyes; its end is noticed by the next look."""
        watcher = Watcher(kept, spawn, *AT_ONCE, every="200ms").begun()
        pid = kept.service.one()
        assert run("watchdog-tools", "pause", "svc", "-s", kept.state).code == 0
        kept.kill(pid)
        time.sleep(1)
        assert kept.service.starts() == 1
        assert run("watchdog-tools", "resume", "svc", "-s", kept.state).code in (0, 2)
        wait_for(lambda: kept.service.starts() == 2, 10, "a start")
        said = watcher.end()
        assert f"pid {pid} was killed by SIGKILL" in said.line

    def test_a_stop_by_order_ends_the_watch(self, kept: Kept, spawn: Spawner) -> None:
        """The line may be another one by the time it is resumed: an old run must not start the old command then."""
        watcher = Watcher(kept, spawn, *AT_ONCE, every="200ms").begun()
        assert ordered(kept, "stop").code == 0
        line = lined(watcher.said(), 2)
        assert "svc was stopped by order, so the watch ends" in line
        assert run("watchdog-tools", "resume", "svc", "-s", kept.state).code == 0
        assert kept.service.starts() == 1

    def test_no_resume_is_too_quick_for_it(self, kept: Kept, spawn: Spawner) -> None:
        """Neither who watches nor who stands in line goes on with the old command, however soon it is resumed."""
        watcher = Watcher(kept, spawn, *AT_ONCE, every="200ms").begun()
        behind = Watcher(kept, spawn, *AT_ONCE, every="200ms").in_line()
        assert ordered(kept, "stop").code == 0
        assert run("watchdog-tools", "resume", "svc", "-s", kept.state).code == 0
        ends = [watcher.said().line, behind.said().line]
        assert any("stopped by order, so the watch ends" in line for line in ends), ends
        assert kept.service.starts() == 1

    def test_what_dies_under_a_pause_is_critical(self, kept: Kept, spawn: Spawner) -> None:
        """The watch ends with what is seen."""
        watcher = Watcher(kept, spawn, *AT_ONCE, every="200ms").begun()
        run("watchdog-tools", "pause", "svc", "-s", kept.state)
        kept.kill()
        wait_for(lambda: [each for each in kept.events() if each["event"] == "died"], 10, "its death")
        line = lined(watcher.end(), 2)
        assert "paused" in line


def ordered(kept: Kept, verb: str) -> Ran:
    """Run an operator's verb on the service."""
    ran = run("watchdog-tools", verb, kept.name, "-s", kept.state)
    kept.wait_testified()
    return ran


def runs(*watchers: Watcher) -> list[Watcher]:
    """Return those that have not ended."""
    return [each for each in watchers if each.guard.poll() is None]


def wait_for_end(pidfd: int) -> None:
    """Return as soon as the process of a pidfd has ended."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    assert poll.poll(30_000), "the watcher does not end"
    os.close(pidfd)


class TestWhatSomebodyElseStarted:
    """An instance that a check found is watched as well."""

    @pytest.fixture
    def agent(self, kept: Kept) -> str:
        """Return an agent that says who it is, and then waits for ever."""
        kept.fifo()
        name = f"agent-{os.getpid()}-{time.monotonic_ns() % 100_000}"
        return kept.script(name, f'cd "{kept.room}"; echo $$ >pidfile; echo start $$ 0 >>journal; read -r x <fifo')

    @pytest.mark.parametrize("kind", ["process", "pidfile"])
    def test_its_death_is_noticed_at_once(self, kept: Kept, spawn: Spawner, agent: str, kind: str) -> None:
        """Found by its name, or by its pidfile; runs in line carry its name, and are never taken for it."""
        spawn([agent])
        wait_for(lambda: kept.text("pidfile").strip(), 10, "the agent")
        word = Path(agent).name if kind == "process" else kept.room / "pidfile"
        watcher = Watcher(kept, spawn, f"--{kind}", word, *AT_ONCE, every="40s", command=[agent])
        wait_for(watcher.signed, 20, "a watch")
        after = Watcher(kept, spawn, f"--{kind}", word, *AT_ONCE, every="40s", command=[agent]).in_line()
        time.sleep(0.3)
        first = kept.pid_in("pidfile")
        assert kept.service.starts() == 1
        assert replaced(kept, pid=first) < 3
        assert "is healthy" in lined(after.end())
        assert replaced(kept) < 3  # ours by now
        assert "restarted svc" in lined(watcher.settled().end())

    def test_a_oneshot_command_is_given_again(self, kept: Kept, spawn: Spawner, agent: str) -> None:
        """What another supervisor keeps is held by its pidfd, too."""
        words = ("--oneshot", "--process", Path(agent).name, *AT_ONCE)
        command = ["/bin/sh", "-c", 'setsid "$0" &', agent]
        watcher = Watcher(kept, spawn, *words, every="40s", command=command).begun()
        for count in (2, 3):
            os.kill(kept.pid_in("pidfile"), signal.SIGKILL)
            wait_for(lambda count=count: kept.service.starts() == count, 10, "the next one")
            watcher.settled()
        assert watcher.end().code == 0


class TestRestraint:
    """A watch acts at once, and not more than it may."""

    def test_a_crash_loop_is_held(self, kept: Kept, spawn: Spawner) -> None:
        """Four starts, a hold, and then nobody wakes up until there is something to do."""
        words = ("--backoff", "50ms:100ms", "--limit", "4/1h", "--hold", "1h")
        crash = kept.script("crash", f"echo >>{kept.room}/starts; exit 3")
        watcher = Watcher(kept, spawn, *words, every="40s", command=[crash])
        wait_for(lambda: '"attempt": 4' in kept.text("state/svc.events"), 20, "the fourth start")
        wait_for(lambda: asleep(watcher.actor), 5)
        pids = [watcher.guard.pid, watcher.actor]
        wait_for(lambda: wake_ups(pids, 0.7) == 0, 10, "a quiet time")
        assert kept.text("starts").count("\n") == 4
        assert "held for" in lined(watcher.end(), 2)

    def test_without_a_backoff_it_still_breathes(self, kept: Kept, spawn: Spawner) -> None:
        """A command that cannot be executed is tried a few times a second, not as often as a CPU can."""
        watcher = Watcher(kept, spawn, *AT_ONCE, every="40s", command=["/nowhere"])
        wait_for(lambda: watcher.signed() and kept.text("state/svc.events"), 20, "a failed start")
        before, begun = len(kept.events()), time.monotonic()
        wait_for(lambda: len(kept.events()) > before, 10, "another try")
        time.sleep(1)
        tries = len(kept.events()) - before
        assert tries <= 1 + 10 * (time.monotonic() - begun), tries

    def test_a_quiet_watch_sleeps(self, kept: Kept, spawn: Spawner) -> None:
        """No process of it wakes up between looks."""
        watcher = Watcher(kept, spawn, "--check", looks_alive(kept), every="40s").begun()
        pids = [watcher.guard.pid, watcher.actor]
        wait_for(lambda: wake_ups(pids, 0.7) == 0, 10, "a quiet time, though a look may have been under way")

    def test_looks_as_often_as_asked_for(self, kept: Kept, spawn: Spawner) -> None:
        """The first at once, then one each --every, and never more."""
        count = looks_alive(kept, f"echo look >>{kept.room}/looks")
        Watcher(kept, spawn, "--check", count, every="400ms").begun()
        before, begun = len(kept.text("looks").split()), time.monotonic()
        wait_for(lambda: len(kept.text("looks").split()) >= before + 2, 10, "two looks")
        time.sleep(1)
        looks = len(kept.text("looks").split()) - before
        assert looks <= 1 + (time.monotonic() - begun) / 0.4, looks

    def test_who_cannot_see_does_nothing(self, kept: Kept, spawn: Spawner) -> None:
        """An UNKNOWN stops every start for as long as it lasts, and not a moment longer."""
        self._waits(kept, spawn, "blind", "--check", looks_alive(kept, f"test -e {kept.room}/blind && exit 3"))

    def test_what_it_requires_comes_first(self, kept: Kept, spawn: Spawner) -> None:
        """Nothing is started while a dependency is down; it is started when that is back."""
        needs = kept.script("needs", f"test -e {kept.room}/gone && exit 2; echo fine")
        self._waits(kept, spawn, "gone", "--requires", needs)

    @staticmethod
    def _waits(kept: Kept, spawn: Spawner, file: str, *words: str) -> None:
        watcher = Watcher(kept, spawn, *words, *AT_ONCE, every="200ms").begun()
        (kept.room / file).touch()
        kept.kill()
        time.sleep(1)
        assert kept.service.starts() == 1
        (kept.room / file).unlink()
        wait_for(lambda: kept.service.starts() == 2, 10, "a start")
        assert watcher.settled().end().code == 0

    @pytest.mark.root(reason="makes a time namespace")
    def test_158_soon_after_the_boot_each_look_may_start_one(self, kept: Kept, spawn: Spawner) -> None:
        """What is not there yet comes with time: pending, tried again by the next look, no backoff."""
        late = kept.script("late", f'echo >>{kept.room}/tries; [ -e {kept.room}/there ] && exec "$@"; exit 1')
        words = ("--start-period", "10m", "--backoff", "1h:1h", "--limit", "none")
        need_works("unshare", "-T", "-f", "--boottime", "1", "true")
        booted = ("unshare", "-T", "--boottime", str(20 - int(float(Path("/proc/uptime").read_text().split()[0]))))
        command = [late, *kept.service.command]
        watcher = Watcher(kept, spawn, *words, every="300ms", command=command, before=booted)
        wait_for(lambda: kept.text("tries").count("\n") >= 3, 20, "three tries")
        (kept.room / "there").touch()
        wait_for(lambda: phase(kept) == "running" and asleep(watcher.actor), 10, "an instance")
        assert watcher.end().code == 0


def test_replaces_what_was_forgotten(kept: Kept, spawn: Spawner) -> None:
    """Its record alone is deleted: the instance is adopted by its mark at the next look, and none is started."""
    watcher = Watcher(kept, spawn, every="200ms").begun()
    pid = kept.service.one()
    (kept.state / "svc.record").unlink()
    wait_for(lambda: phase(kept) == "running", 10, "a record")
    assert kept.service.one() == kept.pid() == pid
    assert "adopted" in lined(watcher.end())
