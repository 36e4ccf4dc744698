"""What another service claims, or nobody vouches for, neither makes this one exist nor is stopped for it."""

from __future__ import annotations

import os

from watchdog_tools.cli.values import is_service
from watchdog_tools.commands import short_forms
from watchdog_tools.health import found_pids
from watchdog_tools.names import Owner
from watchdog_tools.ownership import proven, unclaimed
from watchdog_tools.probes import claims, history, instance
from watchdog_tools.result import OK, UNKNOWN, Result
from watchdog_tools.system import statedir
from watchdog_tools.system.looks import Job, look_all
from watchdog_tools.system.proc import Unseen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from watchdog_tools.commands.keeping import Config

    Named = list[tuple[str, Result]]

_LOOKED = "looked"  # the reason of a Result whose details are what was found


def settled(config: Config, named: Named, own: object, seconds: float, wake: int) -> Named | None:
    """Return the checks' Results without what is another service's; None if `wake` came first.

    own: the pid of our own instance, if one lives. A check that found it needs no closer look.
    """
    asked = [(name, result) for name, result in named if found_pids(name, result, own)]
    looked = look_all([Job(lambda _say: _look(config, asked, own), target=config.name)], seconds, wake)
    if looked is None:
        return None
    if looked[0].reason != _LOOKED:  # whose they are is not known, so nothing may be done
        return [*named, ("claims", looked[0])]
    known = {id(result) for _, result in asked}
    return [(name, _without(result, looked[0].details) if id(result) in known else result) for name, result in named]


def _without(result: Result, facts: dict[str, Any]) -> Result:
    wanted = result.details.get("_wanted")
    result = unclaimed(result, facts["claimed"])
    result.details["_lost"] = facts["lost"]
    return proven(result, facts["unproven"], str(wanted), kept=facts["kept"]) if wanted else result


def _look(config: Config, asked: Named, own: object) -> Result:
    """Return whose the processes are, and by whose word: in the details, for `_without`."""
    owner = short_forms.owner_of(config.name, config.values)
    pids = sorted({pid for name, result in asked for pid in found_pids(name, result, own)})
    wanted = next((str(result.details["_wanted"]) for _, result in asked if result.details.get("_wanted")), "")
    family = not config.values["oneshot"]  # what its command starts may well run below another service
    try:
        found = claims.find(pids, owner, own, _leaders(owner), family=family)
        guarded = wanted and short_forms.is_guarded(config.values)
        others = short_forms.unproven(set(pids) - set(found), wanted, owner) if guarded else {}
        kept = bool(others) and short_forms.was_kept(owner)
        lost = not own and family and claims.ours(pids, owner) and _is_lost(config, owner, pids)
    except Unseen as error:
        return Result(UNKNOWN, str(error), reason="blind")
    facts = {"claimed": found, "unproven": others, "kept": kept, "lost": lost}
    return Result(OK, "", reason=_LOOKED, details=facts)


def _is_lost(config: Config, owner: Owner, pids: list[int]) -> bool:
    """Whether one of the processes is an instance of ours that no record tells of, or what became of one."""
    from watchdog_tools.actions.plan import target
    from watchdog_tools.commands.ordering import start_wish
    from watchdog_tools.probes import marked

    found = marked.find(owner, target(start_wish(config)))
    if any(pid in pids for pid, *_ in found.instances):
        return True
    return any(pid in pids for pid in found.remains) and not short_forms.was_kept(owner)


def _leaders(owner: Owner) -> dict[int, str]:
    """Return the live instances of the other NAMEs in our state directory, pid -> NAME. Raise proc.Unseen."""
    try:
        directory = statedir.enter(owner.directory)
    except statedir.NoState:
        return {}
    try:
        found: dict[int, str] = {}
        for name in filter(is_service, history.names(directory, ".record")):
            other = Owner(name=name, uid=owner.uid, directory=owner.directory, place=owner.place)
            seen = instance.look_in(directory, other) if name != owner.name else None
            if seen and seen.alive and seen.record:
                found[seen.record.pid] = name
        return found
    except OSError as error:
        if isinstance(error, Unseen):
            raise
        return {}
    finally:
        os.close(directory)
