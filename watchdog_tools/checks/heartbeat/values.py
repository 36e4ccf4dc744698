"""The types of check-heartbeat's options, as converted. Loaded by type checkers only."""

from __future__ import annotations

from watchdog_tools.cli.values import CheckValues


class Values(CheckValues):
    """The options as converted; a test holds the names against the table."""

    of: tuple[str, ...]
    keeper: str | None
    state_dir: str | None
    max_age: float | None
    schedule: str | None
    tz: str | None
