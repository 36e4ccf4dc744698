"""TOUCH: start one instance and stay until it is `running`; or say why it cannot be, and remember that."""

from __future__ import annotations

import os

from watchdog_tools import backoff
from watchdog_tools.actions import recordfile
from watchdog_tools.actions.deaths import died_at_once
from watchdog_tools.actions.lock import CannotLock
from watchdog_tools.actions.oneshot import command
from watchdog_tools.actions.plan import CannotStart, resolve
from watchdog_tools.actions.run import down, failed, left, now
from watchdog_tools.actions.spawn import Born, spawn
from watchdog_tools.actions.verify import verify
from watchdog_tools.record import COMMAND, RUNNING, STARTING
from watchdog_tools.system.clock import uptime
from watchdog_tools.system.identity import handle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.run import Run
    from watchdog_tools.record import Record
    from watchdog_tools.result import Result
    from watchdog_tools.system.identity import Identity


def start(run: Run, last: Record | None, why: str) -> Result:
    """Start the service once: it is down, and may be started now. `why`: the look's own words."""
    if run.alone():
        return left(run.order)
    run.attempts = backoff.earned(last, now(), run.boot)
    oneshot = run.order.wish.oneshot
    try:
        plan = resolve(run.order.wish, os.environ)
        run.uids |= {plan.uid}
        run.say("local", "starting it")
        phase = COMMAND if oneshot else STARTING
        born = spawn(plan, run.lock.descriptor, run.name, run.order.path,
                     lambda identity: _commit(run, phase, identity))  # fmt: skip
    except CannotStart as error:
        return failed(run, why, f"cannot start: {error}")
    except (OSError, CannotLock) as error:
        words = getattr(error, "strerror", None) or error
        return down(run.order, why, f"nothing started: {words}", "no-state")
    run.event("started", pid=born.identity[0])
    if oneshot:
        return command(run, born, why)
    return settle(run, born, now(), f"started {run.name}")


def settle(run: Run, born: Born, since: int, what: str) -> Result:
    """Stay until an instance has lived for --start-seconds, write it down, look until healthy.

    since: its start, in milliseconds of the boot clock. The guard's end does not end this step.
    """
    seconds = run.order.start_seconds
    if born.ended(max(since / 1000 + seconds - uptime(), 0)):
        return died_at_once(run, born)
    run.write(run.record(RUNNING, run.attempts + 1, identity=born.identity, since=since))
    if run.alone():
        return left(run.order)
    run.say("local", f"verifying pid {born.identity[0]}")
    return verify(run, born, since / 1000 + run.order.startup_timeout, what)


def taken_over(run: Run, record: Record, what: str = "") -> Result:
    """Take over an instance that lives: finish its verification. It is never started beside.

    what: how we came to it, in words, or empty.
    """
    descriptor = handle(record.identity)
    if descriptor is None:
        return down(run.order, "it ended just now", "the next run starts it", "died")
    born = Born(record.identity, descriptor)
    since = min(record.since, now())
    run.attempts = record.attempts
    if record.phase == STARTING:
        return settle(run, born, since, what)
    return verify(run, born, since / 1000 + run.order.startup_timeout, what)


def _commit(run: Run, phase: str, identity: Identity) -> None:
    """Write who was born, before it may run; nothing starts if that, or the lock, is lost."""
    recordfile.write(run.directory, run.name, run.record(phase, run.attempts, identity=identity))
    if not run.lock.ours():
        raise CannotLock("the lock file was replaced meanwhile")
