"""TOUCH: one round under the lock: check again, decide, act. A watch is one round after another."""

from __future__ import annotations

from watchdog_tools.actions import no_action, oneshot, start, unhealthy
from watchdog_tools.actions.assess import assess, unmet_requirements
from watchdog_tools.actions.boot_grace import pending_after_boot
from watchdog_tools.actions.context import StateChanged, down, ended_early, now
from watchdog_tools.actions.exits import DAEMON_HINT, record_exit
from watchdog_tools.actions.healthy import on_healthy, verify
from watchdog_tools.actions.hooks import run_hook
from watchdog_tools.actions.stop import end_remains, run_stop_hooks
from watchdog_tools.actions.time_limit import PATIENCE
from watchdog_tools.core import CRITICAL, Result, decision
from watchdog_tools.core.marks import user_words
from watchdog_tools.core.record import COMMAND, RUNNING, STARTING
from watchdog_tools.core.text import human_duration
from watchdog_tools.net.shutdown import is_shutting_down
from watchdog_tools.state import instance, record_files
from watchdog_tools.system import ticks_to_seconds
from watchdog_tools.system.proc import ProcUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.assess import Assessment
    from watchdog_tools.actions.context import Run
    from watchdog_tools.core.health import Health
    from watchdog_tools.core.record import Record, Seen

# what leaves the record as it is
_NO_CHANGE = (
    *(decision.NOTHING, decision.VETO, decision.UNSTARTABLE, decision.PAUSED, decision.DAEMON),
    decision.RELOAD,
)
_CLAIMED = 3  # of those that say they are ours, as many are named
_MAX_CHECKS = 5  # of a service whose state changes each time


def take_round(run: Run) -> Result:
    """Do for the service what it needs now, and return its verdict."""
    health: Health | None = None
    for _ in range(_MAX_CHECKS):
        run.begin_step("looking again under the lock")
        health = run.probes.check(run.parent_fd)
        if health is None:
            return ended_early(run)
        try:
            return _act(run, health)
        except ProcUnavailable as error:
            return no_action.blind(run, health, str(error))
        except StateChanged:
            continue
    return Result(CRITICAL, f"{run.name} does not settle: {health.summary if health else ''}", reason="failing")


def _act(run: Run, health: Health) -> Result:
    seen = _seen(run)
    run.load(seen.record)
    if seen.record and not seen.alive:
        if run.instance and run.instance.identity == seen.record.identity:
            seen.until = now()  # it was held until now, so that its session was its own
        seen.record = record_exit(run, seen.record)
    assessment = assess(run, health, seen)
    run.uids |= assessment.uids
    for pid, uid in assessment.claimed[:_CLAIMED]:
        run.note(f"pid {pid} of {user_words(uid)} carries its mark, which any user can write: not taken for it")
    if assessment.choice in _NO_CHANGE:  # or the next check would record the same exit again
        run.save_memory(assessment.record)
    return _ACTIONS[assessment.choice](run, health, assessment)


def _seen(run: Run) -> Seen:
    seen = instance.read_in(run.directory, run.owner)
    run.note(seen.note)
    if seen.corrupt:
        record_files.set_aside(run.directory, run.name)
        run.event("record set aside", why=seen.note)
    return seen


def _keep(run: Run, _: Health, assessment: Assessment) -> Result:
    if assessment.record is None:
        raise StateChanged
    if assessment.record.phase == STARTING:  # of a run that was killed, maybe before it kept its command line
        run.save_command()
    return _verified(run, start.take_over(run, assessment.record))


def _adopt(run: Run, health: Health, assessment: Assessment) -> Result:
    identity = min(assessment.marked, key=lambda each: each[1])
    if len(assessment.marked) > 1:
        run.note(f"{len(assessment.marked)} instances carry its mark")
    phase = COMMAND if run.config.start_options.oneshot else STARTING
    record = run.record(phase, identity=identity, since=int(ticks_to_seconds(identity[1]) * 1000))
    written = run.write(record)
    run.event("adopted", pid=record.pid)
    run.save_command()
    if phase == COMMAND:  # a start in flight, of a run that was killed
        if written:
            raise StateChanged
        return oneshot.in_flight(run, health, assessment)
    if run.config.operator == decision.OPERATOR_RESTART and written:
        raise StateChanged  # it has its record again, and is none that was restarted
    return _verified(run, start.take_over(run, record), f"adopted {run.name}")


def _veto(run: Run, health: Health, _: Assessment) -> Result:
    return no_action.blind(run, health, health.veto)


