"""Look again and again until it answers: the loop of --wait."""

from __future__ import annotations

import time

from watchdog_tools.result import UNKNOWN
from watchdog_tools.system.looker import TALK
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.result import Result
    from watchdog_tools.system.looker import Say

_FIRST, _LONGEST = 0.05, 1.0  # seconds between two looks


def until_answer(look: Callable[[Say], Result], seconds: float, say: Say) -> Result:
    """Return the first Result without a reason, or the last one that `seconds` leave time for.

    What keeps us from looking is said at once: waiting does not mend it.
    """
    begun = time.monotonic()
    pause = _FIRST
    while True:
        result = look(say)
        waited = time.monotonic() - begun
        left = seconds - waited
        if result.state == UNKNOWN or not result.reason or left <= 0:
            result.summary += f", after {spoken(waited)} of waiting"
            return result
        say(TALK, f"waiting, since {result.summary}")
        time.sleep(min(pause, left))  # in a looker, which the guard may kill
        pause = min(pause * 2, _LONGEST)
