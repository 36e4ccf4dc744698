"""Several targets of one command, side by side: a looker each, so that one that hangs delays no other."""

from __future__ import annotations

from watchdog_tools.several import combined
from watchdog_tools.system.looks import Job, look_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.result import Result
    from watchdog_tools.system.looker import Say

_REPORT = 0.05  # seconds in front of the guard's deadline, so that there is time to say who did not answer


def abreast(looks: list[tuple[str, Callable[[Say], Result]]], on_timeout: int, say: Say) -> Result:
    """Take all looks, (target, look) each, and combine their Results."""
    jobs = [Job(look, target=target, on_timeout=on_timeout, down=0.0) for target, look in looks]
    results = look_all(jobs, max(say.left() - _REPORT, _REPORT)) or []
    for result, (target, _) in zip(results, looks, strict=True):
        if target not in result.summary:
            result.summary = f"{target}: {result.summary}"
    return combined(results)