def _unstartable(run: Run, health: Health, _: Assessment) -> Result:
    return no_action.blind(run, health, f"{health.summary}; {health.unstartable}")


def _wait(run: Run, health: Health, assessment: Assessment) -> Result:
    if assessment.wait > PATIENCE:
        return no_action.waiting(run, health, assessment)
    run.save_memory(assessment.record)
    run.begin_step(f"backing off for {human_duration(assessment.wait)}")
    run.wait(assessment.wait)
    if run.guard_gone():
        return ended_early(run)
    raise StateChanged  # the world has gone on meanwhile


def _daemon(run: Run, health: Health, assessment: Assessment) -> Result:
    words = f"{DAEMON_HINT}; what it became lives on as pid {assessment.daemons[0]}; not started beside it"
    return down(run, health.summary or "no instance", words, "daemon")


def _start(run: Run, health: Health, assessment: Assessment) -> Result:
    blocked = (
        unhealthy.no_known_process(run, health, assessment)
        if run.config.operator
        else unmet_requirements(run, health, assessment)
    )
    if blocked:
        return blocked
    if run.probes.paused():  # since the check: what it requires was checked meanwhile
        raise StateChanged
    if assessment.remains and is_shutting_down():  # where nothing is to be ended, the start asks
        return no_action.shutting_down(run, health.summary or "no instance")
    if run.boot_grace:
        return pending_after_boot(run.config, health.summary or "no instance", "the next run tries again")
    was = assessment.record
    if was and was.phase == RUNNING and not was.pid and run.history.healthy_since:
        # of --oneshot, whose exit nobody sees
        run.in_trouble, run.successes = 1, 0
        run.event("died", why=health.summary)
    failure = end_remains(run, health, assessment)
    if failure:
        return failure
    if not assessment.remains:  # whose the processes are that made its check healthy
        run.note(health.claimed)
    if run.config.operator:  # an operator's order ends a hold and forgives what was
        run.history = run.history.replace(attempts=0, held_until=0)
    if run.config.operator == decision.OPERATOR_RESTART and health.works:  # up, though no process of it is known
        run_stop_hooks(run, None, health)
    return _start_one(run, health.summary or "no instance")


def _restart(run: Run, health: Health, assessment: Assessment) -> Result:
    command = run.config.stopping.restart if run.config.start_options.oneshot else ()
    return unhealthy.stop_for_restart(run, health, assessment) or _start_one(run, health.summary, command)


def _reload(run: Run, health: Health, assessment: Assessment) -> Result:
    from watchdog_tools.actions.reload import reload_instance  # an operator's run alone needs it

    return reload_instance(run, health, assessment)


def _renew(run: Run, health: Health, assessment: Assessment) -> Result:
    found = assessment.changes
    if found is None:
        raise StateChanged
    from watchdog_tools.actions import renew

    return renew.stop_for_renewal(run, health, assessment, found) or _start_one(run, found.cause)


def _start_one(run: Run, cause: str, command: tuple[str, ...] = ()) -> Result:
    """Start one and stay with it until it is healthy. Arguments as those of `start.start`."""
    done = "restarted" if run.in_trouble else "started"
    child = start.start(run, cause, command)
    if isinstance(child, Result):
        return child
    if run.config.start_options.oneshot:
        result = oneshot.follow(run, child, cause)
    else:
        found = start.await_running(run, run.attach(child), run.history.last)
        result = _verified(run, found, f"{done} {run.name}")
    if done == "restarted":
        run_hook(run, "restart", result, child.identity[0])
    return result


def _verified(run: Run, found: Record | Result, what: str = "") -> Result:
    """Return the verdict on an instance that lives, by its record, once it is healthy or had its time for that."""
    return found if isinstance(found, Result) else verify(run, found, what)


_ACTIONS = {
    decision.NOTHING: on_healthy,
    decision.VETO: _veto,
    decision.UNSTARTABLE: _unstartable,
    decision.PAUSED: no_action.paused,
    decision.KEEP: _keep,
    decision.ADOPT: _adopt,
    decision.STOP: unhealthy.stop_for_operator,
    decision.RELOAD: _reload,
    decision.RESTART: _restart,
    decision.RENEW: _renew,
    decision.REPLACE: _restart,
    decision.DAEMON: _daemon,
    decision.IN_PROGRESS: oneshot.in_flight,
    decision.HOLD: no_action.held,
    decision.WAIT: _wait,
    decision.START: _start,
}
