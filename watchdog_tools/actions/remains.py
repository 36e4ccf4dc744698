"""TOUCH: what an instance left behind when it died alone. It is ended before the next start, or named beside it."""

from __future__ import annotations

import os

from watchdog_tools.actions.end import end_all
from watchdog_tools.actions.plan import target
from watchdog_tools.actions.run import left
from watchdog_tools.actions.standstill import state_of
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
    """End them (--kill-mode group) or name them (process). Return None where a start may follow, else the verdict."""
    if not weighed.remains:
        return None
    pids = ", ".join(map(str, weighed.remains[:_NAMED]))
    if not run.order.stopping.remains:
        run.note(f"an earlier instance left pid {pids} running")
        return None
    if run.alone():
        return left(run.order)
    run.tell("ending what an earlier instance left behind")
    survivors = end_all(lambda _known: _found(run), run.order.stopping.timeout, run.life)
    if survivors:
        why = ", ".join(survivors)
        run.event("cannot stop", why=why)
        words = f"what an earlier instance left behind cannot be ended: {why}; nothing is started beside it"
        return Result(CRITICAL, f"{state_of(run, health, weighed)}; {words}", reason="unstoppable")
    run.event("stopped", pid=pids, why="left behind by an earlier instance")
    run.done.append(f"pid {pids}, left behind by an earlier instance, was ended")
    return None


def _found(run: Run) -> Iterable[Identity]:
    """Return what is left of instances that are gone, but this run and what stands above it."""
    spared = {os.getpid(), *ancestors()}
    pids = run.order.marked(run.order.owner, target(run.order.wish)).remains
    return filter(None, (of(pid) for pid in pids if pid not in spared))
