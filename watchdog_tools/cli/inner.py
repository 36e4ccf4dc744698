"""A check as something to call: found by name, parsed from words, taken in a looker."""

from __future__ import annotations

import time

from watchdog_tools.cli import fast
from watchdog_tools.cli.options import Wrong
from watchdog_tools.cli.values import convert
from watchdog_tools.result import CRITICAL, Metric, negated
from watchdog_tools.system.looks import Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.cli.options import Command, Values
    from watchdog_tools.result import Result
    from watchdog_tools.system.looker import Say

CHECKS = ("check-process", "check-port", "check-http")


def find(name: str) -> Command:
    """Return the command called `name`, `check-port` or `watchdog-tools status`; its module alone is loaded."""
    module = __import__(f"watchdog_tools.commands.{name.replace('-', '_').replace(' ', '_')}", fromlist=["COMMAND"])
    command: Command = module.COMMAND
    return command


def parse(words: list[str]) -> Job:
    """Return the job of a check written as on the shell, `check-port :80 -t 2`. Raise Wrong."""
    command = find(words[0])
    raw = fast.parse(command, words[1:])
    if raw is None:
        from watchdog_tools.cli.face import read

        raw = read(command, words[1:])
        if {"help", "version"} & set(raw):
            raise Wrong("help and version are not checks")
    values = convert(command, raw)
    made = job(command, values, command.settle(values))
    if "timeout" not in raw:
        made.limit = None
    return made


def job(command: Command, values: Values, config: object) -> Job:
    """Return the look of a settled check, with its own time limit, tries and negation."""
    seconds, on_timeout = values["timeout"]
    look = command.look
    if look is None:
        raise Wrong(f"{command.name} is not a check")
    return Job(
        lambda say: _tries(look, values, config, say),
        target=command.target(config),
        on_timeout=on_timeout,
        down=command.down,
        limit=seconds,
        negate=bool(values["negate"]),
        timed=(Metric("time", seconds, "s", values["warning"], values["critical"], 0, seconds),)
        if command.timed
        else (),
    )


def _tries(look: Callable[..., Result], values: Values, config: object, say: Say) -> Result:
    delay = values["retry_delay"]
    left = values["retries"]
    while True:
        result = look(config, say)
        if values["negate"]:
            result = negated(result)
        if result.state != CRITICAL or not left or say.left() <= delay:
            return result
        time.sleep(delay)
        left -= 1
        delay *= 2
