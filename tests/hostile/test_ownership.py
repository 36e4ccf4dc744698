"""Whose instance it is: no service is taken for another, and nobody's word is believed (176-180, 184, 187, 189)."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.commands import Ran, command, run
from helpers.components import NOBODY, need
from helpers.instances import UNTIL_IT_ENDS, Kept, marked
from helpers.processes import Spawner, alive, end, everyone, look, wait_for

pytestmark = pytest.mark.usefixtures("starts_services")
HOMELESS = f"nobody:x:{NOBODY}:{NOBODY}::/home/of-nobody:/bin/sh"


class Apps:
    """Services that run one program below one state directory, each with a check of its own."""

    def __init__(self, room: Path) -> None:
        """Make the program, of a name of its own; a service is well as long as ROOM/NAME.sick is not there."""
        self.room = room
        self.name = f"app-{secrets.token_hex(4)}"
        self.program = room / self.name
        shutil.copy(need("sleep"), self.program)
        self.state = room / "state"
        self.state.mkdir(0o700)

    def run(self, name: str, *options: object, alone: bool = False, state: Path | None = None) -> Ran:
        """Keep NAME once. alone: with --process and no check of its own."""
        own = () if alone else ("--check", f"/bin/sh -c 'test ! -e {self.room}/{name}.sick || exit 2'")
        words = (
            "--process",
            self.name,
            *own,
            "--retries",
            "0",
            "--backoff",
            "0s:0s",
            "--start-seconds",
            "0.1",
            *options,
        )
        return run("ensure-running", name, "--state-dir", state or self.state, *words, "--", self.program, "600")

    def verb(self, verb: str, name: str) -> Ran:
        """Give an operator's order."""
        return run("watchdog-tools", verb, name, "--state-dir", self.state)

    def pid(self, name: str) -> int:
        """Return the pid in the record of NAME."""
        lines = (self.state / f"{name}.record").read_text().splitlines()
        return int(dict(line.split("=", 1) for line in lines)["pid"])

    def lives(self) -> list[int]:
        """Return the pids of all instances."""
        return sorted(seen.pid for seen in marked(self.room))

    def kill(self, name: str) -> None:
        """End the instance of NAME."""
        os.kill(pid := self.pid(name), signal.SIGKILL)
        wait_for(lambda: not alive(pid), 5, "its end")


@pytest.fixture
def apps(tmp_path: Path) -> Apps:
    """Return services of one program."""
    return Apps(tmp_path)


