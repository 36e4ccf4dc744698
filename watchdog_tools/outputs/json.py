"""Format `json`: one object a line. The schema is an API: docs/json.md documents it, golden files hold it.

schema: 1, raised when a key changes its meaning; new keys do not raise it.
"""

from __future__ import annotations

from watchdog_tools.core import NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core import Metric, Result
    from watchdog_tools.outputs import Invocation

SCHEMA = 1


def render(result: Result, run: Invocation) -> list[str]:
    """Return an object for the result; for each of several things where it is about those."""
    return [_object(one, run) for one in result.each or (result,)]


def _object(result: Result, run: Invocation) -> str:
    import json

    words = {
        "schema": SCHEMA,
        "check": run.name,
        "name": result.details.get("name", run.name),
        "target": result.target,
        "state": NAMES[result.state],
        "reason": result.reason,
        "summary": result.summary,
        "metrics": [_metric(metric) for metric in result.metrics],
        "started": round(run.started, 3),
        "duration": round(run.duration, 6),
        "host": run.host,
        "details": {key: value for key, value in result.details.items() if key != "name"},
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
