"""ensure-running as a user meets it: starts what is down, leaves alone what lives, and says what it did."""

from __future__ import annotations

import contextlib
import grp
import json
import os
import pwd
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.commands import CRON, command, oracle, run
from helpers.components import need, need_works, plain_user
from helpers.instances import UNTIL_IT_ENDS, Kept
from helpers.processes import Spawner, alive, exit_code_of, look, output_of, ready, wait_for

pytestmark = pytest.mark.usefixtures("starts_services")

# A server that listens on the port in $1; `-S` for a quick start.
LISTENER = """
import socket, sys
end = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    end.accept()[0].close()
"""


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep, with a state directory of its own."""
    return Kept(tmp_path)


@pytest.fixture
def port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def listener(port: int) -> list[str]:
    """Return the start command of a server on the port."""
    return [need("python3") if os.geteuid() else sys.executable, "-S", "-c", LISTENER, str(port)]


@contextlib.contextmanager
def unchanged(room: Path) -> Iterator[None]:
    """Fail if anything below `room` was made, removed or written, but for the word that a run was complete."""

    def seen() -> list[tuple[str, int, int]]:
        paths = [path for path in sorted(room.rglob("*")) if path.suffix != ".seen"]
        return [(str(path), found.st_mtime_ns, found.st_size) for path in paths for found in [path.lstat()]]

    before = seen()
    yield
    assert seen() == before


class TestUsage:
    """Every mistake is one line that names it, exit 3, and nothing has happened."""

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            ([], "missing argument"),
            (["x"], "missing argument"),
            (["x", "--"], "missing argument"),
            (["-x", "--", "true"], "-x"),
            (["a/b", "--", "true"], "is not a NAME"),
            ([".hidden", "--", "true"], "is not a NAME"),
            (["x" * 65, "--", "true"], "is not a NAME"),
            (["", "--", "true"], "is not a NAME"),
            (["x", "--", ""], "start command is empty"),
            (["x", "--state-dir", "relative", "--", "true"], "--state-dir"),
            (["x", "--state-dir", "/a/../b", "--", "true"], "--state-dir"),
            (["x", "--state-dir", "/", "--", "true"], "--state-dir"),
            (["x", "--cwd", "relative", "--", "true"], "--cwd"),
            (["x", "--log", "relative", "--", "true"], "--log"),
            (["x", "--umask", "099", "--", "true"], "--umask"),
            (["x", "--umask", "7777", "--", "true"], "--umask"),
            (["x", "--umask", "", "--", "true"], "--umask"),
            (["x", "--env", "NOVALUE", "--", "true"], "--env"),
            (["x", "--env", "=value", "--", "true"], "--env"),
            (["x", "--env", "WATCHDOG_TOOLS_INSTANCE=1:2:3:x:/", "--", "true"], "--env"),
            (["x", "--lock-wait", "soon", "--", "true"], "--lock-wait"),
            (["x", "--start-seconds", "-1", "--", "true"], "--start-seconds"),
            (["x", "--startup-timeout", "1e9", "--", "true"], "--startup-timeout"),
            (["x", "--timeout", "0", "--", "true"], "--timeout"),
            (["x", "--check", "", "--", "true"], "--check"),
            (["x", "--check", "  ", "--", "true"], "--check"),
            (["x", "--check", "check-port 'unclosed", "--", "true"], "--check"),
            (["x", "--check", "check-port :99999", "--", "true"], "check-port"),
            (["x", "--check", "check-process --no-such a", "--", "true"], "check-process"),
            (["x", "--check", "check-process --help", "--", "true"], "check-process"),
            (["x", "--port", "99999", "--", "true"], "check-port"),
            (["x", "--url", "file:///etc/passwd", "--", "true"], "check-http"),
            (["x", "--process", "", "--", "true"], "--process"),
            (["x", "--oneshot", "--", "true"], "--oneshot"),
            (["x", "--for", "cats", "--", "true"], "--for"),
            (["x", "--no-such-option", "--", "true"], "--no-such-option"),
            (["x", "--proces", "y", "--", "true"], "--process"),
            (["x", "ls", "-l"], "behind --"),
        ],
    )
    def test_a_mistake_is_named(self, kept: Kept, words: list[str], says: str) -> None:
        """One line, exit 3, also where the environment names a state directory that is there."""
        with unchanged(kept.room):
            ran = run("ensure-running", *words, env={**os.environ, "WATCHDOG_TOOLS_STATE_DIR": str(kept.state)})
        line = oracle(ran, 10)
        assert ran.code == 3, ran
        assert line.startswith("SERVICE UNKNOWN - usage: "), ran
        assert says in line, ran

    @pytest.mark.parametrize(("style", "code"), [("nagios", 3), ("bool", 1), ("zabbix", 3)])
    def test_a_mistake_in_each_style(self, style: str, code: int) -> None:
        """In `bool` a mistake is 1, since 0 means that it works; elsewhere 3."""
        assert run("ensure-running", "--exit-style", style, "x").code == code

    def test_help_shows_options_exit_codes_and_examples(self) -> None:
        """Help is exit 0, and teaches."""
        ran = run("ensure-running", "--help")
        assert (ran.code, ran.err) == (0, "")
        for word in ("--check", "--oneshot", "--state-dir", "--dry-run", "Exit", "supervisord -n"):
            assert word in ran.out

    def test_the_environment_names_the_state_directory(self, kept: Kept) -> None:
        """WATCHDOG_TOOLS_STATE_DIR is as good as the option; the option wins."""
        ran = run(
            "ensure-running", "x", "--start-seconds", "0", "--", *kept.service.command,
            env={**os.environ, "WATCHDOG_TOOLS_STATE_DIR": str(kept.state)},
        )  # fmt: skip
        assert ran.code == 0, ran
        assert (kept.state / "x.record").exists()


class TestStart:
    """Look, start, look until healthy, say."""

    def test_it_starts_what_is_down_and_leaves_alone_what_lives(self, kept: Kept) -> None:
        """The second run changes nothing: no lock, no record, no event; it leaves word that it was here."""
        first = kept.run()
        pid = kept.service.one()
        assert oracle(first, 10) == f"SERVICE OK - started svc (pid {pid})"
        assert first.code == 0
        with unchanged(kept.state):
            second = kept.run()
        assert second.code == 0
        assert f"svc is running (pid {pid}, up " in oracle(second, 1)
        assert kept.service.one() == pid

    def test_it_starts_it_again_after_its_death(self, kept: Kept) -> None:
        """A killed instance is gone by identity: the next run starts another one, and notes both facts."""
        kept.run()
        kept.kill()
        assert "restarted svc" in kept.run().out
        assert len(kept.service.said()) == 2
        assert [each["event"] for each in kept.events()] == ["started", "died", "restarted", "recovered"]

    def test_quiet_speaks_only_when_something_was_done(self, kept: Kept) -> None:
        """As cron runs it: a line for the start, silence while it lives, a line when it is down for good."""
        assert kept.run("--for", "cron").out.startswith("SERVICE OK - started svc")
        second = kept.run("--for", "cron")
        assert (second.code, second.out, second.err) == (0, "", "")
        kept.kill()
        third = kept.run("--for", "cron", command=["/no/such/program"])
        assert (third.code, third.err) == (1, "")
        assert "CRITICAL" in third.out

    def test_the_caller_s_pipe_is_free_when_it_ends(self, kept: Kept) -> None:
        """`out=$(ensure-running …)` returns when ensure-running ends, not when the service does."""
        words = " ".join(f"'{word}'" for word in [command("ensure-running"), *kept.words(), "--"])
        ran = run("sh", "-c", f'out=$({words} "$@" 2>&1); echo "<$out>"', "sh", *kept.service.command, timeout=10)
        assert ran.out == f"<SERVICE OK - started svc (pid {kept.service.one()})>\n"
        assert ran.fair < 5

    def test_cron_s_bare_environment_is_enough(self, kept: Kept) -> None:
        """No HOME of ours, no virtual environment, no terminal."""
        ran = kept.run(env=dict(CRON))
        assert ran.code == 0, ran
        assert kept.service.one()

    def test_dry_run_says_and_does_nothing(self, kept: Kept) -> None:
        """The decision, and how long a run may take; no file, no process."""
        with unchanged(kept.room):
            ran = kept.run("--dry-run")
        assert ran.code == 2
        line = oracle(ran, 3)
        assert "svc is down" in line
        assert "would start: /bin/sh" in line
        assert "a run may take" in line
        assert not kept.service.said()

    def test_dry_run_of_what_lives(self, kept: Kept) -> None:
        """What is healthy stays OK."""
        kept.run()
        with unchanged(kept.state):
            ran = kept.run("--dry-run")
        assert ran.code == 0
        assert "would" not in ran.out

    def test_dry_run_of_a_back_off_and_of_what_cannot_start(self, kept: Kept) -> None:
        """It says the same as a run would do."""
        assert kept.run(command=["/bin/false"]).code == 2
        assert "would back off for" in kept.run("--dry-run", "--backoff", "10m:10m", command=["/bin/false"]).out
        assert "would start nothing" in kept.run("--dry-run", command=["wdt-no-such-program"]).out

    @pytest.mark.parametrize("place", ["link", "writable", "missing/below"])
    def test_dry_run_knows_a_state_directory_that_no_run_would_use(self, kept: Kept, place: str) -> None:
        """It says that nothing would be started, in the words of the run."""
        (kept.room / "link").symlink_to(kept.state)
        (kept.room / "writable").mkdir()
        (kept.room / "writable").chmod(0o777)
        words = ["ensure-running", "svc", "--state-dir", str(kept.room / place)]
        ran = run(*words, "--dry-run", "--", *kept.service.command)
        assert (ran.code, "would start nothing: no state directory: " in oracle(ran, 3)) == (2, True), ran
        ran = run(*words, "--", *kept.service.command)
        assert (ran.code, "no state directory: " in oracle(ran, 3), kept.service.said()) == (2, True, []), ran

    def test_what_is_adopted_after_its_state_was_deleted(self, kept: Kept) -> None:
        """The mark in its environment is enough to know it again; it is said once."""
        kept.run()
        pid = kept.service.one()
        kept.forget()
        ran = kept.run()
        assert ran.code == 0
        assert f"(pid {pid})" in ran.out
        assert [each["event"] for each in kept.events()] == ["adopted"]
        assert "running" in (kept.state / "svc.record").read_text()
        assert kept.run().out.startswith(f"SERVICE OK - svc is running (pid {pid}")
        assert kept.service.one() == pid

    def test_names_and_directories_are_services_of_their_own(self, kept: Kept, tmp_path: Path) -> None:
        """The scope is (uid, state directory, NAME): another name's instance does not count as this one's."""
        kept.run()
        other = Kept(tmp_path / "other")
        assert "started" in other.run().out
        kept.forget()
        assert "started" in run("ensure-running", *kept.words("svc2"), "--", *other.service.command).out
        wait_for(lambda: len(other.service.said()) == 2, 10, "the other name's testimony")

    @pytest.mark.parametrize("spelling", ["{}/", "/{}", "{}//"])
    def test_a_directory_is_the_same_however_it_is_written(self, kept: Kept, spelling: str) -> None:
        """A slash more makes no second instance, with the state deleted too."""
        kept.run()
        pid = kept.service.one()
        kept.forget()
        spelled = spelling.format(kept.state)
        words = ["svc", "--state-dir", spelled, "--start-seconds", "0", "--", *kept.service.command]
        ran = run("ensure-running", *words)
        assert ran.code == 0, ran
        assert kept.service.one() == pid

    def test_a_child_of_the_instance_is_not_the_instance(self, kept: Kept) -> None:
        """Children inherit the mark; a survivor of a dead instance is not taken for it."""
        script = 'sleep 600 & echo $! >"$1/survivor"; exec sleep 600'
        kept.run(command=["/bin/sh", "-c", script, "sh", str(kept.room)])
        survivor = kept.pid_in("survivor")
        kept.kill(kept.pid())
        kept.forget()
        assert "started" in kept.run("--kill-mode", "process").out
        assert alive(survivor)
        assert kept.pid() != survivor


class TestChecks:
    """Health is what the checks say; ours and any Nagios plugin."""

    def test_one_of_ours(self, kept: Kept, port: int) -> None:
        """Started because nobody listens; verified by the same check; then left alone."""
        first = kept.run("--check", f"check-port 127.0.0.1:{port}", command=listener(port))
        assert first.code == 0, first
        assert "started svc" in first.out
        assert f"127.0.0.1:{port}" in first.out
        second = kept.run("--check", f"check-port 127.0.0.1:{port}", command=listener(port))
        assert second.code == 0
        assert "svc is healthy" in second.out
        assert len(kept.events()) == 1

    def test_the_short_forms(self, kept: Kept, port: int) -> None:
        """--port is check-port, --process is check-process: both hold."""
        name = f"wdt{os.getpid()}-server"
        server = kept.script(name, LISTENER, listener(port)[0] + " -S")
        words = ["--port", f"127.0.0.1:{port}", "--process", name]
        ran = kept.run(*words, command=[server, str(port)])
        assert ran.code == 0, ran
        ran = kept.run(*words, "-v", command=[server, str(port)])
        assert "check-port: OK" in ran.out
        assert "check-process: OK" in ran.out

    def test_url(self, kept: Kept, port: int) -> None:
        """--url is check-http."""
        server = [listener(port)[0], "-m", "http.server", "--bind", "127.0.0.1", str(port)]
        ran = kept.run("--url", f"http://127.0.0.1:{port}/", command=server)
        assert ran.code == 0, ran
        assert "started svc" in ran.out

    def test_pidfile(self, kept: Kept) -> None:
        """A pid in a file, alive, and running the start command; stale as soon as it is somebody else's."""
        pidfile = kept.room / "pid"
        program = kept.room / "daemon"
        program.write_text(f'#!/bin/sh\necho $$ >"{pidfile}"\nread forever <"{kept.fifo()}"\n')
        program.chmod(0o755)
        ran = kept.run("--pidfile", pidfile, command=[str(program)])
        assert ran.code == 0, ran
        assert f"(pid {pidfile.read_text().strip()})" in ran.out
        kept.kill(kept.pid())
        pidfile.write_text(f"{os.getpid()}\n")
        assert "started svc" in kept.run("--pidfile", pidfile, command=[str(program)]).out

    def test_a_nagios_plugin(self, kept: Kept, port: int) -> None:
        """Any plugin is a check: its exit code is its verdict, its first line its words."""
        line = f"{need('check_tcp')} -H 127.0.0.1 -p {port}"
        ran = kept.run("--check", line, command=listener(port))
        assert ran.code == 0, ran
        assert "TCP OK" in ran.out

    @pytest.mark.parametrize(("code", "expected", "started"), [(0, 0, 0), (1, 1, 0), (2, 2, 1), (3, 3, 0), (4, 3, 0)])
    def test_only_critical_starts(self, kept: Kept, code: int, expected: int, started: int) -> None:
        """WARNING is degraded, UNKNOWN is no reason; an exit code out of bounds is UNKNOWN."""
        plugin = kept.script("plugin", f"echo 'SAID it | x=1'; exit {code}")
        ran = kept.run("--check", plugin, "--startup-timeout", "0.2")
        assert ran.code == expected, ran
        assert len(kept.service.said()) == started
        assert "x=1" not in ran.out

    def test_quoting_in_a_check_is_the_shell_s(self, kept: Kept) -> None:
        """Blanks in quotes, quotes in quotes, backslashes."""
        plugin = kept.script("plug in", """printf '%s,' "$@"; exit 0""")
        ran = kept.run("--check", f"""'{plugin}' "a b" 'c"d' e\\ f ''""")
        assert ran.code == 0, ran
        assert """a b,c"d,e f,,""" in ran.out

    def test_all_must_hold(self, kept: Kept) -> None:
        """One CRITICAL among many calls for a start."""
        ok, bad = kept.script("ok", "exit 0"), kept.script("bad", f"test -e '{kept.service.journal}' || exit 2")
        ran = kept.run("--check", ok, "--check", bad)
        assert ran.code == 0, ran
        assert len(kept.service.said()) == 1

    def test_alive_but_failing_is_restarted(self, kept: Kept) -> None:
        """A sick instance is CRITICAL; the run that finds it so again stops it, and there is never a second one."""
        sick = kept.script("sick", "echo no answer; exit 2")
        words = ["--check", sick, "--startup-timeout", "0.3", "--retries", "0"]
        first = kept.run(*words)
        pid = kept.service.one()
        assert first.code == 2
        assert f"(pid {pid}), but failing: no answer" in first.out
        second = kept.run(*words)
        assert second.code == 2
        assert re.search(r"restarted svc \(pid \d+\), but failing: no answer", second.out)
        assert kept.service.starts() == 2
        assert not alive(pid)

    def test_one_that_fell_sick_is_young_no_longer(self, kept: Kept) -> None:
        """Healthy once, then failing --fail-after looks: restarted, though --startup-timeout is not over yet."""
        starts = f"$(cat '{kept.service.journal}' | wc -l)"
        sick = kept.script(
            "sick", f"test {starts} -gt $(ls '{kept.room}' | grep -c ill) || {{ echo no answer; exit 2; }}"
        )
        words = ["--check", sick, "--retries", "0", "--fail-after", "2", "--backoff", "0s:0s"]
        assert kept.run(*words).code == 0
        (kept.room / "ill").touch()
        assert "1 of 2 failing looks" in kept.run(*words).out
        ran = kept.run(*words)
        assert (ran.code, "restarted svc" in ran.out) == (0, True), ran
        assert kept.service.starts() == 2

    def test_unknown_about_processes_vetoes(self, kept: Kept) -> None:
        """A CRITICAL port beside an UNKNOWN look at processes: nothing is started (P6)."""
        bad, blind = kept.script("bad", "exit 2"), kept.script("blind", "echo cannot look; exit 3")
        ran = kept.run("--check", bad, "--check", blind)
        assert ran.code == 2, ran
        assert "cannot look; nothing started" in ran.out
        assert not kept.service.said()

    @pytest.mark.parametrize("how", ["--absent", "-c 0:0", "--negate"])
    def test_an_absent_process_is_not_the_service(self, kept: Kept, how: str) -> None:
        """A check that is content because there is no such process says nothing about an instance of ours."""
        down = kept.script("down", f"test -e '{kept.service.journal}' || {{ echo down; exit 2; }}")
        ran = kept.run("--check", f"check-process {how} wdt-no-such-process", "--check", down)
        assert ran.code == 0, ran
        assert "started svc" in ran.out

    def test_a_process_that_somebody_else_started_is_not_doubled(self, kept: Kept, spawn: Spawner) -> None:
        """Found by its name, failing at its port: that very process is stopped before another one is started."""
        name = f"wdt{os.getpid()}"
        (kept.room / name).symlink_to("/bin/sleep")
        other = spawn(["sh", "-c", 'exec "$0" 600', str(kept.room / name)])
        bad = kept.script("bad", f"test -e '{kept.service.journal}' && exit 0; echo dead; exit 2")
        words = ["--check", f"check-process --exe {os.path.realpath('/bin/sleep')} -a {kept.room}/{name}"]
        ran = kept.run("--process", name, *words, "--check", bad, "--retries", "0", "--startup-timeout", "0.3")
        assert exit_code_of(other, 5) == -signal.SIGTERM
        assert kept.service.one()
        assert "restarted svc" in ran.out or "started svc" in ran.out


