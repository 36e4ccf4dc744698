"""TOUCH: the failing instance is stopped; what is not ours is stopped alone.

What an instance left behind when it died alone is ended before the next start, or named beside it.
"""

from __future__ import annotations

from watchdog_tools.actions.assess import root_processes, state_of
from watchdog_tools.actions.boot_grace import count_attempt
from watchdog_tools.actions.context import ended_early, now
from watchdog_tools.actions.control_group import NOBODY, group_of, this_run
from watchdog_tools.actions.exits import CANNOT, DAEMON_HINT, start_failed
from watchdog_tools.actions.hooks import run_option
from watchdog_tools.actions.kill import end_all, end_alone, end_briefly, end_found, end_own
from watchdog_tools.actions.kill_set import Spared, Survivor
from watchdog_tools.actions.spawn import stuck_child
from watchdog_tools.actions.start_plan import target
from watchdog_tools.core import CRITICAL, Result
from watchdog_tools.core.decision import OPERATOR_STOP
from watchdog_tools.core.marks import user_words
from watchdog_tools.core.record import FAILED, RUNNING
from watchdog_tools.system import relatives
from watchdog_tools.system.cgroups import Foreign, holds
from watchdog_tools.system.identity import of
from watchdog_tools.system.relatives import left_by, ticks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchdog_tools.actions.assess import Assessment
    from watchdog_tools.actions.context import Run
    from watchdog_tools.actions.spawn import Child
    from watchdog_tools.core.health import Health
    from watchdog_tools.system.cgroups import Group
    from watchdog_tools.system.identity import Identity

_VERDICT, _CHANGED = ("CRITICAL", "failing"), ("OK", "changed")  # as the commands are told it
_NAMED = 5  # pids in a sentence
_NOTED = 50  # in an event


def stop(run: Run, instance: Child | None, health: Health, assessment: Assessment, changed: str = "") -> Result | None:
    """Stop it. Return None when it is provably gone, else the verdict: none is started beside it.

    changed: of one that is healthy, why it is stopped.
    """
    how = run.config.stopping
    pid = instance.identity[0] if instance else 0
    run.in_trouble, run.successes = int(run.config.operator != OPERATOR_STOP), 0  # what was ordered is no trouble
    run.fail()
    run.save_memory(assessment.record)
    verdict = _CHANGED if changed else _VERDICT
    run_stop_hooks(run, instance, health, verdict)
    if how.command:
        run_option(run, how.command, "--stop", verdict, pid)
    reason = "ordered" if run.config.operator else changed or health.summary
    if instance is None:
        run.event("stopped", why=reason)
        return None
    run.begin_step(f"stopping pid {pid}")
    seconds = how.timeout
    if how.command:  # it has asked; what is left after that is told by us
        instance.ended(seconds, run.parent_fd)
        seconds = 0.0
    survivors = blocked_by(
        run, _survivors(run, instance, seconds, ours=assessment.alive or bool(assessment.marked)), pid
    )
    exit_status = instance.exit_status() if instance.ended(0) else "not ended"
    run.detach()
    if not survivors:
        if run.config.operator == OPERATOR_STOP:  # its end was ordered, so that no run records it as a failure
            run.write(run.record(FAILED, identity=instance.identity))
        run.event("stopped", pid=pid, how=exit_status, why=reason)
        said = changed or (health.summary if health.down else "")
        run.done.append(f"pid {pid} was stopped{f' ({said})' if said else ''}")
        return None
    words = f"it cannot be stopped: {', '.join(survivors)}; nothing is started beside it"
    run.event("cannot stop", pid=pid, how=exit_status, why=", ".join(survivors))
    return Result(CRITICAL, f"{state_of(run, health, assessment)}; {words}", reason="unstoppable")


def run_stop_hooks(run: Run, instance: Child | None, health: Health, verdict: tuple[str, str] = _VERDICT) -> None:
    """Run --before-restart (not for an ordered stop) and --before-stop; a --oneshot command may do the rest."""
    how = run.config.stopping
    roots = [instance.identity] if instance else root_processes(health)
    pid = roots[0][0] if len(roots) == 1 else 0
    dump = () if run.config.operator == OPERATOR_STOP else how.before_restart
    for command, option in ((dump, "--before-restart"), (how.before_stop, "--before-stop")):
        if command:
            run_option(run, command, option, verdict, pid)


