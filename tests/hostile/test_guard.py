"""Hostile callers and deaths: the guard says one line and exits by its verdict, and its look dies with it."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import fair_clock
from helpers.commands import CRON, command, oracle, run
from helpers.components import need, need_nobody
from helpers.instances import Kept
from helpers.processes import Seen, Spawner, alive, everyone, look, output_of, wait_for

from watchdog_tools import scripts, subcommands
from watchdog_tools.cli.command import find

COMMANDS = [name for name in scripts() if not subcommands(name)]
CATASTROPHE = "a" * 40 + "b"


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Return a listener that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        yield server


@pytest.fixture
def hangs(silent: socket.socket, spawn: Spawner) -> dict[str, list[str]]:
    """Return command lines whose look takes for ever, by what holds it."""
    port = silent.getsockname()[1]
    spawn([sys.executable, "-S", "-c", "import time; time.sleep(600)", CATASTROPHE])
    return {
        "talk": ["check-port", "-e", "banner", "-t", "30", f"127.0.0.1:{port}"],
        "match": ["check-process", "--ereg-argument-array", "(a+)+$", "-t", "30"],
        "http": ["check-http", "-t", "30", f"http://127.0.0.1:{port}/"],
    }


def children(pid: int) -> list[Seen]:
    """Return the live children of a process."""
    return [seen for seen in map(look, everyone()) if seen and seen.parent == pid and seen.state not in "ZX"]


def cpu(pid: int) -> int:
    """Return the clock ticks that a process has computed for; 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def busy(words: list[str], spawn: Spawner) -> tuple[subprocess.Popen[bytes], Seen]:
    """Start a command; return it, and its looker as soon as there is one that has begun to look."""
    guard = spawn([command(words[0]), *words[1:]], stdout=subprocess.PIPE)
    looker = wait_for(lambda: children(guard.pid), 10, "a looker")[0]
    wait_for(lambda: os.getpgid(looker.pid) == looker.pid, 5, "its own group")
    return guard, looker


@pytest.mark.parametrize("what", ["talk", "match", "http"])
def test_168_the_look_dies_with_a_killed_guard(hangs: dict[str, list[str]], spawn: Spawner, what: str) -> None:
    """Also in the middle of a regular expression that holds the interpreter: the kernel ends it, within a second."""
    guard, looker = busy(hangs[what], spawn)
    guard.kill()
    wait_for(lambda: not alive(looker.pid), 1, "the looker's end")


def test_168_a_plugin_dies_with_a_killed_guard(tmp_path: Path, spawn: Spawner) -> None:
    """A Nagios plugin, and what it started in its group, is part of the look."""
    plugin = tmp_path / "plugin"
    plugin.write_text(f'#!/bin/sh\nsleep 600 &\necho "$$ $!" >"{tmp_path}/pids"\nwait\n')
    plugin.chmod(0o755)
    words = [command("ensure-running"), "x", "--state-dir", str(tmp_path), "--check", str(plugin), "--", "true"]
    guard = spawn(words)
    pids = wait_for(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text().split())
    guard.kill()
    wait_for(lambda: not any(alive(int(pid)) for pid in pids), 1, "the plugin's end")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGALRM", "SIGUSR1", "SIGXCPU"])
def test_167_a_signal_in_the_middle_of_a_check(hangs: dict[str, list[str]], spawn: Spawner, name: str) -> None:
    """One line that names it, exit 3, at once, and no look left behind."""
    guard, looker = busy(hangs["talk"], spawn)
    guard.send_signal(getattr(signal, name))
    out = output_of(guard, 2).decode()
    assert guard.returncode == 3, out
    assert out.startswith("PORT UNKNOWN - "), out
    assert f"ended by {name}" in out
    assert out.count("\n") == 1
    wait_for(lambda: not alive(looker.pid), 1, "the looker's end")


def test_167_a_signal_in_the_middle_of_a_match(hangs: dict[str, list[str]], spawn: Spawner) -> None:
    """The guard itself never waits for the interpreter's lock."""
    guard, looker = busy(hangs["match"], spawn)
    begun = fair_clock.now()
    guard.terminate()
    out = output_of(guard, 3)
    assert (guard.returncode, b"ended by SIGTERM" in out) == (3, True), out
    assert fair_clock.now() - begun < 1
    wait_for(lambda: not alive(looker.pid), 1, "the looker's end")


def test_167_nohup_stays_nohup(hangs: dict[str, list[str]], spawn: Spawner) -> None:
    """A signal that the caller told us to ignore is ignored."""
    words = hangs["talk"]
    guard = spawn(["nohup", command(words[0]), *words[1:-1], "-t", "1", words[-1]], stdout=subprocess.PIPE)
    wait_for(lambda: children(guard.pid), 10, "a looker")
    guard.send_signal(signal.SIGHUP)
    out = output_of(guard, 5)
    assert (guard.returncode, b"timed out" in out) == (2, True), out


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT"])
@pytest.mark.parametrize("what", ["talk", "match"])
def test_a_look_that_crashes(hangs: dict[str, list[str]], spawn: Spawner, name: str, what: str) -> None:
    """A crash in a C library, or an out-of-memory kill: one line, UNKNOWN, at once."""
    guard, looker = busy(hangs[what], spawn)
    begun = fair_clock.now()
    os.kill(looker.pid, getattr(signal, name))
    out = output_of(guard, 5).decode()
    assert guard.returncode == 3, out
    assert re.match(rf"\w+ UNKNOWN - .*ended by {name}", out), out
    assert out.count("\n") == 1
    assert fair_clock.now() - begun < 2


