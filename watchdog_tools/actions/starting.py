"""TOUCH: start one instance and stay until it is `running`; or say why it cannot be, and remember that."""

from __future__ import annotations

import os

from watchdog_tools import history
from watchdog_tools.actions import recordfile
from watchdog_tools.actions.deaths import died_at_once
from watchdog_tools.actions.failure import CANNOT, failed
from watchdog_tools.actions.hooking import hook
from watchdog_tools.actions.keepsake import keepsake
from watchdog_tools.actions.lock import CannotLock
from watchdog_tools.actions.oneshot import followed
from watchdog_tools.actions.plan import CannotStart, other, resolve
from watchdog_tools.actions.run import count, down, left, now
from watchdog_tools.actions.spawn import Born, spawn
from watchdog_tools.actions.verify import verify
from watchdog_tools.record import COMMAND, RUNNING, STARTING
from watchdog_tools.system.clock import uptime
from watchdog_tools.system.identity import handle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.plan import Plan
    from watchdog_tools.actions.run import Run
    from watchdog_tools.record import Record
    from watchdog_tools.result import Result
    from watchdog_tools.system.identity import Identity


def start(run: Run, why: str, command: tuple[str, ...] = ()) -> Result:
    """Start the service once: it is down, and may be started now. `why`: the look's own words.

    command: what does it in the place of the start command, where that only starts what is down.
    """
    if run.alone():
        return left(run.order)
    again = bool(run.trouble)
    run.past = history.started(run.past, now())
    try:
        wish = run.order.wish
        plan = resolve(other(wish, command) if command else wish, os.environ)
        run.uids |= {plan.uid}
        run.tell("starting it")
        born = _spawned(run, plan)
    except CannotStart as error:
        count(run)
        return failed(run, why, f"{CANNOT}: {error}")
    except (OSError, CannotLock) as error:
        words = getattr(error, "strerror", None) or error
        return down(run.order, why, f"nothing started: {words}", "no-state")
    result = _followed(run, born, why, again=again)
    if again and not run.alone():
        hook(run, "restart", result, born.identity[0])
    return result


def _spawned(run: Run, plan: Plan) -> Born:
    phase = COMMAND if run.order.wish.oneshot else STARTING
    return spawn(plan, run.lock.descriptor, run.order.owner, lambda identity: _commit(run, phase, identity))


def _followed(run: Run, born: Born, why: str, *, again: bool) -> Result:
    """Stay with what was let go."""
    count(run)
    run.event("restarted" if again else "started", pid=born.identity[0], attempt=run.past.attempts)
    keepsake(run)
    if run.order.wish.oneshot:
        return followed(run, born, why)
    return settle(run, run.hold(born), run.past.last, f"{'restarted' if again else 'started'} {run.name}")


def settle(run: Run, born: Born, since: int, what: str) -> Result:
    """Stay until an instance has lived for --start-seconds, write it down, look until healthy.

    since: its start, in milliseconds of the boot clock. The guard's end does not end this step.
    """
    seconds = run.order.start_seconds
    if born.ended(max(since / 1000 + seconds - uptime(), 0)):
        return died_at_once(run, born)
    record = run.record(RUNNING, identity=born.identity, since=since)
    run.write(record)
    if run.alone():
        return left(run.order)
    run.tell(f"verifying pid {born.identity[0]}")
    return verify(run, record, since / 1000 + run.order.startup_timeout, what)


def taken_over(run: Run, record: Record, what: str = "") -> Result:
    """Take over an instance that lives: finish its verification. It is never started beside.

    what: how we came to it, in words, or empty.
    """
    descriptor = handle(record.identity)
    if descriptor is None:
        return down(run.order, "it ended just now", "the next run starts it", "died")
    born = run.hold(Born(record.identity, descriptor))
    since = min(record.since, now())
    if record.phase == STARTING:
        count(run)
        return settle(run, born, since, what)
    return verify(run, record, since / 1000 + run.order.startup_timeout, what)


def _commit(run: Run, phase: str, identity: Identity) -> None:
    """Write who was born, before it may run; nothing starts if that, or the lock, is lost."""
    recordfile.write(run.directory, run.name, run.record(phase, identity=identity))
    if not run.lock.ours():
        raise CannotLock("the lock file was replaced meanwhile")
