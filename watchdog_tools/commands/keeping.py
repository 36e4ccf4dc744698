"""What ensure-running does with its looks: the healthy minute needs no lock; the rest is an actor's."""

from __future__ import annotations

import os

from watchdog_tools.health import Health, found_pids, lines
from watchdog_tools.names import Owner
from watchdog_tools.probes import instance
from watchdog_tools.record import RUNNING, STARTING
from watchdog_tools.result import CRITICAL, OK, UNKNOWN, WARNING, Result
from watchdog_tools.system.clock import uptime
from watchdog_tools.system.looks import Job, look_all
from watchdog_tools.system.proc import Unseen, stat
from watchdog_tools.system.statedir import NoState, default, pause_present, pauses, place
from watchdog_tools.units import spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.options import Values
    from watchdog_tools.commands.asked import Checks
    from watchdog_tools.record import Record, Seen


COMMANDS = ("before_restart", "stop", "on_restart", "on_hold", "on_recover")  # options that name a command line


class Config:
    """One invocation of ensure-running, settled."""

    __slots__ = ("checks", "command", "name", "pairs", "requires", "umask", "values")

    def __init__(  # noqa: PLR0913, PLR0917 -- a record
        self, name: str, command: tuple[str, ...], values: Values, umask: int, pairs: tuple[tuple[str, str], ...],
        checks: Checks, requires: Checks = (),
    ) -> None:  # fmt: skip
        """Take the fields; `values` holds the options as converted, `checks` and `requires` the looks to take."""
        self.name = name
        self.command = command
        self.values = values
        self.umask = umask
        self.pairs = pairs
        self.checks = checks
        self.requires = requires

    @property
    def path(self) -> str:
        """The state directory. Raise NoState. It may ask NSS, so only forks call it."""
        return str(self.values["state_dir"] or default(os.geteuid()))

    @property
    def owner(self) -> Owner:
        """Whose the instance is. Raise NoState; only forks call it."""
        path = self.path
        return Owner(name=self.name, uid=os.geteuid(), directory=path, place=place(path))


def run(config: Config, values: Values, wake: int) -> Result | None:
    """Look; if that is not the end of it, have an actor do what is needed. None if `wake` came first."""
    seconds: float = values["timeout"][0]
    looked = looks(config, seconds, wake)
    if looked is None:
        return None
    first, named = looked
    health = Health(named)
    verdict = without_lock(config, first, health)
    touched = verdict is None or first.details.get("corrupt") or _watches(values, first)
    if touched:
        acted = _acted(config, seconds, wake, health.words or first.summary)
        verdict = _of_both(verdict, acted, watches=_watches(values, first))
    if verdict:
        verdict.target = config.name
        verdict.lines = (*lines(named, "at first, " if touched else ""), *verdict.lines)
        verdict.details = {"name": config.name, **verdict.details}
    return verdict


def _of_both(looked: Result | None, acted: Result | None, *, watches: bool) -> Result | None:
    """Return the verdict, from what a look without the lock said and what an actor said."""
    if watches:
        return acted or looked  # ended while it stood in line: what it saw is its last verdict
    # a record that cannot be set aside is no reason to call a healthy service down
    return looked if looked and acted and acted.reason == "no-state" else acted


def looks(config: Config, seconds: float, wake: int) -> tuple[Result, list[tuple[str, Result]]] | None:
    """Return what the state directory says, and each check by its name; None if `wake` came first."""
    jobs = [Job(lambda _say: _instance(config), target=config.name)]
    for _, job in config.checks:
        if job.on_timeout is None:
            job.on_timeout = config.values["timeout"][1]
        jobs.append(job)
    results = look_all(jobs, seconds, wake)
    if results is None:
        return None
    first, *others = results
    named = [(name, told(result)) for (name, _), result in zip(config.checks, others, strict=True)]
    settled = unclaimed(config, named, first.details.get("pid"), seconds, wake)
    return None if settled is None else (first, settled)


def unclaimed(
    config: Config, named: list[tuple[str, Result]], own: object, seconds: float, wake: int
) -> list[tuple[str, Result]] | None:
    """Return the checks' Results without what other services claim; None if `wake` came first.

    own: the pid of our instance that lives, if one does. Where each check found it there is nothing to look for.
    """
    if not any(found_pids(name, result, own) for name, result in named):
        return named
    from watchdog_tools.commands import claims

    return claims.settled(config, named, own, seconds, wake)


def _watches(values: Values, seen: Result) -> bool:
    return values["watch"] is not None and not seen.details.get("paused")


