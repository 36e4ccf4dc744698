"""A service's health from its checks, and what may be concluded from it about an instance."""

from __future__ import annotations

from watchdog_tools import PROCESS, SERVICE, tells
from watchdog_tools.core import CRITICAL, NAMES, OK, UNKNOWN, WARNING, worst

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchdog_tools.core import Metric, Result

STARTING = "starting"  # the reason of a Result that is neither up nor down, with the state WARNING


class Health:
    """What the checks say together.

    exists: a check of processes found one; found: (pid, start ticks) of those, and
    pidfile: the file that named them, if one did. veto: why nothing may be started or stopped now (P6),
    or empty. unstartable: why no start can succeed, though it runs, or empty. has_checks: whether there was
    any check at all. starting: another supervisor is at it. claimed: whose the processes are that alone made a check
    OK. lost: an instance of ours is among those found, and no record tells of it.
    """

    __slots__ = (
        "claimed", "exists", "found", "has_checks", "lost", "metrics", "pidfile", "starting", "state", "summary",
        "unstartable", "veto",
    )  # fmt: skip

    def __init__(self, checks: Sequence[tuple[str, Result]]) -> None:
        """Combine (first word of the check, its Result)."""
        self.has_checks = bool(checks)
        self.state = worst(result.state for _, result in checks)
        telling = [(name, result) for name, result in checks if tells(name) != SERVICE]
        # the count, not the state: with --absent or --negate, OK means that there is none
        counted = [result for name, result in telling if tells(name) == PROCESS and _counted(result)]
        self.exists = bool(counted) or any(result.keeper.exists for _, result in telling)
        self.found = _found(counted)
        self.pidfile = next(filter(None, (each.keeper.pidfile for each in counted)), "")
        self.starting = any(result.reason == STARTING and result.state == WARNING for _, result in checks)
        blind = [result.summary for _, result in telling if result.state == UNKNOWN]
        self.veto = blind[0] if blind else ""
        self.unstartable = next(filter(None, (each.keeper.unstartable for _, each in telling)), "")
        self.lost = any(result.keeper.lost for _, result in telling)
        self.claimed = "; ".join(filter(None, (each.keeper.claimed for _, each in telling)))
        said = [result.summary for _, result in checks if result.state == self.state]
        self.summary = "; ".join(said)
        self.metrics = _distinct([metric for _, result in checks for metric in result.metrics])

    @property
    def works(self) -> bool:
        """Whether the service does its work: WARNING is degraded, and never acted on."""
        return self.has_checks and self.state in (OK, WARNING) and not self.starting

    @property
    def phrase(self) -> str:
        """What is said of the service in front of the summary."""
        if self.starting:
            return "is starting"
        return {OK: "is healthy", WARNING: "is degraded", UNKNOWN: "cannot be judged"}.get(self.state, "is failing")

    @property
    def unseen(self) -> str:
        """What a check could not see, so that nobody can say whether the service is up; empty where it can be said."""
        return self.veto or (self.summary if self.has_checks and self.state == UNKNOWN else "")

    @property
    def down(self) -> bool:
        """Whether the checks call for an instance: only CRITICAL does."""
        return self.state == CRITICAL or not self.has_checks


def _distinct(metrics: list[Metric]) -> tuple[Metric, ...]:
    """Return the metrics with a label of its own for each, as perfdata wants: `time`, then `time_2`."""
    seen: dict[str, int] = {}
    for metric in metrics:
        seen[metric.name] = seen.get(metric.name, 0) + 1
        if seen[metric.name] > 1:
            metric.name += f"_{seen[metric.name]}"
    return tuple(metrics)


def _found(counted: Sequence[Result]) -> tuple[tuple[int, int], ...]:
    """Return (pid, start ticks) of the processes that all of these checks found."""
    each = [set(result.processes or ()) for result in counted]
    return tuple(sorted(set.intersection(*each))) if each else ()


def _counted(result: Result) -> bool:
    if result.processes is not None:
        return bool(result.processes)
    return any(metric.name.startswith("procs") and metric.value > 0 for metric in result.metrics)


def found_pids(name: str, result: Result, own: int | None) -> list[int]:
    """Return the pids that a check for processes found, none where our own instance, `own`, is among them."""
    pids = [pid for pid, _ in result.processes or ()] if tells(name) == PROCESS else []
    return [] if own in pids else pids


def lines(checks: Sequence[tuple[str, Result]], lead: str = "") -> list[str]:
    """Return the long output: each check's own verdict, behind `lead`."""
    return [f"{lead}{name}: {NAMES[result.state]} - {result.summary}" for name, result in checks]
