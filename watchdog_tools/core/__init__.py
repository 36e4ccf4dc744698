"""The four states, their exit codes, a metric, and the Result that every check ends in."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
NAMES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_RANK = (0, 2, 3, 1)  # OK < UNKNOWN < WARNING < CRITICAL: docs/common.md

# Exit styles as tables: a code is a function of style, state and reason, never an accident.
STYLES = {
    "nagios": {OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3},
    "bool": {OK: 0, WARNING: 0, CRITICAL: 1, UNKNOWN: 1},
    "zabbix": {OK: 0, WARNING: 0, CRITICAL: 0, UNKNOWN: 0},
}

# What a reason changes, by style: in `bool`, 0 means "checked, and it works" and nothing else.
_BY_REASON = {("bool", "pending"): 1, ("bool", "repairing"): 1, ("zabbix", "usage"): 3}


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
        warning: object = None,
        critical: object = None,
        low: float | None = None,
        high: float | None = None,
    ) -> None:
        """Keep ranges as the text that the user wrote, which is what perfdata shows: whatever str() makes of them."""
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


class KeeperFacts:
    """What a check, or a run, tells ensure-running beside its verdict; nobody prints it.

    pid: of our own instance, 0 where none is known. exists: an instance lives, whatever another check says. pidfile:
    the file that named the processes, if one did. process_name: what --process asked for. claimed: whose the processes
    are that alone made the check OK, or who says so. deeds: what the run did (`events.DEEDS`), and how often. lost: an
    instance of ours is among the processes, and no record tells of it. hangs: the state directory does, and is not
    to be touched. no_news: a healthy verdict has nothing to add to what was last said from cron. unstartable: why no
    start can succeed, though it runs. uncontained: why the last start was in no control group of its own.
    """

    # defaults of the class, not slots: half the price to load, and only what was set travels through a pipe
    claimed = ""
    deeds: dict[str, int] = {}  # noqa: RUF012 -- nobody changes it: who did something sets another one
    exists = False
    hangs = False
    lost = False
    pid = 0
    pidfile = ""
    process_name = ""
    no_news = False
    uncontained = ""
    unstartable = ""


class Result:
    """A verdict: the state, its sentence, and the facts that it was judged by.

    summary: one sentence; what comes from outside is already escaped (`text.quoted`).
    reason: a word for machines (`refused`, `pending`, `repairing`, `backoff` …), or empty.
    value: what Zabbix gets as the item's value; None means the state's number.
    details: plain data (str, int, float, bool, None, list, dict) for JSON.
    each: where it is about several things, the Results on each, which a format may show in its place.
    lines: the long output that `-v` adds.
    processes: (pid, start ticks) of the processes that count; None of a check that does not tell them.
    keeper: what ensure-running has to know besides.
    """

    __slots__ = (
        "details", "each", "keeper", "lines", "metrics", "processes", "reason", "state", "summary", "target", "value",
    )  # fmt: skip

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
        processes: Iterable[tuple[int, int]] | None = None,
        each: Iterable[Result] = (),
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
        self.processes = None if processes is None else tuple(processes)
        self.each = tuple(each)
        self.keeper = KeeperFacts()

    def pack(self) -> tuple[object, ...]:
        """Return plain data that `marshal` carries through a pipe; `unpack` is its inverse."""
        metrics = [metric.pack() for metric in self.metrics]
        return (
            self.state, self.summary, self.reason, self.target, metrics, self.value, self.details,
            self.lines, self.processes, [one.pack() for one in self.each], self.keeper.__dict__,
        )  # fmt: skip


def unpack(packed: tuple) -> Result:  # type: ignore[type-arg]
    """Return the Result that was packed. Raise ValueError or TypeError on anything else."""
    state, summary, reason, target, metrics, value, details, lines, processes, each, keeper = packed
    result = Result(
        state,
        summary,
        reason=reason,
        target=target,
        metrics=[Metric(*metric) for metric in metrics],
        value=value,
        details=details,
        lines=lines,
        processes=processes,
        each=[unpack(one) for one in each],
    )
    result.keeper.__dict__.update(keeper)
    return result


def of_instance(result: Result, pid: int | None) -> Result:
    """Return the Result, which tells from now on of which instance it is: in JSON and to a keeper. None: unknown."""
    result.details["pid"] = pid
    result.keeper.pid = pid or 0
    return result


def negated(result: Result) -> Result:
    """Swap OK and CRITICAL, as `negate` of the monitoring plugins does; say so."""
    if result.state in (OK, CRITICAL):
        result.state = CRITICAL - result.state
        result.summary = f"{result.summary} (negated)"
    return result


def exit_code(
    style: str, state: int, reason: str = "", *, fail_on_warning: bool = False, pending_ok: bool = False
) -> int:
    """Return the exit code, 0-3, for a state and its reason in the named style."""
    if reason == "pending" and pending_ok:
        return STYLES[style][state]
    if style == "bool" and state == WARNING and fail_on_warning:
        return 1
    return _BY_REASON.get((style, reason), STYLES[style][state])
