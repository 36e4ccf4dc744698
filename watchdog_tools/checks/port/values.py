"""The types of check-port's options, as converted. Loaded by type checkers only."""

from __future__ import annotations

from watchdog_tools.cli.values import CheckValues


class Values(CheckValues):
    """The options as converted; a test holds the names against the table."""

    hostname: tuple[str, ...]
    port: tuple[str, ...]
    use_ipv4: bool
    use_ipv6: bool
    wait: float | None
    listening: bool
    owner: str | None
    expect: tuple[str, ...]
    refuse: int
    mismatch: int
    jail: bool
    ssl: bool
    sni: str | None
    ca_cert: str | None
    no_verify: bool
