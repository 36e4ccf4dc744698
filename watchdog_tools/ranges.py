"""Words: Nagios ranges, `[@][~|N]:[N]`, exactly as the plugin guidelines define them."""

from __future__ import annotations

from watchdog_tools.result import CRITICAL, OK, WARNING

INFINITY = float("inf")


class Range:
    """Values from `low` to `high` are fine; with `inside` (an `@`) they are the alert instead."""

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


def _number(digits: str, text: str) -> float:
    # float() alone would accept "1_0", "nan", "infinity" and digits of other scripts
    plain = digits.lstrip("+-").replace(".", "", 1)
    if not (plain.isascii() and plain.isdigit() and len(digits) <= 32):  # noqa: PLR2004
        raise ValueError(_wrong(text))
    try:
        return float(digits)
    except ValueError:
        raise ValueError(_wrong(text)) from None


def _wrong(text: str) -> str:
    return f"{text[:80]!r} is not a range; accepted: 10, 10:, ~:10, 10:20, @10:20"
