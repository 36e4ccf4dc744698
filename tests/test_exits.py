"""Exit codes are a table (design 4), so here is the table again, written by hand."""

from __future__ import annotations

import pytest

from watchdog_tools.exits import code
from watchdog_tools.result import CRITICAL, OK, UNKNOWN, WARNING, worst


@pytest.mark.parametrize(
    ("state", "reason", "nagios", "bool_", "zabbix"),
    [
        (OK, "", 0, 0, 0),
        (OK, "started", 0, 0, 0),
        (OK, "pending", 0, 1, 0),
        (WARNING, "", 1, 0, 0),
        (WARNING, "repairing", 1, 1, 0),
        (CRITICAL, "", 2, 1, 0),
        (CRITICAL, "backoff", 2, 1, 0),
        (UNKNOWN, "", 3, 1, 0),
        (UNKNOWN, "usage", 3, 1, 3),
    ],
)
def test_the_table(state: int, reason: str, nagios: int, bool_: int, zabbix: int) -> None:
    """In bool, 0 means: looked, and it works."""
    assert [code(style, state, reason) for style in ("nagios", "bool", "zabbix")] == [nagios, bool_, zabbix]


def test_fail_on_warning_is_for_bool_alone() -> None:
    """--fail-on warning makes a degraded container unhealthy, and changes no other style."""
    assert [code(style, WARNING, fail_on_warning=True) for style in ("nagios", "bool", "zabbix")] == [1, 1, 0]


def test_the_order_of_states() -> None:
    """OK < UNKNOWN < WARNING < CRITICAL: an UNKNOWN never hides a failure."""
    assert worst([OK, UNKNOWN]) == UNKNOWN
    assert worst([UNKNOWN, WARNING, OK]) == WARNING
    assert worst([UNKNOWN, WARNING, CRITICAL]) == CRITICAL
    assert worst([]) == OK
