"""ensure-running's other half, loaded only when something may have to be done: the order for an actor."""

from __future__ import annotations

import os
import select

from watchdog_tools import decision
from watchdog_tools.actions import plan as plans
from watchdog_tools.actions.keeper import keep
from watchdog_tools.actions.order import Order
from watchdog_tools.actions.weigh import weigh
from watchdog_tools.commands.keeping import told
from watchdog_tools.health import Health
from watchdog_tools.probes import instance, marked
from watchdog_tools.result import CRITICAL, UNKNOWN, Result
from watchdog_tools.system.actor import act as in_actor
from watchdog_tools.system.looks import Job, look_all
from watchdog_tools.system.proc import Unseen
from watchdog_tools.system.statedir import NoState
from watchdog_tools.text import quoted
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.commands.keeping import Config
    from watchdog_tools.system.identity import Identity
    from watchdog_tools.system.looker import Say


_GRACE = 1.0  # seconds that a run has to finish its step when we are told to end


def act(config: Config, seconds: float, wake: int, why: str) -> Result | None:
    """Have an actor do it. None if `wake` came first and nothing was said in time."""
    order = _order(config, seconds, "")

    def work(say: Say, life: int) -> Result:
        return acted(config, seconds, why, say, life)

    down = f"{config.name} is down ({why})"
    try:
        actor = in_actor(work, order.limit, wake, _GRACE)
    except OSError as error:
        return Result(CRITICAL, f"{down}; cannot fork: {error.strerror}", reason="resources")
    result = actor.result
    if _readable(wake) and (result is None or result.reason == "signal"):
        return None
    if result and result.reason in ("internal", "memory"):  # what fails is ours, but the service is down
        return Result(CRITICAL, f"{down}; {result.summary}", reason=result.reason)
    if actor.silent:
        return Result(CRITICAL, f"{down}; the run was killed while {actor.words}", reason="crashed")
    return result or Result(
        CRITICAL, f"{down}; not done within {spoken(order.limit)}, still {actor.words}", reason="late"
    )


def _readable(wake: int) -> bool:
    poll = select.poll()
    poll.register(wake, select.POLLIN)
    return bool(poll.poll(0))


def acted(config: Config, seconds: float, why: str, say: Say, life: int) -> Result:
    """Do it, in the actor's own process."""
    try:
        path = config.path
    except NoState as error:
        return Result(CRITICAL, f"{config.name} is down ({why}); {error}; nothing started", reason="no-state")
    return keep(_order(config, seconds, path), why, say, life)


def dry(config: Config, seconds: float, wake: int) -> Result | None:
    """Say what a run would do now."""
    results = look_all([Job(lambda _say: _foreseen(config, seconds), target=config.name)], 2 * seconds + 1, wake)
    return results[0] if results else None


def _order(config: Config, seconds: float, path: str) -> Order:
    values = config.values
    spans = {key: float(str(values[key])) for key in ("lock_wait", "start_seconds", "startup_timeout")}
    return Order(
        name=config.name,
        path=path,
        levels=values["state_dir"] is None,
        wish=_wish(config),
        look=lambda life: _health(config, seconds, life),
        seen=instance.look_in,
        marked=lambda executables, target: _marked(config, path, executables, target),
        look_seconds=seconds,
        syslog=bool(values["syslog"]),
        **spans,
    )


def _wish(config: Config) -> plans.Wish:
    values = config.values

    def text(key: str) -> str | None:
        return None if values[key] is None else str(values[key])

    return plans.Wish(
        config.command,
        clean=bool(values["clean_env"]),
        cwd=str(values["cwd"]),
        env=config.pairs,
        user=text("user"),
        group=text("group"),
        log=text("log"),
        oneshot=bool(values["oneshot"]),
        trust_any=bool(values["allow_unsafe_path"]),
        umask=config.umask,
    )


def _health(config: Config, seconds: float, wake: int) -> Health | None:
    results = look_all([job for _, job in config.checks], seconds, wake)
    if results is None:
        return None
    return Health([(name, told(result)) for (name, _), result in zip(config.checks, results, strict=True)])


def _marked(config: Config, path: str, executables: tuple[str, ...], target: int) -> list[Identity]:
    uid = os.geteuid()
    return marked.find(marked.Owner(name=config.name, directory=path, uid=uid, target=target, executables=executables))


def _foreseen(config: Config, seconds: float) -> Result:
    health = _health(config, seconds, -1) or Health([])
    words = f"{config.name} is down ({health.words or 'no instance'})"
    try:
        order = _order(config, seconds, config.path)
        plans.resolve(order.wish, os.environ)
        weighed = weigh(order, health, instance.look(order.path, config.name))
    except (NoState, plans.CannotStart, FileNotFoundError) as error:
        return Result(CRITICAL, f"{words}; would start nothing: {error}", reason="dry-run")
    except Unseen as error:
        return Result(UNKNOWN, f"{words}; would start nothing: {error}", reason="dry-run")
    command = quoted(" ".join(config.command), 120)
    what = {decision.START: f"start: {command}", decision.WAIT: f"back off for {spoken(weighed.wait)}"}
    would = f"would {what.get(weighed.choice, weighed.choice)}; a run may take {spoken(order.limit + seconds)}"
    if health.works:
        return Result(health.state, f"{config.name} {health.lead}: {health.words}; {would}", reason="dry-run")
    return Result(CRITICAL, f"{words}; {would}", reason="dry-run")
