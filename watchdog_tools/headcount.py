"""Words: the verdict on the processes that were found, and its sentence."""

from __future__ import annotations

from watchdog_tools.ranges import INFINITY, judge
from watchdog_tools.result import CRITICAL, OK, UNKNOWN, WARNING, Metric, Result, worst

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.facts import Process
    from watchdog_tools.processes import Wanted
    from watchdog_tools.ranges import Range

UNITS = {"PROCS": "", "RSS": "KB", "VSZ": "KB", "CPU": "%", "ELAPSED": "s", "FDS": "", "THREADS": ""}

_PIDS = 20  # in JSON
_BORN = 1000  # with their start ticks, for who may have to stop them; root's first, or a crowd could hide them
_SPOKEN = 5  # in the sentence
_MANY = 1 << 40  # as many processes as one may not see


class Found:
    """What a look found.

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


class Asked:
    """What was asked for. metric: a key of UNITS, that the ranges are for; listing: a line for each."""

    __slots__ = ("absent", "critical", "listing", "metric", "wanted", "warning")

    def __init__(
        self, wanted: Wanted, metric: str, warning: Range | None, critical: Range | None, *, absent: bool
    ) -> None:
        self.wanted = wanted
        self.metric = metric
        self.warning = warning
        self.critical = critical
        self.absent = absent
        self.listing = False

    def __str__(self) -> str:
        """Return the target."""
        return str(self.wanted) or "all"


def verdict(asked: Asked, found: Found) -> Result:
    """Return the Result for what was found."""
    state = _state(asked, found)
    reason = ""
    words = _counted(asked, found)
    if state is None:
        state = UNKNOWN
        words, reason = _unseen(found, words)
    elif state == OK and asked.wanted.one() and not asked.wanted.states and _stopped(found):
        state, reason = WARNING, "stopped"
    elif state != OK:
        reason = _reason(found)
    return Result(
        state, words, reason=reason, target=str(asked), metrics=_metrics(asked, found),
        value=_value(asked, found), details=_details(found),
    )  # fmt: skip


def _state(asked: Asked, found: Found) -> int | None:
    """Return the state; None where processes that we may not see could make it another."""
    count = len(found.processes)
    more = _MANY if found.hidden else found.undecided
    if asked.metric != "PROCS":
        if not count:
            return None if more else CRITICAL
        return worst(judge(each.figure or 0, asked.warning, asked.critical) for each in found.processes)
    points = {count, count + more}
    for limits in (asked.warning, asked.critical):
        for bound in (limits.low, limits.high) if limits else ():
            if bound not in (INFINITY, -INFINITY):
                points.update(at for at in (int(bound), int(bound) + 1) if count < at < count + more)
    states = {judge(at, asked.warning, asked.critical) for at in points}
    return states.pop() if len(states) == 1 else None


def _counted(asked: Asked, found: Found) -> str:
    count = len(found.processes)
    what = f" {asked.wanted}".rstrip()
    if not count:
        return f"no process{what}{_instead(found)}" + (", as wanted" if asked.absent else "")
    words = f"{count} process{'' if count == 1 else 'es'}{what}"
    if asked.metric != "PROCS":
        words += f", {asked.metric} {_span(asked, found)}"
    return f"{words} ({_pids(found.processes)}){_outside(asked, count)}"


def _instead(found: Found) -> str:
    if found.missing[1]:
        return f": {found.missing[1]}"
    if found.zombies:
        return f": only zombie(s), {_pids(found.zombies)}"
    return f" ({found.elsewhere} in another pid namespace)" if found.elsewhere else ""


def _outside(asked: Asked, count: int) -> str:
    if asked.metric == "PROCS":
        for limits in (asked.critical, asked.warning):
            if limits and limits.alerts(count):
                return f", wanted {'none' if asked.absent else limits}"
    return ""


def _unseen(found: Found, words: str) -> tuple[str, str]:
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
    said = ", ".join(f"{each.pid}{_noted(each.stat.state)}" for each in processes[:_SPOKEN])
    return f"pid {said}" + (", ..." if len(processes) > _SPOKEN else "")


def _noted(state: str) -> str:
    if state in "Tt":
        return f" stopped ({state})"
    return " in state D" if state == "D" else ""


def _figures(found: Found) -> list[float]:
    return sorted(each.figure or 0 for each in found.processes)


def _span(asked: Asked, found: Found) -> str:
    figures = _figures(found)
    unit = f" {UNITS[asked.metric]}".rstrip()
    least, most = f"{figures[0]:.10g}", f"{figures[-1]:.10g}"
    return f"{least}{unit}" if least == most else f"{least} to {most}{unit}"


def _metrics(asked: Asked, found: Found) -> list[Metric]:
    count = len(found.processes)
    if asked.metric == "PROCS":
        return [Metric("procs", count, "", asked.warning, asked.critical, 0)]
    metrics = [Metric("procs", count, "", None, None, 0)]
    name, unit, figures = asked.metric.lower(), UNITS[asked.metric], _figures(found)
    for end, figure in (("min", figures[0]), ("max", figures[-1])) if figures else ():
        metrics.append(Metric(f"{name}_{end}", figure, unit, asked.warning, asked.critical, 0))
    return metrics


def _value(asked: Asked, found: Found) -> float:
    figures = _figures(found)
    return len(figures) if asked.metric == "PROCS" else figures[-1] if figures else 0


def _is_of_others(process: Process) -> bool:
    return process.uid != 0


def _details(found: Found) -> dict[str, object]:
    states: dict[str, object] = {}
    for each in found.processes:
        states[each.stat.state] = int(str(states.get(each.stat.state, 0))) + 1
    return {
        "count": len(found.processes),
        "pids": [each.pid for each in found.processes[:_PIDS]],
        "_born": [[each.pid, each.stat.ticks] for each in sorted(found.processes, key=_is_of_others)[:_BORN]],
        "uids": sorted({each.uid for each in found.processes}),
        "states": states,
        "zombies": len(found.zombies),
        "elsewhere": found.elsewhere,
    }
