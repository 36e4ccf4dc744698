"""TOUCH: a look found it healthy. Write down what changes by that, and say when it has recovered."""

from __future__ import annotations

from watchdog_tools import history
from watchdog_tools.actions.hooking import hook
from watchdog_tools.actions.keepsake import keepsake
from watchdog_tools.actions.run import Changed, now
from watchdog_tools.actions.spawn import Born
from watchdog_tools.actions.standstill import healthy
from watchdog_tools.actions.stopping import hold_found
from watchdog_tools.record import RUNNING
from watchdog_tools.result import OK, WARNING, Result
from watchdog_tools.system.identity import handle
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.run import Run
    from watchdog_tools.actions.weigh import Weighed
    from watchdog_tools.health import Health
    from watchdog_tools.record import Record


def tend(run: Run, health: Health, weighed: Weighed) -> Result:
    """Return the verdict of a service that needs nothing. Raise Changed if its instance ended just now."""
    record = weighed.record
    if record and weighed.alive:
        descriptor = handle(record.identity)
        if descriptor is None:
            raise Changed
        run.hold(Born(record.identity, descriptor))
    else:
        hold_found(run, health)
    if record and record.tried and not weighed.alive and run.order.wish.oneshot and health.works:
        record = run.record(RUNNING)  # it works after all, whoever has seen to that
    if record is None and weighed.remains:  # a daemon of ours; that it was kept here is all that may be known of it
        keepsake(run)
    result = healthy(run.order, health) if health.asked else _running(run, record)
    if record is None or not (weighed.alive or record.concerned) or (health.asked and not health.works):
        return result
    return welcomed(run, result, record)


def welcomed(run: Run, result: Result, record: Record) -> Result:
    """Remember a healthy look. Return its verdict, or that it has not recovered yet."""
    run.past = history.healthy(run.past, now())
    run.failures = 0
    wanted = run.order.patience.recover_after
    run.successes = run.successes + 1 if run.trouble else 0
    recovered = bool(run.trouble) and run.successes >= wanted
    if recovered:
        run.trouble = run.successes = 0
    again = run.record(record.phase, identity=record.identity, since=record.since)
    if (again.history.good, again.failures, again.trouble, again.successes) != (
        record.history.good, record.failures, record.trouble, record.successes,
    ) or record.history.over:  # fmt: skip
        run.write(again)
    if recovered:
        run.event("recovered", **({"pid": record.pid} if record.pid else {}))
        hook(run, "recover", result, record.pid)
    elif run.trouble:
        result.state = max(result.state, WARNING)
        result.summary += f"; recovering, {run.successes} of {wanted} healthy looks"
        result.reason = "repairing"
    return result


def _running(run: Run, record: Record | None) -> Result:
    if record is None:
        return Result(OK, f"{run.name} is running")
    words = f"pid {record.pid}, up {spoken(max(now() - record.since, 0) / 1000)}"
    return Result(OK, f"{run.name} is running ({words})", details={"pid": record.pid})
