"""The types of the options that commands have in common, as converted. Loaded by type checkers only."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypedDict

    from watchdog_tools.core.thresholds import Range
    from watchdog_tools.outputs import Format
else:
    TypedDict = dict


class CommonValues(TypedDict):
    """Those that every command has; `args` are the words that are no options."""

    args: tuple[str, ...]
    timeout: tuple[float, int | None]  # seconds, and the state when they are over
    format: Format
    exit_style: Literal["nagios", "bool", "zabbix"]
    fail_on: Literal["warning", "critical"]
    quiet: bool
    verbose: int


class CheckValues(CommonValues):
    """Those of every check-*."""

    warning: Range | None
    critical: Range | None
    negate: bool
    name: str | None
    remind: float | None  # None: each verdict is printed, news or not
    retries: int
    retry_delay: float