class TestVerdict:
    """Exit code and output, in every style and format."""

    @pytest.mark.parametrize(
        ("style", "up", "down", "degraded", "blind"),
        [("nagios", 0, 2, 1, 3), ("bool", 0, 1, 0, 1), ("zabbix", 0, 0, 0, 0)],
    )
    def test_exit_codes(self, kept: Kept, style: str, up: int, down: int, degraded: int, blind: int) -> None:
        """A table, never an accident."""
        words = ["--exit-style", style]
        assert kept.run(*words).code == up
        assert kept.run(*words, "--check", kept.script("warns", "exit 1")).code == degraded
        assert kept.run(*words, "--check", kept.script("blind", "exit 3")).code == blind
        kept.kill()
        assert kept.run(*words, command=["/no/such/program"]).code == down

    def test_another_run_is_repairing(self, kept: Kept, spawn: Spawner) -> None:
        """Down, and the lock is held: 1 in nagios and in bool, 0 in zabbix; nothing is started."""
        kept.hold(spawn)
        for style, code in (("nagios", 1), ("bool", 1), ("zabbix", 0)):
            ran = kept.run("--exit-style", style, "--lock-wait", "0.05")
            assert ran.code == code, ran
            assert "another run is repairing it" in ran.out
        assert not kept.service.said()

    def test_lock_wait_is_how_long_it_waits(self, kept: Kept, spawn: Spawner) -> None:
        """It waits that long and no longer; when the lock comes free meanwhile it does its work."""
        holder = kept.hold(spawn)
        ran = kept.run("--lock-wait", "700ms")
        assert ran.seconds >= 0.7, ran
        assert ran.fair < 2, ran
        waiting = subprocess.Popen(
            [command("ensure-running"), *kept.words(), "--lock-wait", "20s", "--", *kept.service.command],
            stdout=subprocess.PIPE,
        )
        with waiting:
            wait_for(lambda: len(kept.openers()) > 1, 5, "a second one at the lock")
            holder.kill()
            out = output_of(waiting, 10)
        assert b"started svc" in out

    def test_json(self, kept: Kept) -> None:
        """One object, with the state and what was done."""
        said = json.loads(kept.run("--format", "json").out)
        assert said["check"] == "ensure-running"
        assert said["target"] == "svc"
        assert said["state"] == "OK"
        assert said["reason"] == "started"
        assert said["details"]["pid"] == kept.service.one()
        assert json.loads(kept.run("--format", "json").out)["reason"] == ""

    def test_zabbix(self, kept: Kept) -> None:
        """The bare state: 0 up, 2 down; exit 0."""
        ran = kept.run("--for", "zabbix")
        assert (ran.code, ran.out) == (0, "0\n")
        kept.kill()
        ran = kept.run("--for", "zabbix", command=["/no/such/program"])
        assert (ran.code, ran.out) == (0, "2\n")

    def test_verbose_adds_each_check_s_verdict(self, kept: Kept) -> None:
        """One line more for each check."""
        ran = kept.run("-v", "--check", kept.script("good", "echo fine"))
        good, containment = ran.out.splitlines()[1:]
        assert good == "good: OK - fine"
        assert containment.startswith("containment: ")


