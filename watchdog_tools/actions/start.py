"""TOUCH: start one instance and stay until it is `running`; or say why it cannot be, and remember that."""

from __future__ import annotations

import os

from watchdog_tools.actions import changes, containment, evidence, no_action
from watchdog_tools.actions.boot_grace import count_attempt
from watchdog_tools.actions.context import down, ended_early, now
from watchdog_tools.actions.control_group import NOBODY, mark
from watchdog_tools.actions.exits import CANNOT, died_at_once, start_failed
from watchdog_tools.actions.lock import CannotLock
from watchdog_tools.actions.spawn import Child, spawn
from watchdog_tools.actions.start_plan import CannotStart, resolve
from watchdog_tools.core import policy
from watchdog_tools.core.record import COMMAND, RUNNING, STARTING
from watchdog_tools.core.struct import replace
from watchdog_tools.net.shutdown import is_shutting_down
from watchdog_tools.state import record_files
from watchdog_tools.system import caller_unit, uptime
from watchdog_tools.system.cgroups import ONESHOT, NoGroup
from watchdog_tools.system.identity import handle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.context import Run
    from watchdog_tools.actions.start_plan import StartPlan
    from watchdog_tools.core import Result
    from watchdog_tools.core.record import Record
    from watchdog_tools.system.cgroups import Group
    from watchdog_tools.system.identity import Identity


def start(run: Run, cause: str, command: tuple[str, ...] = ()) -> Child | Result:
    """Start the service once: it is down, and may be started now. Return who was let go, or why nobody was.

    cause: the check's own words. command: what does it in the place of the start command, where that only starts what
    is down.
    """
    if run.guard_gone():
        return ended_early(run)
    if is_shutting_down():
        return no_action.shutting_down(run, cause)
    run.history = policy.with_start(run.history, now())
    try:
        start_options = run.config.start_options
        files = changes.file_states(run.config.files)  # before: an edit during the start is seen by the next run
        plan = resolve(replace(start_options, argv=command) if command else start_options, os.environ)
        run.uids |= {plan.uid}
        run.begin_step("starting it", urgent=True)
        if start_options.log_max:
            from watchdog_tools.actions import log_limit

            log_limit.before_start(run, plan.identity)
        run.clues = evidence.prepare(run.clues, run.config.start_options, plan.identity)
        child = _spawn(run, plan)
    except CannotStart as error:
        count_attempt(run)
        return start_failed(run, cause, f"{CANNOT}: {error}")
    except (OSError, CannotLock) as error:
        words = getattr(error, "strerror", None) or error
        return down(run, cause, f"nothing started: {words}", "no-state")
    changes.write_started(run, child.identity, files)
    count_attempt(run)
    if run.uncontained:
        run.note(caller_unit.warning())
    run.event("restarted" if run.in_trouble else "started", pid=child.identity[0], attempt=run.history.attempts)
    run.save_command()
    return child


def _spawn(run: Run, plan: StartPlan) -> Child:
    oneshot = run.config.start_options.oneshot
    how = run.config.stopping
    shared = oneshot or how.kill_mode == "process"
    group, run.uncontained = containment.prepare(run.owner, how.containment, shared=shared)
    place = group or containment.outside()

    def commit(identity: Identity) -> None:
        _commit(run, COMMAND if oneshot else STARTING, identity, group)

    try:
        return spawn(plan, run.lock.descriptor, run.owner, commit, group=place)
    except CannotStart:
        _unmark(group)
        raise
    finally:
        if place:
            place.close()


def _unmark(group: Group | None) -> None:
    """Take the mark off a group: a child that hangs before its exec is no instance that the next run could adopt."""
    try:
        if group:
            mark(group, NOBODY)
    except NoGroup:
        return


def await_running(run: Run, child: Child, since: int) -> Record | Result:
    """Wait until an instance has lived for --start-seconds, and write it down. Return its record, or why there is none.

    since: its start, in milliseconds of the boot clock. The guard's end does not end this step.
    """
    run.flush()
    seconds = run.config.start_seconds
    if child.ended(max(since / 1000 + seconds - uptime(), 0)):
        return died_at_once(run, child)
    record = run.record(RUNNING, identity=child.identity, since=since)
    run.write(record)
    if run.guard_gone():
        return ended_early(run)
    run.begin_step(f"verifying pid {child.identity[0]}")
    return record


def take_over(run: Run, record: Record) -> Record | Result:
    """Take over an instance that lives, and is never started beside. Return as `await_running` does."""
    descriptor = handle(record.identity)
    if descriptor is None:
        return down(run, "it ended just now", "the next run starts it", "died")
    child = run.attach(Child(identity=record.identity, handle=descriptor))
    if record.phase != STARTING:
        return record
    count_attempt(run)
    return await_running(run, child, min(record.since, now()))


def _commit(run: Run, phase: str, identity: Identity, group: Group | None) -> None:
    """Write who was born, before it may run; nothing starts if that, or the lock, is lost."""
    if group:
        mark(group, identity, ONESHOT if phase == COMMAND else b"")
    record = run.record(phase, identity=identity)
    record_files.write(run.directory, run.name, record)
    if not run.lock.is_ours():
        raise CannotLock("the lock file was replaced meanwhile")
