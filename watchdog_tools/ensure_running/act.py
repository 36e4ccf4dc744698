"""ensure-running's other half, loaded only when something may have to be done: it has an action worker do it."""

from __future__ import annotations

import _signal
import select

from watchdog_tools.actions.time_limit import run_limit
from watchdog_tools.core import CRITICAL, UNKNOWN, Result
from watchdog_tools.core.health import Health
from watchdog_tools.core.text import human_duration
from watchdog_tools.ensure_running.before_lock import run_checks, verdict_without_lock
from watchdog_tools.ensure_running.probes import Probes
from watchdog_tools.state import StateDirError
from watchdog_tools.system import waiting
from watchdog_tools.workers import Check, run_all
from watchdog_tools.workers.actions import act as run_in_worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.ensure_running.config import Config
    from watchdog_tools.workers.worker import Progress


_BROKEN = ("internal", "memory", "crashed", "late", "resources", "no-state")  # reasons of a run that broke off
_GRACE = 1.0  # seconds that a run has to finish its step when we are told to end
_INSIDE = 1.0  # seconds for a look whether we come from the instance
_PASSED_ON = (_signal.SIGTERM, _signal.SIGHUP, _signal.SIGINT)  # by timeout, su, sudo, a terminal, an agent that ends


def act(config: Config, cancel_fd: int, cause: str) -> Result | None:
    """Have an action worker do it. None if `cancel_fd` came first and nothing was said in time.

    cause: the words of the check that found it down, or of an operator's order. A run that comes from the instance, and
    may have to end that, is not ended along with it: it has its own limit.
    """
    limit = run_limit(config.service)
    ignored = ignore_signals() if _is_inside(config, cancel_fd) else []
    if ignored and _readable(cancel_fd):
        return None

    def work(progress: Progress, parent_fd: int) -> Result:
        for number in ignored:
            _signal.signal(number, _signal.SIG_DFL)
        return acted(config, cause, progress, parent_fd)

    down = f"{config.name}: {cause}" if config.operator else f"{config.name} is down ({cause})"
    try:
        worker = run_in_worker(work, limit, cancel_fd, _GRACE)
    except OSError as error:
        return Result(CRITICAL, f"{down}; cannot fork: {error.strerror}", reason="resources")
    result = worker.result
    if _readable(cancel_fd) and (result is None or result.reason == "signal"):
        return None
    if result and result.reason in ("internal", "memory"):  # what fails is ours, but the service is down
        result = Result(CRITICAL, f"{down}; {result.summary}", reason=result.reason)
    elif worker.silent:
        result = Result(CRITICAL, f"{down}; the run was killed while {worker.words}", reason="crashed")
    elif result is None:
        words = f"not done within {human_duration(limit)}, still {worker.words}"
        result = Result(CRITICAL, f"{down}; {words}", reason="late")
    if not config.watch or result.reason not in _BROKEN:
        return result
    return _watch_broke_off(config, cancel_fd, result, result.summary.removeprefix(f"{down}; "))


def _is_inside(config: Config, cancel_fd: int) -> bool:
    """Whether we come from the instance. A watch is long and may be told to end: its action worker alone asks that."""
    if config.watch:
        return False

    def probe(_progress: Progress) -> bool:
        from watchdog_tools.system import process_tree

        return process_tree.comes_from_instance(config.name, config.state_dir)

    return True in (run_all([Check(probe)], _INSIDE, cancel_fd) or [])


def ignore_signals() -> list[int]:
    """Ignore from now on what would end us with the instance. Return the signals that were not ignored before."""
    numbers = [number for number in _PASSED_ON if _signal.getsignal(number) != _signal.SIG_IGN]
    for number in numbers:
        _signal.signal(number, _signal.SIG_IGN)
    return numbers


def _watch_broke_off(config: Config, cancel_fd: int, broken: Result, words: str) -> Result:
    """Return the verdict of a watch that broke off: it was long, and the service's is the present one."""
    found = run_checks(config, cancel_fd)
    if found is None:
        return broken
    first, named = found
    health = Health(named)
    verdict = verdict_without_lock(config, first, health)
    if verdict is None:
        broken.summary = f"{config.name} is down ({health.summary or first.summary}); {words}"
        return broken
    verdict.summary = f"{verdict.summary}; {words}"
    if broken.reason != "no-state":  # that is no news, and each run would tell it
        verdict.reason = verdict.reason or broken.reason
    return verdict


def _readable(cancel_fd: int) -> bool:
    poll = select.poll()
    poll.register(cancel_fd, select.POLLIN)
    return bool(poll.poll(0))


def acted(config: Config, cause: str, progress: Progress, parent_fd: int) -> Result:
    """Do it, in the action worker's own process."""
    from watchdog_tools.actions.context import Run  # not loaded by the guard, which lives as long
    from watchdog_tools.actions.session import run_session

    hanging = waiting.words(config.name, config.state_dir or waiting.home())
    if hanging and config.operator:
        return Result(UNKNOWN, f"{config.name}: {cause}, and not done: {hanging}", reason="no-state")
    if hanging:  # the look has just been taken; another one would ask the disk whose the processes are
        return Result(CRITICAL, f"{config.name} is down ({cause}); {hanging}; nothing started", reason="no-state")
    try:
        owner = config.owner
    except StateDirError as error:
        return Result(CRITICAL, f"{config.name} is down ({cause}); {error}; nothing started", reason="no-state")
    return run_session(Run(config.service, owner, Probes(config), progress, parent_fd), cause)
