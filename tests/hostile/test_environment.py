"""Hostile surroundings: blocked signals, a stopped terminal, limits, locales, variables that are meant for others."""

from __future__ import annotations

import json
import os
import pty
import resource
import shutil
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.commands import CRON, Ran, command, oracle, run
from helpers.components import NOBODY, need
from helpers.instances import UNTIL_IT_ENDS, Kept, marked
from helpers.processes import Spawner, alive, everyone, exit_code_of, look, output_of, wait_for

import watchdog_tools

GONE = ("check-process", "wdt-no-such-process")
PORT = ("check-port", "127.0.0.1:1")
LOOKS = (GONE, PORT, ("check-http", "http://127.0.0.1:1/"))  # nobody is there: all of them are CRITICAL


@pytest.fixture
def hangs() -> Iterator[list[str]]:
    """Return a check that takes the whole of the timeout that is to be added."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield ["check-port", "-e", "banner", f"127.0.0.1:{server.getsockname()[1]}", "-t"]


@pytest.fixture
def kept(tmp_path: Path, starts_services: str) -> Kept:
    """Return a service to be kept."""
    del starts_services  # named, so that it is ended afterwards
    return Kept(tmp_path)


class TestBlockedSignals:
    """A caller that has blocked every signal, and ignores the end of its children."""

    CALLER = """
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
os.execv(sys.argv[1], sys.argv[1:])
"""

    def words(self, *words: str) -> list[str]:
        """Return `words` behind such a caller."""
        return [sys.executable, "-S", "-c", self.CALLER, command(words[0]), *words[1:]]

    def test_the_timeout_strikes(self, hangs: list[str]) -> None:
        """In time, with its verdict."""
        ran = run(*self.words(*hangs, "1"))
        assert (ran.code, "timed out" in oracle(ran, 1.2)) == (2, True), ran

    @pytest.mark.parametrize(("name", "code"), [("SIGTERM", 3), ("SIGKILL", -9)])
    def test_the_end_of_the_guard_is_the_end_of_the_look(
        self, hangs: list[str], spawn: Spawner, name: str, code: int
    ) -> None:
        """SIGTERM is heard although it came blocked; and the looker needs no signal that could be."""
        guard = spawn(self.words(*hangs, "30"), stdout=subprocess.PIPE)
        (looker,) = wait_for(lambda: [each for each in map(look, everyone()) if each and each.parent == guard.pid])
        wait_for(lambda: os.getpgid(looker.pid) == looker.pid, 5, "its own group")
        guard.send_signal(getattr(signal, name))
        out = output_of(guard, 2).decode()
        assert guard.returncode == code
        assert ("ended by SIGTERM" in out) == (code == 3), out
        wait_for(lambda: not alive(looker.pid), 1, "the looker's end")

    @pytest.mark.parametrize(("code", "expected", "says"), [(0, 0, "OK"), (1, 1, "WARNING"), (3, 3, "UNKNOWN")])
    def test_a_plugin_s_exit_code_arrives(self, kept: Kept, code: int, expected: int, says: str) -> None:
        """Where the end of children is ignored there would be nothing to wait for; 0 must not be made up."""
        plugin = kept.script("plugin", f"exit {code}")
        words = ("ensure-running", *kept.words(), "--check", plugin, "--", *kept.service.command)
        ran = run(*self.words(*words))
        assert (ran.code, says in oracle(ran, 10)) == (expected, True), ran
        assert not kept.service.said()

    def test_how_an_instance_ended_is_known(self, kept: Kept) -> None:
        """One that ends at once is a failed start, with its exit code."""
        ran = run(*self.words("ensure-running", *kept.words(), *UNTIL_IT_ENDS, "--", "/bin/sh", "-c", "exit 7"))
        assert (ran.code, "exited with 7" in oracle(ran, 10)) == (2, True), ran


def test_a_terminal_that_was_stopped() -> None:
    """Ctrl-S on the terminal: the line waits for room and is lost, the verdict is not."""
    master, slave = pty.openpty()
    termios.tcflow(slave, termios.TCOOFF)
    with subprocess.Popen([command(GONE[0]), GONE[1]], stdin=slave, stdout=slave, stderr=slave) as child:
        try:
            assert exit_code_of(child, 5) == 2
        finally:
            child.kill()
            os.close(slave)
            os.close(master)


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    """`ulimit -f 0` with the output in a file: no SIGXFSZ, no traceback, the verdict's code."""
    ran = run("sh", "-c", 'ulimit -f 0; "$@" >out; echo $?', "sh", command(GONE[0]), GONE[1], cwd=tmp_path)
    assert (ran.out, ran.err, (tmp_path / "out").read_text()) == ("2\n", "", "")


