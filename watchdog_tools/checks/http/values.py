"""The types of check-http's options, as converted. Loaded by type checkers only."""

from __future__ import annotations

from watchdog_tools.cli.values import CheckValues


class Values(CheckValues):
    """The options as converted; a test holds the names against the table."""

    hostname: str | None
    address: str | None
    port: int | None
    url: str | None
    ssl: bool
    use_ipv4: bool
    use_ipv6: bool
    method: str | None
    post: str | None
    content_type: str
    header: tuple[str, ...]
    useragent: str
    authorization: str | None
    expect: str | None
    string: tuple[str, ...]
    regex: str | None
    eregi: str | None
    linespan: bool
    invert_regex: bool
    header_string: tuple[str, ...]
    json: tuple[str, ...]
    health_json: bool
    no_body: bool
    ca_cert: str | None
    no_verify: bool
    sni: bool
    verify_cert: bool
