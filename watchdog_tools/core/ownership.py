"""A check's Result without the processes of other services, and without those that nothing proves to be this one's."""

from __future__ import annotations

from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING, Result
from watchdog_tools.core.marks import user_words
from watchdog_tools.core.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMED = 3  # processes in a sentence


def without_claimed(result: Result, claimed: Mapping[int, str]) -> Result:
    """Take out the processes that other services claim, pid -> NAME.

    Where nothing else made it OK it is CRITICAL, and says whose they are.
    """
    others, ours = _split(result, claimed)
    if not others:
        return result
    result.processes = ours
    if not ours and result.state in (OK, WARNING):
        said = ", ".join(f"pid {pid} is of {claimed[pid]}" for pid in others[:_NAMED])
        result.keeper.claimed = f"{said}{', ...' if len(others) > _NAMED else ''}"
        result.state, result.reason = CRITICAL, "claimed"
        result.summary += f"; but {result.keeper.claimed}"
    return result


def without_unproven(result: Result, unproven: Mapping[int, int], process_name: str, *, known_before: bool) -> Result:
    """Take out the processes of other users that merely call themselves `process_name`, pid -> uid; say who they are.

    known_before: something of this NAME was kept before. Else it is not known what is meant, and nothing may be done.
    """
    others, ours = _split(result, unproven)
    if not others:
        return result
    named = ", ".join(f"pid {pid} of {user_words(unproven[pid])}" for pid in others[:_NAMED])
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    words = f"{named}{more} merely call{'s' * (len(others) == 1)} itself {quoted(process_name, 80)}"
    for metric in result.metrics[:1]:
        metric.value = len(ours)
    if ours:
        result.summary += f"; {words}, which any user can do"
        result.processes = ours
        return result
    if known_before:
        summary = f"no process {quoted(process_name, 80)} of root; {words}"
        result = Result(CRITICAL, summary, reason="unproven", metrics=result.metrics)
        result.keeper.claimed = words
        return result
    advice = f"--user USER says whose it is, or --check 'check-process -u USER {quoted(process_name, 80)}'"
    return Result(UNKNOWN, f"{words}, which any user can do: {advice}", reason="unproven", metrics=result.metrics)


def _split(result: Result, apart: Mapping[int, object]) -> tuple[list[int], tuple[tuple[int, int], ...]]:
    """Return the pids that are in `apart`, and (pid, start ticks) of the rest."""
    processes = result.processes or ()
    return [pid for pid, _ in processes if pid in apart], tuple(each for each in processes if each[0] not in apart)