def test_a_look_that_is_stopped(hangs: dict[str, list[str]], silent: socket.socket, spawn: Spawner) -> None:
    """The deadline is the guard's: a stopped look changes nothing about it, and is not left behind."""
    words = [*hangs["talk"][:-2], "2", hangs["talk"][-1]]
    guard, looker = busy(words, spawn)
    with silent.accept()[0]:  # now it talks
        os.kill(looker.pid, signal.SIGSTOP)
        out = output_of(guard, 3.5).decode()
    assert guard.returncode == 2, out
    assert "timed out" in out
    wait_for(lambda: not alive(looker.pid), 1, "the looker's end")


def test_a_look_of_ensure_running_that_crashes_starts_nothing(tmp_path: Path, spawn: Spawner) -> None:
    """UNKNOWN about a process is a veto: whoever killed the look did not tell that the service is down."""
    kept = Kept(tmp_path)
    spawn([sys.executable, "-S", "-c", "import time; time.sleep(600)", CATASTROPHE])
    check = "check-process --ereg-argument-array '(a+)+$' -t 30"
    words = ["ensure-running", *kept.words(), "-t", "30", "--check", check, "--", *kept.service.command]
    guard = spawn([command(words[0]), *words[1:]], stdout=subprocess.PIPE)
    # of its two looks the one that computes, not the one at the state directory, which may be alone for a moment
    busy_for = os.sysconf("SC_CLK_TCK") / 2
    looker = wait_for(lambda: next((each for each in children(guard.pid) if cpu(each.pid) > busy_for), None), 20)
    os.kill(looker.pid, signal.SIGSEGV)
    out = output_of(guard, 5).decode()
    assert guard.returncode == 3, out
    assert "ended by SIGSEGV" in out
    assert "nothing started" in out
    assert not kept.service.said()


