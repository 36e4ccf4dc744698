"""A real supervisord with programs in each of its states."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar
from xmlrpc.client import ServerProxy

from helpers.commands import BIN
from helpers.processes import wait_for
from watchdog_tools.checks import supervisord
from watchdog_tools.core import Result
from watchdog_tools.workers import Check, run_all

BASE = """
[supervisord]
nodaemon=true
logfile={here}/supervisord.log
childlogdir={here}
pidfile={here}/supervisord.pid
[unix_http_server]
file={here}/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{here}/s.sock
"""
# `mend` and `grp:b` exit with 7 until there is a file `mended`; `back`, which is tried again and again, has its own.
PROGRAMS = """
[program:run]
command=sleep 1000
startsecs=0
[program:slow]
command=sleep 1000
startsecs=600
[program:mend]
command=sh -c 'test -e {here}/mended || exit 7; exec sleep 1000'
startretries=0
[program:back]
command=sh -c 'test -e {here}/mended-back || exit 7; exec sleep 1000'
startretries=1000
[program:killed]
command=sh -c 'sleep 0.1; kill -9 $$'
startsecs=0
autorestart=false
[program:absent]
command=/no/such/command
startretries=0
[program:never]
command=sleep 1000
autostart=false
startsecs=0
[program:stubborn]
command=sh -c 'trap "" TERM; echo ready > {here}/stubborn; while :; do sleep 0.1; done'
startsecs=0
stopwaitsecs=600
[program:num]
command=sleep 100%(process_num)d
process_name=%(program_name)s_%(process_num)02d
numprocs=2
startsecs=0
[program:a]
command=sleep 1000
startsecs=0
[program:b]
command=sh -c 'test -e {here}/mended || exit 7; exec sleep 1000'
startretries=0
[group:grp]
programs=a,b
"""


def taken(look: Callable[[Any], Result], limit: float = 10) -> Result:
    """Return what a look says, taken in a looker as in a command."""
    results = run_all([Check(look)], limit)
    assert results
    return results[0]


def configured(here: Path, text: str) -> str:
    """Write a configuration, and return its path."""
    path = here / "supervisord.conf"
    path.write_text(text.replace("{here}", str(here)))
    return str(path)


def children(pid: int) -> list[int]:
    """Return the pids of a process's children."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Supervisord:
    """A supervisord with its programs; `config` is its file."""

    SETTLED: ClassVar = {
        "run": "RUNNING", "slow": "STARTING", "mend": "FATAL", "back": "BACKOFF", "killed": "EXITED",
        "absent": "FATAL", "never": "STOPPED", "stubborn": "RUNNING", "a": "RUNNING", "b": "FATAL",
    }  # fmt: skip

    def __init__(self, here: Path) -> None:
        """Take the directory."""
        from supervisor.xmlrpc import SupervisorTransport

        self.here = here
        self.config = str(here / "supervisord.conf")
        self.socket = here / "s.sock"
        transport = SupervisorTransport(None, None, f"unix://{self.socket}")
        self.proxy = ServerProxy("http://127.0.0.1", transport=transport)

    def states(self) -> dict[str, str]:
        """Return what it says of its programs, asked directly."""
        infos: Any = self.proxy.supervisor.getAllProcessInfo()
        return {info["name"]: info["statename"] for info in infos}

    def pid(self, program: str) -> int:
        """Return a program's pid."""
        info: Any = self.proxy.supervisor.getProcessInfo(program)
        return int(info["pid"])

    def settled(self) -> bool:
        """Whether each program is in the state that it is made for. BACKOFF is left for each further try."""
        try:
            states = self.states()
        except ConnectionRefusedError:  # its socket is there a moment before it listens
            self.proxy("close")()  # else the connection that failed is taken for the next request
            return False
        return all(states[name] == state for name, state in self.SETTLED.items()) and (self.here / "stubborn").exists()

    def look(self, program: str) -> Result:
        """Return our verdict."""
        return taken(lambda say: supervisord.probe(program, self.config, say))

    def end(self, child: subprocess.Popen[bytes]) -> None:
        """End it and all its programs at once; SIGTERM would wait for the stubborn one."""
        child.send_signal(signal.SIGSTOP)  # nobody restarts what dies now
        for pid in children(child.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        child.kill()
        child.wait()
        self.proxy("close")()


@contextlib.contextmanager
def supervised() -> Iterator[Supervisord]:
    """Run one, with each program in its state."""
    with tempfile.TemporaryDirectory(prefix="wdt-") as directory:
        here = Path(directory)
        config = configured(here, BASE + PROGRAMS)
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        child = subprocess.Popen([BIN / "supervisord", "-c", config], cwd="/", **quiet)  # type: ignore[call-overload]
        kept = Supervisord(here)
        try:
            wait_for(kept.socket.exists)
            wait_for(kept.settled, 20, "each program in its state")
            yield kept
        finally:
            kept.end(child)