class TestOneProgram:
    """176: what another NAME's record or mark claims is never counted, adopted, stopped, or started beside as ours."""

    @pytest.mark.parametrize("alone", [False, True])
    def test_176_each_has_an_instance_of_its_own(self, apps: Apps, alone: bool) -> None:
        """Also the third; and no run touches another one's."""
        names = ("app1", "app2", "app3")
        first = [apps.run(name, alone=alone) for name in names]
        assert [ran.code for ran in first] == [0, 0, 0], first
        pids = [apps.pid(name) for name in names]
        assert apps.lives() == sorted(pids)
        again = [apps.run(name, alone=alone) for name in names]
        assert [ran.code for ran in again] == [0, 0, 0], again
        assert [apps.pid(name) for name in names] == pids
        assert apps.lives() == sorted(pids)

    @pytest.mark.parametrize("alone", [False, True])
    def test_176_a_dead_one_is_not_healthy_by_the_other(self, apps: Apps, alone: bool) -> None:
        """It is started, and the line says whose the one is that its check found."""
        for name in ("app1", "app2"):
            apps.run(name, alone=alone)
        other = apps.pid("app2")
        apps.kill("app1")
        dry = apps.run("app1", "--dry-run", alone=alone)
        assert f"pid {other} is of app2" in dry.out, dry
        assert "would start: " in dry.out, dry
        ran = apps.run("app1", alone=alone)
        assert (ran.code, "started app1" in ran.out) == (0, True), ran
        assert apps.lives() == sorted([apps.pid("app1"), other])

    def test_176_a_sick_one_is_restarted_alone(self, apps: Apps) -> None:
        """The healthy instance of the other one is neither stopped nor a reason to do nothing."""
        for name in ("app1", "app2"):
            apps.run(name)
        old, other = apps.pid("app1"), apps.pid("app2")
        (apps.room / "app1.sick").touch()
        ran = apps.run("app1", "--startup-timeout", "0.2s")
        assert f"pid {old} was stopped" in ran.out, ran
        assert (alive(old), alive(other), apps.pid("app2")) == (False, True, other)

    @pytest.mark.parametrize("verb", ["stop", "restart"])
    def test_176_an_order_is_for_that_service(self, apps: Apps, verb: str) -> None:
        """Also where its own instance is dead."""
        for name in ("app1", "app2"):
            apps.run(name)
        other = apps.pid("app2")
        for dead in (False, True):
            ran = apps.verb(verb, "app1")
            assert ran.code == 0, (dead, ran)
            assert alive(other)
            if verb == "restart":
                apps.kill("app1")

    def test_176_found_by_record_where_the_mark_is_gone(self, apps: Apps) -> None:
        """Nginx and its like overwrite their environment; its worker, of the same session, is the other's too."""
        body = f"import os, subprocess; subprocess.Popen(['{apps.program}', '600'], env={{}}).wait()"
        words = ("--state-dir", apps.state, "--start-seconds", "0.1")
        first = run("ensure-running", "master", *words, "--", sys.executable, "-S", "-c", body)
        assert first.code == 0, first
        ran = apps.run("app1", alone=True)
        for seen in filter(None, map(look, everyone())):
            if seen.argv == (str(apps.program), "600"):  # nothing else ends the worker, which has no token
                end(seen)
        assert (ran.code, "started app1" in ran.out) == (0, True), ran

    def test_176_a_start_command_that_another_service_runs_inside(self, apps: Apps) -> None:
        """A service that was started from within another one is its own, whatever it descends from."""
        words = ["--state-dir", str(apps.state), "--start-seconds", "0.1", "--process", apps.name, "--"]
        inner = [command("ensure-running"), "inner", *words, str(apps.program), "601"]
        outer = f"{' '.join(inner)} >{apps.room}/said; exec sleep 602"
        run("ensure-running", "outer", *words[:4], "--", "/bin/sh", "-c", outer)
        wait_for(lambda: (apps.room / "said").exists() and (apps.room / "said").read_text(), 10, "the inner one")
        again = run(*inner)
        assert (again.code, f"(pid {apps.pid('inner')}" in again.out) == (0, True), again


def disguised(spawn: Spawner, name: str, **popen: object) -> int:
    """Start a sleep that calls itself `name`; return its pid."""
    child = spawn(["bash", "-c", f"echo ready; exec -a {name} sleep 600"], wait_ready=True, **popen)
    wait_for(lambda: (seen := look(child.pid)) and seen.argv[:1] == (name,), 5, "its disguise")
    return child.pid


