"""Format `zabbix`: the bare value; UNKNOWN is its sentence, so that a numeric item says why it is unsupported."""

from __future__ import annotations

from watchdog_tools.core import UNKNOWN
from watchdog_tools.core.text import printable, shortened
from watchdog_tools.outputs.text import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core import Result
    from watchdog_tools.outputs import Invocation


def render(result: Result, run: Invocation) -> list[str]:
    """Return the value of the item: a number, or the sentence of an UNKNOWN."""
    if result.state == UNKNOWN:
        return [shortened(printable(f"{run.label} UNKNOWN - {result.summary}"), 640)]
    return [number(result.state if result.value is None else result.value)]
