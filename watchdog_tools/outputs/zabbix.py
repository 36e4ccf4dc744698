"""Format `zabbix`: the bare value; UNKNOWN is its sentence, so that a numeric item says why it is unsupported."""

from __future__ import annotations

from watchdog_tools.outputs.text import number
from watchdog_tools.result import UNKNOWN
from watchdog_tools.text import printable, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.result import Result


def line(label: str, result: Result) -> str:
    """Return the value of the item: a number, or the sentence of an UNKNOWN."""
    if result.state == UNKNOWN:
        return shortened(printable(f"{label} UNKNOWN - {result.summary}"), 640)
    return number(result.state if result.value is None else result.value)
