"""TOUCH: what an instance left behind when it died alone. It is ended before the next start, or named beside it."""

from __future__ import annotations

import os

from watchdog_tools.actions.deaths import DAEMONS
from watchdog_tools.actions.end import end_all, end_briefly
from watchdog_tools.actions.plan import target
from watchdog_tools.actions.run import left
from watchdog_tools.actions.standstill import state_of
from watchdog_tools.record import RUNNING
from watchdog_tools.result import CRITICAL, Result
from watchdog_tools.system.family import ancestors
from watchdog_tools.system.identity import of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchdog_tools.actions.run import Run
    from watchdog_tools.actions.weigh import Weighed
    from watchdog_tools.health import Health
    from watchdog_tools.system.identity import Identity

_NAMED = 5  # pids in a sentence


def ended(run: Run, health: Health, weighed: Weighed) -> Result | None:
    """End them (--kill-mode group) or name them (process). Return None where a start may follow, else the verdict.

    Those of other uids may be anybody's who says so: they are ended, waited for half a second, and fail nothing.
    """
    spared = {os.getpid(), *ancestors()}
    strays = [each for each in weighed.strays if each[0] not in spared]
    ours = [pid for pid in weighed.remains if pid not in spared]
    pids = ", ".join(map(str, [*ours, *(each[0] for each in strays)][:_NAMED]))
    if not pids:
        return None
    if not run.order.stopping.remains:
        run.note(f"an earlier instance left pid {pids} running")
        return None
    if run.alone():
        return left(run.order)
    run.tell("ending what an earlier instance left behind")
    end_briefly(strays)
    survivors = end_all(lambda _known: _found(run, spared), run.order.stopping.timeout, run.life) if ours else []
    if survivors:
        why = ", ".join(survivors)
        run.event("cannot stop", why=why)
        words = f"what an earlier instance left behind cannot be ended: {why}; nothing is started beside it"
        return Result(CRITICAL, f"{state_of(run, health, weighed)}; {words}", reason="unstoppable")
    run.event("stopped", pid=pids, why="left behind by an earlier instance")
    run.done.append(f"pid {pids}, left behind by an earlier instance, was ended{_hint(run, weighed)}")
    return None


def _hint(run: Run, weighed: Weighed) -> str:
    """Return what to use where one start after the other ends so unseen: it may have become a daemon."""
    unseen = weighed.record and weighed.record.phase == RUNNING and not run.order.watch
    return f" ({DAEMONS})" if unseen and run.past.attempts > 1 else ""


def _found(run: Run, spared: set[int]) -> Iterable[Identity]:
    """Return what is left of instances that are gone, but this run and what stands above it."""
    pids = run.order.marked(run.order.owner, target(run.order.wish)).remains
    return filter(None, (of(pid) for pid in pids if pid not in spared))