class TestLimits:
    """A machine, or a ulimit, that gives too little: one line, and no second instance."""

    def limited(self, what: int, value: int) -> Callable[[], None]:
        """Return what sets a limit in the child."""
        return lambda: resource.setrlimit(what, (value, value))

    def holds(self, kept: Kept, ran: Ran, limit: float = 10) -> None:
        """Hold one starved run to its promises, then a run with all it needs makes it exactly one.

        limit: seconds that the run may take by its options, as its dry run says.
        """
        assert ran.code in (0, 2, 3), ran
        oracle(ran, limit)
        wait_for(lambda: kept.run().code == 0, 10, "a healthy service")
        kept.service.starts()  # fails if two of them have ever lived at the same time
        assert len(marked(kept.room)) == 1, ran

    @pytest.mark.parametrize("number", [6, 9, 11, 13, 15, 18])
    def test_descriptors(self, kept: Kept, number: int) -> None:
        """ensure-running runs out of them at its look, at its lock, at its start."""
        limit = self.limited(resource.RLIMIT_NOFILE, number)
        self.holds(kept, kept.run(preexec_fn=limit))

    @pytest.mark.parametrize("more", [0, 1, 2, 4, 6])
    def test_memory(self, kept: Kept, more: int) -> None:
        """MiB beyond what the simplest check needs: what needs more says so, within the run's own limit.

        CPython 3.11 may then retry an allocation for ever; the actor's alarm ends that.
        """

        def starved(size: int, *words: object) -> Ran:
            limit = ("prlimit", f"--as={size << 20}")
            return run(need(limit[0]), limit[1], command(str(words[0])), *words[1:])

        least = next(size for size in range(8, 512) if starved(size, *GONE).code == 2)
        short = ("-t", "1", "--lock-wait", "0s", "--startup-timeout", "1s", "--kill-mode", "process")
        words = ("ensure-running", *kept.words(), *short)
        dry = kept.run(*short, "--dry-run")
        assert "a run may take 14.1 s" in dry.out, dry
        self.holds(kept, starved(least + more, *words, "--", *kept.service.command), limit=14.1)

    def test_processor_time(self, spawn: Spawner) -> None:
        """A pattern that would take years is ended by the kernel first: our own failure, in one line."""
        spawn([sys.executable, "-S", "-c", "import time; time.sleep(600)", "a" * 40 + "b"])
        ran = run("prlimit", "--cpu=1", command("check-process"), "--ereg-argument-array", "(a+)+$", "-t", "8")
        assert (ran.code, "ended by SIG" in oracle(ran, 5)) == (3, True), ran


