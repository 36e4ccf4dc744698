"""Hostile cases of restarts, by number: whom a sick service's repair must never touch, and what it must survive."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from helpers.checked_service import QUICK, CheckedService, quoted, shell
from helpers.commands import command, environment, oracle, run
from helpers.components import NOBODY, need, need_works
from helpers.processes import Spawner, alive, children, exit_code_of, look, wait_for
from helpers.terminal import terminal

pytestmark = pytest.mark.usefixtures("starts_services")

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


@pytest.fixture
def kept(tmp_path: Path) -> CheckedService:
    """Return a service to keep, with a check of its own."""
    return CheckedService(tmp_path)


@pytest.fixture
def name() -> str:
    """Return a process name that nothing else has."""
    return f"wdt{os.getpid()}-{time.monotonic_ns() % 10**8}"


def agent(room: Path, name: str, text: str = "exec sleep 600") -> str:
    """Make a program of that name, as a script; by that it is found."""
    path = room / name
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)
    return str(path)


def lives(kept: CheckedService) -> str:
    """Return a program's text that tells the journal, and stays under its own name."""
    return f"echo start $$ 0 >>'{kept.service.journal}'; while :; do read -r x <'{kept.fifo()}'; done"


class TestByHand:
    """Started by somebody else, found by its name or by a pidfile."""

    def test_an_agent_in_an_interactive_shell(self, kept: CheckedService, name: str) -> None:
        """It is restarted; the shell, its other jobs and the terminal live."""
        program = agent(kept.room, name, lives(kept))
        with terminal() as (shell_pid, master):
            os.write(master, f"sleep 621 &\n{program} &\n".encode())
            pid = int(wait_for(kept.service.said, 10, "the agent")[0][1])
            kept.ill(pid)
            ran = kept.keep("--process", name, command=[program])
            assert ran.code == 0, ran
            assert f"restarted svc (pid {kept.pid()})" in oracle(ran, 10)
            assert f"pid {pid} was stopped (no answer)" in ran.out
            assert (alive(pid), alive(kept.pid())) == (False, True)
            left = [" ".join(seen.argv) for seen in children(shell_pid) if seen.state not in "ZX"]
            assert left == ["sleep 621"]
            os.write(master, b"echo I-am-$((20+3))\n")
            said = b""
            while b"I-am-23" not in said:
                said += os.read(master, 4096)
        assert kept.happened() == ["stopped", "restarted", "recovered"]
        assert kept.keep("--process", name, command=[program]).code == 0

    def test_a_master_with_workers(self, kept: CheckedService, name: str, spawn: Spawner) -> None:
        """All of one family and of one name: the master is the instance, the workers end with it."""
        text = f'[ $1 ] || {{ "$0" worker & "$0" worker & }}; {lives(kept)}'
        program = agent(kept.room, name, text)
        master = spawn([program], start_new_session=True)
        wait_for(lambda: len(kept.service.said()) == 3, 5, "the family")
        family = [int(words[1]) for words in kept.service.said()]
        kept.ill(master.pid)
        ran = kept.keep("--process", name, command=[program])
        assert ran.code == 0, ran
        assert exit_code_of(master, 5) == -signal.SIGTERM
        assert not [pid for pid in family if alive(pid)]

    def test_several_that_do_not_belong_together(self, kept: CheckedService, name: str, spawn: Spawner) -> None:
        """Nobody knows which of them is sick: neither is touched, nothing is started, and it is said."""
        program = agent(kept.room, name, lives(kept))
        both = [spawn([program], start_new_session=True) for _ in range(2)]
        wait_for(lambda: len(kept.service.said()) == 2, 5, "both")
        kept.ill()
        ran = kept.keep("--process", name, "--before-restart", kept.hook("dump"), command=[program])
        assert ran.code == 2, ran
        words = "the checks found 2 processes that do not belong together, so it is not restarted"
        assert words in oracle(ran, 10)
        assert [each.poll() for each in both] == [None, None]
        assert (len(kept.service.said()), kept.told()) == (2, [])

    def test_an_ancestor_of_the_run_is_never_stopped(self, kept: CheckedService, name: str) -> None:
        """`--process NAME` names who runs us: CRITICAL, and it lives to read that."""
        words = [command("ensure-running"), *kept.words(), *QUICK, "--check", kept.check, "--process", name]
        kept.ill()
        line = quoted(*words, "--", "/bin/sleep", "600")
        script = f"$line = <<'END';\n{line}\nEND\nsystem($line); print 'code ', $? >> 8, qq(\\n);"
        program = kept.script(name, script, need("perl"))
        ran = run(program, timeout=15)
        assert (ran.code, ran.out.splitlines()[-1]) == (0, "code 2"), ran
        assert re.search(r"pid \d+ is an ancestor of this run", ran.out), ran

    @pytest.mark.parametrize("kind", ["sh", "bash"])
    def test_a_shell_is_not_taken_for_the_service(self, kept: CheckedService, kind: str) -> None:
        """`--process sh` from a shell: whoever is found, the one that runs us goes on."""
        words = [command("ensure-running"), *kept.words(), *QUICK, "--check", kept.check, "--dry-run"]
        kept.ill()
        line = quoted(*words, "--process", kind, "--", "/bin/sleep", "600")
        ran = run(need(kind), "-c", f"{line}; echo code $?", timeout=15)
        assert ran.out.splitlines()[-1] == "code 2", ran
        assert "would" in ran.out


