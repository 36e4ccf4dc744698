"""TOUCH: one run: the lock, then one round, or a watch. Killed anywhere, it leaves one instance or none."""

from __future__ import annotations

import os
import time

from watchdog_tools.actions import lock_queue
from watchdog_tools.actions.containment import remove_empty
from watchdog_tools.actions.control_group import group_of, leave, this_run
from watchdog_tools.actions.lock import CannotLock, Lock
from watchdog_tools.actions.lock_queue import AS_OPERATOR, AS_RUN, AS_STOP, write_owner
from watchdog_tools.actions.no_lock import lock_held, no_lock
from watchdog_tools.actions.round import take_round
from watchdog_tools.actions.time_limit import run_limit
from watchdog_tools.actions.watch import watch  # at once, as a run in line has no time for it when it gets the lock
from watchdog_tools.core.decision import OPERATOR_START, OPERATOR_STOP
from watchdog_tools.state import StateDirError
from watchdog_tools.state.files import prepare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.context import Run
    from watchdog_tools.core import Result
    from watchdog_tools.core.owner import Owner


def run_session(run: Run, cause: str) -> Result:
    """Do for the service what it needs. `cause`: the words of the check that found it down."""
    os.umask(0o022)
    try:
        result = _run_session(run, cause)
    except OSError as error:  # the machine fails us in the middle: the service's verdict stays
        result = no_lock(run, cause, f"{error.strerror}; nothing more was done", "resources")
    finally:
        run.flush()
    if run.deeds:
        result.keeper.deeds = run.deeds
    return result


def _run_session(run: Run, cause: str) -> Result:
    begun = time.monotonic()
    config = run.config
    inside = run.probes.inside()  # while the guard lives, by which its ancestors are known
    try:
        run.directory = prepare(run.owner.directory, levels=config.state_dir is None)
        run.lock = Lock(run.directory, run.owner.directory, run.name)
        run.progress("local", "waiting for the lock")
        locked = lock_queue.take_lock(run)
    except (StateDirError, CannotLock) as error:
        return no_lock(run, cause, f"{error}; nothing started", "no-state")
    if not locked:
        return lock_held(run, cause)
    if inside:  # before any hook: what ends there takes time, and others may end the group meanwhile
        run.outlive_guard()
        _leave(run.owner)
    if config.watch:
        verdict = watch(run, begun)
        if verdict:
            remove_empty(run.owner)
        return _finish(run, verdict) if verdict else lock_held(run, cause)
    write_owner(run.lock, run_limit(config), _holder(config.operator))
    if config.operator == OPERATOR_START:
        run.note(run.probes.resume())
    result = take_round(run)
    remove_empty(run.owner)
    if run.done and config.operator != OPERATOR_STOP:  # its own words say it all
        result.summary = "; ".join([result.summary, *run.done])
    return _finish(run, result)


def _holder(operator: str) -> str:
    """Return what a run says that it is, in the lock."""
    return AS_STOP if operator == OPERATOR_STOP else AS_OPERATOR if operator else AS_RUN


def _leave(owner: Owner) -> None:
    """Take this run out of the service's control group."""
    with group_of(owner) as group:
        if group:
            leave(group, this_run())


def _finish(run: Run, result: Result) -> Result:
    """Return the verdict with the run's notes, and how long each of its steps took."""
    run.flush()
    result.summary = "; ".join([result.summary, *run.notes])
    result.lines = (*result.lines, *run.timed())
    if run.uncontained:
        result.keeper.uncontained = run.uncontained
    return result
