"""TOUCH: one round under the lock: look again, decide, act. A watch is one round after another."""

from __future__ import annotations

from watchdog_tools import decision
from watchdog_tools.actions import oneshot, recordfile, remains, sick, standstill, starting
from watchdog_tools.actions.deaths import DAEMONS, mourn
from watchdog_tools.actions.keepsake import keepsake
from watchdog_tools.actions.mercy import forgiven
from watchdog_tools.actions.order import PATIENCE
from watchdog_tools.actions.run import Changed, down, left
from watchdog_tools.actions.tending import tend
from watchdog_tools.actions.weigh import weigh
from watchdog_tools.names import whose
from watchdog_tools.record import COMMAND, RUNNING, STARTING
from watchdog_tools.result import CRITICAL, Result
from watchdog_tools.system.clock import seconds
from watchdog_tools.system.proc import Unseen
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.run import Run
    from watchdog_tools.actions.weigh import Weighed
    from watchdog_tools.health import Health
    from watchdog_tools.record import Seen

# what leaves the record as it is
_STILL = (decision.NOTHING, decision.VETO, decision.UNSTARTABLE, decision.PAUSED, decision.DAEMON)
_CLAIMED = 3  # of those that say they are ours, as many are named
_TURNS = 5  # looks at a world that changes each time


def take_round(run: Run) -> Result:
    """Do for the service what it needs now, and return its verdict."""
    health: Health | None = None
    for _ in range(_TURNS):
        run.tell("looking again under the lock")
        health = run.order.look(run.life)
        if health is None:
            return left(run.order)
        try:
            return _act(run, health)
        except Unseen as error:
            return standstill.blind(run, health, str(error))
        except Changed:
            continue
    return Result(CRITICAL, f"{run.name} does not settle: {health.words if health else ''}", reason="failing")


def _act(run: Run, health: Health) -> Result:
    seen = _seen(run)
    run.load(seen.record)
    if seen.record and not seen.alive:
        seen.record = mourn(run, seen.record)
    weighed = weigh(run.order, health, seen, run.past)
    run.uids |= weighed.uids
    for pid, uid in weighed.claimed[:_CLAIMED]:
        run.note(f"pid {pid} of {whose(uid)} carries its mark, which any user can write: not taken for it")
    if weighed.choice in _STILL:  # or the next look would mourn the same death again
        standstill.remembered(run, weighed)
    return _WAYS[weighed.choice](run, health, weighed)


def _seen(run: Run) -> Seen:
    seen = run.order.seen(run.directory, run.order.owner)
    run.note(seen.note)
    if seen.corrupt:
        recordfile.set_aside(run.directory, run.name)
        run.event("record set aside", why=seen.note)
    return seen


def _keep(run: Run, _: Health, weighed: Weighed) -> Result:
    if weighed.record is None:
        raise Changed
    return starting.taken_over(run, weighed.record)


def _adopt(run: Run, health: Health, weighed: Weighed) -> Result:
    identity = min(weighed.marked, key=lambda each: each[1])
    if len(weighed.marked) > 1:
        run.note(f"{len(weighed.marked)} instances carry its mark")
    phase = COMMAND if run.order.wish.oneshot else STARTING
    record = run.record(phase, identity=identity, since=int(seconds(identity[1]) * 1000))
    written = run.write(record)
    run.event("adopted", pid=record.pid)
    keepsake(run)
    if phase == COMMAND:  # a start in flight, of a run that was killed
        if written:
            raise Changed
        return oneshot.in_flight(run, health, weighed)
    if run.order.hand == decision.HAND_RESTART and written:  # it has its record again, and is none that was restarted
        raise Changed
    return starting.taken_over(run, record, f"adopted {run.name}")


def _veto(run: Run, health: Health, _: Weighed) -> Result:
    return standstill.blind(run, health, health.veto)


def _unstartable(run: Run, health: Health, _: Weighed) -> Result:
    return standstill.blind(run, health, f"{health.words}; {health.unstartable}")


def _wait(run: Run, health: Health, weighed: Weighed) -> Result:
    if weighed.wait > PATIENCE:
        return standstill.waiting(run, health, weighed)
    standstill.remembered(run, weighed)
    run.tell(f"backing off for {spoken(weighed.wait)}")
    run.rest(weighed.wait)
    if run.alone():
        return left(run.order)
    raise Changed  # the world has gone on meanwhile


def _daemon(run: Run, health: Health, weighed: Weighed) -> Result:
    words = f"{DAEMONS}; what it became lives on as pid {weighed.daemons[0]}; not started beside it"
    return down(run.order, health.words or "no instance", words, "daemon")


def _start(run: Run, health: Health, weighed: Weighed) -> Result:
    blocked = sick.unknown(run, health, weighed) if run.order.hand else standstill.unmet(run, health, weighed)
    if blocked:
        return blocked
    if run.order.paused():  # since we looked: what it requires was asked meanwhile
        raise Changed
    if run.mercy:
        return forgiven(run.order, health.words or "no instance", "the next run tries again")
    was = weighed.record
    if was and was.phase == RUNNING and not was.pid and run.past.good:  # of --oneshot, which nobody mourns
        run.trouble, run.successes = 1, 0
        run.event("died", why=health.words)
    trouble = remains.ended(run, health, weighed)
    if trouble:
        return trouble
    run.note(health.claimed)  # what was started has a healthy check of its own behind it; whose the others are, it says
    if run.order.hand:  # an operator's order ends a hold and forgives what was
        run.past = run.past.but(attempts=0, held=0)
    return starting.start(run, health.words or "no instance")


_WAYS = {
    decision.NOTHING: tend,
    decision.VETO: _veto,
    decision.UNSTARTABLE: _unstartable,
    decision.PAUSED: standstill.paused,
    decision.KEEP: _keep,
    decision.ADOPT: _adopt,
    decision.STOP: sick.stopped,
    decision.RESTART: sick.restart,
    decision.REPLACE: sick.restart,
    decision.DAEMON: _daemon,
    decision.IN_FLIGHT: oneshot.in_flight,
    decision.HOLD: standstill.held,
    decision.WAIT: _wait,
    decision.START: _start,
}
