"""The systemd unit that this run is in: it may end, with itself, whatever the run has started."""

from __future__ import annotations

from watchdog_tools.system.proc import read

_SECONDS = 2.0  # for systemctl, which asks over a bus that may hang
_SPARES = ("process", "none")


def warning() -> str:
    """Return a sentence where our unit ends what is started in it, and how to avoid that; empty where it does not."""
    for manager, unit in _units():
        mode = _kill_mode(manager, unit)
        if mode and mode not in _SPARES:
            return f"{unit} ends it when it ends (KillMode={mode}): KillMode=process in that unit lets it live"
    return ""


def _units() -> list[tuple[tuple[str, ...], str]]:
    """Return the options to ask a manager, and the service of its that we are in; at most one."""
    try:
        lines = (read("self", "cgroup", 1 << 16) or b"").decode("utf-8", "replace").split("\n")
    except OSError:
        return []
    for line in lines:
        controllers, _, path = line.partition(":")[2].partition(":")
        services = [part for part in path.split("/") if part.endswith(".service")]
        if controllers in ("", "name=systemd") and services:
            of_user = services[0].startswith("user@") and len(services) > 1
            manager = ("--user",) if of_user else ()
            return [] if services[-1].startswith("user@") else [(manager, services[-1])]
    return []


def _kill_mode(manager: tuple[str, ...], unit: str) -> str:
    """Return the unit's KillMode, empty where nobody knows it."""
    from watchdog_tools.system import external_tool

    systemctl = external_tool.find("systemctl")
    if systemctl is None:
        return ""
    try:
        answer = external_tool.ask(
            (systemctl, *manager, "show", "-p", "KillMode", "-p", "LoadState", "--", unit), _SECONDS
        )
    except OSError:
        return ""
    facts = dict(line.partition("=")[::2] for line in answer.out.decode("ascii", "replace").splitlines())
    return facts.get("KillMode", "") if facts.get("LoadState") == "loaded" else ""