@pytest.mark.root(reason="other users try to deceive root")
class TestAnybody:
    """What an unprivileged user could have made up makes nothing of root's healthy, and keeps nothing down."""

    def test_177_a_name_by_which_anybody_may_call_themselves(self, apps: Apps, spawn: Spawner) -> None:
        """Where nothing of that NAME was ever kept: no verdict and no start, but advice."""
        pid = disguised(spawn, apps.name, user=NOBODY)
        ran = apps.run("svc", alone=True)
        assert (ran.code, f"pid {pid} of uid {NOBODY}" in ran.out, "--user" in ran.out) == (3, True, True), ran
        assert apps.lives() == []

    def test_177_once_kept_it_is_started_beside_whoever_calls_himself_so(self, apps: Apps, spawn: Spawner) -> None:
        """The dead service is down: a thousand pretenders are named, and count for nothing."""
        apps.run("svc", alone=True)
        apps.kill("svc")
        pid = disguised(spawn, apps.name, user=NOBODY)
        ran = apps.run("svc", alone=True)
        assert (ran.code, "started svc" in ran.out) == (0, True), ran
        assert f"pid {pid} of uid {NOBODY} merely calls itself {apps.name}" in ran.out, ran
        again = apps.run("svc", alone=True)
        assert (again.code, f"(pid {apps.pid('svc')}" in again.out, alive(pid)) == (0, True, True), again

    @pytest.mark.parametrize(("uid", "code"), [(0, 0), (NOBODY, 3)])
    def test_177_a_script_that_another_user_runs(
        self, public_path: Path, kept: Kept, spawn: Spawner, uid: int, code: int
    ) -> None:
        """Its name counts where the file is root's alone; in the user's own place it does not."""
        agent = public_path / f"agent-{secrets.token_hex(4)}.py"
        agent.write_text("#!/usr/bin/python3 -S\nprint('ready', flush=True)\nimport time; time.sleep(600)\n")
        agent.chmod(0o755)
        for each in (agent, public_path):
            os.chown(each, uid, uid)
        spawn([agent], user=NOBODY, wait_ready=True)
        ran = kept.run("--process", agent.name, "--oneshot", command=["/bin/true"])
        assert ran.code == code, ran

    def test_178_a_forged_mark(self, kept: Kept, spawn: Spawner) -> None:
        """Named, neither adopted nor stopped; ours is started, and stays the only one of ours."""
        code = (
            "import os; ticks = open('/proc/self/stat').read().rpartition(')')[2].split()[19];"
            f"os.environ.update(WATCHDOG_TOOLS_INSTANCE=f'{{os.getpid()}}:{{ticks}}:0:svc:{kept.state}',"
            f" WATCHDOG_TOOLS_PLACE='{place_of(kept)}');"
            "os.execv('/bin/sleep', ['sleep', '600'])"
        )
        forger = spawn([sys.executable, "-I", "-S", "-c", code], user=NOBODY, wait_ready=False)
        wait_for(lambda: b"WATCHDOG_TOOLS_PLACE" in Path(f"/proc/{forger.pid}/environ").read_bytes(), 5, "its mark")
        words = ["/bin/sleep", "600"]
        ran = kept.run(command=words)
        assert (ran.code, f"pid {forger.pid} of uid {NOBODY} carries its mark" in ran.out) == (0, True), ran
        kept.kill()
        again = kept.run("--backoff", "0s:0s", command=words)
        assert (again.code, "restarted svc" in again.out) == (0, True), again
        assert alive(forger.pid)
        assert kept.pid() != forger.pid

    def test_178_a_word_of_the_start_command_is_no_program_of_ours(self, kept: Kept, spawn: Spawner) -> None:
        """`-- /opt/server sleep` does not make a stranger's sleep ours."""
        server = kept.script("server", "exec tail -f /dev/null")
        code = (
            "import os; ticks = open('/proc/self/stat').read().rpartition(')')[2].split()[19];"
            f"os.environ['WATCHDOG_TOOLS_INSTANCE'] = f'{{os.getpid()}}:{{ticks}}:0:svc:{kept.state}';"
            "os.execv('/bin/sleep', ['sleep', '600'])"
        )
        forger = spawn([sys.executable, "-I", "-S", "-c", code], user=NOBODY)
        wait_for(lambda: b"TOOLS_INSTANCE" in Path(f"/proc/{forger.pid}/environ").read_bytes(), 5, "its mark")
        ran = kept.run(command=[server, "sleep"])
        assert (ran.code, "started svc" in ran.out) == (0, True), ran
        assert kept.pid() != forger.pid

    def test_177_178_a_setuid_program_is_of_whoever_ran_it(self, apps: Apps, public_path: Path, spawn: Spawner) -> None:
        """It has root's uid, and a name and an environment that a user chose: none of that is root's word."""
        code = (
            "import os, sys; name, state, place, program = sys.argv[1:5]; pid = os.getpid();"
            "ticks = open('/proc/self/stat').read().rpartition(')')[2].split()[19];"
            "mark = f'{pid}:{ticks}:0:svc:{state}';"
            "os.execve(program, [name, '-c', 'import time; time.sleep(600)'],"
            " {**os.environ, 'WATCHDOG_TOOLS_INSTANCE': mark, 'WATCHDOG_TOOLS_PLACE': place})"
        )
        for real in (False, True):  # as passwd is; as sudo is, which takes on root's real uid at once
            program = setuid_program(public_path, real=real)
            found = apps.room.stat()
            words = [apps.name, apps.state, f"{found.st_dev}.{found.st_ino}", program]
            child = spawn([sys.executable, "-I", "-S", "-c", code, *words], user=NOBODY)
            wait_for(lambda child=child: (seen := look(child.pid)) and seen.argv[:1] == (apps.name,), 5, "its disguise")
            assert uids(child.pid)[1] == "0"
            ran = apps.run("svc", alone=True)
            said = "of whoever ran a setuid program" if real else f"of uid {NOBODY}"
            assert (ran.code, f"pid {child.pid} {said}" in ran.out) == (3, True), ran
            direct = run(
                "ensure-running", "svc", "--state-dir", apps.state, "--start-seconds", "0", "--", "/bin/sleep", "9"
            )
            assert (direct.code, f"pid {child.pid} {said} carries its mark" in direct.out) == (0, True), direct
            assert alive(child.pid)
            os.kill(child.pid, signal.SIGKILL)
            shutil.rmtree(apps.state)
            apps.state.mkdir(0o700)

    def test_187_a_plugin_that_others_can_replace(self, kept: Kept, public_path: Path) -> None:
        """Root executes it neither as a check nor as what is required: UNKNOWN, and nothing is started."""
        plugin = public_path / "check_it"
        trace = public_path / "ran"
        plugin.write_text(f"#!/bin/sh\ntouch {trace}\nexit 2\n")
        plugin.chmod(0o755)
        os.chown(plugin, NOBODY, NOBODY)
        ran = kept.run("--check", str(plugin))
        assert (ran.code, f"{plugin} belongs to uid {NOBODY}" in ran.out) == (3, True), ran
        required = kept.run("--requires", str(plugin))
        assert f"{plugin} belongs to uid {NOBODY}" in required.out, required
        assert not trace.exists()
        allowed = kept.run("--check", str(plugin), "--allow-unsafe-path", "--startup-timeout", "0s")
        assert trace.exists(), allowed

    @pytest.mark.parametrize("how", ["another user's", "a hard link"])
    def test_187_a_log_in_a_sticky_directory(self, kept: Kept, public_path: Path, how: str) -> None:
        """Into a file that another user made there, or linked there, root's service writes nothing."""
        place = public_path / "sticky"
        place.mkdir()
        place.chmod(0o1777)
        victim, log = kept.room / "victim", place / "log"
        victim.write_text("")
        if how == "a hard link":
            os.link(victim, log)
        else:
            log.write_text("")
            log.chmod(0o666)
            os.chown(log, NOBODY, NOBODY)
        words = ["/bin/sh", "-c", "echo written; exec sleep 600"]
        ran = kept.run("--log", str(log), command=words)
        assert (ran.code, "refused: " in ran.out, str(log) in ran.out) == (2, True, True), ran
        assert (log.read_text(), marked(kept.state)) == ("", [])
        allowed = kept.run("--log", str(log), "--allow-unsafe-path", "--backoff", "0s:0s", command=words)
        assert allowed.code == 0, allowed
        wait_for(log.read_text, 5, "its output")

    def test_187_a_log_of_one_s_own_in_a_sticky_directory(self, kept: Kept, public_path: Path) -> None:
        """/tmp will do for a new file."""
        public_path.chmod(0o1777)
        ran = kept.run("--log", str(public_path / "log"))
        assert ran.code == 0, ran

    def test_187_a_configuration_of_supervisorctl_that_others_can_replace(self, kept: Kept, public_path: Path) -> None:
        """It says which socket to believe, and may name plugins to load."""
        config = public_path / "supervisord.conf"
        config.write_text("[supervisorctl]\nserverurl = unix:///nowhere\n")
        os.chown(config, NOBODY, NOBODY)
        words = ("--supervisor", "x", "--supervisor-config", config, "--state-dir", kept.state)
        ran = run("ensure-running", "svc", *words)
        assert (ran.code, f"{config} belongs to uid {NOBODY}" in ran.out) == (3, True), ran


