"""Probe a program of supervisord, or a group of them, through supervisorctl."""

from __future__ import annotations

import os

from watchdog_tools.checks.supervisord import program as supervisor_program
from watchdog_tools.core import CRITICAL, UNKNOWN, Result
from watchdog_tools.core.text import quoted
from watchdog_tools.system import external_tool
from watchdog_tools.system.path_trust import untrusted
from watchdog_tools.workers.worker import LOCAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.workers.worker import Progress

_LOG = "-8000"  # bytes of supervisord's log: some eighty lines
_LOG_TIME = 2.0  # seconds; the verdict must not be lost for its words


def probe(program: str, config: str | None, progress: Progress, *, trust_any: bool = False) -> Result:
    """Return the verdict on PROGRAM (`supervisor_program.program_name`) of the supervisord that FILE names.

    The exit code of `supervisorctl status` decides nothing: it is 0 in BACKOFF and STOPPING too, 3 where
    any program is down, 4 for an unknown program as for an absent supervisord, 1 for a wrong password.

    trust_any: root reads FILE though others could replace it; it says which socket to believe, and names plugins.
    """
    # a supervisord that does not answer says nothing about its programs
    progress(LOCAL, f"asking supervisord about {quoted(program, 80)}")
    path = external_tool.find("supervisorctl")
    if path is None:
        return supervisor_program.refusal(program, 0, b"supervisorctl is not installed", b"")
    why = "" if os.geteuid() or trust_any else _untrusted(config)
    if why:
        return Result(UNKNOWN, f"--supervisor-config: refused: {quoted(why)} (--allow-unsafe-path)", reason="insecure")
    try:
        said = external_tool.ask(supervisor_program.command("status", program, _absolute(config), path))
    except OSError as error:
        why = f"cannot run {quoted(path)}: {error.strerror}"
        return Result(UNKNOWN, why, reason="supervisor", target=program)
    found = supervisor_program.parse(said.out)
    if not found:
        return supervisor_program.refusal(program, said.code or 0, said.out, said.err)
    ends = ""
    if len(found) == 1 and found[0].verdict == CRITICAL and found[0].state != "STOPPED":
        ends = _last_end(found[0].name, config, path, min(_LOG_TIME, progress.left() / 2))
    return supervisor_program.verdict(program, found, ends)


def start_command(program: str, config: str | None) -> tuple[str, ...]:
    """Return `supervisor_program.start_command` with the path of supervisorctl, as cron's PATH may not have it."""
    return supervisor_program.start_command(program, _absolute(config), _tool())


def restart_command(program: str, config: str | None) -> tuple[str, ...]:
    """Return `supervisor_program.restart_command` with the path of supervisorctl."""
    return supervisor_program.restart_command(program, _absolute(config), _tool())


def stop_command(program: str, config: str | None) -> tuple[str, ...]:
    """Return what stops the program, with the path of supervisorctl."""
    return supervisor_program.command("stop", program, _absolute(config), _tool())


def _tool() -> str:
    return external_tool.find("supervisorctl") or "supervisorctl"


def _absolute(config: str | None) -> str | None:
    """Return the path from the root on: both the tool and a start command run in `/`."""
    return os.path.abspath(config) if config else None


def _untrusted(config: str | None) -> str:
    try:
        return untrusted(os.path.abspath(config), "reads") if config else ""
    except FileNotFoundError:
        return ""  # the tool says so itself
    except OSError as error:
        return f"{config}: {error.strerror}"


def _last_end(name: str, config: str | None, path: str, limit: float) -> str:
    """Return the exit status, which `status` does not show, from supervisord's log; empty if it cannot be had."""
    try:
        log = external_tool.ask(supervisor_program.command("maintail", _LOG, _absolute(config), path), limit)
    except OSError:
        return ""
    return supervisor_program.last_end(log.out, name)
