"""Probe again and again until it answers: the loop of --wait."""

from __future__ import annotations

import time

from watchdog_tools.core import UNKNOWN
from watchdog_tools.core.text import human_duration
from watchdog_tools.workers.worker import TALK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.core import Result
    from watchdog_tools.workers import Waits
    from watchdog_tools.workers.worker import Progress

_FIRST, _LONGEST = 0.05, 1.0  # seconds between two probes


def until_answer(probe: Callable[[Progress], Waits[Result]], seconds: float, progress: Progress) -> Waits[Result]:
    """Return the first Result without a reason, or the last one that `seconds` leave time for.

    What keeps us from probing is said at once: waiting does not mend it.
    """
    begun = time.monotonic()
    pause = _FIRST
    while True:
        result = yield from probe(progress)
        waited = time.monotonic() - begun
        left = seconds - waited
        if result.state == UNKNOWN or not result.reason or left <= 0:
            result.summary += f", after {human_duration(waited)} of waiting"
            return result
        progress(TALK, f"waiting, since {result.summary}")
        yield {}, min(pause, left)
        pause = min(pause * 2, _LONGEST)
