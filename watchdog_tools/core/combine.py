"""Several Results of one command become one; the worst wins, and what is not OK is named."""

from __future__ import annotations

from watchdog_tools.core import CRITICAL, NAMES, OK, Metric, Result, worst

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def combine(results: list[Result], greatest: str = "the slowest") -> Result:
    """Return the one result: `2 of 3 are OK; db:5432 refused the connection`.

    greatest: what the one with the greatest value is called, which is shown where all are OK.
    """
    state = worst(result.state for result in results)
    fine = [result for result in results if result.state == OK]
    bad = sorted((result for result in results if result.state != OK), key=lambda each: each.state != state)
    head = f"{len(fine)} of {len(results)} are OK" if bad else f"all {len(results)} are OK"
    shown = bad or sorted(fine, key=lambda each: -(each.value or 0))[:1]
    named = "; ".join(result.summary for result in shown)
    return Result(
        state,
        f"{head}; {named}" if bad else f"{head}; {greatest}: {named}",
        reason=bad[0].reason if bad else "",
        target=" ".join(result.target for result in results),
        value=0.0 if state == CRITICAL else max(result.value or 0.0 for result in results),
        metrics=[metric for result in results for metric in _renamed(result)],
        details={"targets": [_details(result) for result in results]},
        lines=[line for result in results for line in _lines(result)],
    )


def _renamed(result: Result) -> Iterator[Metric]:
    for metric in result.metrics:
        metric.name = f"{metric.name} {result.target}".replace("=", "_")  # perfdata splits there
        yield metric


def _details(result: Result) -> dict[str, object]:
    return {
        "target": result.target,
        "state": NAMES[result.state],
        "reason": result.reason,
        "summary": result.summary,
        **result.details,
    }


def _lines(result: Result) -> list[str]:
    return [f"{NAMES[result.state]} {result.summary}", *(f"  {line}" for line in result.lines)]
