"""LOOK: a program of supervisord, or a group of them, as supervisorctl tells of it."""

from __future__ import annotations

import os

from watchdog_tools import supervisor_program as words
from watchdog_tools.result import CRITICAL, UNKNOWN, Result
from watchdog_tools.system import tool
from watchdog_tools.system.looker import LOCAL
from watchdog_tools.system.trust import untrusted
from watchdog_tools.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.system.looker import Say

_LOG = "-8000"  # bytes of supervisord's log: some eighty lines
_LOG_TIME = 2.0  # seconds; the verdict must not be lost for its words


def look(program: str, config: str | None, say: Say, *, trust_any: bool = False) -> Result:
    """Return the verdict on PROGRAM (`supervisor_program.program_name`) of the supervisord that FILE names.

    The exit code of `supervisorctl status` decides nothing: it is 0 in BACKOFF and STOPPING too, 3 where
    any program is down, 4 for an unknown program as for an absent supervisord, 1 for a wrong password.

    trust_any: root reads FILE though others could replace it; it says which socket to believe, and names plugins.
    """
    # a supervisord that does not answer says nothing about its programs
    say(LOCAL, f"asking supervisord about {quoted(program, 80)}")
    path = tool.find("supervisorctl")
    if path is None:
        return words.refusal(program, 0, b"supervisorctl is not installed", b"")
    why = "" if os.geteuid() or trust_any else _untrusted(config)
    if why:
        return Result(UNKNOWN, f"--supervisor-config: refused: {quoted(why)} (--allow-unsafe-path)", reason="insecure")
    try:
        said = tool.ask(words.command("status", program, _whole(config), path))
    except OSError as error:
        why = f"cannot run {quoted(path)}: {error.strerror}"
        return Result(UNKNOWN, why, reason="supervisor", target=program)
    found = words.parse(said.out)
    if not found:
        return words.refusal(program, said.code or 0, said.out, said.err)
    ends = ""
    if len(found) == 1 and found[0].verdict == CRITICAL and found[0].state != "STOPPED":
        ends = _last_end(found[0].name, config, path, min(_LOG_TIME, say.left() / 2))
    return words.verdict(program, found, ends)


def start_command(program: str, config: str | None) -> tuple[str, ...]:
    """Return `supervisor_program.start_command` with the path of supervisorctl, as cron's PATH may not have it."""
    return words.start_command(program, _whole(config), tool.find("supervisorctl") or "supervisorctl")


def restart_command(program: str, config: str | None) -> tuple[str, ...]:
    """Return `supervisor_program.restart_command` with the path of supervisorctl."""
    return words.restart_command(program, _whole(config), tool.find("supervisorctl") or "supervisorctl")


def stop_command(program: str, config: str | None) -> tuple[str, ...]:
    """Return what stops the program, with the path of supervisorctl."""
    return words.command("stop", program, _whole(config), tool.find("supervisorctl") or "supervisorctl")


def _whole(config: str | None) -> str | None:
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
        log = tool.ask(words.command("maintail", _LOG, _whole(config), path), limit)
    except OSError:
        return ""
    return words.last_end(log.out, name)
