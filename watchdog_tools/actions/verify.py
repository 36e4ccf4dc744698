"""TOUCH's other half: look until healthy, and say what was seen. An instance that dies meanwhile ends the wait."""

from __future__ import annotations

from watchdog_tools.actions.deaths import died
from watchdog_tools.actions.failure import judged, starts
from watchdog_tools.actions.mercy import in_mercy
from watchdog_tools.actions.run import left, now
from watchdog_tools.actions.stopping import hold_found
from watchdog_tools.actions.tending import welcomed
from watchdog_tools.policy import HELD
from watchdog_tools.result import CRITICAL, OK, UNKNOWN, Result
from watchdog_tools.system.clock import uptime
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.run import Run
    from watchdog_tools.health import Health
    from watchdog_tools.record import Record

_FIRST, _LONGEST = 0.05, 1.0  # seconds between looks, doubled in between


def verify(run: Run, record: Record, until: float, what: str = "") -> Result:
    """Look until healthy or `until` (boot clock, seconds); return the service's verdict.

    record: of the instance, which `run.born` holds if there is one of ours to watch (not for --oneshot).
    what: what was done before, in words, or empty.
    """
    pause = _FIRST
    while True:
        run.looked = health = run.order.look(run.life)
        if health is None:
            return left(run.order)
        if health.works or not health.asked or uptime() >= until:
            break
        if _ended(run, min(pause, max(until - uptime(), 0))):
            return left(run.order) if run.born is None or run.alone() else died(run, run.born)
        pause = min(pause * 2, _LONGEST)
    if health.works or not health.asked:
        result = welcomed(run, _healthy(run, record, health, what), record)
        if run.born is None:
            hold_found(run, health)
        return result
    return _failing(run, record, health, what)


def _healthy(run: Run, record: Record, health: Health, what: str) -> Result:
    summary = f"{what or run.name + ' is healthy'}{_pid(run)}{_words(health)}"
    state = health.state if health.asked else OK
    details: dict[str, object] = {"name": run.name, "pid": record.pid or None}
    return Result(state, summary, reason=what.partition(" ")[0], metrics=health.metrics, details=details)


def _failing(run: Run, record: Record, health: Health, what: str) -> Result:
    details: dict[str, object] = {"name": run.name, "pid": record.pid or None}
    lead = f"{what}{_pid(run)}, but failing" if what else f"{run.name} is alive but failing{_pid(run)}"
    summary = f"{lead}{_words(health)}"
    period = run.order.patience.start_period
    age = (now() - record.since) / 1000
    if run.born and (age < period or in_mercy(run.order)) and health.state == CRITICAL:
        words = f"{summary}; pending, within its start period of {spoken(period)}"
        return Result(OK, words, reason="pending", metrics=health.metrics, details=details)
    if run.born and health.state == CRITICAL:
        run.fail()
        run.write(run.record(record.phase, identity=record.identity, since=record.since))
        summary += f"; {_restart(run)}"
    state = UNKNOWN if health.state == UNKNOWN else CRITICAL
    return Result(state, summary, reason="failing", metrics=health.metrics, details=details)


def _restart(run: Run) -> str:
    """Return when an instance that goes on failing is restarted, in words."""
    if judged(run).kind == HELD:
        return f"not restarted yet, after {starts(run)}"
    runs = run.order.patience.fail_after
    return "a run that finds it so again restarts it" if runs == 1 else f"restarted after {runs} runs that find it so"


def _pid(run: Run) -> str:
    return f" (pid {run.born.identity[0]})" if run.born else ""


def _words(health: Health) -> str:
    return f": {health.words}" if health.words else ""


def _ended(run: Run, seconds: float) -> bool:
    """Wait a little. Return whether the instance, or our guard, is gone."""
    if run.born:
        return run.born.ended(seconds, run.life) or run.alone()
    run.rest(seconds)
    return run.alone()