class TestOneshot:
    """A start command that returns; health tells whether it worked."""

    def test_it_worked(self, kept: Kept) -> None:
        """The command ended, the check holds."""
        ready = kept.script("ready", f"test -e '{kept.room}/up' || exit 2")
        words = ["--oneshot", "--check", ready]
        ran = kept.run(*words, command=["/usr/bin/touch", str(kept.room / "up")])
        assert ran.code == 0, ran
        assert "started svc" in ran.out

    def test_its_command_failed(self, kept: Kept) -> None:
        """Down, with how the command ended; the next one backs off."""
        words = ["--oneshot", "--check", kept.script("bad", "echo nothing; exit 2"), "--startup-timeout", "20"]
        ran = kept.run(*words, command=["/bin/sh", "-c", "exit 7"])
        assert ran.code == 2, ran
        assert "exited with 7" in ran.out

    def test_at_most_one_is_in_flight(self, kept: Kept, spawn: Spawner) -> None:
        """Its actor is killed while the command runs: the next run finds it alive, and starts nothing."""
        del spawn
        words = ["--oneshot", "--check", kept.script("bad", "exit 2"), "--startup-timeout", "30s"]
        slow = ["/bin/sh", "-c", 'echo $$ >>"$1"; exec sleep 600', "sh", str(kept.service.journal)]
        with subprocess.Popen(
            [command("ensure-running"), *kept.words(), *words, "--", *slow], stdout=subprocess.DEVNULL
        ) as first:
            wait_for(kept.service.said)
            actor = wait_for(kept.openers)[0]
            first.kill()
            wait_for(lambda: not alive(first.pid))
            with contextlib.suppress(ProcessLookupError):
                os.kill(actor, 9)
            wait_for(lambda: not alive(actor))
            ran = kept.run(*words, command=slow)
        assert ran.code == 1, ran
        assert "start in progress" in ran.out
        assert len(kept.service.said()) == 1


