"""What pause and resume do, in the fork that acts; stop pauses by the same words."""

from __future__ import annotations

import os
import time

from watchdog_tools.actions import events, pausefile
from watchdog_tools.commands.operating import clock
from watchdog_tools.pauses import Pause
from watchdog_tools.probes import instance, paused
from watchdog_tools.result import OK, Result
from watchdog_tools.system import statedir
from watchdog_tools.system.clock import boot_id, uptime
from watchdog_tools.system.proc import Unseen
from watchdog_tools.text import quoted
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.commands.operating import Service
    from watchdog_tools.system.looker import Say


def pause(service: Service, say: Say) -> Result:
    """Pause it from now on, instead of any earlier pause. Raise NoState, OSError."""
    say("local", "writing the pause")
    order = written(service)
    notes = [noted(service, "paused", seconds=order.length // 1000, reason=order.reason), *_unknown(service)]
    words = "; ".join([f"{service.name} is {until(order)}", *filter(None, notes)])
    return Result(OK, words, reason="paused", details={"name": service.name, **facts(order)})


def written(service: Service) -> Pause:
    """Write the pause that the options ask for, and return it. Raise NoState, OSError."""
    order = Pause(
        service.name,
        length=int(service.values["span"] * 1000),
        boot=boot_id(),
        since=int(uptime() * 1000),
        wall=int(time.time()),
        reason=service.values.get("reason") or "",
    )
    pausefile.write(service.pauses, order, default=service.directory is None)
    return order


def resume(service: Service, say: Say) -> Result:
    """End its pause. Raise NoState, OSError."""
    say("local", "removing the pause")
    place = service.pauses
    order, note = paused.look(place, service.name)
    if not pausefile.remove(place, service.name):
        return Result(OK, f"{service.name} was not paused", details={"name": service.name})
    if order is None:
        words = note or f"the pause of {service.name} was over"
        return Result(OK, f"{words}; its file is removed", reason="resumed", details={"name": service.name})
    words = f"{service.name} is resumed; its pause had {spoken(paused.left(order) / 1000)} left"
    trouble = noted(service, "resumed")
    return Result(OK, "; ".join(filter(None, [words, trouble])), reason="resumed", details={"name": service.name})


def until(order: Pause) -> str:
    """Return the words for a pause that holds: until when, for how long, and why."""
    left = max(round(paused.left(order) / 1000), 1)  # what was asked for just now is said as it was asked for
    why = f": {quoted(order.reason)}" if order.reason else ""
    return f"paused until {clock(time.time() + left)} ({spoken(left)}{why})"


def facts(order: Pause) -> dict[str, object]:
    """Return the facts of a pause that holds, for JSON: seconds left, when it ends (epoch), and why."""
    left = paused.left(order) / 1000
    return {"paused_left": round(left, 3), "paused_until": round(time.time() + left), "paused_reason": order.reason}


def noted(service: Service, event: str, **said: object) -> str:
    """Write the event into the log of NAME, if there is a state directory; return what hindered that, or nothing.

    Without the lock, which a run may hold for long: a line is appended whole, and two that find the log full at the
    same time lose an older one, no more.
    """
    try:
        directory = statedir.enter(service.path)
    except statedir.NoState:
        return ""
    try:
        return events.note(directory, service.name, event, **said)
    finally:
        os.close(directory)


def _unknown(service: Service) -> list[str]:
    """Return a word of warning where nothing is kept under that NAME: it may be mistyped."""
    try:
        known = instance.look(service.owner).record is not None
    except Unseen:
        return []
    return [] if known else [f"nothing is kept as {service.name} in {service.path} yet"]
