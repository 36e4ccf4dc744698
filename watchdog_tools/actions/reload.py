"""TOUCH: the instance is told to read its configuration anew, by a command or a signal. That is no restart.

The policy's memory stays as it is, and what comes of it is said, not acted on.
"""

from __future__ import annotations

from watchdog_tools.actions.assess import find_instance, state_of
from watchdog_tools.actions.context import StateChanged, ended_early
from watchdog_tools.actions.hooks import run_option
from watchdog_tools.core import CRITICAL, NAMES, OK, UNKNOWN, Result, of_instance
from watchdog_tools.core.record import RUNNING
from watchdog_tools.system import proc, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.assess import Assessment
    from watchdog_tools.actions.context import Run
    from watchdog_tools.actions.spawn import Child
    from watchdog_tools.core.health import Health

_MET = ("SigCgt", "SigBlk")  # masks of signals that a handler or signalfd takes; any other would end it, or be lost


def reload_instance(run: Run, health: Health, assessment: Assessment) -> Result:
    """Have it reload, and return how it is then. Raise StateChanged where it ended just now."""
    refusal = _refusal(run, health, assessment)
    if refusal:
        return refusal
    oneshot = run.config.start_options.oneshot
    instance = None if oneshot else find_instance(run, health, assessment)
    if not (instance or oneshot):
        raise StateChanged
    how = run.config.stopping
    pid = instance.identity[0] if instance else 0
    if how.reload:
        by = "by --reload"
        failure = run_option(run, how.reload, "--reload", (NAMES[health.state], "reload"), pid)
    else:
        by = f"{signals.name(how.reload_signal)} to pid {pid}"
        failure = _signalled(instance, how.reload_signal) if instance else "no process of it is known"
    if failure:
        note = "" if how.reload else f": {failure}"  # what a command came to is a note already
        return _not_reloaded(f"{run.name} was not reloaded{note}", pid)
    run.event("reloaded", **({"pid": pid} if pid else {}), how=by)
    return _result(run, instance, f"{run.name} was reloaded ({by})")


def _refusal(run: Run, health: Health, assessment: Assessment) -> Result | None:
    """Return the verdict where there is nothing to reload, or nothing that is ours for certain; else None."""
    record = assessment.record
    if run.config.start_options.oneshot:
        if health.works or health.exists:
            return None
    elif assessment.alive and record:
        starting = f"{run.name} is still starting (pid {record.pid}), so it was not reloaded"
        return None if record.phase == RUNNING else _not_reloaded(starting, record.pid)
    elif assessment.marked:
        words = f"the record of {run.name} is lost, so it was not reloaded; the next run of ensure-running adopts it"
        return _not_reloaded(words, assessment.marked[0][0])
    elif health.exists or health.works:
        words = f"{run.name} was not reloaded: it works ({health.summary}), but no process of it was started here"
        return _not_reloaded(words)
    return Result(CRITICAL, f"{state_of(run, health, assessment)}; not reloaded", reason="not-reloaded")


def _not_reloaded(words: str, pid: int = 0) -> Result:
    return of_instance(Result(UNKNOWN, words, reason="not-reloaded"), pid or None)


def _signalled(instance: Child, number: int) -> str:
    """Signal the instance, whose identity its pidfd proves, if it takes that signal. Return why not, or nothing."""
    pid, name = instance.identity[0], signals.name(number)
    fields = proc.status(pid) or {}
    if not any(int(fields.get(mask, "0"), 16) >> (number - 1) & 1 for mask in _MET):
        return f"pid {pid} has no handler for {name}, which would end it or do nothing"
    return "" if signals.send(instance.handle, number) else f"pid {pid} may not be signalled"


def _result(run: Run, instance: Child | None, words: str) -> Result:
    """Return the verdict, once it had --start-seconds to fail: one check, and nothing is done about it."""
    run.begin_step("checking what the reload came to")
    pid = instance.identity[0] if instance else None
    if instance and instance.ended(run.config.start_seconds, run.parent_fd) and instance.ended(0):
        said = f"{words}, and ended behind it; the next run of ensure-running starts it"
        return Result(CRITICAL, said, reason="died")
    health = run.probes.check(run.parent_fd)
    if health is None:
        return ended_early(run)
    if not health.has_checks:
        return of_instance(Result(OK, words, reason="reloaded"), pid)
    reason = "failing" if health.state == CRITICAL else "reloaded"
    result = Result(health.state, f"{words}, and {health.phrase}: {health.summary}", reason=reason)
    result.metrics = health.metrics
    return of_instance(result, pid)
