"""TOUCH's other half: look until healthy, and say what was seen. An instance that dies meanwhile ends the wait."""

from __future__ import annotations

from watchdog_tools.actions.deaths import died
from watchdog_tools.actions.run import left, rest
from watchdog_tools.result import CRITICAL, OK, UNKNOWN, Result
from watchdog_tools.system.clock import uptime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.run import Run
    from watchdog_tools.actions.spawn import Born

_FIRST, _LONGEST = 0.05, 1.0  # seconds between looks, doubled in between


def verify(run: Run, born: Born | None, until: float, what: str = "") -> Result:
    """Look until healthy or `until` (boot clock, seconds); return the service's verdict.

    born: the instance, None where there is none of ours to watch (--oneshot). what: what was done
    before, in words, or empty.
    """
    order = run.order
    pause = _FIRST
    while True:
        health = order.look(run.life)
        if health is None:
            return left(order)
        if health.works or not health.asked or uptime() >= until:
            break
        if _ended(run, born, min(pause, max(until - uptime(), 0))):
            return left(order) if born is None or run.alone() else died(run, born)
        pause = min(pause * 2, _LONGEST)
    pid = f" (pid {born.identity[0]})" if born else ""
    words = f": {health.words}" if health.words else ""
    details: dict[str, object] = {"name": run.name, "pid": born.identity[0] if born else None}
    if health.works or not health.asked:
        summary = f"{what or run.name + ' is healthy'}{pid}{words}"
        state = health.state if health.asked else OK
        return Result(state, summary, reason=what.partition(" ")[0], metrics=health.metrics, details=details)
    state = UNKNOWN if health.state == UNKNOWN else CRITICAL
    lead = f"{what}, but failing" if what else f"{run.name} is alive but failing"
    tail = "; not restarted" if born else ""
    return Result(state, f"{lead}{words}{pid}{tail}", reason="failing", metrics=health.metrics, details=details)


def _ended(run: Run, born: Born | None, seconds: float) -> bool:
    """Wait a little. Return whether the instance, or our guard, is gone."""
    if born:
        return born.ended(seconds, run.life) or run.alone()
    rest(run, seconds)
    return run.alone()
