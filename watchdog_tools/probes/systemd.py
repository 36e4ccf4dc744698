"""LOOK: a systemd unit, as systemctl tells of it."""

from __future__ import annotations

import time

from watchdog_tools import systemd_unit
from watchdog_tools.result import UNKNOWN, Result
from watchdog_tools.system import tool
from watchdog_tools.system.looker import LOCAL
from watchdog_tools.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.system.looker import Say


def look(unit: str, say: Say) -> Result:
    """Return the verdict on the unit, whose whole name it is (`systemd_unit.unit_name`).

    Where systemd cannot be asked it is UNKNOWN, never CRITICAL: nothing is known about the unit, and
    what would start it would fail as well.
    """
    say(LOCAL, f"asking systemd about {unit}")  # an init that does not answer says nothing about the unit
    path = tool.find("systemctl")
    if path is None:
        return systemd_unit.refusal(unit, 0, b"systemctl is not installed")
    try:
        said = tool.ask((path, "show", "--no-pager", "-p", ",".join(systemd_unit.PROPERTIES), "--", unit))
    except OSError as error:
        return Result(UNKNOWN, f"cannot run {quoted(path)}: {error.strerror}", reason="systemd", target=unit)
    if said.code:
        return systemd_unit.refusal(unit, said.code, said.err or said.out)
    return systemd_unit.verdict(unit, systemd_unit.parse(said.out), time.monotonic())


def start_command(unit: str) -> tuple[str, ...]:
    """Return `systemd_unit.start_command` with the path of systemctl, as cron's PATH may not have it."""
    return systemd_unit.start_command(unit, tool.find("systemctl") or "systemctl")


def restart_command(unit: str) -> tuple[str, ...]:
    """Return `systemd_unit.restart_command` with the path of systemctl."""
    return systemd_unit.restart_command(unit, tool.find("systemctl") or "systemctl")


def stop_command(unit: str) -> tuple[str, ...]:
    """Return what stops the unit, with the path of systemctl."""
    return (tool.find("systemctl") or "systemctl", "stop", "--", unit)
