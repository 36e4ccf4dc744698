"""What another service claims neither makes this one exist nor is stopped for it."""

from __future__ import annotations

import os

from watchdog_tools.cli.values import is_service
from watchdog_tools.health import found_pids, unclaimed
from watchdog_tools.names import Owner
from watchdog_tools.probes import claims, history, instance
from watchdog_tools.result import OK, UNKNOWN, Result
from watchdog_tools.system import statedir
from watchdog_tools.system.looks import Job, look_all
from watchdog_tools.system.proc import Unseen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.commands.keeping import Config

    Named = list[tuple[str, Result]]

_LOOKED = "looked"  # the reason of a Result whose details are what was found


def settled(config: Config, named: Named, own: object, seconds: float, wake: int) -> Named | None:
    """Return the checks' Results without what is another service's; None if `wake` came first.

    own: the pid of our own instance, if one lives. A check that found it needs no closer look.
    """
    pids = sorted({pid for name, result in named for pid in found_pids(name, result, own)})
    if not pids:
        return named
    looked = look_all([Job(lambda _say: _look(config, pids, own), target=config.name)], seconds, wake)
    if looked is None:
        return None
    if looked[0].reason != _LOOKED:  # whose they are is not known, so nothing may be done
        return [*named, ("claims", looked[0])]
    claimed: dict[int, str] = looked[0].details["claimed"]  # type: ignore[assignment]
    return [(name, unclaimed(result, claimed)) for name, result in named]


def _look(config: Config, pids: list[int], own: object) -> Result:
    owner = config.owner
    family = not config.values["oneshot"]  # what its command starts may well run below another service
    try:
        found = claims.find(pids, owner, own, _leaders(owner), family=family)
    except Unseen as error:
        return Result(UNKNOWN, str(error), reason="blind")
    return Result(OK, "", reason=_LOOKED, details={"claimed": found})


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
