"""Words: how long an answer took, as -w, -c and -t judge it and as perfdata shows it."""

from __future__ import annotations

from watchdog_tools.ranges import judge
from watchdog_tools.result import CRITICAL, NAMES, OK, Metric
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from watchdog_tools.ranges import Range


class Timing:
    """Ranges for the seconds of an answer, the limit of the look, and the state when that strikes."""

    __slots__ = ("critical", "limit", "on_timeout", "warning")

    def __init__(
        self, limit: float, on_timeout: int | None = None, warning: Range | None = None, critical: Range | None = None
    ) -> None:
        """Take the limit in seconds; `on_timeout` None is CRITICAL."""
        self.limit = limit
        self.on_timeout = CRITICAL if on_timeout is None else on_timeout
        self.warning = warning
        self.critical = critical

    def state(self, seconds: float) -> int:
        """Return the state of an answer after `seconds`."""
        return judge(seconds, self.warning, self.critical)

    def said(self, seconds: float) -> str:
        """Return `0.4 ms`, and the range that it is outside of."""
        state = self.state(seconds)
        if state == OK:
            return spoken(seconds)
        range_ = self.critical if state == CRITICAL else self.warning
        return f"{spoken(seconds)} ({NAMES[state].lower()} range {range_})"

    def metric(self, seconds: float, name: str = "time") -> Metric:
        """Return it as perfdata."""
        return Metric(name, seconds, "s", self.warning, self.critical, 0, self.limit)


def timing(values: dict[str, Any]) -> Timing:
    """Return what the options -t, -w and -c say."""
    limit, on_timeout = values["timeout"]
    return Timing(limit, on_timeout, values["warning"], values["critical"])