def uids(pid: int) -> list[str]:
    """Return its uids: real, effective, saved, of file access."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line for line in lines if line.startswith("Uid:")).split()[1:]


def setuid_program(place: Path, *, real: bool) -> Path:
    """Return a setuid-root program that sleeps. real: it makes root its real uid, too."""
    source, program = place / "setuid.c", place / f"setuid-{real}"
    source.write_text(f"#include <unistd.h>\nint main(void) {{ if ({int(real)}) setuid(0); for (;;) pause(); }}\n")
    subprocess.run([need("gcc"), "-o", program, source], check=True)
    program.chmod(0o4755)
    return program


def place_of(kept: Kept) -> str:
    """Return the place of the state directory, as a mark has it: of the directory above it."""
    found = kept.state.parent.stat()
    return f"{found.st_dev}.{found.st_ino}"


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep."""
    return Kept(tmp_path)


@pytest.mark.root(reason="other users try to deceive root")
def test_179_a_chroot_that_shares_proc_keeps_one_of_its_own(kept: Kept) -> None:
    """Same /proc, same path, same NAME: another root directory is another place; the host's is never touched."""
    words = ["/bin/sleep", "600"]
    assert kept.run(command=words).code == 0
    pid = kept.pid()
    inner = " ".join([command("ensure-running"), *kept.words(), "--", *words])
    inside = f"mkdir {kept.state} && chmod 700 {kept.state} && {inner} && cat {kept.state}/svc.record"
    script = (
        f"mount --make-rprivate / && mkdir {kept.room}/root && mount --rbind / {kept.room}/root &&"
        f" mount -t tmpfs none {kept.room}/root{kept.room} && exec chroot {kept.room}/root sh -c '{inside}'"
    )
    ran = run(need("unshare"), "-m", "sh", "-c", script)
    assert (ran.code, "started svc" in ran.out) == (0, True), ran
    assert (alive(pid), kept.pid()) == (True, pid)
    lives = {seen.pid for seen in marked(kept.state)}
    assert (len(lives), pid in lives) == (2, True)
    again = kept.run(command=words)
    assert (again.code, f"(pid {pid}" in again.out) == (0, True), again


