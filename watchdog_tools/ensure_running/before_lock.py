"""What ensure-running sees before it takes a lock: what the state directory says, the checks, and what follows."""

from __future__ import annotations

import os

from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING, Result, of_instance
from watchdog_tools.core.health import found_pids
from watchdog_tools.core.record import RUNNING, STARTING
from watchdog_tools.core.text import human_duration
from watchdog_tools.ensure_running.config import is_no_news, stuck_runs
from watchdog_tools.state import StateDirError, instance, pause_directory, pause_present
from watchdog_tools.system import uptime
from watchdog_tools.system.proc import ProcUnavailable, stat
from watchdog_tools.workers import Check, run_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core.baseline import Then
    from watchdog_tools.core.health import Health
    from watchdog_tools.core.record import Record, Seen
    from watchdog_tools.ensure_running.config import Config


class InstanceFacts:
    """What the state directory says of the service, before a lock is taken.

    state, summary, reason: as of a check that the instance lives. note: why it says less than it could, or that a pause
    is ignored; or empty. phase: the record's, of an instance that lives; else empty. pid: of that, 0 for none, None
    where it is not known. paused: words about a pause that is in force, or empty. up_to_date: a healthy check has
    nothing to write down. corrupt: the record is unusable. hangs: the state directory does, or may; it is not touched.
    no_news: a healthy verdict is no news (`KeeperFacts`).
    then: of an instance that may be older than its command or its files, its age in words and what it was started with,
    as plain data. changed: words about that.
    """

    # defaults of the class, not slots: half the price to load, and only what was set travels through a pipe
    state = CRITICAL
    summary = "no instance"
    reason = ""
    note = ""
    phase = ""
    pid: int | None = 0
    paused = ""
    up_to_date = True
    corrupt = False
    hangs = False
    no_news = False
    then: Then | None = None
    changed = ""


def run_checks(config: Config, cancel_fd: int) -> tuple[InstanceFacts, list[tuple[str, Result]]] | None:
    """Return what the state directory says, and each check by its name; None if `cancel_fd` came first."""
    checks: list[Check[Result | dict[str, object]]] = [Check(lambda _progress: vars(_facts(config)))]
    for _, check in config.checks:
        if check.on_timeout is None:
            check.on_timeout = config.on_timeout
        checks.append(check)
    if config.files:
        checks.append(_files(config.files))
    results = run_all(checks, config.check_seconds, cancel_fd)
    if results is None:
        return None
    first, *others = results
    seen = _received(first)
    files = others.pop() if config.files else {}
    if seen.then:
        from watchdog_tools.ensure_running import changes

        seen.changed, calls = changes.words(config, seen.then, files)
        seen.up_to_date = seen.up_to_date and not calls
    named = [
        (name, as_keeper(result))
        for (name, _), result in zip(config.checks, others, strict=True)
        if isinstance(result, Result)  # each is; only the first one sends facts
    ]
    if seen.reason == "timeout":
        from watchdog_tools.system import waiting

        waiting.leave_hint(config.name)
    ours = unclaimed(config, named, seen.pid, cancel_fd)
    return None if ours is None else (seen, ours)


def _files(paths: tuple[str, ...]) -> Check[Result | dict[str, object]]:
    from watchdog_tools.system.file_states import SECONDS, states

    return Check(lambda _progress: {**states(paths)}, limit=SECONDS)


def _received(sent: Result | dict[str, object]) -> InstanceFacts:
    """Return the facts that a worker sent; of one that sent none, why."""
    seen = InstanceFacts()
    if isinstance(sent, Result):
        seen.state, seen.summary, seen.reason, seen.pid = sent.state, sent.summary, sent.reason, None
        seen.hangs = sent.reason == "timeout"
    else:
        vars(seen).update(sent)
    return seen


def unclaimed(
    config: Config, named: list[tuple[str, Result]], own: int | None, cancel_fd: int
) -> list[tuple[str, Result]] | None:
    """Return the checks' Results without what other services claim; None if `cancel_fd` came first.

    own: the pid of our instance that lives, if one does. Where each check found it there is nothing to look for.
    """
    if not any(found_pids(name, result, own) for name, result in named):
        return named
    from watchdog_tools.ensure_running import claims

    return claims.unclaimed_results(config, named, own, cancel_fd)


def as_keeper(result: Result) -> Result:
    """Return a check's Result as a keeper takes it: a pidfile from before the boot is no reason to act."""
    if result.reason == "stale-boot":
        result.state = UNKNOWN
    return result


