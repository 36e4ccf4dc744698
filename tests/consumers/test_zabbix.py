"""A real Zabbix agent asks our commands with `--for zabbix`: a bare value, always, within its three seconds."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers import fair_clock
from helpers.commands import command
from helpers.components import need, need_nobody, need_works
from helpers.processes import Spawner, carriers, wait_for
from helpers.servers import HOST, closed_port, full_backlog, serving

pytestmark = pytest.mark.root(reason="makes a pid namespace")
Get = Callable[[str], str]
TIMEOUT = 3  # seconds, the agent's default: then it ends the check and has no value
KEYS = """
UserParameter=count[*],{check-process} $1 --for zabbix
UserParameter=count.args[*],{check-process} -a $1 --for zabbix
UserParameter=port[*],{check-port} $1:$2 --for zabbix
UserParameter=url[*],{check-http} http://$1:$2/ --for zabbix
UserParameter=keep[*],{ensure-running} $1 --for zabbix --state-dir {state} --start-seconds 0.1 -- {sleep} 8640089
UserParameter=keep.bad,{ensure-running} bad --for zabbix --state-dir {state} -- /no/such/program
UserParameter=blind,{check-process} --pidfile /etc/shadow --for zabbix
UserParameter=usage,{check-port} --for zabbix --no-such-option
"""


def free_port() -> int:
    """Return a free port that the agent takes (it refuses those from which the kernel draws), another one a process."""
    for port in range(30000 + os.getpid() % 2000, 32768):
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind((HOST, port))
            return port
    raise AssertionError("every port is taken")


@pytest.fixture
def get(spawn: Spawner, public_path: Path) -> Get:
    """Return what asks an agent, which runs as its own user, for a key."""
    agent = need("zabbix_agentd")
    need_nobody(command("check-port"))
    need_works("unshare", "-pf", "--mount-proc", "true")
    port = free_port()
    state = public_path / "state"
    state.mkdir()
    shutil.chown(state, "zabbix", "zabbix")
    words = {name: command(name) for name in ("check-process", "check-port", "check-http", "ensure-running", "sleep")}
    (public_path / "agent.conf").write_text(
        f"PidFile={public_path}/state/pid\nLogType=console\nServer={HOST}\nListenIP={HOST}\nListenPort={port}\n"
        f"StartAgents=2\nTimeout={TIMEOUT}\n" + KEYS.format(**words, state=state)
    )
    # Its children write their titles over their environment, so that no token would tell whose they are: a pid
    # namespace ends them all. Its first process is root's: one that changes its user no longer dies with its parent.
    holder = ["unshare", "-pf", "--mount-proc", "--kill-child", "sh", "-c", '"$@"; exit', "sh"]
    spawn([*holder, agent, "-f", "-c", public_path / "agent.conf"])

    def asked(key: str) -> str:
        with socket.create_connection((HOST, port), TIMEOUT) as sock:
            sock.settimeout(TIMEOUT + 1)
            sock.sendall(b"ZBXD\1" + struct.pack("<Q", len(key)) + key.encode())
            return b"".join(iter(lambda: sock.recv(65536), b""))[13:].decode()

    def answers() -> bool:
        with contextlib.suppress(ConnectionRefusedError):
            return asked("agent.ping") == "1"
        return False

    wait_for(answers, 5, "the agent")
    return asked


def test_values(get: Get, starts_services: str) -> None:
    """A count is a whole number, a time is a number and 0 when down, a service's state is 0-3: no word, no stderr."""
    with socket.create_server((HOST, 0)) as listener, serving(lambda peer: peer.request()) as silent:
        assert int(get("count[zabbix_agentd]")) >= 3
        assert get("count[no-such-program]") == "0"
        assert 0 < float(get(f"port[{HOST},{listener.getsockname()[1]}]")) < 1
        assert get(f"port[{HOST},{closed_port()}]") == "0"
        assert get(f"url[{HOST},{silent.port}]") == "0"
    assert get(f"keep[{starts_services}]") == "0"
    assert get(f"keep[{starts_services}]") == "0"
    assert len([seen for seen in carriers(starts_services) if "8640089" in seen.argv]) == 1
    assert get("keep.bad") == "2"


def test_what_could_not_be_looked_at_is_a_sentence(get: Get) -> None:
    """A numeric item becomes unsupported with the reason as its text; so does wrong usage."""
    for key, words in (("blind", "/etc/shadow cannot be read"), ("usage", "no-such-option")):
        value = get(key)
        assert words in value, value
        assert not value.replace(".", "").isdigit()
        assert "\n" not in value


def test_no_check_counts_itself(get: Get) -> None:
    """Neither the agent's shell, which carries our command line, nor the check itself is what is looked for."""
    assert get("count.args[wdt-nobody-has-this]") == "0"


def test_a_target_that_hangs_is_a_value_in_time(get: Get) -> None:
    """The agent has its number before its own time is over; otherwise the item were unsupported, with no history."""
    with serving(lambda peer: peer.silence()) as silent, full_backlog() as full, ThreadPoolExecutor(2) as both:
        begun, fairly = time.monotonic(), fair_clock.now()
        values = list(both.map(get, (f"url[{HOST},{silent.port}]", f"port[{HOST},{full}]")))
        assert values == ["0", "0"]
        assert time.monotonic() - begun > 1.5
        assert fair_clock.now() - fairly < 2.5
