"""What -v, status and JSON say of an instance's containment: the control group that holds it, or why none does."""

from __future__ import annotations

from watchdog_tools.system import cgroups
from watchdog_tools.system.cgroups import refusal
from watchdog_tools.workers import Check, run_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core import Result
    from watchdog_tools.core.owner import Owner
    from watchdog_tools.ensure_running.config import Config

GROUP, NONE = "group", "none"
_LIMITS = "hooks, --stop and plugins by their session and mark"
_ONESHOT = "nothing is ended by it with --oneshot"


def kind(owner: Owner, pid: int) -> str:
    """Return `group` for an instance in its control group, as the kernel has it; else `none`."""
    return GROUP if cgroups.holds(owner, pid) else NONE


def add(result: Result, config: Config, cancel_fd: int) -> None:
    """Add to a verdict how its instance is contained: a detail, and a line for people."""
    pid = result.keeper.pid
    held = ""
    if pid:
        check = Check(lambda _progress: kind(config.owner, pid))
        found = run_all([check], config.check_seconds, cancel_fd) or []
        held = next((each for each in found if isinstance(each, str)), "")
    result.details["containment"] = held or None
    reason = result.keeper.uncontained or _refusal(config.containment)
    words = _words(held, reason, oneshot=config.oneshot)
    result.lines = (*result.lines, f"containment: {words}")


def _refusal(mode: str) -> str:
    return "--containment none" if mode == NONE else refusal()


def _words(held: str, reason: str, *, oneshot: bool) -> str:
    """Return how it is contained. reason: why no control group is made for it, empty where one is."""
    if held == GROUP:
        return f"its control group ({_LIMITS})"
    if reason:
        return f"none ({reason}): its session, its descendants and its mark"
    if oneshot:
        return f"a control group for what the start command starts ({_ONESHOT})"
    if held:
        return "none (it was not started in a control group): its session, its descendants and its mark"
    return "a control group from its next start on"