class TestPidfile:
    """A pidfile chooses whom we signal, so who can write it must not be just anybody."""

    @pytest.fixture
    def daemon(self, kept: CheckedService, name: str) -> str:
        """Return a program that writes its pid into `pid`, unless somebody else's file is there."""
        return agent(
            kept.room, name, f"[ -e '{kept.room}/run/pids/pid' ] || echo $$ >'{kept.room}/run/pids/pid'\n{lives(kept)}"
        )

    @pytest.fixture
    def pidfile(self, kept: CheckedService) -> Path:
        """Return where it is."""
        place = kept.room / "run" / "pids"
        place.mkdir(parents=True)
        return place / "pid"

    @pytest.fixture
    def sick(self, kept: CheckedService, daemon: str, pidfile: Path, spawn: Spawner) -> subprocess.Popen[bytes]:
        """Return one that somebody else started, that the pidfile names, and that is ill."""
        child = spawn([daemon], start_new_session=True)
        wait_for(lambda: kept.service.said() and pidfile.read_text().strip() == str(child.pid), 5, "the daemon")
        kept.ill(child.pid)
        return child

    def test_a_good_one(self, kept: CheckedService, daemon: str, pidfile: Path, sick: subprocess.Popen[bytes]) -> None:
        """Root's own file in root's own directory: that process is stopped alone, and another one started."""
        cleans = ("--before-restart", kept.script("cleans", f"rm '{pidfile}'"))
        ran = kept.keep("--pidfile", pidfile, *cleans, "--startup-timeout", "5s", command=[daemon])
        assert ran.code == 0, ran
        assert exit_code_of(sick, 5) == -signal.SIGTERM
        assert pidfile.read_text().strip() == str(kept.pid())

    @pytest.mark.root(reason="makes files of another owner")
    @pytest.mark.parametrize("kind", ["0666", "nobody's", "group's", "hard link"])
    def test_32_34_one_that_others_can_write(
        self, kept: CheckedService, daemon: str, pidfile: Path, sick: subprocess.Popen[bytes], kind: str
    ) -> None:
        """UNKNOWN "insecure pidfile", with the component; nothing is signalled, no hook runs, nothing is started."""
        {
            "0666": lambda: pidfile.chmod(0o666),
            "nobody's": lambda: os.chown(pidfile, NOBODY, NOBODY),
            "group's": lambda: pidfile.chmod(0o664),
            "hard link": lambda: os.link(pidfile, pidfile.with_name("other")),
        }[kind]()
        self._refused(kept, daemon, pidfile, sick, named=pidfile)

    @pytest.mark.root(reason="makes files of another owner")
    @pytest.mark.parametrize("kind", ["0777", "nobody's", "above"])
    def test_34_one_in_a_directory_that_others_can_write(
        self, kept: CheckedService, daemon: str, pidfile: Path, sick: subprocess.Popen[bytes], kind: str
    ) -> None:
        """They could put another one in its place between our look and our signal."""
        named = pidfile.parent
        if kind == "0777":
            named.chmod(0o777)
        elif kind == "nobody's":
            os.chown(named, NOBODY, NOBODY)
        else:
            named = named.parent
            named.chmod(0o777)
        self._refused(kept, daemon, pidfile, sick, named=named)

    def _refused(
        self, kept: CheckedService, daemon: str, pidfile: Path, sick: subprocess.Popen[bytes], named: Path
    ) -> None:
        ran = kept.keep("--pidfile", pidfile, "--before-restart", kept.hook("dump"), command=[daemon])
        assert ran.code == 3, ran
        line = oracle(ran, 10)
        assert f"insecure pidfile {pidfile}: {named} " in line
        assert "nothing is signalled" in line
        assert (sick.poll(), kept.told(), len(kept.service.said())) == (None, [], 1)

    def test_31_a_stale_pid_of_another_program_is_never_signalled(
        self, kept: CheckedService, daemon: str, pidfile: Path, spawn: Spawner
    ) -> None:
        """The daemon died and its number went to somebody else: down, started, and the other one lives on."""
        other = spawn([need("sleep"), "600"], start_new_session=True)
        pidfile.write_text(f"{other.pid}\n")
        own = agent(kept.room, f"{Path(daemon).name}-2", f"echo $$ >'{pidfile}'\n{lives(kept)}")
        ran = kept.keep("--pidfile", pidfile, "--startup-timeout", "5s", "--stop", kept.hook("stop"), command=[own])
        assert (ran.code, "started svc" in ran.out) == (0, True), ran
        assert (other.poll(), kept.told()) == (None, [])

    def test_31_it_is_stale_also_where_our_own_instance_is_sick(
        self, kept: CheckedService, daemon: str, pidfile: Path, spawn: Spawner
    ) -> None:
        """What is stopped is the process of our record; the one of the pidfile is not asked for, nor signalled."""
        other = spawn([need("sleep"), "600"], start_new_session=True)
        pidfile.write_text(f"{other.pid}\n")
        assert kept.keep(command=[daemon]).code == 0
        pid = kept.pid()
        kept.ill()
        ran = kept.keep("--pidfile", pidfile, command=[daemon])
        assert ran.code == 2, ran
        assert (alive(pid), other.poll()) == (False, None)

    def test_35_one_from_before_the_boot_acts_on_nothing(
        self, kept: CheckedService, daemon: str, pidfile: Path, sick: subprocess.Popen[bytes]
    ) -> None:
        """It may name an innocent process: a veto on every stop and start."""
        before = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) - 60
        os.utime(pidfile, (before, before))
        ran = kept.keep("--pidfile", pidfile, command=[daemon])
        assert (ran.code, "nothing started" in oracle(ran, 10)) == (2, True), ran
        assert (sick.poll(), len(kept.service.said())) == (None, 1)

    @pytest.mark.root(reason="makes a pid namespace")
    def test_37_a_pid_of_a_container(self, kept: CheckedService, daemon: str, pidfile: Path, spawn: Spawner) -> None:
        """Written inside a container onto a shared volume: on the host it is another process's number, or nobody's."""
        need_works("unshare", "-pf", "--mount-proc", "true")
        spawn(["unshare", "-pf", "--mount-proc", "--kill-child", daemon])
        inside = int(wait_for(kept.service.said, 5, "the daemon")[0][1])
        host = wait_for(lambda: _inside(daemon, inside), 5, "its number on the host")
        pidfile.write_text(f"{host}\n")  # a host's own daemon would have written this one
        kept.ill(host)
        ran = kept.keep("--pidfile", pidfile, command=[daemon])
        assert ran.code in {2, 3} or "started svc" in ran.out, ran
        assert alive(host), "a process of another pid namespace was signalled"