def told(result: Result) -> Result:
    """Return a check's Result as a keeper takes it: a pidfile from before the boot is no reason to act."""
    if result.reason == "stale-boot":
        result.state = UNKNOWN
    return result


def _instance(config: Config) -> Result:
    """Return what the state directory says, as a Result whose details are facts."""
    facts: dict[str, object] = {"note": "", "phase": "", "pid": 0, "settled": True, "paused": ""}
    try:
        seen = instance.look(config.owner)
        facts["paused"], note = pause(config)
    except NoState as error:
        return Result(CRITICAL, "no instance", details=facts | {"note": str(error)})
    except Unseen as error:
        return Result(UNKNOWN, str(error), reason="blind", details=facts)
    facts |= {
        "note": "; ".join(filter(None, (seen.note, note))),
        "corrupt": seen.corrupt,
        "settled": _settled(config, seen),
    }
    if seen.record is None or not seen.alive:
        return Result(CRITICAL, "no instance", details=facts)
    return _living(seen.record, facts)


def _living(record: Record, facts: dict[str, object]) -> Result:
    """Return what is known of an instance that lives."""
    age = spoken(max(uptime() - record.since / 1000, 0))
    running = record.phase == RUNNING
    words = f"pid {record.pid}, up {age}" if running else f"{record.phase}, pid {record.pid} since {age}"
    state = OK if running else CRITICAL
    process = stat(record.pid) if running else None
    if process and process.state == "T":
        state, words = WARNING, f"{words}, stopped (T)"
    return Result(state, words, details=facts | {"phase": record.phase, "pid": record.pid})


def _settled(config: Config, seen: Seen) -> bool:
    """Whether a healthy look has nothing to write down."""
    record = seen.record
    if record is None or record.clean:
        return True
    if record.tried and config.values["oneshot"] and not seen.alive:
        return False
    return not (seen.alive or record.concerned) or not (seen.alive or record.failures or record.trouble)


def pause(config: Config) -> tuple[str, str]:
    """Return words about a pause that is in force, and a note about one that is ignored. Raise NoState."""
    directory = pauses(config.path, os.geteuid())
    if not pause_present(directory, config.name):
        return "", ""
    from watchdog_tools.commands import pausing
    from watchdog_tools.probes import paused

    order, note = paused.look(directory, config.name)
    return pausing.until(order) if order else "", note


def without_lock(config: Config, seen: Result, health: Health) -> Result | None:
    """Return the verdict where no lock is needed for it: healthy, or nothing may be done. Else None."""
    name = config.name
    note = f"; {seen.details['note']}" if seen.details.get("note") else ""
    if health.veto:
        return Result(health.state, f"{name}: {health.veto}; nothing started", reason="blind")
    if seen.details.get("paused"):
        return _paused(name, seen, health)
    if health.lost:
        return None
    facts = {"pid": seen.details.get("pid")}
    if not health.asked and seen.state == UNKNOWN:
        return Result(UNKNOWN, f"{name}: {seen.summary}", reason=seen.reason, details=facts)
    if not seen.details.get("settled", True) and health.state != UNKNOWN:
        return None
    if not health.asked and seen.state != CRITICAL:
        return Result(seen.state, f"{name} is running ({seen.summary}){note}", reason=seen.reason, details=facts)
    if health.down or seen.details.get("phase") == STARTING:
        return None
    pid = f" ({seen.summary})" if seen.state in (OK, WARNING) else ""
    words = f"{name} {health.lead}{pid}: {health.words}{note}"
    reason = "repairing" if health.starting else ""
    return Result(health.state, words, reason=reason, metrics=health.metrics, details=facts)


def _paused(name: str, seen: Result, health: Health) -> Result:
    """A pause stops the hands, not the eyes."""
    words, pid = seen.details["paused"], {"pid": seen.details.get("pid")}
    up = health.works or (not health.asked and seen.state in (OK, WARNING))
    said = health.words or seen.summary
    if up:
        state = health.state if health.asked else seen.state
        return Result(state, f"{name} is up, {words}: {said}", reason="paused", metrics=health.metrics, details=pid)
    state = health.state if health.asked else CRITICAL
    return Result(state, f"{name} is down ({said}); {words}", reason="paused", metrics=health.metrics, details=pid)


def _acted(config: Config, seconds: float, wake: int, why: str) -> Result | None:
    if config.values["dry_run"]:
        from watchdog_tools.commands.foreseeing import dry

        return dry(config, seconds, wake)
    from watchdog_tools.commands.acting import act

    return act(config, seconds, wake, why)
