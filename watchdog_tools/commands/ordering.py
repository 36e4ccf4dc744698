"""ensure-running's options become the order that an actor works from."""

from __future__ import annotations

import os
import sys

from watchdog_tools.actions import plan as plans
from watchdog_tools.actions.order import Order, Patience, Stopping
from watchdog_tools.commands.asked import command
from watchdog_tools.commands.keeping import COMMANDS, pause, told, unclaimed
from watchdog_tools.health import Health
from watchdog_tools.names import Owner
from watchdog_tools.policy import Limits
from watchdog_tools.probes import instance, marked
from watchdog_tools.system.looks import look_all
from watchdog_tools.system.proc import Unseen
from watchdog_tools.system.statedir import NoState, pauses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from watchdog_tools.commands.keeping import Config
    from watchdog_tools.result import Result


def order(config: Config, seconds: float, path: str, hand: str = "") -> Order:
    """Return the order. seconds: the limit of one look. hand: an operator's order, or empty."""
    values = config.values
    spans = {key: values[key] for key in ("lock_wait", "start_seconds", "startup_timeout")}
    return Order(
        owner=config.owner if path else Owner(name=config.name, uid=os.geteuid(), directory=""),
        levels=values["state_dir"] is None,
        words=sys.argv[1:],
        wish=start_wish(config),
        checks=len(config.checks),
        look=lambda life: health(config, seconds, life),
        requires=(lambda life: _required(config, seconds, life)) if config.requires else None,
        seen=instance.look_in,
        marked=marked.find,
        paused=lambda: "" if hand else pause(config)[0],
        resume=lambda: _resumed(config),
        limits=_limits(values),
        patience=_patience(values),
        stopping=_stopping(values),
        look_seconds=seconds,
        syslog=bool(values["syslog"]),
        watch=values["watch"] or 0.0,
        every=values["every"],
        hand=hand,
        **spans,
    )


def health(config: Config, seconds: float, wake: int) -> Health | None:
    """Ask all checks, side by side; None if `wake` became readable first."""
    results = look_all([job for _, job in config.checks], seconds, wake)
    if results is None:
        return None
    named = [(name, told(result)) for (name, _), result in zip(config.checks, results, strict=True)]
    settled = unclaimed(config, named, _own(config), seconds, wake)
    return None if settled is None else Health(settled)


def _own(config: Config) -> int:
    """Return the pid of our instance that lives, 0 for none that we know of."""
    try:
        seen = instance.look(config.owner)
    except (NoState, Unseen):
        return 0
    return seen.record.pid if seen.alive and seen.record else 0


def _required(config: Config, seconds: float, wake: int) -> list[tuple[str, Result]] | None:
    results = look_all([job for _, job in config.requires], seconds, wake)
    if results is None:
        return None
    return [(name, result) for (name, _), result in zip(config.requires, results, strict=True)]


def _resumed(config: Config) -> str:
    """End the pause of the service; return words about it, empty where there was none."""
    from watchdog_tools.actions import pausefile

    try:
        removed = pausefile.remove(pauses(config.path, os.geteuid()), config.name)
    except (NoState, OSError) as error:
        return f"its pause cannot be ended: {getattr(error, 'strerror', None) or error}"
    return "its pause is ended" if removed else ""


def _limits(values: dict[str, Any]) -> Limits:
    (first, longest), (count, window) = values["backoff"], values["limit"]
    spans = {"first": first, "longest": longest, "window": window, "hold": values["hold"], "stable": values["stable"]}
    return Limits(count=count, **{key: int(span * 1000) for key, span in spans.items()})


def _patience(values: dict[str, Any]) -> Patience:
    keys = ("retries", "fail_after", "recover_after", "start_period")
    return Patience(delay=values["retry_delay"], **{key: values[key] for key in keys})


def _stopping(values: dict[str, Any]) -> Stopping:
    before, stop, *hooks = (command(f"--{key.replace('_', '-')}", values[key]) for key in COMMANDS)
    kinds = (key.removeprefix("on_") for key in COMMANDS[2:])
    return Stopping(
        before=before,
        command=stop or values.get("stop_words", ()),
        restart=values.get("restart_words", ()),
        timeout=values["stop_timeout"],
        hooks={kind: words for kind, words in zip(kinds, hooks, strict=True) if words},
        hook_timeout=values["hook_timeout"],
        remains=values["kill_mode"] == "group",
    )


def start_wish(config: Config) -> plans.Wish:
    """Return what the options say of the start."""
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
