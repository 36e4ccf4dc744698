"""ensure-running --dry-run: what a run would do now, and how long it may take. Nothing is touched."""

from __future__ import annotations

import os

from watchdog_tools import decision, policy
from watchdog_tools.actions import plan as plans
from watchdog_tools.actions.order import PATIENCE
from watchdog_tools.actions.rehearsal import ensure_startable
from watchdog_tools.actions.run import now
from watchdog_tools.actions.weigh import weigh
from watchdog_tools.commands.ordering import health as asked
from watchdog_tools.commands.ordering import order as ordered
from watchdog_tools.health import Health
from watchdog_tools.probes import instance
from watchdog_tools.record import RUNNING, History
from watchdog_tools.result import CRITICAL, UNKNOWN, Result
from watchdog_tools.system.identity import here
from watchdog_tools.system.looks import Job, look_all
from watchdog_tools.system.proc import Unseen
from watchdog_tools.system.statedir import NoState, enter
from watchdog_tools.text import quoted
from watchdog_tools.units import spoken

_NAMED = 5  # pids in a sentence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.order import Order
    from watchdog_tools.actions.weigh import Weighed
    from watchdog_tools.commands.keeping import Config
    from watchdog_tools.record import Record, Seen


def dry(config: Config, seconds: float, wake: int) -> Result | None:
    """Say what a run would do now."""
    results = look_all([Job(lambda _say: _foreseen(config, seconds), target=config.name)], 3 * seconds + 1, wake)
    return results[0] if results else None


def _foreseen(config: Config, seconds: float) -> Result:
    health = asked(config, seconds, -1) or Health([])
    why, lives = health.words or "no instance", health.exists
    would = "start nothing: "
    state = CRITICAL
    try:
        order = ordered(config, seconds, config.path)
        _usable(config, order.path)
        seen = instance.look(order.owner)
        lives = lives or seen.alive
        ensure_startable(order.wish, os.environ)
        weighed = weigh(order, health, seen, _past(order, health, seen))
        would = f"{_would(config, order, weighed)}; a run may take {spoken(order.limit + seconds)}"
    except Unseen as error:
        would += str(error)
        state = UNKNOWN
    except (NoState, plans.CannotStart, OSError) as error:
        would += str(error)
    if health.works:
        words = f"{config.name} {health.lead}: {health.words}; would {would}"
        return Result(health.state, words, reason="dry-run")
    words = f"{config.name} is {'alive but failing' if lives else 'down'} ({why}); would {would}"
    return Result(state, words, reason="dry-run")


def _usable(config: Config, path: str) -> None:
    """Raise NoState where a run could not act: of a --state-dir it creates the last level alone."""
    try:
        os.close(enter(path))
    except NoState as error:
        if not error.missing or (config.values["state_dir"] and not os.path.isdir(os.path.dirname(path))):
            raise


def _past(order: Order, health: Health, seen: Seen) -> History:
    """Return what the policy would know: what a run finds failing or dead, it remembers before it judges."""
    record = seen.record
    if record is None or record.identity[2:] != here():
        return History()
    if record.phase != RUNNING or not record.pid or not (health.asked and health.down):
        return record.history
    return policy.failed(record.history, order.limits, now() if seen.alive else record.since, now())


def _would(config: Config, order: Order, weighed: Weighed) -> str:
    choice = weighed.choice
    if choice in (decision.RESTART, decision.REPLACE):
        return _would_restart(order, weighed)
    if choice == decision.WAIT and weighed.wait <= PATIENCE:
        return f"back off for {spoken(weighed.wait)}, and look again"
    what = {
        decision.START: _lacking(order) or f"{_remains(order, weighed)}start: {quoted(' '.join(config.command), 120)}",
        decision.WAIT: f"back off for {spoken(weighed.wait)}",
        decision.HOLD: f"hold for {spoken(weighed.wait)}",
    }
    return what.get(choice, choice)


def _remains(order: Order, weighed: Weighed) -> str:
    """Return what would be ended first, in words that a start follows."""
    pids = ", ".join(map(str, weighed.remains[:_NAMED]))
    return f"end what an earlier instance left behind (pid {pids}), and " if pids and order.stopping.remains else ""


def _would_restart(order: Order, weighed: Weighed) -> str:
    """Return what would become of a sick instance: patience comes first, then what it requires, then the policy."""
    patience = order.patience
    first = f"look up to {patience.retries} times more, then " if patience.retries else ""
    failures = _failures(weighed.record) + 1
    if failures < patience.fail_after:
        return f"{first}count {failures} of {patience.fail_after} failing looks"
    if weighed.verdict.kind == policy.HELD:
        return first + (_lacking(order) or f"hold for {spoken(weighed.wait)}")
    return first + (_lacking(order) or weighed.choice)


def _failures(record: Record | None) -> int:
    return record.failures if record and record.identity[2:] == here() else 0


def _lacking(order: Order) -> str:
    """Return what it would wait for, or an empty string."""
    said = (order.requires(-1) if order.requires else None) or []
    lacking = [f"{name} ({result.summary})" for name, result in said if result.state == CRITICAL]
    return f"wait for {', '.join(lacking)}" if lacking else ""
