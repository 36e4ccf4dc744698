"""ensure-running --dry-run: what a run would do now, and how long it may take. Nothing is touched."""

from __future__ import annotations

import os

from watchdog_tools.actions import start_plan as plans
from watchdog_tools.actions.assess import assess
from watchdog_tools.actions.context import Run, now
from watchdog_tools.actions.rehearsal import ensure_startable
from watchdog_tools.actions.time_limit import PATIENCE, run_limit
from watchdog_tools.core import CRITICAL, OK, UNKNOWN, Result, decision, policy
from watchdog_tools.core.health import Health
from watchdog_tools.core.record import RUNNING, History
from watchdog_tools.core.text import human_duration, quoted
from watchdog_tools.ensure_running.probes import Probes
from watchdog_tools.state import StateDirError, enter, instance
from watchdog_tools.system.identity import here
from watchdog_tools.system.proc import ProcUnavailable
from watchdog_tools.workers import Check, run_all

_NAMED = 5  # pids in a sentence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.assess import Assessment
    from watchdog_tools.core.config import ServiceConfig
    from watchdog_tools.core.record import Record, Seen
    from watchdog_tools.ensure_running.config import Config
    from watchdog_tools.workers.worker import Progress


def dry_run(config: Config, cancel_fd: int) -> Result | None:
    """Say what a run would do now."""
    check = Check(lambda progress: _dry_run(config, progress), target=config.name)
    results = run_all([check], 3 * config.check_seconds + 1, cancel_fd)
    return results[0] if results else None


def _dry_run(config: Config, progress: Progress) -> Result:
    probes = Probes(config)
    health = probes.check(-1) or Health([])
    cause, lives, chosen = health.summary or "no instance", health.exists, ""
    would = "start nothing: "
    state = CRITICAL
    try:
        run = Run(config.service, config.owner, probes, progress, -1)
        _usable(run)
        seen = instance.read(run.owner)
        lives = lives or seen.alive
        ensure_startable(run.config.start_options, os.environ)
        run.history = _history(run.config, health, seen)
        assessment = assess(run, health, seen)
        chosen = assessment.choice
        seconds = run_limit(run.config) + config.check_seconds
        would = f"{_would(run, assessment)}; a run may take {human_duration(seconds)}"
    except ProcUnavailable as error:
        would += str(error)
        state = UNKNOWN
    except (StateDirError, plans.CannotStart, OSError) as error:
        would += str(error)
    if not health.has_checks and chosen in (decision.RENEW, decision.NOTHING):
        return Result(OK, f"{config.name} is running; would {would}", reason="dry-run")
    if health.works:
        words = f"{config.name} {health.phrase}: {health.summary}; would {would}"
        return Result(health.state, words, reason="dry-run")
    words = f"{config.name} is {'alive but failing' if lives else 'down'} ({cause}); would {would}"
    return Result(state, words, reason="dry-run")


def _usable(run: Run) -> None:
    """Raise StateDirError where a run could not act: of a --state-dir it creates the last level alone."""
    path = run.owner.directory
    try:
        os.close(enter(path))
    except StateDirError as error:
        if not error.missing or (run.config.state_dir and not os.path.isdir(os.path.dirname(path))):
            raise


def _history(config: ServiceConfig, health: Health, seen: Seen) -> History:
    """Return what the policy would know: what a run finds failing or dead, it remembers before it judges."""
    record = seen.record
    if record is None or record.identity[2:] != here():
        return History()
    if record.phase != RUNNING or not record.pid or not (health.has_checks and health.down):
        return record.history
    return policy.with_failure(record.history, config.limits, now() if seen.alive else record.since, now())


def _would(run: Run, assessment: Assessment) -> str:
    choice = assessment.choice
    if choice in (decision.RESTART, decision.REPLACE):
        return _would_restart(run, assessment)
    if choice == decision.RENEW:
        return f"{_held_back(run, assessment)}, as it is {assessment.changes.cause if assessment.changes else ''}"
    if choice == decision.WAIT and assessment.wait <= PATIENCE:
        return f"back off for {human_duration(assessment.wait)}, and look again"
    command = quoted(" ".join(run.config.start_options.argv), 120)
    what = {
        decision.START: _missing(run) or f"{_remains(run, assessment)}start: {command}",
        decision.WAIT: f"back off for {human_duration(assessment.wait)}",
        decision.HOLD: f"hold for {human_duration(assessment.wait)}",
    }
    return what.get(choice, choice)


def _remains(run: Run, assessment: Assessment) -> str:
    """Return what would be ended first, or lives on beside it (--kill-mode process), in words that a start follows."""
    pids = ", ".join(map(str, [*assessment.remains, *(each[0] for each in assessment.strays)][:_NAMED]))
    if not pids:
        return ""
    if run.config.stopping.kill_mode == "group":
        return f"end what an earlier instance left behind (pid {pids}), and "
    return f"leave what an earlier instance left behind running (pid {pids}), and "


def _would_restart(run: Run, assessment: Assessment) -> str:
    """Return what would become of a sick instance: patience comes first, then what it requires, then the policy."""
    patience = run.config.patience
    first = f"look up to {patience.retries} times more, then " if patience.retries else ""
    failures = _failures(assessment.record) + 1
    if failures < patience.fail_after:
        return f"{first}count {failures} of {patience.fail_after} failing looks"
    if assessment.permission.kind == policy.HELD:
        return first + (_missing(run) or f"hold for {human_duration(assessment.wait)}")
    return first + (_missing(run) or assessment.choice)


def _held_back(run: Run, assessment: Assessment) -> str:
    """Return what would become of a healthy instance that is older than a file of --restart-on."""
    missing = _missing(run)
    if missing or assessment.permission.kind == policy.NOW:
        return missing or "restart it"
    return f"restart it in {human_duration(assessment.wait)}"


def _failures(record: Record | None) -> int:
    return record.failures if record and record.identity[2:] == here() else 0


def _missing(run: Run) -> str:
    """Return what it would wait for, or an empty string."""
    said = (run.probes.requirements(-1) if run.config.has_requirements else None) or []
    missing = [f"{name} ({result.summary})" for name, result in said if result.state == CRITICAL]
    return f"wait for {', '.join(missing)}" if missing else ""
