"""What an age adds up to: the ranges, or the schedule by which the next beat was due."""

from __future__ import annotations

import time

from watchdog_tools.core import CRITICAL, NAMES, OK, Metric, Result
from watchdog_tools.core.thresholds import judge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.checks.heartbeat.config import Config


def judged(config: Config, words: str, stale: str, age: float) -> Result:
    """Return the verdict on a beat of `age` seconds, with that as its figure. words, stale: what is said of it."""
    result = _by_schedule(config, words, stale, age) if config.schedule else _by_ranges(config, words, stale, age)
    result.value = age
    result.metrics = (Metric("age", age, "s", config.warning, config.critical),)
    result.details = {"age": round(age, 3), **result.details}
    return result


def _by_ranges(config: Config, words: str, stale: str, age: float) -> Result:
    state = judge(max(age, 0.0), config.warning, config.critical)
    if state == OK:
        return Result(OK, words)
    range_ = config.critical if state == CRITICAL else config.warning
    return Result(state, f"{stale} ({NAMES[state].lower()} range {range_})", reason="stale")


def _by_schedule(config: Config, words: str, stale: str, age: float) -> Result:
    """Return the verdict by the newest moment that is over for longer than the grace: the beat must not be older."""
    assert config.schedule is not None  # noqa: S101 -- the caller's own condition, for mypy
    now = time.time()
    due = config.schedule.newest(now - config.grace)
    if due is None:
        return Result(OK, f"{words}; it was never due")
    said = f"{due:%Y-%m-%d %H:%M %Z}"
    details: dict[str, object] = {"due": round(due.timestamp(), 3)}
    if now - age >= due.timestamp():
        return Result(OK, f"{words}; last due {said}", details=details)
    return Result(CRITICAL, f"{stale}; overdue: last due {said}", reason="overdue", details=details)
