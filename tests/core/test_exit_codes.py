"""Exit codes are a table (docs/common.md), so here is the table again, written by hand."""

from __future__ import annotations

import pytest

from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING, exit_code, worst


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
    assert [exit_code(style, state, reason) for style in ("nagios", "bool", "zabbix")] == [nagios, bool_, zabbix]


def test_fail_on_warning_is_for_bool_alone() -> None:
    """--fail-on warning makes a degraded container unhealthy, and changes no other style."""
    assert [exit_code(style, WARNING, fail_on_warning=True) for style in ("nagios", "bool", "zabbix")] == [1, 1, 0]


def test_the_order_of_states() -> None:
    """OK < UNKNOWN < WARNING < CRITICAL: an UNKNOWN never hides a failure."""
    assert worst([OK, UNKNOWN]) == UNKNOWN
    assert worst([UNKNOWN, WARNING, OK]) == WARNING
    assert worst([UNKNOWN, WARNING, CRITICAL]) == CRITICAL
    assert worst([]) == OK


@pytest.mark.parametrize(("style", "code_"), [("nagios", 0), ("bool", 0), ("zabbix", 0)])
def test_pending_ok_takes_what_is_pending_for_well(style: str, code_: int) -> None:
    """--pending-ok changes that reason alone, and only where there is another code for it."""
    assert exit_code(style, OK, "pending", pending_ok=True) == code_
    for reason in ("", "repairing", "backoff"):
        assert exit_code(style, CRITICAL, reason, pending_ok=True) == exit_code(style, CRITICAL, reason)
    assert exit_code("bool", WARNING, "repairing", pending_ok=True) == 1
    assert exit_code("bool", WARNING, "pending", pending_ok=True, fail_on_warning=True) == 0
    assert exit_code("bool", CRITICAL, fail_on_warning=True) == 1
    assert exit_code("bool", OK, fail_on_warning=True) == 0
