"""TOUCH: lock, look again, decide, act, look until healthy. Killed anywhere, it leaves one instance or none."""

from __future__ import annotations

import os

from watchdog_tools import decision
from watchdog_tools.actions import recordfile, starting
from watchdog_tools.actions.deaths import DAEMONS
from watchdog_tools.actions.end import end_family
from watchdog_tools.actions.lock import CannotLock, Lock
from watchdog_tools.actions.oneshot import overdue
from watchdog_tools.actions.order import PATIENCE
from watchdog_tools.actions.run import Run, down, failed, left, now, rest
from watchdog_tools.actions.spawn import Born
from watchdog_tools.actions.statedir import prepare
from watchdog_tools.actions.weigh import weigh
from watchdog_tools.record import COMMAND, ENDED, RUNNING, STARTING, Record, Seen
from watchdog_tools.result import CRITICAL, OK, UNKNOWN, WARNING, Result
from watchdog_tools.system.clock import seconds
from watchdog_tools.system.identity import handle, here
from watchdog_tools.system.looker import LOCAL
from watchdog_tools.system.marks import family
from watchdog_tools.system.proc import Unseen
from watchdog_tools.system.statedir import NoState
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.order import Order
    from watchdog_tools.health import Health
    from watchdog_tools.system.identity import Identity
    from watchdog_tools.system.looker import Say


def keep(order: Order, why: str, say: Say, life: int) -> Result:
    """Do for the service what it needs. `why`: the words of the look that found it down.

    life: the descriptor that tells of the guard's end; then no further step is begun.
    """
    os.umask(0o022)
    try:
        return _kept(order, why, say, life)
    except OSError as error:  # the machine fails us in the middle: the service's verdict stays
        return down(order, why, f"{error.strerror}; nothing more was done", "resources")


def _kept(order: Order, why: str, say: Say, life: int) -> Result:
    try:
        directory = prepare(order.path, levels=order.levels)
        lock = Lock(directory, order.path, order.name)
        say(LOCAL, "waiting for the lock")
        taken = lock.take(order.lock_wait, life)
    except (NoState, CannotLock) as error:
        return _without_hands(order, why, f"{error}; nothing started", life)
    if not taken:
        return _beside(order, why, lock, life)
    lock.sign(order.limit)
    run = Run(order, directory, lock, say, life)
    result = _locked(run)
    result.summary = "; ".join([result.summary, *run.notes])
    return result


def _beside(order: Order, why: str, lock: Lock, life: int) -> Result:
    """Another run has the lock: look once more, and report."""
    health = order.look(life)
    if health is None:
        return left(order)
    if health.works:
        return _healthy(order, health)
    stuck = lock.stuck(order.limit)
    if stuck:
        return down(order, why, stuck, "lock-held")
    words = f"{order.name} is not up ({why}); another run is repairing it"
    return Result(WARNING, words, reason="repairing")


def _without_hands(order: Order, why: str, words: str, life: int) -> Result:
    """No state directory or no lock to be had: the verdict stays the service's."""
    health = order.look(life)
    if health and health.works:
        result = _healthy(order, health)
        result.summary += f"; {words}"
        return result
    return down(order, why, words, "no-state")


def _locked(run: Run) -> Result:
    run.say(LOCAL, "looking again under the lock")
    health = run.order.look(run.life)
    if health is None:
        return left(run.order)
    try:
        return _act(run, health)
    except Unseen as error:
        return _blind(run, health, str(error))


def _act(run: Run, health: Health) -> Result:
    seen = _seen(run)
    record = seen.record
    weighed = weigh(run.order, health, seen)
    choice = weighed.choice
    if choice == decision.KEEP and record:
        return starting.taken_over(run, record)
    if choice == decision.ADOPT:
        return starting.taken_over(run, _adopted(run, weighed.marked), f"adopted {run.name}")
    if choice == decision.NOTHING:
        return _healthy(run.order, health)
    if choice == decision.VETO:
        return _blind(run, health, health.veto)
    if choice == decision.FOUND:
        return Result(CRITICAL, f"{run.name} is alive but failing: {health.words}; not restarted", reason="failing")
    if choice == decision.DAEMON:
        words = f"{DAEMONS}; what it became lives on as pid {weighed.daemons[0]}; not started beside it"
        return down(run.order, health.words or "no instance", words, "daemon")
    if choice == decision.IN_FLIGHT:
        return _in_flight(run, record, health, alive=seen.alive)
    return _started(run, record, health, weighed.wait)


def _started(run: Run, record: Record | None, health: Health, wait: float) -> Result:
    why = health.words or "no instance"
    if wait > PATIENCE:
        attempts = record.attempts if record else 0
        words = f"backing off after {attempts} failed starts, next try in {spoken(wait)}"
        return down(run.order, why, words, "backoff")
    if wait > 0:
        run.say(LOCAL, f"backing off for {spoken(wait)}")
        rest(run, wait)
        return _locked(run)  # the world has gone on meanwhile
    if record and record.phase == RUNNING:
        _mourn(run, record)
    return starting.start(run, record, why)


def _mourn(run: Run, record: Record) -> None:
    """Say that the last instance died while nobody watched, and what it left running."""
    run.event("died", pid=record.pid)
    orphans = family(record.pid, record.ticks, run.uids) if record.pid and record.identity[2:] == here() else []
    if orphans:
        run.notes.append(f"the last instance left pid {', '.join(map(str, orphans[:5]))} running")


def _seen(run: Run) -> Seen:
    seen = run.order.seen(run.directory, run.name)
    if seen.note:
        run.notes.append(seen.note)
    if seen.corrupt:
        recordfile.set_aside(run.directory, run.name)
        run.event("record set aside", why=seen.note)
    return seen


def _adopted(run: Run, marked: list[Identity]) -> Record:
    identity = min(marked, key=lambda each: each[1])
    if len(marked) > 1:
        run.notes.append(f"{len(marked)} instances carry its mark")
    record = run.record(STARTING, 0, identity=identity, since=int(seconds(identity[1]) * 1000))
    run.write(record)
    run.event("adopted", pid=record.pid)
    return record


def _in_flight(run: Run, record: Record | None, health: Health, *, alive: bool) -> Result:
    pid = f" (pid {record.pid})" if record and alive else ""
    if record and alive and now() - record.since > run.order.startup_timeout * 1000:
        return _overdue(run, record, health)
    if record and record.phase == COMMAND and not alive:
        run.write(run.record(ENDED, record.attempts + 1))
    words = f"{run.name} is down ({health.words}); start in progress{pid}"
    return Result(WARNING, words, reason="repairing")


def _overdue(run: Run, record: Record, health: Health) -> Result:
    """End a --oneshot command whose own run was killed, and which does not return."""
    descriptor = handle(record.identity)
    survivors = end_family(Born(record.identity, descriptor), run.uids) if descriptor is not None else []
    run.attempts = record.attempts
    return failed(run, health.words, overdue(run.order.startup_timeout, survivors))


def _healthy(order: Order, health: Health) -> Result:
    return Result(health.state, f"{order.name} {health.lead}: {health.words}", metrics=health.metrics)


def _blind(run: Run, health: Health, words: str) -> Result:
    state = health.state if health.state != OK else UNKNOWN
    return Result(state, f"{run.name}: {words}; nothing started", reason="blind")
