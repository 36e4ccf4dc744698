"""What ensure-running does with its looks: the healthy minute needs no lock; the rest is an actor's."""

from __future__ import annotations

import os

from watchdog_tools.health import Health, lines
from watchdog_tools.probes import instance
from watchdog_tools.record import RUNNING, STARTING
from watchdog_tools.result import CRITICAL, OK, UNKNOWN, WARNING, Result
from watchdog_tools.system.clock import uptime
from watchdog_tools.system.looks import Job, look_all
from watchdog_tools.system.proc import Unseen, stat
from watchdog_tools.system.statedir import NoState, default
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.options import Values
    from watchdog_tools.commands.asked import Checks


class Config:
    """One invocation of ensure-running, settled."""

    __slots__ = ("checks", "command", "name", "pairs", "umask", "values")

    def __init__(  # noqa: PLR0913, PLR0917 -- a record
        self, name: str, command: tuple[str, ...], values: Values, umask: int, pairs: tuple[tuple[str, str], ...],
        checks: Checks,
    ) -> None:  # fmt: skip
        """Take the fields; `values` holds the options as converted, `checks` the looks to take."""
        self.name = name
        self.command = command
        self.values = values
        self.umask = umask
        self.pairs = pairs
        self.checks = checks

    @property
    def path(self) -> str:
        """The state directory. Raise NoState. It may ask NSS, so only forks call it."""
        return str(self.values["state_dir"] or default(os.geteuid()))


def run(config: Config, values: Values, wake: int) -> Result | None:
    """Look; if that is not the end of it, have an actor do what is needed. None if `wake` came first."""
    seconds: float = values["timeout"][0]
    seen = Job(lambda _say: _instance(config), target=config.name)
    for _, job in config.checks:
        if job.on_timeout is None:
            job.on_timeout = values["timeout"][1]
    results = look_all([seen, *(job for _, job in config.checks)], seconds, wake)
    if results is None:
        return None
    first, *others = results
    named = [(name, told(result)) for (name, _), result in zip(config.checks, others, strict=True)]
    verdict = _without_lock(config, first, Health(named))
    if verdict is None or first.details.get("corrupt"):
        acted = _acted(config, seconds, wake, Health(named).words or first.summary)
        # a record that cannot be set aside is no reason to call a healthy service down
        verdict = verdict if verdict and acted and acted.reason == "no-state" else acted
    if verdict:
        verdict.target = config.name
        verdict.lines = (*lines(named), *verdict.lines)
        verdict.details = {"name": config.name, **verdict.details}
    return verdict


def told(result: Result) -> Result:
    """Return a check's Result as a keeper takes it: a pidfile from before the boot is no reason to act."""
    if result.reason == "stale-boot":
        result.state = UNKNOWN
    return result


def _instance(config: Config) -> Result:
    """Return what the record says, as a Result whose details are facts."""
    try:
        seen = instance.look(config.path, config.name)
    except NoState as error:
        return Result(CRITICAL, "no instance", details={"note": str(error), "phase": "", "pid": 0})
    except Unseen as error:
        return Result(UNKNOWN, str(error), reason="blind", details={"note": "", "phase": "", "pid": 0})
    record = seen.record if seen.alive else None
    phase, pid, since = (record.phase, record.pid, record.since) if record else ("", 0, 0)
    age = spoken(max(uptime() - since / 1000, 0))
    words = "no instance"
    if record:
        words = f"pid {pid}, up {age}" if phase == RUNNING else f"{phase}, pid {pid} since {age}"
    state = OK if phase == RUNNING else CRITICAL
    process = stat(pid) if state == OK else None
    if process and process.state == "T":
        state, words = WARNING, f"{words}, stopped (T)"
    return Result(state, words, details={"note": seen.note, "phase": phase, "pid": pid, "corrupt": seen.corrupt})


def _without_lock(config: Config, seen: Result, health: Health) -> Result | None:
    """Return the verdict where no lock is needed for it: healthy, or nothing may be done. Else None."""
    name = config.name
    note = f"; {seen.details['note']}" if seen.details.get("note") else ""
    if health.veto:
        return Result(health.state, f"{name}: {health.veto}; nothing started", reason="blind")
    if not health.asked and seen.state != CRITICAL:
        words = f"{name}: {seen.summary}" if seen.state == UNKNOWN else f"{name} is running ({seen.summary}){note}"
        return Result(seen.state, words, reason=seen.reason, details={"pid": seen.details.get("pid")})
    if health.down or seen.details.get("phase") == STARTING:
        return None
    pid = f" ({seen.summary})" if seen.state in (OK, WARNING) else ""
    lead = f"{name} {health.lead}{pid}"
    return Result(
        health.state, f"{lead}: {health.words}{note}", metrics=health.metrics, details={"pid": seen.details.get("pid")}
    )


def _acted(config: Config, seconds: float, wake: int, why: str) -> Result | None:
    from watchdog_tools.commands.acting import act, dry

    return dry(config, seconds, wake) if config.values["dry_run"] else act(config, seconds, wake, why)
