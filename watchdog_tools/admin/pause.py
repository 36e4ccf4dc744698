"""What pause and resume do, in the fork that acts; stop pauses by the same words."""

from __future__ import annotations

import os
import time

from watchdog_tools import state as statedir
from watchdog_tools.admin.state_dir import StateDir
from watchdog_tools.core import OK, Result
from watchdog_tools.core.pause import LONGEST, Pause, escaped
from watchdog_tools.core.record import COMMAND
from watchdog_tools.core.text import human_duration
from watchdog_tools.state import events, instance, memory
from watchdog_tools.state import pause as paused
from watchdog_tools.system import boot_id, uptime
from watchdog_tools.system.proc import ProcUnavailable

DAY = 86_400.0  # seconds that a pause lasts where nothing is said

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from watchdog_tools.admin.service import Service
    from watchdog_tools.workers.worker import Progress

    class PauseFacts(TypedDict):
        """What JSON shows of a pause: seconds left and when it ends (epoch), None where there is none; and why.

        One that ends with the next boot, which nobody knows, has neither.
        """

        paused_left: float | None
        paused_until: int | None
        paused_until_boot: bool
        paused_reason: str


def pause(service: Service, progress: Progress) -> Result:
    """Pause it from now on, instead of any earlier pause. Raise StateDirError, OSError."""
    progress("local", "writing the pause")
    order = write_pause(service)
    trouble = log_pause(service, order)
    known, pid = _instance(service)
    known = known or StateDir(service.path, os.geteuid()).is_known(service.name)  # up from its first run
    notes = [trouble, "" if known else f"nothing is kept as {service.name} in {service.path} yet"]
    words = "; ".join([f"{service.name} is {paused.until(order)}", *filter(None, notes)])
    return Result(OK, words, reason="paused", details={"pid": pid, **facts(order)})


def write_pause(service: Service) -> Pause:
    """Write the pause that the options ask for, and return it. Raise StateDirError, OSError."""
    until_boot = service.values["until_boot"]
    order = Pause(
        name=service.name,
        length=LONGEST if until_boot else int((service.values["span"] or DAY) * 1000),
        boot=boot_id(),
        since=int(uptime() * 1000),
        wall=0 if until_boot else int(time.time()),
        reason=escaped(service.values.get("reason") or ""),
    )
    paused.write(service.pauses, order, default=service.directory is None)
    return order


def log_pause(service: Service, order: Pause) -> str:
    """Write down that it is paused; return what hindered that, or nothing."""
    if order.until_boot:
        return log_event(service, "paused", until="the next boot", why=order.reason)
    return log_event(service, "paused", seconds=order.length // 1000, why=order.reason)


def resume(service: Service, progress: Progress) -> Result:
    """End its pause. Raise StateDirError, OSError."""
    progress("local", "removing the pause")
    place = service.pauses
    order, note = paused.read(place, service.name)
    details: dict[str, object] = {"pid": _instance(service)[1]}
    if not paused.remove(place, service.name):
        return Result(OK, f"{service.name} was not paused", details=details)
    if order is None:
        words = note or f"the pause of {service.name} was over"
        return Result(OK, f"{words}; its file is removed", reason="resumed", details=details)
    words = f"{service.name} is resumed; its pause {_had(order)}"
    trouble = log_event(service, "resumed")
    return Result(OK, "; ".join(filter(None, [words, trouble])), reason="resumed", details=details)


def _had(order: Pause) -> str:
    """Return how long it would have gone on."""
    return (
        "was until the next boot" if order.until_boot else f"had {human_duration(paused.remaining(order) / 1000)} left"
    )


def facts(order: Pause) -> PauseFacts:
    """Return the facts of a pause that holds."""
    if order.until_boot:
        return {"paused_left": None, "paused_until": None, "paused_until_boot": True, "paused_reason": order.reason}
    left = paused.remaining(order) / 1000
    return {
        "paused_left": round(left, 3), "paused_until": round(time.time() + left), "paused_until_boot": False,
        "paused_reason": order.reason,
    }  # fmt: skip


def log_event(service: Service, event: str, **said: object) -> str:
    """Write the event into the log of NAME, if there is a place for it; return what hindered that, or nothing.

    Without NAME's lock, which a run may hold for long.
    """
    try:
        directory = statedir.enter(service.path)
    except statedir.StateDirError:
        directory = -1
    owner = service.owner
    if directory < 0 and not memory.is_apart(owner):
        return ""
    facts = {key: value for key, value in said.items() if value != ""}
    try:
        entry = memory.Entry(lines=(events.line(service.name, event, facts, events.orderer()),))
        return "; ".join(memory.write(owner, directory, entry))
    finally:
        if directory >= 0:
            os.close(directory)


def _instance(service: Service) -> tuple[bool, int | None]:
    """Return whether a record tells of the service, or may, and the pid of its instance that lives, if one does."""
    try:
        seen = instance.read(service.owner)
    except ProcUnavailable:
        return True, None
    record = seen.record
    return record is not None, record.pid or None if record and seen.alive and record.phase != COMMAND else None