class TestCopies:
    """180: a record says whose it is, and is believed of nobody else."""

    def test_180_another_name_s_record(self, kept: Kept) -> None:
        """Set aside with a word; that service gets an instance of its own."""
        kept.run()
        pid = kept.pid()
        shutil.copy(kept.state / "svc.record", kept.state / "b.record")
        ran = run(command("ensure-running"), *kept.words("b"), "--", *kept.service.command)
        assert "the record of b is not usable: it is that of svc" in ran.out, ran
        assert (kept.state / "b.corrupt").exists()
        assert alive(pid)
        stopped = run("watchdog-tools", "stop", "b", "--state-dir", kept.state)
        assert (stopped.code in (0, 3), alive(pid)) == (True, True), stopped

    def test_180_status_does_not_believe_it_either(self, kept: Kept) -> None:
        """It says why."""
        kept.run()
        shutil.copy(kept.state / "svc.record", kept.state / "b.record")
        ran = run("watchdog-tools", "status", "b", "--state-dir", kept.state)
        assert (ran.code, "it is that of svc" in ran.out) == (3, True), ran

    def test_180_a_copied_state_directory(self, kept: Kept) -> None:
        """Another path is another service, and its run leaves the first one's instance alone."""
        words = ["/bin/sleep", "600"]
        kept.run(command=words)
        pid = kept.pid()
        shutil.copytree(kept.state, copy := kept.room / "copy")
        ran = run("ensure-running", "svc", "--state-dir", copy, "--start-seconds", "0.1", "--", *words)
        assert (ran.code, f"a copy, from {kept.state}" in ran.out, "started svc" in ran.out) == (0, True, True), ran
        assert alive(pid)
        assert len({seen.pid for seen in marked(kept.room)}) == 2

    def test_180_one_that_an_older_release_wrote(self, kept: Kept) -> None:
        """It does not say whose it is; its process does, by its mark."""
        kept.run()
        pid = kept.pid()
        plain = [line for line in (kept.state / "svc.record").read_text().splitlines() if line[:4] != "why="]
        at = plain.index(next(line for line in plain if line.startswith("timens="))) + 1
        old = "\n".join([*plain[:at], "why=", *plain[at:]]) + "\n"
        for name in ("svc", "b"):
            (kept.state / f"{name}.record").write_text(old)
        ran = kept.run()
        assert (ran.code, f"(pid {pid}" in ran.out) == (0, True), ran
        other = run(command("ensure-running"), *kept.words("b"), "--", "/bin/sleep", "600")
        assert ("its process is of svc" in other.out, alive(pid)) == (True, True), other