def _facts(config: Config) -> InstanceFacts:
    """Return what the state directory says now; only forks call it."""
    facts = InstanceFacts()
    hanging = stuck_runs(config)
    if hanging:
        facts.state, facts.summary, facts.reason, facts.note = UNKNOWN, hanging, "blind", hanging
        facts.hangs = True
        return facts
    try:
        seen = instance.read(config.owner)
        facts.paused, note = pause(config)
    except StateDirError as error:
        facts.note = str(error)
        return facts
    except ProcUnavailable as error:
        facts.state, facts.summary, facts.reason = UNKNOWN, str(error), "blind"
        return facts
    facts.note = "; ".join(filter(None, (seen.note, note)))
    facts.corrupt = seen.corrupt
    facts.no_news = is_no_news(config)
    facts.up_to_date = _up_to_date(config, seen)
    if seen.record and seen.alive:
        facts.phase, facts.pid = seen.record.phase, seen.record.pid
        facts.state, facts.summary = _living(seen.record)
        if facts.phase == RUNNING and config.start and (config.files or seen.baseline):
            facts.then = _then(config, seen)
    return facts


def write_seen(config: Config, state: int, *, make: bool) -> str:
    """Leave word that a run was complete; return why that could not be, or nothing. Only forks call it.

    state: its verdict's. make: the state directory is made where it is not there yet, after the verdict, as nobody has
    opened it before: a service that is up from its first run is kept, too.
    """
    try:
        return instance.leave_word(config.path, config.name, state, levels=config.state_dir is None, make=make)
    except StateDirError as error:
        return f"{config.name}.seen is not written: {error}"


def _then(config: Config, seen: Seen) -> Then | None:
    """Return what the instance was started with and its age, nothing where all is as it was."""
    if not config.files and not seen.has_changed(config.command_sum):
        return None
    from watchdog_tools.ensure_running import changes

    return changes.plain(seen)


def _living(record: Record) -> tuple[int, str]:
    """Return the state of an instance that lives, and what is known of it."""
    age = human_duration(max(uptime() - record.since / 1000, 0))
    if record.phase != RUNNING:
        return CRITICAL, f"{record.phase}, pid {record.pid} since {age}"
    words = f"pid {record.pid}, up {age}"
    process = stat(record.pid)
    return (WARNING, f"{words}, stopped (T)") if process and process.state == "T" else (OK, words)


def _up_to_date(config: Config, seen: Seen) -> bool:
    """Whether a healthy run has nothing to write down."""
    record = seen.record
    if record is None or record.up_to_date:
        return True
    if record.unproven and config.oneshot and not seen.alive:
        return False
    return not (seen.alive or record.without_process) or not (seen.alive or record.failures or record.in_trouble)


def pause(config: Config) -> tuple[str, str]:
    """Return words about a pause that is in force, and a note about one that is ignored. Raise StateDirError."""
    directory = pause_directory(config.path, os.geteuid())
    if not pause_present(directory, config.name):
        return "", ""
    from watchdog_tools.state import pause as paused

    order, note = paused.read(directory, config.name)
    return paused.until(order) if order else "", note


def verdict_without_lock(config: Config, seen: InstanceFacts, health: Health) -> Result | None:
    """Return the verdict where no lock is needed for it: healthy, or nothing may be done. Else None."""
    name = config.name
    note = f"; {seen.note}" if seen.note else ""
    if seen.paused:  # an order, also where a check cannot see: cron is not told of it
        return of_instance(_paused(name, seen, health), seen.pid)
    if health.veto:
        return Result(health.state, f"{name}: {health.veto}; nothing started", reason="blind")
    if health.lost:
        return None
    if not health.has_checks and seen.state == UNKNOWN:
        return of_instance(Result(UNKNOWN, f"{name}: {seen.summary}", reason=seen.reason), seen.pid)
    if not seen.up_to_date and health.state != UNKNOWN:
        return None
    if not health.has_checks and seen.state != CRITICAL:
        words = f"{name} is running ({seen.summary}){note}{_changed(seen)}"
        if seen.changed and seen.state == OK:
            return of_instance(Result(OK, words, reason="changed"), seen.pid)
        return of_instance(Result(seen.state, words, reason=seen.reason), seen.pid)
    if health.down or seen.phase == STARTING:
        return None
    pid = f" ({seen.summary})" if seen.state in (OK, WARNING) else ""
    words = f"{name} {health.phrase}{pid}: {health.summary}{note}{_changed(seen)}"
    reason = "repairing" if health.starting else "changed" if seen.changed and health.state == OK else ""
    return of_instance(Result(health.state, words, reason=reason, metrics=health.metrics), seen.pid)


def _changed(seen: InstanceFacts) -> str:
    return f"; {seen.changed}" if seen.changed else ""


def _paused(name: str, seen: InstanceFacts, health: Health) -> Result:
    """A pause stops the hands, not the eyes."""
    if health.unseen:
        return Result(health.state, f"{name}: {health.unseen}; {seen.paused}", reason="paused")
    up = health.works or (not health.has_checks and seen.state in (OK, WARNING))
    said = health.summary or seen.summary
    if up:
        state = health.state if health.has_checks else seen.state
        return Result(state, f"{name} is up, {seen.paused}: {said}", reason="paused", metrics=health.metrics)
    state = health.state if health.has_checks else CRITICAL
    return Result(state, f"{name} is down ({said}); {seen.paused}", reason="paused", metrics=health.metrics)
