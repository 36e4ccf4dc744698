"""ensure-running's --process and --pidfile: check-process, with what a keeper knows of its own instance beside it."""

from __future__ import annotations

import os

from watchdog_tools.core import CRITICAL, OK, UNKNOWN, Metric, Result
from watchdog_tools.core.owner import Owner
from watchdog_tools.core.ownership import without_unproven
from watchdog_tools.core.text import quoted
from watchdog_tools.state import StateDirError, default, instance, place
from watchdog_tools.state import was_kept as state_tells
from watchdog_tools.system import memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchdog_tools.ensure_running.values import Values
    from watchdog_tools.workers import Check
    from watchdog_tools.workers.worker import Progress

_ROOT = 0
_NOWHERE = "/nonexistent"
_NAMED = 3  # processes, and names of one, in a sentence


def explained(result: Result, wanted: str, owner: Owner) -> Result:
    """Return the Result of a --process that found none: it says what our own instance calls itself, where one lives."""
    seen = instance.read(owner) if result.state == CRITICAL else None
    if seen is None or not (seen.alive and seen.record):
        return result
    from watchdog_tools.checks.process.scan import names_of

    names = names_of(seen.record.pid)[:_NAMED]
    if names and wanted not in names:
        said = " or ".join(quoted(each, 60) for each in names)
        result.summary += f"; pid {seen.record.pid}, which was started here, calls itself {said}"
    return result


def pidfile(check: Check[Result], name: str, start: str, values: Values) -> Check[Result]:
    """Return the check of --pidfile, from that of check-process. `name`: the service's; `start`: its program's name.

    A live pid that runs something else is stale, but not one of our own instance's family: a start command may become
    another program (`nice`, a shell's exec), or write the file for a child that it waits for. A file that others could
    have written is believed of no other process than that.
    """
    plain, path, state_dir, user = check.probe, str(values["pidfile"]), values["state_dir"], values["user"]

    def probe(progress: Progress) -> Result:
        result, owner = plain(progress), owner_of(name, state_dir)
        if result.reason in ("stale", "stale-boot"):
            result = _of_the_family(result, path, owner)
        if is_guarded(user):
            others = unproven([pid for pid, _ in result.processes or ()], start, owner)
            result = without_unproven(result, others, start, known_before=bool(others) and was_kept(owner))
        if result.state == OK or result.processes:
            return result
        unsafe = _unsafe(path, user)
        return _unbelieved(unsafe, owner) if unsafe else result

    check.probe = probe
    return check


def is_guarded(user: str | None) -> bool:
    """Whether what an unprivileged user could have made up counts for nothing: we are root, and no user is named."""
    return os.geteuid() == _ROOT and not user


def _unsafe(path: str, user: str | None) -> str:
    """Return why a pidfile is not believed, empty for one that is, or is not there. user: the service's."""
    from watchdog_tools.actions.start_plan import target
    from watchdog_tools.core.config import StartOptions
    from watchdog_tools.system.path_trust import insecure

    if not os.path.lexists(path):
        return ""
    return insecure(path, target(StartOptions(argv=("",), user=user)) if user else None)


def _unbelieved(cause: str, owner: Owner) -> Result:
    """Return the Result where a pidfile says nothing: the instance that was started here may live all the same."""
    seen = instance.read(owner)
    if seen.alive and seen.record:
        words = f"pid {seen.record.pid} was started here; {cause}, so it is not believed"
        return Result(OK, words, reason="insecure", metrics=[Metric("procs", 1, low=0)])
    state = CRITICAL if was_kept(owner) else UNKNOWN
    words = f"{cause}, so it is not believed; nothing is signalled by it"
    return Result(state, words, reason="insecure", metrics=[Metric("procs", 0, low=0)])


def _of_the_family(result: Result, path: str, owner: Owner) -> Result:
    """Return the Result for a pidfile whose pid runs something else: fine where that is of our own instance."""
    from watchdog_tools.checks.process import pidfile as probe
    from watchdog_tools.system.process_tree import belongs

    pid, _ = probe.read(path)
    seen = instance.read(owner)
    leader = seen.record.identity if seen.alive and seen.record else None
    if leader is None or pid is None or not belongs(pid, leader, frozenset({owner.uid})):
        return result
    words = "the instance itself" if pid == leader[0] else f"of what was started here (pid {leader[0]})"
    return Result(OK, f"pid {pid} of the pidfile is {words}", metrics=[Metric("procs", 1, low=0)])


def owner_of(name: str, state_dir: str | None) -> Owner:
    """Return whose the instance is; where no state can be kept, of a directory that is not there: a check goes on."""
    try:
        path = state_dir or default(os.geteuid())
    except StateDirError:
        path = _NOWHERE
    return Owner(name=name, uid=os.geteuid(), directory=path, place=place(path))


def unproven(pids: Iterable[int], wanted: str, owner: Owner) -> dict[int, int]:
    """Return those of other users, pid -> uid, that merely call themselves `wanted`, and do not come from ours."""
    uids = {pid: memory.owner(pid) for pid in pids}
    if all(uid == _ROOT for uid in uids.values()):
        return {}
    from watchdog_tools.system.process_tree import belongs
    from watchdog_tools.system.proven import has_trusted_name

    seen = instance.read(owner)
    leader = seen.record.identity if seen.alive and seen.record else None
    return {
        pid: uid
        for pid, uid in uids.items()
        if uid not in (None, _ROOT)
        and not (has_trusted_name(pid, wanted) or (leader and belongs(pid, leader, frozenset({_ROOT}))))
    }


def was_kept(owner: Owner) -> bool:
    """Return whether anything of NAME was ever kept here, also before the last boot."""
    if state_tells(owner.directory, owner.uid, owner.name):
        return True
    seen = instance.read(owner)
    return bool(seen.record) or seen.corrupt
