"""check-heartbeat: is a file, or our own last run for a service, as fresh as it should be?"""

from __future__ import annotations

from watchdog_tools.checks import run
from watchdog_tools.checks.heartbeat.config import configure
from watchdog_tools.cli.command import Command, Option
from watchdog_tools.cli.common_options import check_options, common
from watchdog_tools.core.text import quoted
from watchdog_tools.workers.worker import LOCAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.checks.heartbeat.config import Config
    from watchdog_tools.core import Result
    from watchdog_tools.workers import Waits
    from watchdog_tools.workers.worker import Progress

    Steps = Callable[[Progress], Waits[Result]]

_SERVICE, _VERDICT = "Services of ensure-running", "Verdict"


def probe(config: Config, progress: Progress) -> Waits[Result]:
    """Return the verdict on all files and services, which are asked side by side; no file is opened."""
    probes = [(quoted(path), _of_file(config, path)) for path in config.files]
    probes += [(name, _of_service(config, name)) for name in config.services]
    if len(probes) == 1:
        result = yield from probes[0][1](progress)
    else:
        from watchdog_tools.workers.parallel import run_parallel

        result = yield from run_parallel(probes, config.on_timeout, progress, "the oldest")
    result.value = None  # Zabbix gets the state: an age of 0 for a file that is not there would be a fresh one
    return result


def _of_file(config: Config, path: str) -> Steps:
    def verdict() -> Result:
        from watchdog_tools.checks.heartbeat import file

        return file.verdict(config, path)

    return _steps(verdict, f"asking for the time of {quoted(path)}", path)


def _of_service(config: Config, name: str) -> Steps:
    def verdict() -> Result:
        from watchdog_tools.checks.heartbeat import service

        return service.verdict(config, name)

    return _steps(verdict, f"asking for the last run for {name}", name)


def _steps(verdict: Callable[[], Result], words: str, target: str) -> Steps:
    def steps(progress: Progress) -> Waits[Result]:
        progress(LOCAL, words)  # a network disk may hang
        result: Result = yield verdict
        result.target = target
        return result

    return steps


COMMAND: Command = Command(
    name="check-heartbeat",
    label="HEARTBEAT",
    summary="Check that files, or the last runs of ensure-running, are fresh: what makes them is still at work.",
    arguments=("[FILE]...", (0, -1), "files; of a symbolic link what it leads to"),
    options=(
        Option("--of", "NAME", "the last complete run of ensure-running for NAME, the caller's own, else root's; may be"
               " repeated", many=True, group=_SERVICE),
        Option("--keeper", "USER", "who keeps NAME", group=_SERVICE),
        Option("--state-dir", "DIR", "state directory of ensure-running, in the place of the usual one",
               group=_SERVICE),
        Option("--max-age", "D", "CRITICAL when older than D; same as -c with the seconds", "span", group=_VERDICT),
        Option("--schedule", "'CRON'", "CRITICAL when not renewed since CRON was last due, with --max-age D of grace"
               " (5m without): '30 2 * * *', @daily", group=_VERDICT),
        Option("--tz", "ZONE", "time zone of --schedule: Europe/Berlin [default: the machine's]", group=_VERDICT),
        *check_options("the age in seconds"),
        *common(),
    ),
    configure=configure,
    probe=probe,
    run=lambda *given: run(COMMAND, *given),
    target=lambda config: " ".join((*config.files, *config.services)),
    examples=(
        ("check-heartbeat /run/worker.beat --max-age 2m", "a worker touches it after each of its jobs"),
        ("check-heartbeat /var/backups/db.dump /var/backups/etc.tar -w 90000 -c 180000",
         "each of last night's backups is there; WARNING after 25 hours, CRITICAL after 50"),
        ("check-heartbeat /var/backups/db.dump --schedule '30 2 * * *' --max-age 1h",
         "the nightly backup was written since it was last due, an hour of grace"),
        ("check-heartbeat --of web --max-age 5m", "cron still runs ensure-running for web"),
    ),
    notes="The age is that of the last change of what is in the file, which is never opened. A file that is not there"
    " is CRITICAL. UNKNOWN is one that we may not ask for, that is no regular file, or whose time is over 5 s in the"
    " future. With several the worst state is reported. A NAME that was never kept is UNKNOWN; one that was not"
    " seen since the boot is as old as that. A schedule has five fields as in a crontab, or is @hourly, @daily,"
    " @weekly, @monthly or @yearly, and is due when Debian's cron would run it.",
    refused={
        **dict.fromkeys(("-f", "--file"), "write the FILE without an option"),
        **dict.fromkeys(("-W", "--warning-size", "-C", "--critical-size"), "not yet; the age alone is judged"),
        **dict.fromkeys(("-i", "--ignore-missing"), "not yet; a file that is not there is CRITICAL"),
        "--extra-opts": "options come from the command line alone",
    },
)  # fmt: skip
