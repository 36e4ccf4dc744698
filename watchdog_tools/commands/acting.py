"""ensure-running's other half, loaded only when something may have to be done: it has an actor do it."""

from __future__ import annotations

import select

from watchdog_tools.actions.keeper import keep
from watchdog_tools.commands.keeping import looks, without_lock
from watchdog_tools.commands.ordering import order as ordered
from watchdog_tools.health import Health
from watchdog_tools.result import CRITICAL, Result
from watchdog_tools.system.actor import act as in_actor
from watchdog_tools.system.statedir import NoState
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.commands.keeping import Config
    from watchdog_tools.system.looker import Say


_BROKEN = ("internal", "memory", "crashed", "late", "resources", "no-state")  # reasons of a run that broke off
_GRACE = 1.0  # seconds that a run has to finish its step when we are told to end


def act(config: Config, seconds: float, wake: int, why: str, hand: str = "") -> Result | None:
    """Have an actor do it. None if `wake` came first and nothing was said in time. hand: an operator's order."""
    limit = ordered(config, seconds, "", hand).limit

    def work(say: Say, life: int) -> Result:
        return acted(config, seconds, why, say, life, hand)

    down = f"{config.name}: {hand} was ordered" if hand else f"{config.name} is down ({why})"
    try:
        actor = in_actor(work, limit, wake, _GRACE)
    except OSError as error:
        return Result(CRITICAL, f"{down}; cannot fork: {error.strerror}", reason="resources")
    result = actor.result
    if _readable(wake) and (result is None or result.reason == "signal"):
        return None
    if result and result.reason in ("internal", "memory"):  # what fails is ours, but the service is down
        result = Result(CRITICAL, f"{down}; {result.summary}", reason=result.reason)
    elif actor.silent:
        result = Result(CRITICAL, f"{down}; the run was killed while {actor.words}", reason="crashed")
    elif result is None:
        words = f"not done within {spoken(limit)}, still {actor.words}"
        result = Result(CRITICAL, f"{down}; {words}", reason="late")
    if config.values["watch"] is None or hand or result.reason not in _BROKEN:
        return result
    return _outlived(config, seconds, wake, result, result.summary.removeprefix(f"{down}; "))


def _outlived(config: Config, seconds: float, wake: int, broken: Result, words: str) -> Result:
    """Return the verdict of a watch that broke off: it was long, and the service's is the present one."""
    looked = looks(config, seconds, wake)
    if looked is None:
        return broken
    first, named = looked
    health = Health(named)
    verdict = without_lock(config, first, health)
    if verdict is None:
        broken.summary = f"{config.name} is down ({health.words or first.summary}); {words}"
        return broken
    verdict.summary = f"{verdict.summary}; {words}"
    if broken.reason != "no-state":  # that is no news, and each run would tell it
        verdict.reason = verdict.reason or broken.reason
    return verdict


def operate(config: Config, seconds: float, wake: int, hand: str) -> Result | None:
    """Do what an operator orders (`decision.HAND_…`), under the same lock and protocol."""
    return act(config, seconds, wake, f"{hand} was ordered", hand)


def _readable(wake: int) -> bool:
    poll = select.poll()
    poll.register(wake, select.POLLIN)
    return bool(poll.poll(0))


def acted(  # noqa: PLR0913, PLR0917 -- what an actor is told, in the order in which that becomes known
    config: Config, seconds: float, why: str, say: Say, life: int, hand: str = ""
) -> Result:
    """Do it, in the actor's own process."""
    try:
        path = config.path
    except NoState as error:
        return Result(CRITICAL, f"{config.name} is down ({why}); {error}; nothing started", reason="no-state")
    return keep(ordered(config, seconds, path, hand), why, say, life)
