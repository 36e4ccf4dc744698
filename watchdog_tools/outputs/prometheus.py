"""Format `prometheus`: the text that a node_exporter's textfile collector reads, without timestamps.

The names of the families are an API: CHANGELOG says what changes, golden files hold it.
"""

from __future__ import annotations

from watchdog_tools.core import OK, exit_code
from watchdog_tools.core.text import printable, shortened
from watchdog_tools.outputs.text import line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchdog_tools.core import Result
    from watchdog_tools.outputs import Invocation

_LONGEST = 640  # characters of the value of a label
_STATE = "watchdog_check_state", "State of the check: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."
_UP = "watchdog_check_up", "1 what was checked works (OK or WARNING), 0 it does not, or that is not known."
_DURATION = "watchdog_check_duration_seconds", "How long the check took."
# A unit of ours -> what a family's name ends in, and by what a value is multiplied and divided to be in base units.
_UNITS = {
    "s": ("_seconds", 1, 1),
    "B": ("_bytes", 1, 1),
    "KB": ("_bytes", 1024, 1),
    "%": ("_ratio", 1, 100),
    "c": ("_total", 1, 1),
}


def render(result: Result, run: Invocation) -> list[str]:
    """Return the families with all their samples; of several things each has its own. A comment says the sentence."""
    families: dict[tuple[str, str], dict[str, float]] = {}
    for one in result.each or (result,):
        for family, labels, value in _samples(one, run):
            families.setdefault(family, {}).setdefault(labels, value)
    lines = [f"# {line(run.label, result).partition(' | ')[0]}"]
    for (name, about), samples in families.items():
        kind = "counter" if name.endswith("_total") else "gauge"
        lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
        lines += [f"{name}{labels} {value!r}" for labels, value in samples.items()]
    return lines


def _samples(result: Result, run: Invocation) -> Iterator[tuple[tuple[str, str], str, float]]:
    """Yield (name and help of its family, its labels, its value) of each sample."""
    labels = {"check": run.name, "name": str(result.details.get("name", "")), "target": result.target}
    labels["state_dir"] = str(result.details.get("state_dir", ""))  # two of them may keep the same NAME
    yield _STATE, _written(labels), result.state
    yield _UP, _written(labels), int(exit_code("bool", result.state, result.reason) == OK)
    yield _DURATION, _written(labels), round(run.duration, 6)
    for metric in result.metrics:
        name, of = _named(metric.name)
        suffix, times, by = _UNITS.get(metric.unit, ("", 1, 1))
        value = metric.value * times
        family = f"watchdog_{name}{suffix}", f"The figure {name} of the check's perfdata."
        yield family, _written({**labels, **of}), value / by if by > 1 else value


def _named(name: str) -> tuple[str, dict[str, str]]:
    """Return a metric's name as part of a family's, and the labels that stand in it: `time db:80_2` is the second.

    One of several targets has its target there, and one of several checks its number.
    """
    plain, _, number = name.rpartition("_")
    labels = {"number": number} if plain and number.isascii() and number.isdigit() else {}
    word, blank, target = (plain if labels else name).partition(" ")
    if blank:
        labels["target"] = target
    kept = "".join(char if char.isascii() and char.isalnum() else "_" for char in word.lower())
    return kept.strip("_") or "value", labels


def _written(labels: dict[str, str]) -> str:
    """Return `{check="check-port",target=":80"}`; a label without a value is none."""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items() if value) + "}"


def _escaped(value: str) -> str:
    return shortened(printable(value), _LONGEST).replace("\\", "\\\\").replace('"', '\\"')
