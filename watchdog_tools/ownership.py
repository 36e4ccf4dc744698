"""Words: a check's Result without the processes that are not this service's, or that nobody vouches for."""

from __future__ import annotations

from watchdog_tools.names import whose
from watchdog_tools.result import CRITICAL, OK, UNKNOWN, WARNING, Result
from watchdog_tools.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMED = 3  # processes in a sentence


def unclaimed(result: Result, claimed: Mapping[int, str]) -> Result:
    """Take out the processes that other services claim, pid -> NAME.

    Where nothing else made it OK it is CRITICAL, and says whose they are.
    """
    others, ours = _parted(result, claimed)
    if not others:
        return result
    result.details["_born"] = ours
    if not ours and result.state in (OK, WARNING):
        said = ", ".join(f"pid {pid} is of {claimed[pid]}" for pid in others[:_NAMED])
        result.details["_claimed"] = f"{said}{', ...' if len(others) > _NAMED else ''}"
        result.state, result.reason = CRITICAL, "claimed"
        result.summary += f"; but {result.details['_claimed']}"
    return result


def proven(result: Result, unproven: Mapping[int, int], wanted: str, *, kept: bool) -> Result:
    """Take out the processes of other users that merely call themselves `wanted`, pid -> uid; say who they are.

    kept: something of this NAME was kept before. Else it is not known what is meant, and nothing may be done.
    """
    others, ours = _parted(result, unproven)
    if not others:
        return result
    who = ", ".join(f"pid {pid} of {whose(unproven[pid])}" for pid in others[:_NAMED])
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    words = f"{who}{more} merely call{'s' * (len(others) == 1)} itself {quoted(wanted, 80)}"
    for metric in result.metrics[:1]:
        metric.value = len(ours)
    if ours:
        result.summary += f"; {words}, which any user can do"
        result.details["_born"] = ours
        return result
    if kept:
        details: dict[str, object] = {"_claimed": words}
        words = f"no process {quoted(wanted, 80)} of root; {words}"
        return Result(CRITICAL, words, reason="unproven", metrics=result.metrics, details=details)
    advice = f"--user USER says whose it is, or --check 'check-process -u USER {quoted(wanted, 80)}'"
    return Result(UNKNOWN, f"{words}, which any user can do: {advice}", reason="unproven", metrics=result.metrics)


def _parted(result: Result, apart: Mapping[int, object]) -> tuple[list[int], list[list[int]]]:
    """Return the pids that are in `apart`, and (pid, start ticks) of the rest."""
    born: list[list[int]] = result.details.get("_born", [])  # type: ignore[assignment]
    return [pid for pid, _ in born if pid in apart], [pair for pair in born if pair[0] not in apart]