def _survivors(run: Run, instance: Child, seconds: float, *, ours: bool) -> list[Survivor]:
    """End it, as --kill-mode says. Return who is left of those that were to go; the rest is a note."""
    if run.config.stopping.kill_mode == "process":
        survivors = end_alone(instance, seconds, run.parent_fd)
        left = left_by(run.owner, instance.identity, run.uids, ticks(now()))[0] if ours else []
        if left:
            run.note(f"it left pid {', '.join(map(str, left[:_NAMED]))} running (--kill-mode process)")
        return survivors
    if not ours:
        spared = Spared(owner=run.owner, others=run.probes.others())
        return end_found(instance.identity, seconds, run.parent_fd, spared)
    with group_of(run.owner) as group:
        if group is None and holds(run.owner, instance.identity[0]):
            return [Survivor(NOBODY, sentence="its control group cannot be reached from here")]
        note_foreign(run, group)
        spared = Spared(owner=run.owner, others=run.probes.others())
        survivors = end_own(instance, run.uids, seconds, run.parent_fd, group=group, spared=spared)
    return survivors or _end_rest(run, instance.identity)


def _end_rest(run: Run, identity: Identity) -> list[Survivor]:
    """End what a stopped instance has left: the session of one that --stop ended, and other users' marks."""
    held, spared = ticks(now()), this_run()  # it was held until now, so that its session was its own

    def of_it(which: int) -> list[Identity]:
        pids = left_by(run.owner, identity, run.uids, held)[which]
        return [each for pid in pids if pid not in spared and (each := of(pid))]

    end_briefly(of_it(1))
    return end_all(lambda _known: of_it(0), 0.0, run.parent_fd)


def end_remains(run: Run, health: Health, assessment: Assessment) -> Result | None:
    """End them (--kill-mode group) or name them (process). Return None where a start may follow, else the verdict.

    Those of other uids may be anybody's who says so: they are ended, waited for half a second, and fail nothing.
    """
    stuck = stuck_child(run.config.start_options)
    if stuck:  # it is one of its control group, too, and cannot be ended
        count_attempt(run)
        return start_failed(run, health.summary, f"{CANNOT}: {stuck}")
    spared = this_run()  # which may well be a job of the cron that it keeps
    strays = [each for each in assessment.strays if each[0] not in spared]
    ours = [pid for pid in assessment.remains if pid not in spared]
    all_pids = [*ours, *(each[0] for each in strays)]
    if not all_pids:
        return None
    if run.config.stopping.kill_mode == "process":
        run.note(f"an earlier instance left pid {_listed(all_pids)} running")
        return None
    if run.guard_gone():
        return ended_early(run)
    run.begin_step("ending what an earlier instance left behind")
    end_briefly(strays)
    # a user's swarm in our group is ended at one stroke, too, but gets no further grace
    survivors = _kill_remains(run, assessment, spared, run.config.stopping.timeout if ours else 0.0)
    blocking = blocked_by(run, survivors)
    if blocking:
        reason = ", ".join(blocking)
        run.event("cannot stop", why=reason)
        words = f"what an earlier instance left behind cannot be ended: {reason}; nothing is started beside it"
        return Result(CRITICAL, f"{state_of(run, health, assessment)}; {words}", reason="unstoppable")
    alive = {each.pid for each in survivors}
    gone = [pid for pid in all_pids if pid not in alive]
    if gone:
        run.event("stopped", pids=gone[:_NOTED], why="left behind by an earlier instance")
        run.done.append(f"pid {_listed(gone)}, left behind by an earlier instance, was ended{_hint(run, assessment)}")
    return None


def _listed(pids: list[int]) -> str:
    return ", ".join(map(str, pids[:_NAMED]))


def _hint(run: Run, assessment: Assessment) -> str:
    """Return what to use where one start after the other ends so unseen: it may have become a daemon."""
    unseen = assessment.record and assessment.record.phase == RUNNING and not run.config.watch
    return f" ({DAEMON_HINT})" if unseen and run.history.attempts > 1 else ""


def blocked_by(run: Run, survivors: list[Survivor], instance: int = 0) -> list[Survivor]:
    """Return those of the survivors beside which nothing is started; the others are named.

    A process of another user that cannot be killed keeps nothing down: a user could see to that. instance: pid of it.
    """
    blocking = [each for each in survivors if each.pid == instance or each.uid is None or each.uid in run.uids]
    for each in survivors:
        if each not in blocking:
            run.note(f"not ended: {each}, of {user_words(each.uid or 0)}")
    return blocking


def note_foreign(run: Run, group: Group | None) -> None:
    """Say so where processes of another pid namespace are in the service's group: they are left alone."""
    try:
        if group:
            group.members()
    except Foreign as error:
        run.note(f"{error}: they are left alone")


def _kill_remains(run: Run, assessment: Assessment, spared: list[int], seconds: float) -> list[Survivor]:
    """End them, KILL after `seconds`; return who is left."""

    def find(_known: object) -> Iterable[Identity]:
        uid = target(run.config.start_options)
        pids = relatives.find(run.owner, uid, assessment.record, assessment.until).remains
        return filter(None, (of(pid) for pid in pids if pid not in spared))

    with group_of(run.owner) as group:
        note_foreign(run, group)
        return end_all(find, seconds, run.parent_fd, group)