class TestWhatItGets:
    """What the start command runs with: declared, or clean (P4)."""

    def shown(self, kept: Kept, *options: object, env: dict[str, str] | None = None) -> dict[str, str]:
        """Start it with `options`; return its environment from /proc."""
        assert kept.run(*options, env=env).code == 0
        pid = kept.service.one()
        pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().rstrip("\0").split("\0")
        return dict(pair.split("=", 1) for pair in pairs)

    def test_nothing_leaks_into_it(self, kept: Kept) -> None:
        """Its session, signals, descriptors, directory, umask and OOM score, whatever the caller's are."""
        caller = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR2])
os.umask(0)
open("/proc/self/oom_score_adj", "w").write("500")
for number in range(50, 60):
    os.dup2(1, number)
os.execv(sys.argv[1], sys.argv[1:])
"""
        words = [command("ensure-running"), *kept.words(), "--", "/bin/sleep", "600"]
        ran = run(sys.executable, "-c", caller, *words, close_fds=False)
        assert ran.code == 0, ran
        pid = kept.pid()
        about = Path(f"/proc/{pid}")
        status = dict(line.split(":\t", 1) for line in (about / "status").read_text().splitlines() if ":\t" in line)
        session = (about / "stat").read_text().rpartition(") ")[2].split()[3]
        assert session == str(pid)
        libc = 1 << 31 | 1 << 32  # the two signals that libc keeps to itself, and from everybody
        for mask in ("SigBlk", "SigIgn", "SigCgt"):
            assert int(status[mask], 16) & ~libc == 0, f"{mask} {status[mask]}"
        descriptors = {int(each.name): str(each.readlink()) for each in (about / "fd").iterdir()}
        assert descriptors == dict.fromkeys(range(3), "/dev/null")
        assert str((about / "cwd").readlink()) == "/"
        assert status["Umask"] == "0022"
        assert (about / "oom_score_adj").read_text().strip() == "0"

    def test_our_variables_and_the_supervisor_s_are_not_its_own(self, kept: Kept) -> None:
        """Settings of ours, WATCHDOG_*, NOTIFY_SOCKET and LISTEN_* stay out; the mark and the rest go in."""
        told = {
            "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "WATCHDOG_TOOLS_FORMAT": "text", "NOTIFY_SOCKET": "/x",
            "LISTEN_FDS": "1", "LISTEN_PID": "1", "KEPT": "yes", "HOOK_NAME": "caller", "HOOK_PID": "1",
        }  # fmt: skip
        env = self.shown(kept, env={**CRON, **told})
        assert env["KEPT"] == "yes"
        assert not {"WATCHDOG_USEC", "WATCHDOG_PID", "WATCHDOG_TOOLS_FORMAT", "NOTIFY_SOCKET", "LISTEN_FDS"} & set(env)
        assert not {"HOOK_NAME", "HOOK_PID"} & set(env)  # its caller is a hook of ours
        pid, _, uid, name, directory = env["WATCHDOG_TOOLS_INSTANCE"].split(":")
        assert [pid, uid, name, directory] == [str(kept.pid()), str(os.geteuid()), "svc", str(kept.state)]

    def test_clean_env(self, kept: Kept) -> None:
        """Only PATH, the language and the time zone, and what --env says."""
        told = {**CRON, "LANG": "C.UTF-8", "TZ": "UTC", "SECRET": "x"}
        try:
            env = self.shown(kept, "--clean-env", "--env", "A=b=c", "--env", "EMPTY=", env=told)
        finally:
            kept.kill()  # it carries no token by which it would be found and ended
        token = {"WDT_TEST_TOKEN"} & set(env)
        assert not token
        assert set(env) - {"PWD", "SHLVL", "_", "OLDPWD"} == {
            "PATH", "LANG", "TZ", "A", "EMPTY", "WATCHDOG_TOOLS_INSTANCE", "WATCHDOG_TOOLS_PLACE",
        }  # fmt: skip
        assert (env["A"], env["EMPTY"]) == ("b=c", "")
        assert "/usr/bin" in env["PATH"].split(":")

    def test_env_wins_over_the_caller_s(self, kept: Kept) -> None:
        """The last word is the command line's."""
        assert self.shown(kept, "--env", "LOGNAME=other", env=dict(CRON))["LOGNAME"] == "other"

    def test_cwd_and_umask(self, kept: Kept) -> None:
        """As asked for."""
        (kept.room / "here").mkdir()
        assert kept.run("--cwd", kept.room / "here", "--umask", "077").code == 0
        about = Path(f"/proc/{kept.service.one()}")
        assert (about / "cwd").readlink() == kept.room / "here"
        assert "Umask:\t0077" in (about / "status").read_text()

    def test_a_cwd_that_is_not_there(self, kept: Kept) -> None:
        """Down, and the directory named."""
        ran = kept.run("--cwd", "/no/such/place")
        assert ran.code == 2
        assert "cannot start: changing to /no/such/place: No such file or directory" in ran.out

    def test_log(self, kept: Kept) -> None:
        """Output and errors are appended to it; stdin stays empty."""
        log = kept.room / "log"
        log.write_text("before\n")
        kept.run("--log", log, command=["/bin/sh", "-c", "cat; echo out; echo err >&2; exec sleep 600"])
        wait_for(lambda: log.read_text() == "before\nout\nerr\n", 5, "both streams in the log")

    @pytest.mark.parametrize("kind", ["link", "fifo", "directory", "missing"])
    def test_a_log_that_is_no_plain_file(self, kept: Kept, kind: str) -> None:
        """Not followed, not waited for: nothing is started, and the log is named."""
        log, aim = kept.room / "log", kept.room / "aim"
        if kind == "link":
            log.symlink_to(aim)
        elif kind == "fifo":
            os.mkfifo(log)
        elif kind == "directory":
            log.mkdir()
        else:
            log = kept.room / "no" / "log"
        ran = kept.run("--log", log)
        assert ran.code == 2, ran
        assert f"cannot start: opening {log}: " in ran.out
        assert not aim.exists()
        assert not kept.service.said()


