"""TOUCH, prepared: would a start succeed? Asked before anything is stopped for it, or promised."""

from __future__ import annotations

from watchdog_tools.actions import credentials
from watchdog_tools.actions.plan import CannotStart, resolve
from watchdog_tools.actions.preflight import impediment
from watchdog_tools.result import CRITICAL, OK, Result
from watchdog_tools.system.looks import Job, look_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchdog_tools.actions.plan import Wish
    from watchdog_tools.actions.preflight import Start

_SECONDS = 5.0  # for a look as another user; a dead network disk can hold it for ever


def ensure_startable(wish: Wish, environment: Mapping[str, str]) -> None:
    """Raise CannotStart where a start would fail of what can be known before it.

    The rights of --user are tried in a fork that becomes that user: neither mode bits nor access lists are read by us,
    and a network disk may refuse root. It takes 2 ms, too much for a start, which finds out anyway.
    """
    plan = resolve(wish, environment)
    if plan.identity is None:
        return
    needs, ids = plan.needs, plan.identity
    results = look_all([Job(lambda _say: _as_the_user(needs, ids))], _SECONDS) or []
    if results and results[0].reason == "timeout":
        raise CannotStart(f"the command was not reached within {_SECONDS:g} s (a network disk?)")
    if results and results[0].state == CRITICAL:
        raise CannotStart(results[0].summary)


def _as_the_user(needs: Start, ids: tuple[int, int, list[int]]) -> Result:
    try:
        credentials.become(*ids)
    except OSError as error:
        return Result(CRITICAL, f"becoming the user: {error.strerror}")
    words = impediment(needs)
    return Result(CRITICAL if words else OK, words)
