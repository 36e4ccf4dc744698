"""What stop, start, restart and reload do: find the line by which NAME is kept, and hand it to an action worker."""

from __future__ import annotations

import os
import time

from watchdog_tools.admin.service import run_action
from watchdog_tools.cli import fast_parser
from watchdog_tools.cli.command import UsageError
from watchdog_tools.cli.common_options import filled_in
from watchdog_tools.cli.converters import convert
from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING, Result
from watchdog_tools.core.saved_command import SavedCommand
from watchdog_tools.core.text import human_duration, quoted
from watchdog_tools.ensure_running import COMMAND
from watchdog_tools.ensure_running.config import Config
from watchdog_tools.workers import Check, run_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from watchdog_tools.admin.service import Service
    from watchdog_tools.workers.worker import Progress

_ALONE = {"watch": None, "dry_run": False}  # an operator's order is one run, and one that acts


def run(service: Service, cancel_fd: int, operator: str) -> Result | None:
    """Do what `operator` says: `start`, `stop`, `restart` or `reload`. None if `cancel_fd` came first."""
    seconds, state = service.values["timeout"]
    found = run_all(
        [Check(lambda progress: _saved(service, progress), target=service.name, on_timeout=state)], seconds, cancel_fd
    )
    if found is None:
        return None
    if isinstance(found[0], Result):
        return found[0]
    saved = SavedCommand(**found[0])
    age = f"by the command line saved {human_duration(max(time.time() - saved.wall, 0))} ago"
    age = age if operator in {"stop", "reload"} else f"as started {age}"
    try:
        config = _config(service, saved, operator)
    except UsageError as wrong:
        return _unusable(service, str(wrong))
    if operator == "reload" and not (config.service.stopping.reload or config.service.stopping.reload_signal):
        return _no_reload(service)
    paused = _paused(service, cancel_fd, operator)
    if paused is None or isinstance(paused, Result):
        return paused
    words, facts = paused
    _enter(saved.cwd)
    from watchdog_tools.ensure_running.act import act

    result = act(config, cancel_fd, f"{operator} was ordered")
    if result:
        result.summary = "; ".join(filter(None, [result.summary, words, age]))
        result.details = {**facts, **result.details}
    return result


def _saved(service: Service, progress: Progress) -> dict[str, Any] | Result:
    """Return the fields of the `SavedCommand`; a Result where there is none to go by."""
    from watchdog_tools.core.record import Corrupt
    from watchdog_tools.state import StateDirError, saved_command

    progress("local", "reading the command line by which it is kept")
    try:
        line = saved_command.read(service.path, service.name)
    except StateDirError as error:
        return Result(UNKNOWN, f"{service.name}: {error}; nothing done", reason="no-state")
    except Corrupt as error:
        return _unusable(service, str(error))
    if line is None:
        words = f"{service.name} was never kept here ({service.path}); nothing done"
        return Result(UNKNOWN, words, reason="never-kept")
    _enter(line.cwd)  # should it hang, it does so here
    return line.plain()


def _unusable(service: Service, reason: str) -> Result:
    words = f"the command line by which {service.name} is kept is not usable: {quoted(reason)}; nothing done"
    return Result(UNKNOWN, words, reason="unusable")


def _no_reload(service: Service) -> Result:
    words = f"{service.name} cannot be reloaded: the line that started it says no --reload HUP, or --reload CMD"
    return Result(UNKNOWN, f"{words}; nothing done", reason="no-reload")


def _config(service: Service, saved: SavedCommand, operator: str) -> Config:
    """Return what the kept line means, here and now, for the operator's order. Raise UsageError."""
    raw = fast_parser.parse(COMMAND, list(saved.argv))
    if raw is None:
        from watchdog_tools.cli.click_parser import parse as parse_by_click

        raw = parse_by_click(COMMAND, list(saved.argv))
        if {"help", "version"} & set(raw):
            raise UsageError("it asks for a page")
    values = filled_in(convert(COMMAND, raw), raw, {})
    if values["args"][0] != service.name:
        raise UsageError("it is of another NAME")
    own = {"lock_wait": service.values["lock_wait"], "state_dir": service.directory}
    values = {**values, **_ALONE, **own}
    config = COMMAND.configure(values)
    if not isinstance(config, Config):
        raise UsageError("it is no command line of ensure-running")
    config.operator = operator
    return config


def _paused(service: Service, cancel_fd: int, operator: str) -> tuple[str, dict[str, object]] | Result | None:
    """Return the words and facts of the pause that holds after the order; a Result where `stop` cannot make it.

    `stop` pauses, so that the next run does not undo it; `start` ends a pause; the others leave it as it is.
    """
    if operator == "start":
        return "", {}
    if operator in {"restart", "reload"}:
        found = run_action(service, cancel_fd, lambda progress: _standing_pause(service, progress))
        return ("", {}) if isinstance(found, Result) else found  # one that cannot be read hinders nothing
    result = run_action(service, cancel_fd, lambda progress: _new_pause(service, progress))
    if isinstance(result, Result):
        result.state = CRITICAL if result.state == OK else result.state
        result.summary += "; not stopped, as the next run would start it again"
    return result


def _new_pause(service: Service, progress: Progress) -> tuple[str, dict[str, object]]:
    from watchdog_tools.admin.pause import facts, log_pause, write_pause
    from watchdog_tools.state.pause import until

    progress("local", "writing the pause")
    order = write_pause(service)
    log_pause(service, order)
    return until(order), dict(facts(order))


def only_paused(service: Service, cancel_fd: int, operator: str) -> Result | None:
    """Do what can be done for a NAME that was never kept here: its pause begins anew, or ends.

    One that a run has found up is not stopped by that, and nobody here knows how to: that is UNKNOWN.
    """
    from watchdog_tools.admin import pause

    if operator == "start":
        return run_action(service, cancel_fd, lambda progress: pause.resume(service, progress))
    return run_action(service, cancel_fd, lambda progress: _paused_unstopped(service, progress))


def _paused_unstopped(service: Service, progress: Progress) -> Result:
    from watchdog_tools.admin.pause import pause
    from watchdog_tools.admin.state_dir import StateDir

    result = pause(service, progress)
    last, _ = StateDir(service.path, os.geteuid()).last_run(service.name)
    if last and last.state in (OK, WARNING):
        result.state, result.reason = UNKNOWN, "never-kept"
        result.summary += "; the last run found it up, and it is not stopped: it was never started here"
    return result


def _standing_pause(service: Service, progress: Progress) -> tuple[str, dict[str, object]]:
    from watchdog_tools.admin.pause import facts
    from watchdog_tools.state.pause import read, until

    progress("local", "reading the pause")
    order, _ = read(service.pauses, service.name)
    return (f"still {until(order)}", dict(facts(order))) if order else ("", {})


def _enter(directory: str) -> None:
    """Go where the kept line was written for: it may name files from there."""
    try:
        os.chdir(directory or "/")
    except OSError:
        os.chdir("/")