class TestUser:
    """--user and --group: everything of that user, nothing of root's."""

    @pytest.mark.root(reason="runs a command as another user")
    def test_user_gets_that_user_s_groups_home_and_name(self, kept: Kept) -> None:
        """Supplementary groups as initgroups says; HOME, USER, LOGNAME and SHELL of its account."""
        who = next((each for each in pwd.getpwall() if any(each.pw_name in g.gr_mem for g in grp.getgrall())), None)
        user = who or pwd.getpwnam("nobody")
        ran = kept.run("--user", user.pw_name, command=["/bin/sleep", "600"])
        assert ran.code == 0, ran
        status = Path(f"/proc/{kept.pid()}/status").read_text()
        groups = sorted(os.getgrouplist(user.pw_name, user.pw_gid))
        assert f"Uid:\t{user.pw_uid}\t{user.pw_uid}\t{user.pw_uid}\t{user.pw_uid}" in status
        assert f"Gid:\t{user.pw_gid}\t{user.pw_gid}" in status
        assert f"Groups:\t{' '.join(map(str, groups))} \n" in status
        environ = Path(f"/proc/{kept.pid()}/environ").read_text().split("\0")
        assert {f"HOME={user.pw_dir}", f"USER={user.pw_name}", f"LOGNAME={user.pw_name}"} <= set(environ)

    @pytest.mark.root(reason="runs a command as another user")
    def test_a_group_alone(self, kept: Kept) -> None:
        """--group replaces all groups."""
        assert kept.run("--user", "nobody", "--group", "daemon", command=["/bin/sleep", "600"]).code == 0
        gid = grp.getgrnam("daemon").gr_gid
        status = Path(f"/proc/{kept.pid()}/status").read_text()
        assert f"Gid:\t{gid}\t{gid}" in status
        assert f"Groups:\t{gid} \n" in status

    @pytest.mark.parametrize(("option", "words"), [("--user", "no user nosuch"), ("--group", "no group nosuch")])
    def test_nobody_of_that_name(self, kept: Kept, option: str, words: str) -> None:
        """Down, and the name is said."""
        ran = kept.run(option, "nosuch")
        assert ran.code == 2
        assert words in ran.out

    @pytest.mark.root(reason="runs a command as another user")
    def test_the_log_is_opened_as_the_user(self, kept: Kept) -> None:
        """Root's --log in root's directory is not the user's to write."""
        (kept.room / "closed").mkdir(mode=0o700)
        ran = kept.run("--user", "nobody", "--log", kept.room / "closed/log", command=["/bin/sleep", "600"])
        assert ran.code == 2
        assert "Permission denied" in ran.out

    @pytest.mark.root(reason="runs a command as another user")
    def test_it_is_found_again_without_state(self, kept: Kept) -> None:
        """An instance that runs as somebody else is still root's own."""
        kept.run("--user", "nobody", command=["/bin/sleep", "600"])
        pid = kept.pid()
        kept.forget()
        ran = kept.run("--user", "nobody", command=["/bin/sleep", "600"])
        assert f"(pid {pid})" in ran.out, ran

    @pytest.mark.root(reason="runs a command as another user")
    def test_one_that_drops_its_own_rights_has_no_mark(self, kept: Kept) -> None:
        """What its mark says any local user could have written: without state and control group it is only named."""
        code = "import os, time; os.setgid(65534); os.setuid(65534); time.sleep(600)"
        words = ["/usr/bin/python3", "-S", "-c", code]
        alone = ("--containment", "none")
        assert kept.run(*alone, command=words).code == 0
        pid = kept.pid()
        wait_for(lambda: Path(f"/proc/{pid}").stat().st_uid != 0 or "65534" in _uids(pid), 5)
        assert f"(pid {pid}" in kept.run(*alone, command=words).out
        kept.forget()
        ran = kept.run(*alone, command=words)
        assert f"pid {pid} of uid 65534 carries its mark, which any user can write: not taken for it" in ran.out, ran
        assert (kept.pid() != pid, alive(pid)) == (True, True)

    def test_a_plain_user_keeps_a_service_of_its_own(self, public_path: Path) -> None:
        """Without root: the same promises, in a directory of one's own."""
        options = plain_user(command("ensure-running"), public_path)
        kept = Kept(public_path, mine=public_path.stat().st_uid)
        first = kept.run(**options)
        assert first.code == 0, first
        pid = kept.service.one()
        kept.forget()
        assert f"(pid {pid})" in kept.run(**options).out
        assert kept.service.one() == pid

    def test_a_plain_user_cannot_become_another(self, public_path: Path) -> None:
        """Down, "Operation not permitted", nothing started."""
        options = plain_user(command("ensure-running"), public_path)
        kept = Kept(public_path, mine=public_path.stat().st_uid)
        ran = kept.run("--user", "daemon", **options)
        assert ran.code == 2, ran
        assert "Operation not permitted" in ran.out
        assert not kept.service.said()


