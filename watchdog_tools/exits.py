"""Words: exit styles as tables. A code is a function of style, state and reason, never an accident."""

from __future__ import annotations

from watchdog_tools.result import CRITICAL, OK, UNKNOWN, WARNING

STYLES = {
    "nagios": {OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3},
    "bool": {OK: 0, WARNING: 0, CRITICAL: 1, UNKNOWN: 1},
    "zabbix": {OK: 0, WARNING: 0, CRITICAL: 0, UNKNOWN: 0},
}

# What a reason changes, by style: in `bool`, 0 means "looked, and it works" and nothing else.
_BY_REASON = {("bool", "pending"): 1, ("bool", "repairing"): 1, ("zabbix", "usage"): 3}


def code(style: str, state: int, reason: str = "", *, fail_on_warning: bool = False, pending_ok: bool = False) -> int:
    """Return the exit code, 0-3, for a state and its reason in the named style."""
    if reason == "pending" and pending_ok:
        return STYLES[style][state]
    if style == "bool" and state == WARNING and fail_on_warning:
        return 1
    return _BY_REASON.get((style, reason), STYLES[style][state])