class TestStandardOutput:
    """Case 162: whatever stands at the other end, the exit code is the verdict's, in time."""

    WORDS = ("check-process", "wdt-no-such-process")

    def test_162_a_full_pipe(self) -> None:
        """Nobody reads: it waits a moment for room, then exits with 2."""
        read, write = os.pipe()
        os.set_blocking(write, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(write, b"x" * 4096)
        os.set_blocking(write, True)
        begun = fair_clock.now()
        done = subprocess.run([command(self.WORDS[0]), self.WORDS[1]], stdout=write, timeout=10, check=False)
        os.close(write)
        os.close(read)
        assert done.returncode == 2
        assert fair_clock.now() - begun < 3

    def test_162_a_pipe_without_a_reader(self) -> None:
        """No SIGPIPE, no traceback: 2."""
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(
            [command(self.WORDS[0]), self.WORDS[1]], stdout=write, stderr=subprocess.PIPE, timeout=10, check=False
        )
        os.close(write)
        assert (done.returncode, done.stderr) == (2, b"")

    @pytest.mark.parametrize("redirect", [">&-", "<&-", "2>&-", "<&- >&-", "<&- >&- 2>&-", ">/dev/full", ">/dev/null"])
    @pytest.mark.parametrize("words", ["check-process wdt-no-such-process", "check-port 127.0.0.1:1"])
    def test_162_closed_and_full(self, redirect: str, words: str) -> None:
        """Closed descriptors, a full disk: the same code, and nothing on the ones that are open."""
        name, argument = words.split()
        ran = run("sh", "-c", f'"$@" {redirect}; echo $?', "sh", command(name), argument)
        assert ran.err == ""
        assert ran.out.splitlines()[-1] == "2"
        assert len(ran.out.splitlines()) == (1 if ">" in redirect and redirect != "2>&-" else 2), ran

    def test_162_ensure_running_without_an_output(self, tmp_path: Path, starts_services: str) -> None:
        """Its work does not hang on its line; and no descriptor of the service is a stranger's."""
        del starts_services
        kept = Kept(tmp_path)
        words = [command("ensure-running"), *kept.words(), "--", *kept.service.command]
        ran = run("sh", "-c", '"$@" <&- >&- 2>&-; echo $?', "sh", *words)
        assert ran.out == "0\n"
        pid = kept.service.one()
        opened = {int(each.name): str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()}
        assert {opened[number] for number in range(3)} == {"/dev/null"}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("words", [[], ["--no-such-option"], ["-t"], ["-t", "x"], ["--format", "cats", "x"]])
def test_164_usage_errors(name: str, words: list[str]) -> None:
    """No arguments, an unknown option, a bad value: one line on stdout, exit 3, and never click's own code."""
    ran = run(name, *words)
    assert ran.code == 3, ran
    assert oracle(ran, 2).startswith(f"{find(name).label} UNKNOWN - usage: ")


@pytest.mark.parametrize("name", COMMANDS)
def test_164_bytes_that_are_no_text(name: str) -> None:
    """Arguments in no encoding: one line all the same."""
    ran = run(name, b"--\xff\xfe")
    assert ran.code == 3
    oracle(ran, 2)


class TestImports:
    """Case 165: a module of the same name in PYTHONPATH or here is not ours."""

    @pytest.fixture
    def trap(self, tmp_path: Path) -> Path:
        """Return a directory of modules that would say so, and exit 0, if they were imported."""
        for name in ("click", "psutil", "filelock", "httptools", "json", "signal", "select", "shlex", "textwrap"):
            (tmp_path / f"{name}.py").write_text("import os\nos.write(1, b'OK - pwned\\n')\nos._exit(0)\n")
        return tmp_path

    @pytest.mark.parametrize("where", ["PYTHONPATH", "cwd"])
    @pytest.mark.parametrize(
        "words",
        [
            ("check-process", "--no-such-option"),
            ("check-process", "wdt-no-such-process"),
            ("check-port", "127.0.0.1:1"),
            ("check-http", "http://127.0.0.1:1/"),
            ("ensure-running", "--no-such-option"),
        ],
    )
    def test_165(self, trap: Path, where: str, words: tuple[str, ...]) -> None:
        """The command replaces itself by `python -I`; what is said and the code are as ever."""
        expected = run(*words)
        env = {**CRON, "PYTHONPATH": str(trap)} if where == "PYTHONPATH" else dict(CRON)
        ran = run(*words, env=env, cwd=trap)
        assert "pwned" not in ran.out
        assert ran.code == expected.code != 0
        assert oracle(ran, 3)

    def test_165_a_service_gets_the_variable_all_the_same(self, tmp_path: Path, starts_services: str) -> None:
        """PYTHONPATH is the service's business: it is passed on."""
        del starts_services
        kept = Kept(tmp_path)
        assert kept.run(env={**CRON, "PYTHONPATH": "/nowhere"}).code == 0
        assert b"\0PYTHONPATH=/nowhere\0" in b"\0" + Path(f"/proc/{kept.service.one()}/environ").read_bytes()


@pytest.mark.parametrize("env", [CRON, {}], ids=["cron", "empty"])
@pytest.mark.parametrize("name", COMMANDS)
def test_152_cron_s_environment(name: str, env: dict[str, str], tmp_path: Path, starts_services: str) -> None:
    """As cron does it, `sh -c` with an absolute path and next to nothing in the environment."""
    del starts_services
    line = {
        "check-process": "wdt-no-such-process",
        "check-port": "127.0.0.1:1",
        "check-http": "http://127.0.0.1:1/",
        "ensure-running": f"x --state-dir {tmp_path} --start-seconds 0 -- /bin/sleep 600",
    }.get(name) or find(name).examples[0][0].removeprefix(name)
    ran = run("/bin/sh", "-c", f"{command(name)} {line}", env=dict(env), cwd="/")
    assert ran.code == (0 if name == "ensure-running" else 2), ran
    oracle(ran, 5)


@pytest.mark.parametrize(
    "env", [{}, {"TERM": "xterm-256color", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}, {"COLUMNS": "0"}]
)
@pytest.mark.parametrize("name", COMMANDS)
def test_157_no_colour_without_a_terminal(name: str, env: dict[str, str]) -> None:
    """No TTY, no TERM, COLUMNS=0: plain printable text, the help too."""
    for words in (["--help"], ["--version"], ["--no-such-option"], []):
        ran = run(name, *words, env={**CRON, **env})
        assert ran.err == ""
        assert all(line.isprintable() for line in ran.out.splitlines()), ran.out
        assert ran.out


def test_157_no_colour_on_a_terminal_either() -> None:
    """A verdict is one plain line wherever it goes."""
    pid, master = pty.fork()
    if not pid:
        path = command("check-process")
        os.execve(path, [path, "wdt-no-such-process"], {"TERM": "xterm", "PATH": "/usr/bin:/bin"})  # noqa: S606
    said = b""
    with contextlib.suppress(OSError):  # EIO is a terminal's end of file
        while chunk := os.read(master, 1024):
            said += chunk
    os.waitpid(pid, 0)
    os.close(master)
    assert said.startswith(b"PROCESS CRITICAL - "), said
    assert said.rstrip(b"\r\n").decode().isprintable()


@pytest.mark.root(reason="needs a user without any other process")
@pytest.mark.parametrize("words", ["check-process x", "check-port 127.0.0.1:1", "ensure-running x -- /bin/true"])
def test_no_process_to_be_had(words: str) -> None:
    """EAGAIN at the first fork: our own trouble, UNKNOWN, one line; nothing is said about the target."""
    need("prlimit")
    name, *rest = words.split()
    need_nobody(command(name))
    uid = (
        100_000 + os.getpid()
    )  # nobody else's, whatever else runs on this machine: the limit counts a user's processes
    become = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    ran = run("prlimit", "--nproc=1", *become, command(name), *rest, cwd="/")
    assert ran.code == 3, ran
    assert "cannot fork" in oracle(ran, 2)
