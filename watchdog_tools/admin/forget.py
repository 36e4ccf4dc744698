"""What forget does, in the fork that acts: under NAME's lock, and only where nothing of the service lives."""

from __future__ import annotations

import os

from watchdog_tools.actions.containment import remove_empty
from watchdog_tools.actions.lock import OPERATOR, CannotLock, Lock
from watchdog_tools.actions.lock_queue import AS_FORGET, take_as_operator, write_owner
from watchdog_tools.core import CRITICAL, OK, UNKNOWN, Result
from watchdog_tools.core.record import DAEMON
from watchdog_tools.core.text import quoted
from watchdog_tools.state import StateDirError, enter, instance, traces
from watchdog_tools.system import relatives
from watchdog_tools.system.proc import ProcUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.admin.service import Service
    from watchdog_tools.core.owner import Owner
    from watchdog_tools.core.record import Seen
    from watchdog_tools.workers.worker import Progress

_NAMED = 5  # pids in a sentence
_LIMIT = 30.0  # seconds that the lock is held at most, as who waits for it is told


def forget(service: Service, progress: Progress, parent_fd: int) -> Result:
    """Remove all that is kept of the service. Raise StateDirError, OSError."""
    progress("local", "looking for what is kept of it")
    name, owner = service.name, service.owner
    if not traces.present(owner.directory, owner.uid, name):
        return _nothing_left(service)
    try:
        directory = enter(owner.directory)
    except StateDirError as error:
        if not error.missing:
            raise
        return _without_state(service)  # /run forgets: what is left of it lies in the memory
    try:
        lock = Lock(directory, owner.directory, name)
        progress("local", "waiting for the lock")
        operator = Lock(directory, owner.directory, name, OPERATOR)
        if not take_as_operator(operator, lock, service.values["lock_wait"], parent_fd):
            words = f"{name}: another run has the lock; nothing done"
            return Result(UNKNOWN, words, reason="lock-held")
        write_owner(lock, _LIMIT, AS_FORGET)
        return _forget(service, instance.read_in(directory, owner))
    except CannotLock as error:
        return Result(UNKNOWN, f"{name}: {error}; nothing done", reason="no-state")
    except ProcUnavailable as error:
        return Result(UNKNOWN, f"{name}: {error}; nothing done", reason="blind")


def _without_state(service: Service) -> Result:
    """Do it where there is no state directory yet, and so nobody who could hold a lock in it."""
    owner = service.owner
    try:
        return _forget(service, instance.read(owner))
    except ProcUnavailable as error:
        return Result(UNKNOWN, f"{service.name}: {error}; nothing done", reason="blind")


def _nothing_left(service: Service) -> Result:
    if traces.was_locked(service.path, service.name):
        return Result(OK, f"nothing is left of {service.name} to forget", reason="forgotten")
    words = f"{service.name} was never kept here ({service.path}); nothing done"
    return Result(UNKNOWN, words, reason="never-kept")


def _forget(service: Service, seen: Seen) -> Result:
    """Remove it all, unless it lives. Raise ProcUnavailable, StateDirError, OSError."""
    name, owner = service.name, service.owner
    living, rest = _living(owner, seen)
    if living:
        said = f"{name} lives (pid {_listed(living)}), so it is not forgotten; first: watchdog-tools stop {name}"
        return Result(CRITICAL, said, reason="alive", details={"pid": living[0]})
    remove_empty(owner)
    removed, kept = traces.remove(owner.directory, owner.uid, name)
    words = [f"{name} is {'not wholly ' * bool(kept)}forgotten: {', '.join(map(quoted, removed)) or 'nothing'}"]
    words += [f"{quoted(each)}; it stays" for each in kept]
    if rest:
        words.append(f"its last instance left pid {_listed(rest)} behind, which lives on")
    return Result(UNKNOWN if kept else OK, "; ".join(words), reason="resources" if kept else "forgotten")


def _living(owner: Owner, seen: Seen) -> tuple[list[int], list[int]]:
    """Return the pids of its instances, and those of what one that is gone left behind. Raise ProcUnavailable.

    A daemon that it became is an instance. Where no record tells of it, so is what carries its mark, of whatever user.
    """
    record = seen.record
    if record and seen.alive and record.pid:
        return [record.pid], []
    found = relatives.find(owner, os.geteuid(), record, seen.until)
    ours = {each[0] for each in found.instances}
    ours |= {*found.daemons, *(found.remains if record and record.reason == DAEMON else ())}
    ours |= set() if record else {pid for pid, _ in found.claimed}
    rest = {*found.remains, *(each[0] for each in found.strays)}
    return sorted(ours), sorted(rest - ours)


def _listed(pids: list[int]) -> str:
    return ", ".join(map(str, pids[:_NAMED])) + (", ..." if len(pids) > _NAMED else "")
