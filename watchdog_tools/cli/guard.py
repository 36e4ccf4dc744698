"""The guard: the first process of every command. It has the deadline, the only print and the only exit.

It looks at nothing itself: what may hang or crash does so in a probe worker, and the guard says so in time.
"""

from __future__ import annotations

import os
import time

from watchdog_tools.cli import fast_parser
from watchdog_tools.cli.command import UsageError
from watchdog_tools.cli.common_options import filled_in
from watchdog_tools.cli.converters import convert
from watchdog_tools.core import OK, UNKNOWN, Result, exit_code
from watchdog_tools.outputs import Invocation, render, write
from watchdog_tools.outputs.text import line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from watchdog_tools.cli.command import Command, Values
    from watchdog_tools.cli.process_setup import Signals
    from watchdog_tools.cli.values import CommonValues


def guard(command: Command, argv: list[str], signals: Signals) -> NoReturn:
    """Run `command` on `argv`: one line, one exit, whatever happens."""
    code = 3
    try:
        code = _answer(command, argv, signals)
    except BaseException as error:  # noqa: BLE001 -- a traceback and an exit by accident are the alternative
        write(line(command.label, Result(UNKNOWN, f"internal error: {type(error).__name__}: {error}")))
    finally:
        os._exit(code)  # without the interpreter's farewell: 7 of 38 M instructions


def _answer(command: Command, argv: list[str], signals: Signals) -> int:
    try:
        if command.subcommands:
            from watchdog_tools.cli.subcommands import select

            command, argv = select(command, argv)
        return _invoke(command, argv, signals, time.time(), time.monotonic())
    except UsageError as error:
        from watchdog_tools.cli.refusal import refusal

        values, result = refusal(command, argv, error)
        _print(command, values, result, time.time(), 0.0)
        return exit_code("bool" if values["exit_style"] == "bool" else "nagios", result.state, result.reason)


def _invoke(command: Command, argv: list[str], signals: Signals, started: float, tick: float) -> int:
    raw = fast_parser.parse(command, argv)
    if raw is None:  # click decides
        from watchdog_tools.cli.click_parser import parse_or_answer

        raw = parse_or_answer(command, argv)
        if raw is None:  # help or version: said
            return 0
    values = filled_in(convert(command, raw), raw, os.environ)
    config = command.configure(values)
    result = _run(command, values, config, signals)
    if command.rows and command.rows(config):
        values = {**values, "verbose": values["verbose"] or 1}
    duration = time.monotonic() - tick
    if not values.get("remind"):
        _print(command, values, result, started, duration)
    elif result.state != OK or result.reason or result.keeper.deeds or not result.keeper.no_news:
        from watchdog_tools.cli.on_change import speak

        speak(command, config, values, result, lambda now: _print(command, now, result, started, duration))
    warns, pending_ok = values["fail_on"] == "warning", bool(values.get("pending_ok"))
    return exit_code(values["exit_style"], result.state, result.reason, fail_on_warning=warns, pending_ok=pending_ok)


def _run(command: Command, values: Values, config: object, signals: Signals) -> Result:
    result: Result | None = command.run(config, values, signals.cancel_fd)
    if result is None:
        return Result(UNKNOWN, f"ended by {signals.name()}", reason="signal", target=command.target(config))
    return result


def _print(command: Command, values: CommonValues | Values, result: Result, started: float, duration: float) -> bool:
    """Print the verdict, unless it is to be quiet. Return whether all of it was taken."""
    if values["quiet"] and result.state == OK and result.reason in ("", "changed"):
        return True
    run = Invocation(
        name=command.name, label=command.label, started=started, duration=duration, host=os.uname().nodename,
        verbose=bool(values["verbose"]),
    )  # fmt: skip
    lines = render(values["format"], result, run)
    return write(*lines, seconds=min(max(values["timeout"][0] - duration, 0.1), 0.5))