def _uids(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text().partition("Uid:")[2].partition("\n")[0]


class TestTraces:
    """What it leaves: the record, the event log, and syslog if asked."""

    def test_the_record_names_the_instance(self, kept: Kept) -> None:
        """A version first, then plain `key=value` lines; nothing of the command line in them."""
        kept.run("--env", "SECRET=hunter2")
        lines = (kept.state / "svc.record").read_text().splitlines()
        assert lines[0] == "version=2"
        fields = dict(line.split("=", 1) for line in lines)
        seen = look(kept.service.one())
        assert seen is not None
        assert (fields["phase"], fields["pid"], fields["ticks"]) == ("running", str(seen.pid), str(seen.ticks))
        kept_words = kept.state / "svc.command"  # for the operator's own hand, and for nobody else's eyes
        assert kept_words.stat().st_mode & 0o777 == 0o600
        others = [path for path in kept.state.rglob("*") if path.is_file() and path.name != kept_words.name]
        assert "hunter2" not in "".join(path.read_text() for path in others)

    def test_files_are_ours_alone(self, kept: Kept) -> None:
        """Nobody else can write them, whatever the caller's umask is; the lock cannot even be read."""
        kept.run(umask=0)
        modes = {path.name: path.stat().st_mode & 0o777 for path in kept.state.rglob("*")}
        assert not any(mode & 0o022 for mode in modes.values()), modes
        assert (modes["lock"], modes["svc.lock"]) == (0o700, 0o600)

    def test_the_event_log_is_bounded(self, kept: Kept) -> None:
        """Past its size it becomes .1, of which one is kept."""
        (kept.state / "svc.events").write_text("x" * 300_000 + "\n")
        kept.run()
        kept.kill()
        kept.run()
        assert (kept.state / "svc.events").stat().st_size < 1000
        assert (kept.state / "svc.events.1").stat().st_size > 300_000

    @pytest.mark.parametrize("kind", ["directory", "fifo", "link"])
    def test_an_event_log_that_cannot_be_written_changes_words_alone(self, kept: Kept, kind: str) -> None:
        """P8: the code is the service's."""
        events = kept.state / "svc.events"
        if kind == "directory":
            events.mkdir()
        elif kind == "fifo":
            os.mkfifo(events)
        else:
            events.symlink_to(kept.room / "aim")
        ran = kept.run()
        assert ran.code == 0, ran
        assert "the event log cannot be written" in ran.out
        assert not (kept.room / "aim").exists()

    @pytest.mark.root(reason="mounts in a mount namespace")
    def test_syslog(self, kept: Kept, spawn: Spawner) -> None:
        """One datagram to /dev/log for what was done, with facility, program and service."""
        need_works("unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt")
        script = """
set -e
mkdir "$1/dev"
mount --rbind /dev "$1/dev" && mount -t tmpfs none /dev
for each in null zero urandom; do touch /dev/$each; mount --bind "$1/dev/$each" /dev/$each; done
ln -s /proc/self/fd /dev/fd
exec "$2" -c 'import socket
end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
end.bind("/dev/log")
print("ready", flush=True)
print(end.recv(2048).decode(), flush=True)
print(end.recv(2048).decode(), flush=True)'
"""
        log = spawn(["unshare", "-m", "sh", "-c", script, "sh", kept.room, sys.executable], wait_ready=True)
        inside = ["nsenter", "-t", str(log.pid), "-m", command("ensure-running"), *kept.words(), "--syslog", "--"]
        assert run(*inside, *kept.service.command).code == 0
        first = ready(log)
        assert first.startswith("<29>watchdog-tools[")
        assert f"svc: started pid={kept.service.one()}" in first

    def test_a_syslog_that_is_not_there_changes_words_alone(self, kept: Kept) -> None:
        """It is said; the code is the service's."""
        if Path("/dev/log").exists():
            pytest.skip("this machine has a syslog")
        ran = kept.run("--syslog")
        assert ran.code == 0
        assert "syslog did not take it" in ran.out


def test_a_run_without_a_state_directory_below_its_parent(kept: Kept) -> None:
    """A --state-dir is created with its last level only."""
    state = kept.room / "new"
    ran = run("ensure-running", "x", "--state-dir", state, "--start-seconds", "0", "--", *kept.service.command)
    assert ran.code == 0
    assert (state / "x.record").exists()
    ran = run("ensure-running", "y", "--state-dir", kept.room / "no/deeper", "--", *kept.service.command)
    assert ran.code == 2
    assert "no state directory" in ran.out
    assert not (kept.room / "no").exists()


def test_start_seconds_is_how_long_it_must_live(kept: Kept) -> None:
    """One that dies within them was never up; one that lives as long is."""
    dies = ["/bin/sh", "-c", "sleep 0.4; exit 5"]
    ran = kept.run("--start-seconds", "20", command=dies)
    assert ran.code == 2
    assert "exited with 5 within 20 s of its start" in ran.out
    assert ran.fair < 10, "the pidfd tells at once"


def test_startup_timeout_is_how_long_health_may_take(kept: Kept) -> None:
    """A slow starter is waited for, and not longer."""
    slow = kept.script("slow", f"test -e '{kept.room}/up' || {{ echo not yet; exit 2; }}")
    starter = ["/bin/sh", "-c", 'sleep 0.6; touch "$1/up"; exec sleep 600', "sh", str(kept.room)]
    ran = kept.run("--check", slow, "--startup-timeout", "10", command=starter)
    assert ran.code == 0, ran
    kept.kill()
    never = kept.run("--check", kept.script("never", "echo never; exit 2"), "--startup-timeout", "0.5")
    assert never.code == 2
    assert never.fair < 3


def test_an_instance_that_dies_while_it_is_verified(kept: Kept) -> None:
    """It is down, and said to be; the next run starts it."""
    dies = ["/bin/sh", "-c", "sleep 0.5; exit 3"]
    ran = kept.run("--check", kept.script("no", "exit 2"), "--startup-timeout", "10", command=dies)
    assert ran.code == 2
    assert "exited with 3" in ran.out
    assert ran.fair < 5


def test_one_that_turns_itself_into_a_daemon_is_told_how(kept: Kept) -> None:
    """Its first process ended at once with 0: the foreground flag, or --oneshot."""
    ran = kept.run(*UNTIL_IT_ENDS, command=["/bin/sh", "-c", "setsid sleep 600 & exit 0"])
    assert ran.code == 2
    assert "foreground flag" in ran.out
    assert "--oneshot" in ran.out
