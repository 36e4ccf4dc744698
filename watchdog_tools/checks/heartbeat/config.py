"""What check-heartbeat was asked for: which beats, and what of their age is too old."""

from __future__ import annotations

from watchdog_tools.cli.command import UsageError
from watchdog_tools.cli.converters import directory, service
from watchdog_tools.core.thresholds import Range

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.checks.heartbeat.schedule import Schedule
    from watchdog_tools.checks.heartbeat.values import Values

MOST = 100  # files and services, each of which may need a worker
_GRACE = 300.0  # seconds after a scheduled moment, where --max-age says no others


class Config:
    """What to check.

    files: paths. services: NAMEs of ensure-running. keeper: the user who keeps them, state_dir: where; or None.
    warning, critical: ranges of the age in seconds. schedule: when each is due, None for no such; grace: seconds that
    it may come later. on_timeout: as of a Check.
    """

    __slots__ = (
        "critical", "files", "grace", "keeper", "on_timeout", "schedule", "services", "state_dir", "warning",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 -- a record, built by keyword
        self, *, files: tuple[str, ...], services: tuple[str, ...], keeper: str | None, state_dir: str | None,
        warning: Range | None, critical: Range | None, schedule: Schedule | None, grace: float, on_timeout: int | None,
    ) -> None:  # fmt: skip
        """Take the fields as the class describes them."""
        self.files = files
        self.services = services
        self.keeper = keeper
        self.state_dir = state_dir
        self.warning = warning
        self.critical = critical
        self.schedule = schedule
        self.grace = grace
        self.on_timeout = on_timeout


def configure(values: Values) -> Config:
    """Return the configuration. Raise UsageError; no file is touched."""
    files, services = tuple(dict.fromkeys(values["args"])), _services(values)
    if "" in files:
        raise UsageError("an empty name is not a FILE")
    if not files and not services:
        raise UsageError("missing argument: a FILE, or --of NAME")
    if len(files) + len(services) > MOST:
        raise UsageError(f"{len(files) + len(services)} files and services; accepted: 1 to {MOST}")
    critical = _critical(values)
    return Config(
        files=files, services=services, keeper=values["keeper"], state_dir=_state_dir(values),
        warning=values["warning"], critical=critical, schedule=_schedule(values), grace=values["max_age"] or _GRACE,
        on_timeout=values["timeout"][1],
    )  # fmt: skip


def _services(values: Values) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys(service(word) for word in values["of"]))
    except ValueError as error:
        raise UsageError(f"--of: {error}") from None


def _state_dir(values: Values) -> str | None:
    if values["keeper"] and not values["of"]:
        raise UsageError("--keeper says whose the NAME of --of is; there is none")
    try:  # the environment's counts for who asks of no NAME, too
        return directory(values["state_dir"]) if values["state_dir"] is not None else None
    except ValueError as error:
        raise UsageError(f"--state-dir: {error}") from None


def _critical(values: Values) -> Range | None:
    """Return the range of --max-age or -c; None where a schedule judges."""
    critical = values["critical"]
    if values["schedule"]:
        if critical or values["warning"]:
            raise UsageError("--schedule says what is too old; accepted beside it: --max-age D, how late it may be")
        return None
    if values["max_age"]:
        if critical:
            raise UsageError("--max-age D is -c on the age; give one of them")
        return Range(f"{values['max_age']:.3f}".rstrip("0").rstrip("."))
    if not (critical or values["warning"]):
        raise UsageError("no age is too old; accepted: --max-age 2m, or -w and -c with the seconds, or --schedule")
    return critical


def _schedule(values: Values) -> Schedule | None:
    if values["schedule"] is None:
        if values["tz"]:
            raise UsageError("--tz is the time zone of --schedule; there is none")
        return None
    from watchdog_tools.checks.heartbeat.schedule import Schedule, UnknownZone  # brings datetime along, and cronsim

    try:
        return Schedule(values["schedule"], values["tz"])
    except UnknownZone as error:
        raise UsageError(f"--tz: {error}") from None
    except ValueError as error:
        raise UsageError(f"--schedule: {error}") from None
