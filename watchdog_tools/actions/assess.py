"""TOUCH, prepared: gather the facts that decide, and decide; which process is the instance, held by its pidfd.

A run and its dry run ask the same way.
"""

from __future__ import annotations

import os

from watchdog_tools.actions.changes import find
from watchdog_tools.actions.context import StateChanged, ended_early, now
from watchdog_tools.actions.spawn import Child
from watchdog_tools.actions.start_plan import target
from watchdog_tools.core import CRITICAL, UNKNOWN, Result, decision, policy
from watchdog_tools.core.record import COMMAND, DAEMON
from watchdog_tools.system import relatives
from watchdog_tools.system.identity import handle, here
from watchdog_tools.system.path_trust import insecure
from watchdog_tools.system.proc import stat, status
from watchdog_tools.system.relatives import left_by, ticks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.changes import Comparison
    from watchdog_tools.actions.context import Run
    from watchdog_tools.core.config import ServiceConfig
    from watchdog_tools.core.health import Health
    from watchdog_tools.core.policy import Permission
    from watchdog_tools.core.record import History, Record, Seen
    from watchdog_tools.system.identity import Identity


class StopRefused(Exception):  # noqa: N818 -- a sentence
    """Nobody may be signalled; the sentence says why."""

    def __init__(self, words: str, state: int = CRITICAL, reason: str = "failing") -> None:
        """Take the sentence, and what it makes of the verdict."""
        super().__init__(words)
        self.state = state
        self.reason = reason


class Assessment:
    """The decision and what it rests on.

    until: when the record's instance lived for certain (milliseconds of the boot clock).
    history: what the policy knows. permission: what it says. marked: instances found by their mark, or by that of their
    control group. remains: pids of what instances that are gone
    left behind. claimed: (pid, uid) of what carries our mark without being ours. daemons: what a daemon left
    behind. strays: such of other uids. changes: what is another than at its start, if anything may be.
    paused: words about a pause in force. uids: whose marks count.
    """

    __slots__ = (
        "alive", "changes", "choice", "claimed", "daemons", "history", "in_startup", "marked", "paused", "permission",
        "record", "remains", "strays", "uids", "until",
    )  # fmt: skip

    def __init__(self, seen: Seen, history: History, permission: Permission) -> None:
        """Take what the record says; `assess` fills in the rest."""
        self.record = seen.record
        self.alive = seen.alive
        self.until = seen.until
        self.history = history
        self.permission = permission
        self.marked: list[Identity] = []
        self.remains: list[int] = []
        self.strays: list[Identity] = []
        self.claimed: list[tuple[int, int]] = []
        self.daemons: list[int] = []
        self.uids = frozenset({os.geteuid()})
        self.changes: Comparison | None = None
        self.paused = ""
        self.in_startup = False
        self.choice = ""

    @property
    def wait(self) -> float:
        """Seconds until the policy lets a start be made."""
        return max(self.permission.until - now(), 0) / 1000


def assess(run: Run, health: Health, seen: Seen) -> Assessment:
    """Return what a run does next. Raise ProcUnavailable where /proc does not show enough for that."""
    record, config = seen.record, run.config
    seen.lived(config.start_seconds)
    assessment = Assessment(seen, run.history, policy.judge(run.history, config.limits, now()))
    assessment.paused = run.probes.paused()
    uid = target(config.start_options)
    assessment.uids |= {uid}
    if not (seen.alive or (config.start_options.oneshot and record)):  # of --oneshot only a lost command is looked for
        found = relatives.find(run.owner, uid, record, seen.until)
        assessment.marked, assessment.claimed = found.instances, found.claimed
        if not config.start_options.oneshot:  # what a command starts is another keeper's
            assessment.remains, assessment.strays, assessment.daemons = found.remains, found.strays, found.daemons
    assessment.daemons = assessment.daemons or _daemons(run, seen, assessment.uids)
    assessment.changes = find(config, seen)
    assessment.in_startup = seen.alive and _in_startup(config, record)
    assessment.choice = decision.decide(
        decision.Situation(
            health=health,
            record=record,
            alive=seen.alive,
            in_startup=assessment.in_startup,
            marked=len(assessment.marked),
            daemons=len(assessment.daemons),
            in_progress=_in_progress(config, record),
            permission=assessment.permission,
            paused=bool(assessment.paused),
            changed=bool(assessment.changes and assessment.changes.restart_on),
            operator=config.operator,
        )
    )
    return assessment


