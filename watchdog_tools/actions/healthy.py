"""TOUCH: check until healthy, and say what was seen; write down what a healthy check changes, and a recovery."""

from __future__ import annotations

from watchdog_tools.actions.assess import attach_found
from watchdog_tools.actions.boot_grace import within_boot_grace
from watchdog_tools.actions.changes import tell
from watchdog_tools.actions.context import StateChanged, ended_early, now
from watchdog_tools.actions.exits import died, permission_now, starts
from watchdog_tools.actions.hooks import run_hook
from watchdog_tools.actions.no_action import healthy
from watchdog_tools.actions.spawn import Child
from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING, Result, of_instance, policy
from watchdog_tools.core.policy import HELD
from watchdog_tools.core.record import RUNNING
from watchdog_tools.core.text import human_duration
from watchdog_tools.system import uptime
from watchdog_tools.system.identity import handle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.assess import Assessment
    from watchdog_tools.actions.context import Run
    from watchdog_tools.core.health import Health
    from watchdog_tools.core.record import Record

_FIRST, _LONGEST = 0.05, 1.0  # seconds between checks, doubled in between


def on_healthy(run: Run, health: Health, assessment: Assessment) -> Result:
    """Return the verdict of a service that needs nothing. Raise StateChanged if its instance ended just now."""
    record = assessment.record
    if record and assessment.alive:
        descriptor = handle(record.identity)
        if descriptor is None:
            raise StateChanged
        run.attach(Child(identity=record.identity, handle=descriptor))
    else:
        attach_found(run, health)
    if record and record.unproven and not assessment.alive and run.config.start_options.oneshot and health.works:
        record = run.record(RUNNING)  # it works after all, whoever has seen to that
    if record is None and assessment.remains:  # a daemon of ours; that it was kept here is all that may be known of it
        run.save_command()
    result = healthy(run, health) if health.has_checks else _running(run, record)
    if record is None or not (assessment.alive or record.without_process) or (health.has_checks and not health.works):
        return result
    return tell(run, assessment.changes, record_healthy(run, result, record))


def record_healthy(run: Run, result: Result, record: Record) -> Result:
    """Remember a healthy check. Return its verdict, or that it has not recovered yet."""
    run.history = policy.with_health(run.history, now())
    run.failures = 0
    wanted = run.config.patience.recover_after
    run.successes = run.successes + 1 if run.in_trouble else 0
    recovered = bool(run.in_trouble) and run.successes >= wanted
    if recovered:
        run.in_trouble = run.successes = 0
    new = run.record(record.phase, identity=record.identity, since=record.since)
    if (new.history.healthy_since, new.failures, new.in_trouble, new.successes) != (
        record.history.healthy_since, record.failures, record.in_trouble, record.successes,
    ) or record.history.failed:  # fmt: skip
        run.write(new)
    if recovered:
        run.event("recovered", **({"pid": record.pid} if record.pid else {}))
        run_hook(run, "recover", result, record.pid)
    elif run.in_trouble:
        result.state = max(result.state, WARNING)
        result.summary += f"; recovering, {run.successes} of {wanted} healthy looks"
        result.reason = "repairing"
    return result


def _running(run: Run, record: Record | None) -> Result:
    if record is None:
        return Result(OK, f"{run.name} is running")
    words = f"pid {record.pid}, up {human_duration(max(now() - record.since, 0) / 1000)}"
    return of_instance(Result(OK, f"{run.name} is running ({words})"), record.pid)


def verify(run: Run, record: Record, what: str = "", until: float | None = None) -> Result:
    """Check until healthy or `until`; return the service's verdict. An instance that dies meanwhile ends the wait.

    record: of the instance, which `run.instance` holds if there is one of ours to watch (not for --oneshot).
    what: what was done before, in words, or empty. until: boot clock, seconds; else --startup-timeout from its start.
    """
    if until is None:
        until = min(record.since, now()) / 1000 + run.config.startup_timeout
    pause = _FIRST
    while True:
        run.last_health = health = run.probes.check(run.parent_fd)
        if health is None:
            return ended_early(run)
        if health.works or not health.has_checks or uptime() >= until:
            break
        if _ended(run, min(pause, max(until - uptime(), 0))):
            return ended_early(run) if run.instance is None or run.guard_gone() else died(run, run.instance)
        pause = min(pause * 2, _LONGEST)
    if health.works or not health.has_checks:
        result = record_healthy(run, _healthy(run, record, health, what), record)
        if run.instance is None:
            attach_found(run, health)
        return result
    return _failing(run, record, health, what)


def _healthy(run: Run, record: Record, health: Health, what: str) -> Result:
    summary = f"{what or run.name + ' is healthy'}{_pid(run)}{_words(health)}"
    state = health.state if health.has_checks else OK
    result = Result(state, summary, reason=what.partition(" ")[0], metrics=health.metrics)
    return of_instance(result, record.pid or None)


def _failing(run: Run, record: Record, health: Health, what: str) -> Result:
    lead = f"{what}{_pid(run)}, but failing" if what else f"{run.name} is alive but failing{_pid(run)}"
    summary = f"{lead}{_words(health)}"
    period = run.config.patience.start_period
    age = (now() - record.since) / 1000
    if run.instance and (age < period or within_boot_grace(run.config)) and health.state == CRITICAL:
        words = f"{summary}; pending, within its start period of {human_duration(period)}"
        return of_instance(Result(OK, words, reason="pending", metrics=health.metrics), record.pid or None)
    if run.instance and health.state == CRITICAL:
        run.fail()
        run.write(run.record(record.phase, identity=record.identity, since=record.since))
        summary += f"; {_restart(run)}"
    state = UNKNOWN if health.state == UNKNOWN else CRITICAL
    return of_instance(Result(state, summary, reason="failing", metrics=health.metrics), record.pid or None)


def _restart(run: Run) -> str:
    """Return when an instance that goes on failing is restarted, in words."""
    if permission_now(run).kind == HELD:
        return f"not restarted yet, after {starts(run)}"
    runs = run.config.patience.fail_after
    return "a run that finds it so again restarts it" if runs == 1 else f"restarted after {runs} runs that find it so"


def _pid(run: Run) -> str:
    return f" (pid {run.instance.identity[0]})" if run.instance else ""


def _words(health: Health) -> str:
    return f": {health.summary}" if health.summary else ""


def _ended(run: Run, seconds: float) -> bool:
    """Wait a little. Return whether the instance, or our guard, is gone."""
    if run.instance:
        return run.instance.ended(seconds, run.parent_fd) or run.guard_gone()
    run.wait(seconds)
    return run.guard_gone()
