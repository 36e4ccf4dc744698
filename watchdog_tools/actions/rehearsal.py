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

    from watchdog_tools.actions.start_plan import StartPlan
    from watchdog_tools.core.config import StartOptions

_SECONDS = 5.0  # for a check as another user; a dead network disk can hold it for ever


def ensure_startable(start_options: StartOptions, environment: Mapping[str, str]) -> None:
    """Raise CannotStart where a start would fail of what can be known before it.

    The rights of --user are tried in a fork that becomes that user: neither mode bits nor access lists are read by us,
    and a network disk may refuse root. It takes 2 ms, too much for a start, which finds out anyway.
    """
    plan = resolve(start_options, environment)
    if plan.identity is None and start_options.nofile is None and start_options.nice is None:
        return
    for answer in run_all([Check(lambda _progress: _impediment(plan))], _SECONDS) or []:
        if isinstance(answer, str) and answer:
            raise CannotStart(answer)
        if isinstance(answer, Result) and answer.reason == "timeout":
            raise CannotStart(f"the command was not reached within {_SECONDS:g} s (a network disk?)")


def _impediment(plan: StartPlan) -> str:
    """Return what a start would fail of, empty for nothing."""
    step = "setting limits"
    try:
        child.set_limits(plan.start_options)
        step = "becoming the user"
        if plan.identity:
            child.switch_user(*plan.identity)
    except OSError as error:
        return f"{step}: {error.strerror}"
    return impediment(plan.needs)