class TestVariables:
    """What stands in the environment changes no verdict."""

    # What people set while they look for a mistake in a program of their own, all at once.
    ACCIDENTS = {  # noqa: RUF012 -- nobody changes it
        **dict.fromkeys(("PYTHONINSPECT", "PYTHONDEVMODE", "PYTHONFAULTHANDLER", "PYTHONUNBUFFERED"), "1"),
        **dict.fromkeys(("PYTHONDONTWRITEBYTECODE", "PYTHONSAFEPATH", "PYTHONCASEOK"), "1"),
        "PYTHONWARNINGS": "error", "PYTHONSTARTUP": "/etc/passwd",
        "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C", "TZ": ":/nowhere", "OPENSSL_CONF": "/nowhere",
    }  # fmt: skip

    @pytest.mark.parametrize("words", [*LOOKS, ("check-port", "--no-such-option")])
    def test_of_python(self, words: tuple[str, ...]) -> None:
        """Neither code nor line, and nothing on stderr."""
        ran, plain = run(*words, env={**CRON, **self.ACCIDENTS}), run(*words, env=CRON)
        assert (ran.code, ran.err) == (plain.code, "")
        assert ran.out.partition(" | ")[0] == plain.out.partition(" | ")[0]

    def test_of_python_to_a_service(self, kept: Kept) -> None:
        """It is started all the same, and they are passed on: they are its business."""
        assert kept.run(env={**CRON, **self.ACCIDENTS}).code == 0
        assert b"\0PYTHONINSPECT=1\0" in b"\0" + Path(f"/proc/{kept.service.one()}/environ").read_bytes()

    @pytest.mark.parametrize(
        "env",
        [{}, {"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, {"LC_ALL": "wdt_XX"}],
    )
    def test_a_name_in_any_locale(self, spawn: Spawner, tmp_path: Path, env: dict[str, str]) -> None:
        """What is not ASCII is the same bytes to cron, which has no locale, as to the person who wrote it."""
        name = f"w\u00e4chter-{os.getpid()}"
        shutil.copy(need("sleep"), tmp_path / name)
        spawn([tmp_path / name, "600"])
        for words in (["-C", name], ["-a", str(tmp_path / name)], ["--exe", str(tmp_path / name)]):
            ran = run("check-process", *words, env={**CRON, **env})
            assert ran.code == 0, ran
            assert oracle(ran, 5).isascii()

    def test_bytes_that_are_no_text_reach_the_service(self, kept: Kept) -> None:
        """A variable in no encoding is passed on as it is."""
        assert kept.run(env={**CRON, "WDT_ODD": os.fsdecode(b"\xfe\xff")}).code == 0
        assert b"\0WDT_ODD=\xfe\xff\0" in b"\0" + Path(f"/proc/{kept.service.one()}/environ").read_bytes()

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("FOR", "zabbix"),
            ("FOR", "cats"),
            ("TIMEOUT", "5:ok"),
            ("TIMEOUT", "0"),
            ("FORMAT", "\x1b[2J"),
            ("BACKEND", "x"),
        ],
    )
    def test_of_ours_are_refused_where_they_would_change_a_verdict(self, name: str, value: str) -> None:
        """One line that names the variable, exit 3."""
        ran = run(*PORT, env={**CRON, f"WATCHDOG_TOOLS_{name}": value})
        assert (ran.code, f"usage: WATCHDOG_TOOLS_{name}: " in oracle(ran, 2)) == (3, True), ran

    def test_of_ours_stand_in_for_options(self, hangs: list[str]) -> None:
        """Consumer, format and timeout come from there; an explicit option wins; an empty one is none."""
        assert run(*PORT, env={**CRON, "WATCHDOG_TOOLS_FOR": "docker"}).code == 1
        assert run(*PORT, "--for", "nagios", env={**CRON, "WATCHDOG_TOOLS_FOR": "docker"}).code == 2
        assert json.loads(run(*PORT, env={**CRON, "WATCHDOG_TOOLS_FORMAT": "json"}).out)["state"] == "CRITICAL"
        assert run(*hangs[:-1], env={**CRON, "WATCHDOG_TOOLS_TIMEOUT": "300ms"}, timeout=5).code == 2
        assert run(*PORT, env={**CRON, "WATCHDOG_TOOLS_FOR": "", "WATCHDOG_TOOLS_TIMEOUT": ""}).code == 2

    @pytest.mark.parametrize("value", ["bash_source", "bash_complete"])
    def test_of_completion(self, value: str) -> None:
        """The variable by which click's own programs are asked for completion turns no check into a success."""
        ran = run(*PORT, env={**CRON, "_CHECK_PORT_COMPLETE": value})
        assert (ran.code, oracle(ran, 2).startswith("PORT CRITICAL - ")) == (2, True), ran

    @pytest.mark.root(reason="runs with another real user id")
    def test_of_ours_count_for_nothing_in_another_s_rights(self) -> None:
        """Who runs us with rights that are not his own does not choose how we speak."""
        words = [need("setpriv"), f"--ruid={NOBODY}", "--clear-groups", command(PORT[0]), PORT[1]]
        ran = run(*words, env={**CRON, "WATCHDOG_TOOLS_FOR": "docker", "WATCHDOG_TOOLS_FORMAT": "json"})
        assert (ran.code, ran.out.startswith("PORT CRITICAL - ")) == (2, True), ran


def test_an_installation_that_is_broken(tmp_path: Path) -> None:
    """What cannot even be loaded is UNKNOWN in one line, not a traceback with the code of "degraded"."""
    copy = tmp_path / "watchdog_tools"
    shutil.copytree(Path(watchdog_tools.__file__).parent, copy)
    (copy / "checks/port/__init__.py").write_text("import wdt_no_such_module\n")
    ran = run(*PORT, env={**CRON, "PYTHONPATH": str(tmp_path)})
    assert (ran.code, "cannot be loaded: ModuleNotFoundError" in oracle(ran, 2)) == (3, True), ran
