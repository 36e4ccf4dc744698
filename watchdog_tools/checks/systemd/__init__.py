"""Probe a systemd unit, through systemctl."""

from __future__ import annotations

import time

from watchdog_tools.checks.systemd import unit as systemd_unit
from watchdog_tools.core import UNKNOWN, Result
from watchdog_tools.core.text import quoted
from watchdog_tools.system import external_tool
from watchdog_tools.workers.worker import LOCAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.workers.worker import Progress


def probe(unit: str, progress: Progress) -> Result:
    """Return the verdict on the unit, whose whole name it is (`systemd_unit.unit_name`).

    Where systemd cannot be asked it is UNKNOWN, never CRITICAL: nothing is known about the unit, and
    what would start it would fail as well.
    """
    progress(LOCAL, f"asking systemd about {unit}")  # an init that does not answer says nothing about the unit
    path = external_tool.find("systemctl")
    if path is None:
        return systemd_unit.refusal(unit, 0, b"systemctl is not installed")
    try:
        said = external_tool.ask((path, "show", "--no-pager", "-p", ",".join(systemd_unit.PROPERTIES), "--", unit))
    except OSError as error:
        return Result(UNKNOWN, f"cannot run {quoted(path)}: {error.strerror}", reason="systemd", target=unit)
    if said.code:
        return systemd_unit.refusal(unit, said.code, said.err or said.out)
    return systemd_unit.verdict(unit, systemd_unit.parse(said.out), time.monotonic())


def start_command(unit: str) -> tuple[str, ...]:
    """Return `systemd_unit.start_command` with the path of systemctl, as cron's PATH may not have it."""
    return systemd_unit.start_command(unit, external_tool.find("systemctl") or "systemctl")


def restart_command(unit: str) -> tuple[str, ...]:
    """Return `systemd_unit.restart_command` with the path of systemctl."""
    return systemd_unit.restart_command(unit, external_tool.find("systemctl") or "systemctl")


def stop_command(unit: str) -> tuple[str, ...]:
    """Return what stops the unit, with the path of systemctl."""
    return (external_tool.find("systemctl") or "systemctl", "stop", "--", unit)
