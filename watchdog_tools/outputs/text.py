"""Format `text`: the line of the monitoring plugin API, `PORT OK - sentence | perfdata`."""

from __future__ import annotations

from watchdog_tools.core import NAMES
from watchdog_tools.core.text import LINE, printable, quoted, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core import Metric, Result
    from watchdog_tools.outputs import Invocation

_SENTENCE = 640  # bytes, so that perfdata has its share of the line


def render(result: Result, run: Invocation) -> list[str]:
    """Return the one line, and where it is wanted the long output below it; each of at most 1 KiB."""
    more = result.lines if run.verbose else ()
    return [line(run.label, result), *(shortened(printable(each), LINE - 1) for each in more)]


def line(label: str, result: Result) -> str:
    """Return the one line, without its newline, of at most 1 KiB with it."""
    sentence = shortened(printable(result.summary.replace("|", "/")), _SENTENCE)
    text = f"{label} {NAMES[result.state]} - {sentence}"
    bar = " | "
    for metric in result.metrics:
        datum = perfdata(metric)
        if len(text) + len(bar) + len(datum) >= LINE - 1:
            break
        text += bar + datum
        bar = " "
    return text


def perfdata(metric: Metric) -> str:
    """Return `name=valueUNIT;warn;crit;min;max`, trailing fields left out where empty."""
    name = metric.name
    if not name.replace("_", "").isalnum() or not name.isascii():
        name = "'" + quoted(name, 64).replace("=", "-").replace("'", "''") + "'"
    fields = [f"{name}={number(metric.value)}{metric.unit}", metric.warning, metric.critical]
    fields += ["" if bound is None else number(bound) for bound in (metric.low, metric.high)]
    return ";".join(fields).rstrip(";")


def number(value: float) -> str:
    """Return a number as consumers read it: whole where it is, else up to six decimals, no exponent."""
    if value == int(value):
        return str(int(value))
    return f"{value:.6f}".rstrip("0").rstrip(".") or "0"
