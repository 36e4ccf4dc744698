"""TOUCH: an instance has ended, or a start has failed. Say how, remember it once, and notice what it left behind.

Say, too, when the next start may be; where none is left, the hold begins here.
"""

from __future__ import annotations

from watchdog_tools.actions import evidence
from watchdog_tools.actions.boot_grace import pending_after_boot, within_boot_grace
from watchdog_tools.actions.context import down, now
from watchdog_tools.actions.control_group import mark_daemon
from watchdog_tools.actions.hooks import run_hook
from watchdog_tools.core import CRITICAL, Result, policy
from watchdog_tools.core.record import DAEMON, FAILED, RUNNING
from watchdog_tools.core.text import human_duration
from watchdog_tools.system.identity import here
from watchdog_tools.system.relatives import left_by, ticks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.context import Run
    from watchdog_tools.actions.spawn import Child
    from watchdog_tools.core.policy import Permission
    from watchdog_tools.core.record import Record
    from watchdog_tools.system.identity import Identity

DAEMON_HINT = "a program that turns itself into a daemon wants its foreground flag, or --oneshot"
_DONE = "exited with 0"
CANNOT = "cannot start"


def record_exit(run: Run, record: Record) -> Record:
    """Remember the exit of the record's instance, once. Return the record as it is from now on.

    A watcher sees the death itself; another run finds it dead, and then the backoff counts from its start.
    """
    child = run.instance if run.instance and run.instance.identity == record.identity else None
    how = child.exit_status() if child else "ended"
    run.detach()
    if record.phase != RUNNING or not record.pid or record.identity[2:] != here():
        return record  # or of another boot or namespace, where nobody saw it die
    if not (run.history.failed and run.in_trouble):  # one that was only seen failing is not dead yet
        run.fail(0 if child else record.since)
        run.in_trouble, run.successes = 1, 0
        found = evidence.gather(run.clues, run.config.start_options, record.identity, how)
        run.done.append(f"pid {record.pid} {found.how}{found.brief(watch=bool(run.config.watch))}")
        _log_exit(run, record.pid, how, found)
    if how != _DONE or (record.history.healthy_since and run.config.stopping.kill_mode == "process"):
        return record  # with --kill-mode process, what a healthy one carried lives on
    return _became_a_daemon(run, record)


def _log_exit(run: Run, pid: int, how: str, found: evidence.Evidence) -> None:
    """Write down an exit: an event that everybody may read, and the lines of the log where the keeper alone may."""
    facts: dict[str, object] = {"pid": pid, "how": how} | ({"why": found.reason} if found.reason else {})
    run.event("died", **facts)
    if found.lines:
        facts |= {"log": run.config.start_options.log, "lines": found.lines}
        run.note(*run.memory.event(run.directory, "died", facts, evidence=True))


def _became_a_daemon(run: Run, record: Record) -> Record:
    """Write down that an instance which exited with 0 lives on as what it left behind, if it does."""
    if not _left_behind(run, record.identity)[0]:
        return record
    daemon = run.record(FAILED, identity=record.identity)
    daemon.reason = DAEMON
    mark_daemon(run.owner, record.identity)
    run.write(daemon)
    return daemon


def died_at_once(run: Run, child: Child) -> Result:
    """Return the verdict on one that did not live for --start-seconds: a failed start, unless others serve."""
    exit_status, ours, others = _exit(run, child)
    lived = f"within {run.config.start_seconds:g} s of its start"
    words = f"pid {child.identity[0]} {exit_status} {lived}{_left_words(ours + others)}"
    if exit_status == _DONE:
        words += f"; {DAEMON_HINT}"
    health = run.probes.check(run.parent_fd)
    served = bool(health and health.works)
    verdict = start_failed(run, "", words, child.identity if ours and exit_status == _DONE else None, served=served)
    if health and served:  # the verdict is the service's, whoever serves
        verdict.state = min(health.state, CRITICAL)
        verdict.summary = f"{run.name} is healthy: {health.summary}; but {words}"
    return verdict


