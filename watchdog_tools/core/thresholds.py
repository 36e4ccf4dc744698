"""What -w, -c and -t judge by: Nagios ranges as the plugin guidelines define them, and the time of an answer."""

from __future__ import annotations

from watchdog_tools.core import CRITICAL, NAMES, OK, WARNING, Metric
from watchdog_tools.core.text import human_duration

INFINITY = float("inf")


class Range:
    """`[@][~|N]:[N]`: values from `low` to `high` are fine; with `inside` (an `@`) they are the alert instead."""

    __slots__ = ("high", "inside", "low", "text")

    def __init__(self, text: str) -> None:
        """Parse `text`. Raise ValueError with a sentence that says what is accepted."""
        self.text = text
        self.inside = text.startswith("@")
        low, colon, high = text[self.inside :].rpartition(":")
        if not colon and not high:
            raise ValueError(_wrong(text))
        self.low = -INFINITY if low == "~" else _number(low, text) if low else 0.0
        self.high = _number(high, text) if high else INFINITY
        if self.low > self.high:
            raise ValueError(f"{text!r}: the start of a range is not above its end")

    def __str__(self) -> str:
        """Return the text that the user wrote."""
        return self.text

    def alerts(self, value: float) -> bool:
        """Whether `value` is one to alert on."""
        return (self.low <= value <= self.high) is self.inside


def judge(value: float, warning: Range | None, critical: Range | None) -> int:
    """Return CRITICAL, WARNING or OK for `value`."""
    if critical and critical.alerts(value):
        return CRITICAL
    return WARNING if warning and warning.alerts(value) else OK


class Timing:
    """Ranges for the seconds of an answer, the time limit of the check, and the state when that strikes."""

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

    def described(self, seconds: float) -> str:
        """Return `0.4 ms`, and the range that it is outside of."""
        state = self.state(seconds)
        if state == OK:
            return human_duration(seconds)
        range_ = self.critical if state == CRITICAL else self.warning
        return f"{human_duration(seconds)} ({NAMES[state].lower()} range {range_})"

    def metric(self, seconds: float, name: str = "time") -> Metric:
        """Return it as perfdata."""
        return Metric(name, seconds, "s", self.warning, self.critical, 0, self.limit)


def _number(digits: str, text: str) -> float:
    # float() alone would accept "1_0", "nan", "infinity" and digits of other scripts
    plain = digits.lstrip("+-").replace(".", "")
    if not (plain.isascii() and plain.isdigit() and len(digits) <= 32):  # noqa: PLR2004
        raise ValueError(_wrong(text))
    try:
        return float(digits)
    except ValueError:
        raise ValueError(_wrong(text)) from None


def _wrong(text: str) -> str:
    return f"{text[:80]!r} is not a range; accepted: 10, 10:, ~:10, 10:20, @10:20"