def test_a_healthy_instance_whose_record_is_lost_is_written_down_again(apps: Apps) -> None:
    """Else a run that finds it dead would not know that it ever was ours, nor an operator's order whom it means."""
    apps.run("svc")
    pid = apps.pid("svc")
    shutil.rmtree(apps.state)
    apps.state.mkdir(0o700)
    ran = apps.run("svc")
    assert (ran.code, f"adopted svc (pid {pid})" in ran.out, apps.pid("svc")) == (0, True, pid), ran
    again = apps.run("svc")
    assert (again.code, "is healthy" in again.out) == (0, True), again
    assert apps.verb("stop", "svc").code == 0
    assert not alive(pid)


def test_a_daemon_of_ours_is_remembered_though_all_state_is_lost(apps: Apps) -> None:
    """It has no record of its own any more; that its NAME was kept here is written down again, once."""
    program = apps.room / "program"
    program.write_text(f"#!/bin/sh\nsetsid {apps.program} 600 &\nexit 0\n")
    program.chmod(0o755)
    words = ("ensure-running", "svc", "--state-dir", apps.state, "--process", apps.name, *UNTIL_IT_ENDS)
    run(*words, "--", program)
    shutil.rmtree(apps.state)
    apps.state.mkdir(0o700)
    ran = run(*words, "--", program)
    assert (ran.code, (apps.state / "svc.command").exists()) == (0, True), ran
    kept = (apps.state / "svc.command").stat().st_ino
    assert run(*words, "--", program).code == 0
    assert (apps.state / "svc.command").stat().st_ino == kept