def _in_startup(config: ServiceConfig, record: Record | None) -> bool:
    """Whether an instance was never healthy yet nor called failing, and still has time for it."""
    if record is None or record.history.healthy_since or record.history.failed:
        return False
    span = max(config.startup_timeout, config.patience.start_period) * 1000
    return 0 <= now() - record.since < span


def _daemons(run: Run, seen: Seen, uids: frozenset[int]) -> list[int]:
    """Return what lives on of an instance that turned itself into a daemon."""
    record = seen.record
    if record is None or record.reason != DAEMON or record.identity[2:] != here():
        return []
    return left_by(run.owner, record.identity, uids, ticks(seen.until))[0]


def _in_progress(config: ServiceConfig, record: Record | None) -> int:
    """Return the milliseconds for which a --oneshot command that is gone still counts as in progress."""
    span = int(config.startup_timeout * 1000)
    if record is None or record.boot != here()[0]:
        return 0
    # gone, and nobody saw when: its end is counted from the run that finds it so
    if record.phase == COMMAND:
        return span
    return record.since + span - now() if record.since <= now() else 0


def state_of(run: Run, health: Health, assessment: Assessment) -> str:
    """Return how a service is that does not work, in words that a reason follows."""
    lives = assessment.alive or health.exists
    return f"{run.name} is {'alive but failing' if lives else 'down'} ({health.summary or 'no instance'})"


def unmet_requirements(run: Run, health: Health, assessment: Assessment) -> Result | None:
    """Return the verdict of a service that waits for what it requires; None if all of that is there."""
    missing = missing_requirements(run)
    if missing is None:
        return ended_early(run)
    if not missing:
        return None
    run.save_memory(assessment.record)
    words = f"{state_of(run, health, assessment)}; waiting for {', '.join(missing)}"
    return Result(CRITICAL, words, reason="waiting")


def missing_requirements(run: Run) -> list[str] | None:
    """Return what it requires and is down, in words; None if our guard is gone."""
    if not run.config.has_requirements:
        return []
    run.begin_step("asking what it requires")
    said = run.probes.requirements(run.parent_fd)
    for name, result in said or ():
        if result.state == UNKNOWN:
            run.note(f"{name}, which it requires, cannot be judged: {result.summary}")
    return None if said is None else [f"{name} ({result.summary})" for name, result in said if result.state == CRITICAL]


def find_instance(run: Run, health: Health, assessment: Assessment) -> Child | None:
    """Return the instance that lives, held by its pidfd; None if none is known. Raise StopRefused, StateChanged."""
    if assessment.alive and assessment.record:
        return _attach(run, assessment.record.identity[:2])
    if assessment.marked:
        return _attach(run, min(assessment.marked, key=lambda each: each[1])[:2])
    if run.config.start_options.oneshot or not health.exists:
        return None
    roots = root_processes(health)
    if len(roots) != 1:
        said = f"{len(roots)} processes that do not belong together" if roots else "no process that can be told"
        raise StopRefused(f"the checks found {said}, so it is not restarted")
    root = roots[0]
    if health.pidfile:
        unsafe = insecure(health.pidfile, _uid(root[0]))
        if unsafe:
            raise StopRefused(f"{unsafe}; nothing is signalled", UNKNOWN, "insecure")
    return _attach(run, root)


def attach_found(run: Run, health: Health) -> None:
    """Attach to the instance that somebody else started, if it is one, so that a watch notices its death at once."""
    roots = root_processes(health) if run.config.watch else []
    if len(roots) != 1:
        run.detach()
        return
    try:
        _attach(run, roots[0])
    except StateChanged:
        run.detach()


def root_processes(health: Health) -> list[tuple[int, int]]:
    """Return those found whose parent is not among them: a master, not its workers."""
    pids = {pid for pid, _ in health.found}
    found = [(each, stat(each[0])) for each in health.found]
    return [each for each, seen in found if seen and seen.ticks == each[1] and seen.parent not in pids]


def _attach(run: Run, child: tuple[int, int]) -> Child:
    """Attach to exactly that process (pid, start ticks) by its pidfd. Raise StateChanged if it is gone."""
    identity = (*child, *here())
    descriptor = handle(identity)
    if descriptor is None:
        raise StateChanged
    return run.attach(Child(identity=identity, handle=descriptor))


def _uid(pid: int) -> int | None:
    found = status(pid)
    return int(found["Uid"].split()[1]) if found else None
