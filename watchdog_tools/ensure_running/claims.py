"""What another service claims, or nobody vouches for, neither makes this one exist nor is stopped for it."""

from __future__ import annotations

import os

from watchdog_tools import state as statedir
from watchdog_tools.cli.converters import is_service
from watchdog_tools.core import UNKNOWN, Result
from watchdog_tools.core.health import found_pids
from watchdog_tools.core.owner import Owner
from watchdog_tools.core.ownership import without_claimed, without_unproven
from watchdog_tools.core.record import DAEMON, FAILED, RUNNING, Seen
from watchdog_tools.ensure_running import short_forms
from watchdog_tools.ensure_running.config import stuck_runs
from watchdog_tools.state import instance
from watchdog_tools.system import cgroups, claims, relatives
from watchdog_tools.system.proc import ProcUnavailable
from watchdog_tools.workers import Check, run_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from watchdog_tools.ensure_running.config import Config
    from watchdog_tools.system.relatives import Relatives

    Named = list[tuple[str, Result]]

    class Claims(TypedDict):
        """Whose the processes are that the checks found, as a worker sends it.

        claimed: those of other services, pid -> whose. unproven: those of other users that merely call themselves so,
        pid -> uid. known_before: something of this NAME was kept before. lost: an instance of ours is among them, and
        no record tells of it.
        """

        claimed: dict[int, str]
        unproven: dict[int, int]
        known_before: bool
        lost: bool


def unclaimed_results(config: Config, named: Named, own: int | None, cancel_fd: int) -> Named | None:
    """Return the checks' Results without what is another service's; None if `cancel_fd` came first.

    own: the pid of our own instance, if one lives. A check that found it needs no closer look.
    """
    candidates = [(name, result) for name, result in named if found_pids(name, result, own)]
    check = Check(lambda _progress: _owners_of(config, candidates, own), target=config.name)
    answers = run_all([check], config.check_seconds, cancel_fd)
    if answers is None:
        return None
    found = answers[0]
    if isinstance(found, Result):  # whose they are is not known, so nothing may be done
        return [*named, ("claims", found)]
    known = {id(result) for _, result in candidates}
    return [(name, _without(result, found) if id(result) in known else result) for name, result in named]


def _without(result: Result, found: Claims) -> Result:
    wanted = result.keeper.process_name
    result = without_claimed(result, found["claimed"])
    result.keeper.lost = found["lost"]
    return without_unproven(result, found["unproven"], wanted, known_before=found["known_before"]) if wanted else result


def _owners_of(config: Config, candidates: Named, own: int | None) -> Claims | Result:
    """Return whose the processes are, and by whose word; a Result where that cannot be told."""
    hanging = stuck_runs(config)
    if hanging:
        return Result(UNKNOWN, hanging, reason="blind")
    owner = short_forms.owner_of(config.name, config.state_dir)
    pids = sorted({pid for name, result in candidates for pid in found_pids(name, result, own)})
    wanted = next(filter(None, (result.keeper.process_name for _, result in candidates)), "")
    descendants = not config.oneshot  # what its command starts may well run below another service
    try:
        found = claims.find(pids, owner, own, leaders(owner), with_descendants=descendants)
        if descendants and not own:
            found |= dict.fromkeys(_left_behind(config, owner, set(pids)), f"an instance of {owner.name} that is gone")
        guarded = wanted and short_forms.is_guarded(config.service.start_options.user)
        others = short_forms.unproven(set(pids) - set(found), wanted, owner) if guarded else {}
        known_before = bool(others) and short_forms.was_kept(owner)
        lost = not own and descendants and _may_be_ours(pids, owner) and _is_lost(config, owner, pids)
    except ProcUnavailable as error:
        return Result(UNKNOWN, str(error), reason="blind")
    return {"claimed": found, "unproven": others, "known_before": known_before, "lost": lost}


def _left_behind(config: Config, owner: Owner, pids: set[int]) -> set[int]:
    """Return those of the processes that our last instance left behind: they are ended for the next one, or beside it.

    What a daemon consists of is none of them, nor is anything where neither a record nor the control group tells of an
    instance that is gone.
    """
    seen = instance.read(owner)
    seen.lived(config.service.start_seconds)
    record = seen.record
    if record is None:
        return pids & set(relatives.in_dead_group(owner))
    if seen.alive or not record.pid or record.phase not in (RUNNING, FAILED) or record.reason == DAEMON:
        return set()
    return pids & set(_relatives(config, owner, seen).remains)


def _may_be_ours(pids: list[int], owner: Owner) -> bool:
    """Whether one of the processes carries our mark, or is in our control group."""
    return claims.any_is_ours(pids, owner) or any(cgroups.holds(owner, pid) for pid in pids)


def _relatives(config: Config, owner: Owner, seen: Seen) -> Relatives:
    from watchdog_tools.actions.start_plan import target
    from watchdog_tools.system.relatives import find

    return find(owner, target(config.service.start_options), seen.record, seen.until)


def _is_lost(config: Config, owner: Owner, pids: list[int]) -> bool:
    """Whether one of the processes is an instance of ours that no record tells of, or what became of one."""
    found = _relatives(config, owner, Seen(None, alive=False))
    if any(pid in pids for pid, *_ in found.instances):
        return True
    return any(pid in pids for pid in found.remains) and not short_forms.was_kept(owner)


def leaders(owner: Owner) -> dict[int, str]:
    """Return the live instances of the other NAMEs in our state directory, pid -> NAME. Raise proc.ProcUnavailable."""
    try:
        directory = statedir.enter(owner.directory)
    except statedir.StateDirError:
        return {}
    try:
        found: dict[int, str] = {}
        for name in filter(is_service, statedir.names(directory, ".record")):
            other = Owner(name=name, uid=owner.uid, directory=owner.directory, place=owner.place)
            seen = instance.read_in(directory, other) if name != owner.name else None
            if seen and seen.alive and seen.record:
                found[seen.record.pid] = name
        return found
    except OSError as error:
        if isinstance(error, ProcUnavailable):
            raise
        return {}
    finally:
        os.close(directory)