class TestLeftBehind:
    """184: behind every ending its family is looked for; never two."""

    @pytest.mark.parametrize("forget", [False, True])
    @pytest.mark.parametrize("status", [0, 1])
    def test_184_a_parent_that_ends_behind_its_fork(self, kept: Kept, status: int, forget: bool) -> None:
        """What it left is named, and ended before the next start; or, as the parent ended well, not started beside."""
        body = f"setsid sleep 600 >/dev/null 2>&1 & echo $! >>{kept.room}/daemons; exit {status}"
        program = kept.script("program", body)
        for _ in range(3):
            ran = kept.run(*UNTIL_IT_ENDS, "--backoff", "0s:0s", command=[program])
            assert ran.code == 2, ran
            daemons = [pid for pid in map(int, kept.text("daemons").split()) if alive(pid)]
            assert len(daemons) == 1, daemons
            assert f"pid {daemons[0]}" in ran.out, ran
            if forget:
                kept.forget()

    def test_184_a_dry_run_tells_and_an_order_to_stop_ends_it(self, kept: Kept) -> None:
        """Nothing of a stopped service is left, though its instance is gone."""
        program = kept.script("program", f"setsid sleep 600 & echo $! >{kept.room}/other; exec sleep 601")
        assert kept.run(command=[program]).code == 0
        other = kept.pid_in("other")
        kept.kill()
        dry = kept.run("--dry-run", "--backoff", "0s:0s", command=[program])
        assert f"would end what an earlier instance left behind (pid {other}), and start: " in dry.out, dry
        assert alive(other)
        ran = run("watchdog-tools", "stop", "svc", "--state-dir", kept.state)
        assert (ran.code, f"pid {other}, left behind by an earlier instance, was ended" in ran.out) == (0, True), ran
        assert not alive(other)

    def test_184_one_that_becomes_a_daemon_long_after_its_start(self, kept: Kept) -> None:
        """Under a watch its exit with 0 is seen: what it became is neither ended nor started beside."""
        body = f"while [ ! -e {kept.room}/go ]; do sleep 0.05; done; setsid sleep 600 & echo $! >>{kept.room}/daemons"
        program = kept.script("program", body)
        words = [command("ensure-running"), *kept.words(), "--watch", "60s", "--every", "1s", "--backoff", "0s:0s"]
        watcher = subprocess.Popen([*words, "--", program], stdout=subprocess.PIPE, text=True)
        try:
            wait_for(lambda: "phase=running" in kept.text("state/svc.record"), 10, "an instance")
            (kept.room / "go").touch()
            wait_for(lambda: "why=daemon" in kept.text("state/svc.record"), 10, "its daemon in the record")
        finally:
            watcher.terminate()
            watcher.communicate(timeout=20)
        (daemon,) = map(int, kept.text("daemons").split())
        ran = kept.run("--backoff", "0s:0s", command=[program])
        assert (ran.code, f"pid {daemon}" in ran.out, alive(daemon)) == (2, True, True), ran

    def test_182_one_that_ran_and_exits_with_0_under_kill_mode_process(self, kept: Kept) -> None:
        """An sshd that is told to end, with a session open: a death, what it carried is named, and one is started."""
        go, carried = kept.room / "go", kept.room / "carried"
        body = f"[ -e {go} ] && exec sleep 601; while [ ! -e {go} ]; do sleep 0.05; done; setsid sleep 600 & echo $! >"
        program = kept.script("program", f"{body}{carried}")
        words = [command("ensure-running"), *kept.words(), "--watch", "60s", "--every", "1s", "--backoff", "0s:0s"]
        words += ["--kill-mode", "process"]
        watcher = subprocess.Popen([*words, "--", program], stdout=subprocess.PIPE, text=True)
        try:
            wait_for(lambda: "\ngood=" in (said := kept.text("state/svc.record")) and "\ngood=0" not in said, 10, "it")
            first = kept.pid()
            go.touch()
            wait_for(lambda: kept.pid() != first and kept.record()["phase"] == "running", 10, "another one")
        finally:
            watcher.terminate()
            said, _ = watcher.communicate(timeout=20)
        left = int(carried.read_text())
        assert f"pid {first} exited with 0" in said, said
        assert (alive(left), f"left pid {left} running" in said) == (True, True), said
        ran = kept.run("--kill-mode", "process", command=[program])
        assert (ran.code, alive(kept.pid())) == (0, True), ran

    @pytest.mark.parametrize("verb", ["start", "restart", "stop and start"])
    @pytest.mark.parametrize("mode", ["group", "process"])
    def test_184_an_order_goes_through_beside_what_it_became(self, kept: Kept, mode: str, verb: str) -> None:
        """An operator knows better: what it became is ended first, or lives on beside, by --kill-mode."""
        go, daemon = kept.room / "go", kept.room / "daemon"
        body = f"[ -e {go} ] && exec sleep 601; setsid sleep 600 >/dev/null 2>&1 & echo $! >{daemon}"
        options = (*UNTIL_IT_ENDS, "--kill-mode", mode)
        ran = kept.run(*options, command=[kept.script("program", body)])
        assert (ran.code, "turns itself into a daemon" in ran.out) == (2, True), ran
        left = int(daemon.read_text())
        again = kept.run(*options, command=[str(kept.room / "program")])
        assert (again.code, "not started beside it" in again.out, alive(left)) == (2, True, True), again
        kept.order_soon()
        go.touch()
        for word in verb.split(" and "):
            ran = run("watchdog-tools", word, "svc", "--state-dir", kept.state, timeout=30)
            assert ran.code == 0, ran
        assert f"pid {left}" in ran.out or verb == "stop and start", ran
        assert (alive(kept.pid()), alive(left)) == (True, mode == "process"), ran