def _inside(program: str, number: int) -> int:
    """Return the pid here of the program that has this number in a container."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            numbers = re.search(r"^NSpid:\t(.*)$", (path / "status").read_text(), re.MULTILINE)
            words = (path / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if numbers and numbers[1].split()[1:] == [str(number)] and program in words:
            return int(path.name)
    return 0


class TestTime:
    """Ages are those of the boot clock: no jump of the wall clock moves a backoff, a hold, or a period."""

    @pytest.mark.parametrize("jump", ["-1d", "+365d", "-365d"])
    def test_139_140_the_wall_clock_jumps(self, kept: CheckedService, jump: str) -> None:
        """A backoff neither lasts for a day nor ends at once; the events keep the time that they have."""
        fake = faked(jump)
        words = ("--backoff", "10m:10m")
        assert kept.run(*words, command=["/bin/false"], env=fake).code == 2
        plain, jumped = (kept.run(*words, env=env) for env in (None, fake))
        for ran in (plain, jumped):
            assert ran.code == 2, ran
            wait = re.search(r"backing off after 1 start that did not last, next try in ([\d.]+) min", oracle(ran, 5))
            assert wait, ran
            assert 9 < float(wait[1]) <= 10
        assert not kept.service.said()

    @pytest.mark.parametrize("jump", ["-365d", "+365d"])
    def test_139_140_it_jumps_while_it_runs(self, kept: CheckedService, jump: str) -> None:
        """An instance from before the jump is the same instance, and is restarted like any other."""
        fake = faked(jump)
        pid = kept.up()
        ran = kept.keep(env=fake)
        assert (ran.code, f"pid {pid}, up " in ran.out, "h)" in ran.out) == (0, True, False), ran
        kept.ill(pid)
        ran = kept.keep(env=fake)
        assert (ran.code, alive(pid), kept.service.starts()) == (0, False, 2), ran
        assert "is healthy" in kept.keep().out

    def test_139_140_a_hold_lasts_as_long_as_it_lasts(self, kept: CheckedService) -> None:
        """A year later on the wall is a moment later."""
        fake = faked("+365d")
        words = ("--limit", "1/10m", "--backoff", "0s:0s")
        assert kept.run(*words, command=["/bin/false"]).code == 2
        for env in (None, fake, None):
            ran = kept.run(*words, env=env)
            assert (ran.code, bool(re.search(r"held for 1[45](\.\d)? min", ran.out))) == (2, True), ran
        assert not kept.service.said()

    @pytest.mark.root(reason="makes a time namespace")
    def test_141_143_a_record_of_another_time_namespace_is_void(self, kept: CheckedService) -> None:
        """Its times mean nothing here: no backoff of it holds, and its instance is found again by its mark."""
        need_works("unshare", "-T", "-f", "--boottime", "1", "true")
        words, there = ("--backoff", "10m:10m"), ("unshare", "-T", "-f", "--boottime", "86400")
        assert kept.run(*words, command=["/bin/false"], before=there).code == 2
        ran = kept.run(*words)
        assert (ran.code, "started svc" in ran.out) == (0, True), ran
        pid = kept.service.one()
        for before in (there, (), there):
            ran = kept.run(*words, before=before)
            assert (ran.code, f"adopted svc (pid {pid})" in oracle(ran, 10)) == (0, True), ran
            assert kept.service.one() == pid
        assert kept.happened()[3:] == ["started", "adopted", "adopted", "adopted"]

    @pytest.mark.parametrize("field", ["boot", "timens", "pidns"])
    def test_143_a_hold_of_another_boot_is_void(self, kept: CheckedService, field: str) -> None:
        """After a reboot nothing is held: its starts, failures and times are those of a machine that was."""
        words = ("--limit", "1/10m", "--backoff", "10m:10m")
        assert kept.run(*words, command=["/bin/false"]).code == 2
        assert "held for" in kept.run(*words).out
        kept.fields(**{field: "7"})
        ran = kept.run(*words)
        assert (ran.code, "started svc" in ran.out) == (0, True), ran
        assert kept.record()["attempts"] == "1"

    def test_141_after_a_reboot_it_is_started(self, kept: CheckedService) -> None:
        """Nobody saw it die, and nothing is in trouble: a start is no restart, and no hook runs."""
        pid = kept.up()
        kept.kill(pid)
        kept.fields(boot="another")
        ran = kept.keep("--on-restart", kept.hook("restart"), "--on-recover", kept.hook("recover"))
        assert (ran.code, f"started svc (pid {kept.pid()})" in ran.out) == (0, True), ran
        assert (kept.told(), kept.happened()) == ([], ["started", "started"])

    def test_141_what_was_slept_counts(self, kept: CheckedService) -> None:
        """A suspended machine's hours are hours: a backoff is over by then."""
        assert kept.run("--backoff", "40s:40s", command=["/bin/false"]).code == 2
        kept.grow_older(45)
        ran = kept.run("--backoff", "40s:40s")
        assert (ran.code, "started svc" in ran.out) == (0, True), ran


