"""The guard: the first process of every command. It has the deadline, the only print and the only exit.

It looks at nothing itself: what may hang or crash does so in a probe worker, and the guard says so in time.
"""

from __future__ import annotations

import os
import time

from watchdog_tools.cli import fast_parser
from watchdog_tools.cli.command import UsageError
from watchdog_tools.cli.common_options import PRESETS, common, filled_in, from_environment
from watchdog_tools.cli.converters import convert
from watchdog_tools.core import OK, UNKNOWN, Result, exit_code
from watchdog_tools.outputs import FORMATS, Invocation, render, write
from watchdog_tools.outputs.text import line
from watchdog_tools.system import null_standard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from watchdog_tools.cli.command import Command, Values
    from watchdog_tools.cli.process_setup import Signals
    from watchdog_tools.cli.values import CommonValues


def guard(command: Command, argv: list[str], signals: Signals) -> NoReturn:
    """Run `command` on `argv`: one line, one exit, whatever happens."""
    code = 3
    try:
        null_standard()
        if command.subcommands:
            from watchdog_tools.cli.subcommands import select

            command, argv = select(command, argv)
        code = _invoke(command, argv, signals, time.time(), time.monotonic())
    except UsageError as error:
        code = _refuse(command, argv, error)
    except BaseException as error:  # noqa: BLE001 -- a traceback and an exit by accident are the alternative
        write(line(command.label, Result(UNKNOWN, f"internal error: {type(error).__name__}: {error}")))
    finally:
        os._exit(code)  # without the interpreter's farewell: 7 of 38 M instructions


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
    told = _remembers(command, values, config) if values.get("remind") else None
    if told is None:
        _print(command, values, result, started, duration)
    elif result.state != OK or result.reason or result.keeper.deeds or not result.keeper.no_news:
        from watchdog_tools.cli.on_change import speak

        speak(told, result, values, lambda: _print(command, {**values, "quiet": False}, result, started, duration))
    warns, pending_ok = values["fail_on"] == "warning", bool(values.get("pending_ok"))
    return exit_code(values["exit_style"], result.state, result.reason, fail_on_warning=warns, pending_ok=pending_ok)


def _run(command: Command, values: Values, config: object, signals: Signals) -> Result:
    result: Result | None = command.run(config, values, signals.cancel_fd)
    if result is None:
        return Result(UNKNOWN, f"ended by {signals.name()}", reason="signal", target=command.target(config))
    return result


def _remembers(command: Command, values: Values, config: object) -> tuple[str, Callable[[], str]] | None:
    """Return the key of what was last said by this NAME, and what finds the state directory; None without a NAME."""
    name, directory = "", lambda: _state_dir(values["state_dir"])
    if command.remembers:
        name, directory = command.remembers(config)
    elif command.probe:
        name = values["name"] or ""
    return (f"{command.name}.{name}", directory) if name else None


def _state_dir(said: str | None) -> str:
    from watchdog_tools.state import default

    return said or default(os.geteuid())


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


def _refuse(command: Command, argv: list[str], error: UsageError) -> int:
    """Say wrong usage in one line, in the format that was asked for.

    Format and style are read leniently, since the line could not be parsed.
    """
    result = Result(UNKNOWN, f"usage: {error}; see {command.name} --help", reason="usage")
    said = _said(command, argv)
    environment = _environment()
    consumer = said.get("for") or environment.get("for", "")
    style, form, *_ = PRESETS.get(consumer, PRESETS["nagios"])
    style = said.get("exit_style") or style
    form = said.get("format") or environment.get("format") or form
    values: Values = {
        "args": (), "timeout": (0.5, None), "format": form if form in FORMATS else "text", "exit_style": style,
        "fail_on": "critical", "quiet": False, "verbose": 0,
    }  # fmt: skip
    _print(command, values, result, time.time(), 0.0)
    return exit_code("bool" if style == "bool" else "nagios", UNKNOWN, "usage")


def _said(command: Command, argv: list[str]) -> dict[str, str]:
    """Return the last value of each option with one, as far as a line can be read that is wrong."""
    flags = {flag: option for option in common(consumer=False) for flag in option.flags} | command.by_flag()
    said: dict[str, str] = {}
    words = iter(command.divided(argv)[0])
    for word in words:
        if word == "--":
            break
        while word[:1] == "-":
            option, value = fast_parser.split(flags, word)
            if option is None and word[:2] in flags and not flags[word[:2]].metavar:
                word = f"-{word[2:]}"  # noqa: PLW2901 -- the next of several letters behind one dash
                continue
            if option and option.metavar:
                said[option.name] = next(words, "") if value is None else value
            break
    return said


def _environment() -> Values:
    try:
        return from_environment(os.environ)
    except UsageError:  # it may be what is wrong
        return {}
