"""Soon after the boot, within --start-period, a start that fails is no news yet: pending, and no attempt."""

from __future__ import annotations

from watchdog_tools.result import OK, Result
from watchdog_tools.system.clock import uptime
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.order import Order


def in_mercy(order: Order) -> bool:
    """Whether the boot was so short ago."""
    return uptime() < order.patience.start_period


def forgiven(order: Order, why: str, words: str) -> Result:
    """Return the verdict on a service that is down. why: what a look said; words: what was tried."""
    said = f" ({why})" if why else ""
    words = f"{words}; within {spoken(order.patience.start_period)} of the boot"
    return Result(OK, f"{order.name} is down{said}; {words}", reason="pending")
