"""How a service is kept where the user said nothing of it."""

from __future__ import annotations

from watchdog_tools.core.config import Limits, ServiceConfig, StartOptions


def test_the_limits_are_those_of_the_options() -> None:
    """--backoff 1s:5m --limit 5/10m --hold 15m --stable 10m."""
    assert repr(Limits()) == "Limits(first=1000, longest=300000, count=5, window=600000, hold=900000, stable=600000)"


def test_a_start_is_plain() -> None:
    """As the keeper's own user, with its environment, in the root directory, and files that others can only read."""
    plain = StartOptions(argv=("web",))
    assert (plain.argv, plain.cwd, plain.env, plain.umask) == (("web",), "/", (), 0o022)
    assert (plain.clean, plain.oneshot, plain.trust_any) == (False, False, False)
    assert (plain.user, plain.group, plain.log) == (None, None, None)


def test_a_run_is_nobody_s_order() -> None:
    """All else has to be said."""
    assert ServiceConfig.defaults == {"operator": ""}
