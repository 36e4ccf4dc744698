"""What stop, start and restart do: find the command line by which NAME is kept, and hand it to an actor."""

from __future__ import annotations

import os
import time

from watchdog_tools.cli import fast
from watchdog_tools.cli.common import settle
from watchdog_tools.cli.options import Wrong
from watchdog_tools.cli.values import convert
from watchdog_tools.commandline import Kept
from watchdog_tools.commands.ensure_running import COMMAND
from watchdog_tools.commands.keeping import Config
from watchdog_tools.commands.operating import acted
from watchdog_tools.result import CRITICAL, OK, UNKNOWN, Result
from watchdog_tools.system.looks import Job, look_all
from watchdog_tools.text import quoted
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.commands.operating import Service
    from watchdog_tools.system.looker import Say

_ALONE = {"watch": None, "dry_run": False}  # an operator's order is one run, and one that acts


def run(service: Service, wake: int, hand: str) -> Result | None:
    """Do what `hand` says: `start`, `stop` or `restart`. None if `wake` came first."""
    seconds, state = service.values["timeout"]
    looks = look_all([Job(lambda say: _found(service, say), target=service.name, on_timeout=state)], seconds, wake)
    if looks is None:
        return None
    found = looks[0]
    if found.reason != "kept":
        return found
    kept = Kept(tuple(found.details["argv"]), str(found.details["cwd"]), 0)  # type: ignore[arg-type]
    try:
        config, seconds = _config(service, kept)
    except Wrong as wrong:
        return _unusable(service, str(wrong))
    paused = _paused(service, wake) if hand == "stop" else Result(OK, "", reason="paused")
    if paused is None or paused.reason != "paused":
        return paused
    _enter(kept.cwd)
    from watchdog_tools.commands.acting import operate

    result = operate(config, seconds, wake, hand)
    if result:
        result.target = service.name
        result.summary = "; ".join(filter(None, [result.summary, paused.summary, found.summary]))
        result.details = {"name": service.name, **paused.details, **result.details}
    return result


def _found(service: Service, say: Say) -> Result:
    """Return the command line as a Result of reason `kept`; anything else is the verdict."""
    from watchdog_tools.probes import kept
    from watchdog_tools.record import Corrupt
    from watchdog_tools.system.statedir import NoState

    say("local", "reading the command line by which it is kept")
    try:
        line = kept.read(service.path, service.name)
    except NoState as error:
        return Result(UNKNOWN, f"{service.name}: {error}; nothing done", reason="no-state")
    except Corrupt as error:
        return _unusable(service, str(error))
    if line is None:
        words = f"{service.name} was never kept here ({service.path}); nothing done"
        return Result(UNKNOWN, words, reason="never-kept")
    _enter(line.cwd)  # should it hang, it does so here
    age = spoken(max(time.time() - line.wall, 0))
    details: dict[str, object] = {"argv": list(line.argv), "cwd": line.cwd}
    return Result(OK, f"kept by a command line of {age} ago", reason="kept", details=details)


def _unusable(service: Service, why: str) -> Result:
    words = f"the command line by which {service.name} is kept is not usable: {quoted(why)}; nothing done"
    return Result(UNKNOWN, words, reason="unusable")


def _config(service: Service, kept: Kept) -> tuple[Config, float]:
    """Return what the kept line means, here and now, and the seconds of a look. Raise Wrong."""
    raw = fast.parse(COMMAND, list(kept.argv))
    if raw is None:
        from watchdog_tools.cli.face import read

        raw = read(COMMAND, list(kept.argv))
        if {"help", "version"} & set(raw):
            raise Wrong("it asks for a page")
    values = convert(COMMAND, raw)
    settle(values, raw, {})
    if values["args"][0] != service.name:
        raise Wrong("it is of another NAME")
    values |= {key: value for key, value in _ALONE.items() if key in values}
    values["lock_wait"] = service.values["lock_wait"]
    values["state_dir"] = service.directory
    config = COMMAND.settle(values)
    if not isinstance(config, Config):
        raise Wrong("it is no command line of ensure-running")
    return config, float(values["timeout"][0])


def _paused(service: Service, wake: int) -> Result | None:
    """Pause it, so that the next run does not undo the stop. Reason `paused`: done."""

    def work(say: Say) -> Result:
        from watchdog_tools.commands.pausing import facts, noted, until, written

        say("local", "writing the pause")
        order = written(service)
        noted(service, "paused", seconds=order.length // 1000, reason=order.reason)
        return Result(OK, until(order), reason="paused", details=facts(order))

    result = acted(service, wake, work)
    if result and result.reason != "paused":
        result.state = CRITICAL if result.state == OK else result.state
        result.summary += "; not stopped, as the next run would start it again"
    return result


def _enter(directory: str) -> None:
    """Go where the kept line was written for: it may name files from there."""
    try:
        os.chdir(directory or "/")
    except OSError:
        os.chdir("/")
