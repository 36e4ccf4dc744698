"""Format `json`: one object a line. The schema is an API: README documents it, golden files hold it.

schema: 1, raised when a key changes its meaning; new keys do not raise it.
"""

from __future__ import annotations

from watchdog_tools.result import NAMES, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.result import Metric, Result

SCHEMA = 1


def lines(check: str, result: Result, *, started: float, duration: float, host: str) -> list[str]:
    """Return an object for the result; for each of several things (its detail `each`) where it is about those."""
    each: list[tuple[object, ...]] = result.details.get("each") or []  # type: ignore[assignment]
    several = [unpack(packed) for packed in each] or [result]
    return [line(check, one, started=started, duration=duration, host=host) for one in several]


def line(check: str, result: Result, *, started: float, duration: float, host: str) -> str:
    """Return the object. `started`: seconds since the epoch, `duration`: seconds."""
    import json

    words = {
        "schema": SCHEMA,
        "check": check,
        "name": result.details.get("name", check),
        "target": result.target,
        "state": NAMES[result.state],
        "reason": result.reason,
        "summary": result.summary,
        "metrics": [_metric(metric) for metric in result.metrics],
        "started": round(started, 3),
        "duration": round(duration, 6),
        "host": host,
        "details": {key: value for key, value in result.details.items() if key != "name" and key[0] != "_"},
    }
    return json.dumps(words, ensure_ascii=True, allow_nan=False)


def _metric(metric: Metric) -> dict[str, object]:
    return {
        "name": metric.name,
        "value": metric.value,
        "unit": metric.unit,
        "warn": metric.warning or None,
        "crit": metric.critical or None,
    }