def faked(jump: str) -> dict[str, str]:
    """Return an environment whose wall clock is elsewhere; the monotonic and the boot clock are not."""
    need(str(FAKETIME))
    return environment(None) | {"LD_PRELOAD": str(FAKETIME), "FAKETIME": jump, "DONT_FAKE_MONOTONIC": "1"}


class TestResources:
    """Disks, leftovers, killed holders."""

    def test_134_a_disk_that_fills_up_while_it_is_sick(self, kept: CheckedService) -> None:
        """The record cannot be replaced: the old one stays whole, the sick one is not stopped, nothing is left over."""
        pid = kept.up()
        before = (kept.state / "svc.record").read_bytes()
        bad = kept.script("bad", "echo no answer; exit 2")
        for _ in range(2):
            ran = kept.run("--check", bad, "--retries", "0", before=("prlimit", "--fsize=0"))
            assert ran.code == 2, ran
            oracle(ran, 10)
        assert (kept.service.one(), (kept.state / "svc.record").read_bytes()) == (pid, before)

    def test_144_a_crash_loop_leaves_no_files(self, kept: CheckedService) -> None:
        """A dozen runs later the directory is as small as after the first one."""
        for _ in range(12):
            kept.run("--backoff", "0s:0s", "--limit", "none", command=["/bin/false"])
        usual = {"lock", "svc.lock", *(f"svc.{kind}" for kind in ("record", "events", "command", "seen", "start"))}
        assert {path.name for path in kept.state.rglob("*")} <= usual
        assert (kept.state / "svc.record").stat().st_size < 4096

    def test_114_an_instance_that_forks_without_exec_holds_no_lock(self, kept: CheckedService) -> None:
        """A multiprocessing master of ours: the lock is free, and the whole family is restarted."""
        code = (
            "import os, sys, time\n"
            "for _ in range(3):\n    if not os.fork(): break\n"
            "else: open(sys.argv[1], 'a').write(f'start {os.getpid()} 0\\n')\n"
            "time.sleep(600)"
        )
        words = [need("python3"), "-c", code, str(kept.service.journal)]
        pid = kept.up("--startup-timeout", "5s", command=words)
        assert kept.is_free()
        family = [seen.pid for seen in children(pid)]
        kept.ill(pid)
        ran = kept.keep("--startup-timeout", "5s", command=words)
        assert (ran.code, [each for each in (pid, *family) if alive(each)]) == (0, []), ran

    def test_103_a_run_killed_between_stop_and_start(self, kept: CheckedService) -> None:
        """The actor dies right after the stop: the next run starts exactly one, with and without the state."""
        for forget in (False, True):
            kept.service.journal.unlink(missing_ok=True)
            pid = kept.up()
            kept.ill(pid)
            killer = kept.script("killer", f"kill -9 $HOOK_PID $(cut -d' ' -f1 '{kept.lock}')")
            ran = kept.keep("--stop", killer, command=kept.service.command)
            assert (ran.code, "killed while" in oracle(ran, 10)) == (2, True), ran
            wait_for(lambda pid=pid: not alive(pid) and kept.is_free(), 5, "both ends")
            if forget:
                kept.forget()
            ran = kept.keep()
            assert ran.code == 0, ran
            assert (kept.service.starts(), alive(pid)) == (2, False)
            kept.kill()
            kept.well()

    def test_132_a_holder_that_is_stuck_beside_a_sick_instance(self, kept: CheckedService, spawn: Spawner) -> None:
        """A run that is stopped in the middle of its patience: named past its limit; nobody else stops or starts."""
        pid = kept.up()
        kept.clear()
        kept.ill()
        words = ["--check", kept.check, "--retries", "3", "--retry-delay", "10s"]
        spawn([command("ensure-running"), *kept.words(), *words, "--", *kept.service.command])
        wait_for(lambda: len(kept.looks()) == 2, 10, "its patience")
        holder, ticks, boot, pidns, timens, since, _, *who = kept.lock.read_text().split()
        os.kill(int(holder), signal.SIGSTOP)
        try:
            ran = kept.keep("--lock-wait", "100ms")
            assert (ran.code, "another run is repairing it" in ran.out) == (1, True), ran
            aged = [holder, ticks, boot, pidns, timens, str(int(since) - 3_600_000), "5000", *who]
            kept.lock.write_text(" ".join(aged) + "\n")
            ran = kept.keep("--lock-wait", "100ms")
            assert (ran.code, f"by pid {holder} (stopped)" in oracle(ran, 3)) == (2, True), ran
            assert kept.service.one() == pid
        finally:
            os.kill(int(holder), signal.SIGKILL)