def test_189_the_pidfile_of_a_child_that_the_start_script_waits_for(kept: Kept) -> None:
    """WildFly's way: the pid is of the instance's family, and the instance is fine."""
    pidfile = kept.room / "pid"
    program = kept.script("start.sh", f"sleep 600 & echo $! >{pidfile}; wait")
    words = ("--pidfile", pidfile, "--retries", "0")
    for _ in range(2):
        ran = kept.run(*words, command=[program])
        assert ran.code == 0, ran
    assert f"of what was started here (pid {kept.pid()})" in ran.out, ran
    assert len([event for event in kept.events() if event["event"] == "started"]) == 1


def test_192_a_line_says_what_our_own_instance_calls_itself(kept: Kept) -> None:
    """Where --process does not match what was started, its names are there to copy."""
    ran = kept.run("--process", "celery", "--startup-timeout", "0s", command=["/bin/sleep", "600"])
    assert (ran.code, f"pid {kept.pid()}, which was started here, calls itself sleep" in ran.out) == (2, True), ran


@pytest.mark.root(reason="gives a user another home, in a mount namespace")
@pytest.mark.parametrize("option", ["--process", "--pidfile"])
def test_136_a_check_goes_on_where_there_is_no_state_directory(apps: Apps, public_path: Path, option: str) -> None:
    """A home that is not there keeps no state: what is healthy is healthy, what is down is down, with that reason."""
    passwd, pidfile = public_path / "passwd", public_path / "pid"
    lines = Path("/etc/passwd").read_text().splitlines()
    passwd.write_text("\n".join([*(each for each in lines if f":{NOBODY}:" not in each), HOMELESS]) + "\n")
    program = public_path / apps.name
    shutil.copy(apps.program, program)
    what = apps.name if option == "--process" else pidfile
    words = f"{command('ensure-running')} svc {option} {what} --retries 0 -- {program} 600"
    ready = "while ! grep -q 601 /proc/$!/cmdline; do sleep 0.02; done"
    lives = f"{program} 601 & echo $! >{pidfile}; {ready}; {words}; echo $?; kill $!"
    script = (
        f"mount --bind {passwd} /etc/passwd && exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups"
        f" sh -c '{words}; echo $?; {lives}'"
    )
    os.chown(public_path, NOBODY, NOBODY)
    ran = run(need("unshare"), "-m", "sh", "-c", script)
    down, first, healthy, second = ran.out.splitlines()
    assert (first, second) == ("2", "0"), ran
    assert all("no state directory: the home /home/of-nobody is not there" in line for line in (down, healthy)), ran
