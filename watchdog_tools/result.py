"""Words: the four states, a metric, and the Result that every look ends in."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchdog_tools.ranges import Range

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
NAMES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_RANK = (0, 2, 3, 1)  # OK < UNKNOWN < WARNING < CRITICAL, design 4


def worst(states: Iterable[int]) -> int:
    """Return the state that wins when several combine; OK for none."""
    return max(states, key=_RANK.__getitem__, default=OK)


class Metric:
    """One figure: `unit` is the plugin API's (`s`, `B`, `%`, `c` or empty), the rest in that unit."""

    __slots__ = ("critical", "high", "low", "name", "unit", "value", "warning")

    def __init__(  # noqa: PLR0913, PLR0917 -- the fields of the plugin API's perfdata, in its order
        self,
        name: str,
        value: float,
        unit: str = "",
        warning: Range | str | None = None,
        critical: Range | str | None = None,
        low: float | None = None,
        high: float | None = None,
    ) -> None:
        """Keep ranges as the text that the user wrote, which is what perfdata shows."""
        self.name = name
        self.value = value
        self.unit = unit
        self.warning = str(warning or "")
        self.critical = str(critical or "")
        self.low = low
        self.high = high

    def pack(self) -> tuple[object, ...]:
        """Return the arguments that make this metric again."""
        return (
            self.name, self.value, self.unit, self.warning, self.critical, self.low, self.high,
        )  # fmt: skip


class Result:
    """A verdict: the state, its sentence, and the facts that it was judged by.

    summary: one sentence; what comes from outside is already escaped (`text.quoted`).
    reason: a word for machines (`refused`, `pending`, `repairing`, `backoff` …), or empty.
    value: what Zabbix gets as the item's value; None means the state's number.
    details: plain data (str, int, float, bool, None, list, dict) for JSON; keys with a leading
    underscore are for who acts, and not printed.
    lines: the long output that `-v` adds.
    """

    __slots__ = ("details", "lines", "metrics", "reason", "state", "summary", "target", "value")

    def __init__(  # noqa: PLR0913 -- a record, built by keyword
        self,
        state: int,
        summary: str,
        *,
        reason: str = "",
        target: str = "",
        metrics: Iterable[Metric] = (),
        value: float | None = None,
        details: dict[str, object] | None = None,
        lines: Iterable[str] = (),
    ) -> None:
        """Take the fields as the class describes them."""
        self.state = state
        self.summary = summary
        self.reason = reason
        self.target = target
        self.metrics = tuple(metrics)
        self.value = value
        self.details = details or {}
        self.lines = tuple(lines)

    def pack(self) -> tuple[object, ...]:
        """Return plain data that `marshal` carries through a pipe; `unpack` is its inverse."""
        metrics = [metric.pack() for metric in self.metrics]
        return (
            self.state, self.summary, self.reason, self.target, metrics, self.value, self.details,
            self.lines,
        )  # fmt: skip


def unpack(packed: tuple) -> Result:  # type: ignore[type-arg]
    """Return the Result that was packed. Raise ValueError or TypeError on anything else."""
    state, summary, reason, target, metrics, value, details, lines = packed
    return Result(
        state,
        summary,
        reason=reason,
        target=target,
        metrics=[Metric(*metric) for metric in metrics],
        value=value,
        details=details,
        lines=lines,
    )


def negated(result: Result) -> Result:
    """Swap OK and CRITICAL, as `negate` of the monitoring plugins does; say so."""
    if result.state in (OK, CRITICAL):
        result.state = CRITICAL - result.state
        result.summary = f"{result.summary} (negated)"
    return result