class TestOthers:
    """Other users, other containers."""

    @pytest.mark.root(reason="runs a command as another user")
    def test_109_another_user_s_daemon_is_not_restarted(
        self, kept: CheckedService, name: str, public_path: Path
    ) -> None:
        """--user daemon: nobody's process of that name is another service, sick or not."""
        program = agent(public_path, name)
        other = subprocess.Popen([program], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/")
        try:
            wait_for(lambda: (seen := look(other.pid)) and "sleep" in seen.argv[0], 5, "nobody's")
            kept.ill()
            ran = kept.keep("--process", name, "--user", "daemon", command=shell("exec sleep 600"))
            assert ran.code == 2, ran
            assert other.poll() is None
        finally:
            other.kill()
            other.wait()

    @pytest.mark.root(reason="makes a pid namespace")
    def test_110_a_container_s_daemon_is_not_restarted(self, kept: CheckedService, name: str, spawn: Spawner) -> None:
        """The same name in another pid namespace is neither taken for the service nor signalled."""
        need_works("unshare", "-pf", "--mount-proc", "true")
        program = agent(kept.room, name, lives(kept))
        spawn(["unshare", "-pf", "--mount-proc", "--kill-child", program])
        inside = int(wait_for(kept.service.said, 5, "the daemon")[0][1])
        host = wait_for(lambda: _inside(program, inside), 5, "its number here")
        kept.ill()
        ran = kept.keep("--process", name, command=[program])
        assert (ran.code, "started svc" in ran.out) == (2, True), ran
        assert alive(host)
