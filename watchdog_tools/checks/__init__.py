"""The checks, each with its table, configuration, probe and judgement. Here: a check as something to call."""

from __future__ import annotations

from watchdog_tools.cli import fast_parser
from watchdog_tools.cli.command import UsageError, find
from watchdog_tools.cli.converters import convert
from watchdog_tools.core import CRITICAL, Metric, negated
from watchdog_tools.workers import Blocking, Check, run_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.cli.command import Command, Values
    from watchdog_tools.cli.values import CheckValues
    from watchdog_tools.core import Result
    from watchdog_tools.workers import Waits
    from watchdog_tools.workers.worker import Progress


def parse(words: list[str]) -> Check[Result]:
    """Return the check that is written as on the shell, `check-port :80 -t 2`. Raise UsageError."""
    command = find(words[0])
    raw = fast_parser.parse(command, words[1:])
    if raw is None:
        from watchdog_tools.cli.click_parser import parse as parse_by_click

        raw = parse_by_click(command, words[1:])
        if {"help", "version"} & set(raw):
            raise UsageError("help and version are not checks")
    values = convert(command, raw)
    made = configured(command, values, command.configure(values))
    if "timeout" not in raw:
        made.limit = None
    return made


def run(command: Command, config: object, values: CheckValues | Values, cancel_fd: int) -> Result | None:
    """Run a check as a command of its own; None if `cancel_fd` became readable first."""
    check = configured(command, values, config)
    results = run_all([check], check.limit or values["timeout"][0], cancel_fd)
    return results[0] if results else None


def configured(command: Command, values: CheckValues | Values, config: object) -> Check[Result]:
    """Return the check of a configuration, with its own time limit, tries and negation. Raise UsageError."""
    seconds, on_timeout = values["timeout"]
    seconds += command.longer(config) if command.longer else 0.0
    probe = command.probe
    if probe is None:
        raise UsageError(f"{command.name} is not a check")
    return Check(
        Blocking(lambda progress: _retry(probe, values, config, progress)),
        target=command.target(config),
        on_timeout=on_timeout,
        down=command.down,
        limit=seconds,
        negate=bool(values["negate"]),
        timed=(Metric("time", seconds, "s", values["warning"], values["critical"], 0, seconds),)
        if command.timed
        else (),
    )


def _retry(
    probe: Callable[..., Waits[Result]], values: CheckValues | Values, config: object, progress: Progress
) -> Waits[Result]:
    delay = values["retry_delay"]
    left = values["retries"]
    while True:
        result = yield from probe(config, progress)
        if values["negate"]:
            result = negated(result)
        if result.state != CRITICAL or not left or progress.left() <= delay:
            return result
        yield {}, delay
        left -= 1
        delay *= 2
