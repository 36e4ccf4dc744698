"""A real nrpe runs our commands as its user, and a real check_nrpe gets their verdicts and lines."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.commands import Ran, command, run
from helpers.components import need, need_nobody
from helpers.processes import TOKEN, Spawner, carriers, wait_for
from helpers.servers import HOST, closed_port, full_backlog, serving

Ask = Callable[..., Ran]


@pytest.fixture
def nrpe(spawn: Spawner, public_path: Path) -> Callable[..., Ask]:
    """Return what starts nrpe with command lines by name and a `command_timeout`, and returns what asks for one."""
    daemon, client = need("nrpe"), need("check_nrpe")
    if not os.geteuid():  # then it becomes the user nagios
        need_nobody(command("check-port"))

    def started(lines: dict[str, list[object]], seconds: int = 10) -> Ask:
        with socket.create_server((HOST, 0)) as probe:
            port = probe.getsockname()[1]
        ours = [f"command[{name}]={shlex.join(map(str, words))}" for name, words in lines.items()]
        settings = [
            *(f"pid_file={public_path}/pid", f"server_port={port}", f"server_address={HOST}", f"allowed_hosts={HOST}"),
            *("nrpe_user=nagios", "nrpe_group=nagios", f"command_timeout={seconds}", "disable_syslog=1", *ours),
        ]
        (public_path / "nrpe.cfg").write_text("\n".join(settings) + "\n")
        spawn([daemon, "-n", "-c", public_path / "nrpe.cfg", "-f"])
        wait_for(lambda: accepts(port), 5, "nrpe")
        return lambda name: run(client, "-n", "-H", HOST, "-p", port, "-t", seconds + 5, "-c", name)

    return started


def accepts(port: int) -> bool:
    """Tell whether somebody listens there."""
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection((HOST, port), 1):
        return True
    return False


def alike(line: str) -> str:
    """Return the line without what differs from run to run: times, and the pid of the looker."""
    return re.sub(r"[0-9.]+", "N", line)


@pytest.fixture
def targets() -> Iterator[dict[int, list[object]]]:
    """Yield a command line of ours for each exit code."""
    with socket.create_server((HOST, 0)) as listener:
        port = f"{HOST}:{listener.getsockname()[1]}"
        yield {
            0: [command("check-port"), port, "-w", "5", "-c", "8"],
            1: [command("check-port"), port, "-w", "@0:5"],
            2: [command("check-port"), f"{HOST}:{closed_port()}"],
            3: [command("check-port"), "--no-such-option"],
        }


def test_verdict_and_line_pass_through(nrpe: Callable[..., Ask], targets: dict[int, list[object]]) -> None:
    """Each of the exit codes 0-3 arrives, with the line and the perfdata that the same command prints at a shell."""
    ask = nrpe({f"c{code}": words for code, words in targets.items()})
    for code, words in targets.items():
        ran, here = ask(f"c{code}"), run(*words)
        assert (ran.code, here.code) == (code, code), ran
        assert alike(ran.out) == alike(here.out)
        assert ran.err == ""
    assert "| time=" in ask("c0").out


def test_a_target_that_hangs_is_our_verdict_not_nrpe_s(nrpe: Callable[..., Ask]) -> None:
    """Our own time is shorter than nrpe's: CRITICAL with the reason, in time, and nothing is left."""
    with serving(lambda peer: peer.silence()) as silent, full_backlog() as full:
        ask = nrpe(
            {
                "http": [command("check-http"), silent.url, "-t", "1"],
                "port": [command("check-port"), f"{HOST}:{full}", "-t", "1:unknown"],
            }
        )
        for name, code in (("http", 2), ("port", 3)):
            ran = ask(name)
            assert (ran.code, "timed out after 1 s" in ran.out) == (code, True), ran
            assert ran.fair < 2.5
            assert not ours_at_work()


def test_nrpe_that_gives_up_first_leaves_nothing_of_ours(nrpe: Callable[..., Ask]) -> None:
    """Its time is shorter than ours: it says so, kills our first process, and the looker dies with that."""
    with serving(lambda peer: peer.silence()) as silent:
        ran = nrpe({"http": [command("check-http"), silent.url, "-t", "60"]}, seconds=1)("http")
        assert (ran.code, "timed out after 1 seconds" in ran.out.lower()) == (3, True), ran
        wait_for(lambda: not ours_at_work(), 1, "the end of all that was ours")


def ours_at_work() -> list[tuple[str, ...]]:
    """Return the live checks of this test."""
    return [seen.argv for seen in carriers(os.environ[TOKEN]) if any("/check-" in word for word in seen.argv)]


def test_a_handler_that_starts_a_service_returns(
    nrpe: Callable[..., Ask], starts_services: str, public_path: Path
) -> None:
    """An event handler over nrpe: it answers when ensure-running ends, not when the service does; the next finds it."""
    state = public_path / "state"
    state.mkdir()
    if not os.geteuid():
        shutil.chown(state, "nagios", "nagios")
    words = ["--state-dir", state, "--start-seconds", "0.1", "--", need("sleep"), "8640088"]
    ask = nrpe({"start": [command("ensure-running"), starts_services, *words]})
    first, second = ask("start"), ask("start")
    assert (first.code, "OK - started" in first.out) == (0, True), first
    assert (second.code, "started" in second.out) == (0, False), second
    (service,) = [seen for seen in carriers(starts_services) if "8640088" in seen.argv]
    assert f"(pid {service.pid})" in first.out
