"""TOUCH: soon after the boot a service that is down is pending, and its failed starts count for nothing."""

from __future__ import annotations

from watchdog_tools.core import OK, Result, policy
from watchdog_tools.core.text import human_duration
from watchdog_tools.system import uptime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.context import Run
    from watchdog_tools.core.config import ServiceConfig


def count_attempt(run: Run) -> None:
    """Count a start that was let go, or could not be; soon after the boot none counts."""
    if not within_boot_grace(run.config):
        run.history = policy.with_attempt(run.history)


def within_boot_grace(config: ServiceConfig) -> bool:
    """Whether the boot was so short ago."""
    return uptime() < config.patience.start_period


def pending_after_boot(config: ServiceConfig, cause: str, words: str) -> Result:
    """Return the verdict on a service that is down. cause: what a check said; words: what was tried."""
    said = f" ({cause})" if cause else ""
    words = f"{words}; within {human_duration(config.patience.start_period)} of the boot"
    return Result(OK, f"{config.name} is down{said}; {words}", reason="pending")
