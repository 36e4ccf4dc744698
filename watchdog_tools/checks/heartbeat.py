"""check-heartbeat: is a file as fresh as it should be, so that what changes it is still at work?"""

from __future__ import annotations

import os
import stat
import time

from watchdog_tools.checks import run
from watchdog_tools.cli.command import Command, Option, UsageError
from watchdog_tools.cli.common_options import check_options, common
from watchdog_tools.core import CRITICAL, NAMES, OK, UNKNOWN, Metric, Result
from watchdog_tools.core.text import human_duration, quoted
from watchdog_tools.core.thresholds import Range, judge
from watchdog_tools.workers.worker import LOCAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.cli.values import CheckValues
    from watchdog_tools.workers import Waits
    from watchdog_tools.workers.worker import Progress

    class Values(CheckValues):
        """The options as converted; a test holds the names against the table."""

        max_age: float | None


_MOST = 100  # files, each of which may need a worker
_AHEAD = 5.0  # seconds that a file server's clock may be ahead of ours
_KINDS = {
    stat.S_IFDIR: "a directory", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}  # fmt: skip


class Config:
    """What to check. warning, critical: ranges of the age in seconds. on_timeout: as of a Check."""

    __slots__ = ("critical", "files", "on_timeout", "warning")

    def __init__(
        self, files: tuple[str, ...], warning: Range | None, critical: Range | None, on_timeout: int | None
    ) -> None:
        """Take the fields as the class describes them."""
        self.files = files
        self.warning = warning
        self.critical = critical
        self.on_timeout = on_timeout


def configure(values: Values) -> Config:
    """Return the configuration. Raise UsageError; no file is touched."""
    files = tuple(dict.fromkeys(values["args"]))
    if "" in files:
        raise UsageError("an empty name is not a FILE")
    if len(files) > _MOST:
        raise UsageError(f"{len(files)} files; accepted: 1 to {_MOST}")
    critical = values["critical"]
    if values["max_age"]:
        if critical:
            raise UsageError("--max-age D is -c on the age; give one of them")
        critical = Range(f"{values['max_age']:.3f}".rstrip("0").rstrip("."))
    if not (critical or values["warning"]):
        raise UsageError("no age is too old; accepted: --max-age 2m, or -w and -c with the seconds")
    return Config(files, values["warning"], critical, values["timeout"][1])


def probe(config: Config, progress: Progress) -> Waits[Result]:
    """Return the verdict on all files, which are asked side by side; none of them is opened."""
    if len(config.files) == 1:
        result = yield from _probe_of(config, config.files[0])(progress)
    else:
        from watchdog_tools.workers.parallel import run_parallel

        probes = [(quoted(path), _probe_of(config, path)) for path in config.files]
        result = yield from run_parallel(probes, config.on_timeout, progress, "the oldest")
    result.value = None  # Zabbix gets the state: an age of 0 for a file that is not there would be a fresh one
    return result


def _probe_of(config: Config, path: str) -> Callable[[Progress], Waits[Result]]:
    def steps(progress: Progress) -> Waits[Result]:
        progress(LOCAL, f"asking for the time of {quoted(path)}")  # a network disk may hang
        result: Result = yield lambda: _verdict(config, path)
        result.target = path
        return result

    return steps


def _verdict(config: Config, path: str) -> Result:
    name = quoted(path)
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return Result(CRITICAL, f"there is no {name}", reason="absent")
    except OSError as error:
        return Result(UNKNOWN, f"{name} cannot be read: {error.strerror}", reason="unreadable")
    if not stat.S_ISREG(found.st_mode):
        what = _KINDS.get(stat.S_IFMT(found.st_mode), "no file")
        return Result(UNKNOWN, f"{name} is {what}, not a regular file", reason="no-file")
    age = time.time() - found.st_mtime
    result = _judged(config, name, age)
    result.value = age
    result.metrics = (Metric("age", age, "s", config.warning, config.critical),)
    result.details = {"age": round(age, 3), "modified": round(found.st_mtime, 3)}
    return result


def _judged(config: Config, name: str, age: float) -> Result:
    ahead = f"{human_duration(-age)} in the future"
    if age < -_AHEAD:
        why = f"{name} has a time {ahead}: its age is not known until the clock has been set"
        return Result(UNKNOWN, why, reason="future")
    changed = f"{name} was changed {human_duration(age)} ago" if age >= 0 else f"{name} was changed just now ({ahead})"
    state = judge(max(age, 0.0), config.warning, config.critical)
    if state == OK:
        return Result(OK, changed)
    range_ = config.critical if state == CRITICAL else config.warning
    return Result(state, f"{changed} ({NAMES[state].lower()} range {range_})", reason="stale")


COMMAND: Command = Command(
    name="check-heartbeat",
    label="HEARTBEAT",
    summary="Check that files are fresh, so that what changes them again and again is still at work.",
    arguments=("FILE...", (1, -1), "files; of a symbolic link what it leads to"),
    options=(
        Option("--max-age", "D", "CRITICAL when a file is older than D; same as -c with the seconds", "span",
               group="Verdict"),
        *check_options("the age in seconds"),
        *common(),
    ),
    configure=configure,
    probe=probe,
    run=lambda *given: run(COMMAND, *given),
    target=lambda config: " ".join(config.files),
    examples=(
        ("check-heartbeat /run/worker.beat --max-age 2m", "a worker touches it after each of its jobs"),
        ("check-heartbeat /var/backups/db.dump /var/backups/etc.tar -w 90000 -c 180000",
         "each of last night's backups is there; WARNING after 25 hours, CRITICAL after 50"),
    ),
    notes="The age is that of the last change of what is in the file, which is never opened. A file that is not there"
    " is CRITICAL. UNKNOWN is one that we may not ask for, that is no regular file, or whose time is over 5 s in the"
    " future. With several files the worst state is reported.",
    refused={
        **dict.fromkeys(("-f", "--file"), "write the FILE without an option"),
        **dict.fromkeys(("-W", "--warning-size", "-C", "--critical-size"), "not yet; the age alone is judged"),
        **dict.fromkeys(("-i", "--ignore-missing"), "not yet; a file that is not there is CRITICAL"),
        "--extra-opts": "options come from the command line alone",
    },
)  # fmt: skip