def died(run: Run, child: Child) -> Result:
    """Return the verdict on one that died before it was healthy."""
    exit_status, ours, others = _exit(run, child)
    words = f"pid {child.identity[0]} {exit_status}{_left_words(ours + others)}"
    if ours and exit_status == _DONE:
        return start_failed(run, "", f"{words}; {DAEMON_HINT}", child.identity)
    run.fail()
    run.in_trouble = 1
    begins = not within_boot_grace(run.config) and begin_hold(run, permission_now(run))
    run.write(run.record(RUNNING, identity=child.identity, since=run.history.last or now()))
    if within_boot_grace(run.config):
        return pending_after_boot(run.config, "", words)
    verdict = down(run, words, next_try(run), "died")
    if begins:
        announce_hold(run, words, verdict)
    return verdict


def _exit(run: Run, child: Child) -> tuple[str, list[int], list[int]]:
    """Return how it ended, and `_left_behind`: that is searched for behind every exit, whatever its status."""
    exit_status = child.exit_status()
    run.detach()
    found = evidence.gather(run.clues, run.config.start_options, child.identity, exit_status)
    _log_exit(run, child.identity[0], exit_status, found)
    run.note(found.sentence(run.config.start_options.log))
    return found.how, *_left_behind(run, child.identity)


def _left_behind(run: Run, identity: Identity) -> tuple[list[int], list[int]]:
    """Return the live processes that came from it, and where we are root those of other uids, who only say so."""
    return left_by(run.owner, identity, run.uids, ticks(now()))


def _left_words(pids: list[int]) -> str:
    return f" and left pid {', '.join(map(str, pids[:5]))} behind" if pids else ""


def start_failed(  # noqa: PLR0913 -- what is said of one start
    run: Run, cause: str, words: str, daemon: Identity | None = None, how: str = "down", *, served: bool = False
) -> Result:
    """Remember a start that failed, so that the next ones back off. Return the verdict.

    daemon: the instance that ended and left a daemon behind, by whose mark that is known. how: the service is.
    served: others do its work, so that there is nothing to hold.
    """
    in_grace = within_boot_grace(run.config)
    run.fail()
    run.boot_grace = in_grace
    begins = not (in_grace or served) and begin_hold(run, permission_now(run))  # a boot costs no hold
    record = run.record(FAILED, identity=daemon)
    record.reason = DAEMON if daemon else ""
    if daemon:
        mark_daemon(run.owner, daemon)
    run.write(record)
    run.event(CANNOT, why=words.removeprefix(f"{CANNOT}: "), attempt=run.history.attempts)
    if in_grace:
        return pending_after_boot(run.config, cause, words)
    verdict = down(run, cause, f"{words}; {next_try(run)}", "failed", how)
    if begins:
        announce_hold(run, words, verdict)
    return verdict


def permission_now(run: Run) -> Permission:
    """Return what the policy says now."""
    return policy.judge(run.history, run.config.limits, now())


def begin_hold(run: Run, permission: Permission) -> bool:
    """Begin the hold that the policy asks for, if it does: the next record says so. Return whether it begins now.

    Whoever says "held" has called this first: a hold that no record tells of is kept by no run.
    """
    if permission.new_hold:
        run.history = policy.with_hold(run.history, run.config.limits, now())
    return permission.new_hold


def announce_hold(run: Run, cause: str, verdict: Result) -> None:
    """Say into the log that a hold has begun, and tell who asked to be told."""
    run.event("held", seconds=round((permission_now(run).until - now()) / 1000), why=cause)
    run_hook(run, "hold", Result(CRITICAL, verdict.summary, reason="held"))


def next_try(run: Run) -> str:
    """Return when the policy lets the next start be made, in words."""
    permission = permission_now(run)
    wait = max(permission.until - now(), 0) / 1000
    if permission.kind == policy.HELD:
        return hold_words(run, wait)
    return "the next run tries again" if permission.kind == policy.NOW else f"next try in {human_duration(wait)}"


def hold_words(run: Run, wait: float) -> str:
    """Return for how long it is held, why, and what ends that. wait: seconds."""
    return f"held for {human_duration(wait)}, after {starts(run)} (watchdog-tools start {run.name} ends that)"


def starts(run: Run) -> str:
    """Return the starts that --limit allows, in words."""
    limits = run.config.limits
    return f"{limits.count} start{'' if limits.count == 1 else 's'} within {human_duration(limits.window / 1000)}"
