"""The verdict on the processes that were found, and its sentence."""

from __future__ import annotations

from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING, Metric, Result, worst
from watchdog_tools.core.thresholds import INFINITY, judge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchdog_tools.checks.process.filter import ProcessQuery
    from watchdog_tools.core.thresholds import Range
    from watchdog_tools.system.process import Process

UNITS = {"PROCS": "", "RSS": "KB", "VSZ": "KB", "CPU": "%", "ELAPSED": "s", "FDS": "", "THREADS": ""}

_MAX_PIDS = 20  # in JSON
_MAX_IDENTITIES = 1000  # with start ticks, for who may have to stop them; root's first, or a crowd could hide them
_MAX_NAMED = 5  # in the sentence
_UNBOUNDED = 1 << 40  # as many processes as one may not see


class Found:
    """What a scan found.

    processes: those that count; zombies: those that would. elsewhere: of another pid namespace
    (containers). undecided: a criterion may not be read. hidden: other users' may not be seen.
    missing: why a pidfile leads to none, and the word for it.
    """

    __slots__ = ("elsewhere", "hidden", "missing", "processes", "undecided", "zombies")

    def __init__(self) -> None:
        self.processes: list[Process] = []
        self.zombies: list[Process] = []
        self.elsewhere = 0
        self.undecided = 0
        self.hidden = False
        self.missing = ("", "")


class ProcessConfig:
    """What check-process was asked. metric: a key of UNITS, that the ranges are for; listing: a line for each."""

    __slots__ = ("absent", "critical", "listing", "metric", "query", "warning")

    def __init__(
        self, query: ProcessQuery, metric: str, warning: Range | None, critical: Range | None, *, absent: bool
    ) -> None:
        self.query = query
        self.metric = metric
        self.warning = warning
        self.critical = critical
        self.absent = absent
        self.listing = False

    def __str__(self) -> str:
        """Return the target."""
        return str(self.query) or "all"


def verdict(config: ProcessConfig, found: Found) -> Result:
    """Return the Result for what was found."""
    state = _state(config, found)
    reason = ""
    words = _sentence(config, found)
    if state is None:
        state = UNKNOWN
        words, reason = _undecidable(found, words)
    elif state == OK and config.query.is_specific() and not config.query.states and _stopped(found):
        state, reason = WARNING, "stopped"
    elif state != OK:
        reason = _reason(found)
    return Result(
        state, words, reason=reason, target=str(config), metrics=_metrics(config, found),
        value=_value(config, found), details=_details(found), processes=_identities(found),
    )  # fmt: skip


def _state(config: ProcessConfig, found: Found) -> int | None:
    """Return the state; None where processes that we may not see could make it another."""
    count = len(found.processes)
    more = _UNBOUNDED if found.hidden else found.undecided
    if config.metric != "PROCS":
        if not count:
            return None if more else CRITICAL
        return worst(judge(each.figure or 0, config.warning, config.critical) for each in found.processes)
    points = {count, count + more}
    for limits in (config.warning, config.critical):
        for bound in (limits.low, limits.high) if limits else ():
            if bound not in (INFINITY, -INFINITY):
                points.update(at for at in (int(bound), int(bound) + 1) if count < at < count + more)
    states = {judge(at, config.warning, config.critical) for at in points}
    return states.pop() if len(states) == 1 else None


def _sentence(config: ProcessConfig, found: Found) -> str:
    count = len(found.processes)
    what = f" {config.query}".rstrip()
    if not count:
        return f"no process{what}{_why_none(found)}" + (", as wanted" if config.absent else "")
    words = f"{count} process{'' if count == 1 else 'es'}{what}"
    if config.metric != "PROCS":
        words += f", {config.metric} {_figure_range(config, found)}"
    return f"{words} ({_pids(found.processes)}){_range_note(config, count)}"


def _why_none(found: Found) -> str:
    if found.missing[1]:
        return f": {found.missing[1]}"
    if found.zombies:
        return f": only zombie(s), {_pids(found.zombies)}"
    return f" ({found.elsewhere} in another pid namespace)" if found.elsewhere else ""


def _range_note(config: ProcessConfig, count: int) -> str:
    if config.metric == "PROCS":
        for limits in (config.critical, config.warning):
            if limits and limits.alerts(count):
                return f", wanted {'none' if config.absent else limits}"
    return ""


def _undecidable(found: Found, words: str) -> tuple[str, str]:
    if found.hidden:
        return f"cannot see other users' processes (hidepid); seen: {words}", "hidden"
    return f"cannot read the executable of {found.undecided} that may be wanted; seen: {words}", "permission"


def _reason(found: Found) -> str:
    if found.processes:
        return "range"
    return found.missing[0] or ("zombie" if found.zombies else "absent")


def _stopped(found: Found) -> bool:
    return any(each.stat.state in "Tt" for each in found.processes)


def _pids(processes: list[Process]) -> str:
    said = ", ".join(f"{each.pid}{_state_note(each.stat.state)}" for each in processes[:_MAX_NAMED])
    return f"pid {said}" + (", ..." if len(processes) > _MAX_NAMED else "")


def _state_note(state: str) -> str:
    if state in "Tt":
        return f" stopped ({state})"
    return " in state D" if state == "D" else ""


def _figures(found: Found) -> list[float]:
    return sorted(each.figure or 0 for each in found.processes)


def _figure_range(config: ProcessConfig, found: Found) -> str:
    figures = _figures(found)
    unit = f" {UNITS[config.metric]}".rstrip()
    least, most = f"{figures[0]:.10g}", f"{figures[-1]:.10g}"
    return f"{least}{unit}" if least == most else f"{least} to {most}{unit}"


def _metrics(config: ProcessConfig, found: Found) -> list[Metric]:
    count = len(found.processes)
    if config.metric == "PROCS":
        return [Metric("procs", count, "", config.warning, config.critical, 0)]
    metrics = [Metric("procs", count, "", None, None, 0)]
    name, unit, figures = config.metric.lower(), UNITS[config.metric], _figures(found)
    for end, figure in (("min", figures[0]), ("max", figures[-1])) if figures else ():
        metrics.append(Metric(f"{name}_{end}", figure, unit, config.warning, config.critical, 0))
    return metrics


def _value(config: ProcessConfig, found: Found) -> float:
    figures = _figures(found)
    return len(figures) if config.metric == "PROCS" else figures[-1] if figures else 0


def _is_unprivileged(process: Process) -> bool:
    return process.uid != 0


def _identities(found: Found) -> Iterator[tuple[int, int]]:
    """Return (pid, start ticks) of each."""
    for each in sorted(found.processes, key=_is_unprivileged)[:_MAX_IDENTITIES]:
        yield each.pid, each.stat.ticks


def _details(found: Found) -> dict[str, object]:
    states: dict[str, object] = {}
    for each in found.processes:
        states[each.stat.state] = int(str(states.get(each.stat.state, 0))) + 1
    return {
        "count": len(found.processes),
        "pids": [each.pid for each in found.processes[:_MAX_PIDS]],
        "uids": sorted({each.uid for each in found.processes}),
        "states": states,
        "zombies": len(found.zombies),
        "elsewhere": found.elsewhere,
    }
