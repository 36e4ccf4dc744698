"""TOUCH, prepared: would a start succeed? Asked before anything is stopped for it, or promised."""

from __future__ import annotations

from watchdog_tools.actions import child
from watchdog_tools.actions.preflight import impediment
from watchdog_tools.actions.start_plan import CannotStart, resolve
from watchdog_tools.core import Result
from watchdog_tools.workers import Check, run_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchdog_tools.actions.preflight import Start
    from watchdog_tools.core.config import StartOptions

_SECONDS = 5.0  # for a check as another user; a dead network disk can hold it for ever


def ensure_startable(start_options: StartOptions, environment: Mapping[str, str]) -> None:
    """Raise CannotStart where a start would fail of what can be known before it.

    The rights of --user are tried in a fork that becomes that user: neither mode bits nor access lists are read by us,
    and a network disk may refuse root. It takes 2 ms, too much for a start, which finds out anyway.
    """
    plan = resolve(start_options, environment)
    if plan.identity is None:
        return
    needs, ids = plan.needs, plan.identity
    for answer in run_all([Check(lambda _progress: _as_the_user(needs, ids))], _SECONDS) or []:
        if isinstance(answer, str) and answer:
            raise CannotStart(answer)
        if isinstance(answer, Result) and answer.reason == "timeout":
            raise CannotStart(f"the command was not reached within {_SECONDS:g} s (a network disk?)")


def _as_the_user(needs: Start, ids: tuple[int, int, list[int]]) -> str:
    """Return what a start would fail of, empty for nothing."""
    try:
        child.switch_user(*ids)
    except OSError as error:
        return f"becoming the user: {error.strerror}"
    return impediment(needs)
