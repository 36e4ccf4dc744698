"""The guard: the first process of every command. It has the deadline, the only print and the only exit.

It looks at nothing itself: what may hang or crash does so in a looker, and the guard says so in time.
"""

from __future__ import annotations

import os
import time
from itertools import pairwise

from watchdog_tools import exits
from watchdog_tools.cli import fast, outlet
from watchdog_tools.cli.common import PRESETS, settle
from watchdog_tools.cli.options import Wrong
from watchdog_tools.cli.values import convert
from watchdog_tools.outputs import text
from watchdog_tools.result import OK, UNKNOWN, Result
from watchdog_tools.system.descriptors import null_standard
from watchdog_tools.system.looks import look_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from watchdog_tools.cli.options import Command, Values
    from watchdog_tools.cli.signals import Signals


def guard(command: Command, argv: list[str], signals: Signals) -> NoReturn:
    """Run `command` on `argv`: one line, one exit, whatever happens."""
    code = 3
    try:
        null_standard()
        if command.verbs:
            from watchdog_tools.cli.verbs import chosen

            command, argv = chosen(command, argv)
        code = _invoke(command, argv, signals, time.time(), time.monotonic())
    except Wrong as wrong:
        code = _refuse(command, argv, wrong)
    except BaseException as error:  # noqa: BLE001 -- a traceback and an exit by accident are the alternative
        outlet.put(text.line(command.label, Result(UNKNOWN, f"internal error: {type(error).__name__}: {error}")))
    finally:
        os._exit(code)  # without the interpreter's farewell: 7 of 38 M instructions


def _invoke(command: Command, argv: list[str], signals: Signals, started: float, tick: float) -> int:
    raw = fast.parse(command, argv)
    if raw is None or f"_{command.name.replace('-', '_').upper()}_COMPLETE" in os.environ:  # click decides
        from watchdog_tools.cli.face import ask

        raw = ask(command, argv)
        if raw is None:  # help, version, completion: said
            return 0
    values = convert(command, raw)
    settle(values, raw, os.environ)
    config = command.settle(values)
    result = _taken(command, values, config, signals)
    _say(command, values, result, started, time.monotonic() - tick)
    style, warns = str(values["exit_style"]), values["fail_on"] == "warning"
    pending_ok = bool(values.get("pending_ok"))
    return exits.code(style, result.state, result.reason, fail_on_warning=warns, pending_ok=pending_ok)


def _taken(command: Command, values: Values, config: object, signals: Signals) -> Result:
    if command.run:
        result: Result | None = command.run(config, values, signals.wake)
    else:
        from watchdog_tools.cli.inner import job

        limit = values["timeout"][0]
        results = look_all([job(command, values, config)], limit, signals.wake)
        result = results[0] if results else None
    if result is None:
        return Result(UNKNOWN, f"ended by {signals.name()}", reason="signal", target=command.target(config))
    return result


def _say(command: Command, values: Values, result: Result, started: float, duration: float) -> None:
    if values["quiet"] and result.state == OK and not result.reason:
        return
    if values["format"] == "json":
        from watchdog_tools.outputs import json

        host = os.uname().nodename
        lines = json.lines(command.name, result, started=started, duration=duration, host=host)
    elif values["format"] == "zabbix":
        from watchdog_tools.outputs import zabbix

        lines = [zabbix.line(command.label, result)]
    else:
        lines = text.lines(command.label, result, verbose=bool(values["verbose"]))
    outlet.put(*lines, seconds=min(max(values["timeout"][0] - duration, 0.1), 0.5))


def _refuse(command: Command, argv: list[str], wrong: Wrong) -> int:
    """Say wrong usage in one line; the style is read leniently, since the line could not be parsed."""
    result = Result(UNKNOWN, f"usage: {wrong}; see {command.name} --help", reason="usage")
    words = " ".join(command.divided(argv)[0]).replace("=", " ").split(" ")
    said = dict(pairwise(words))
    names = {option.name for option in command.options}
    # of an operator's verb --for says how long
    consumer = (said.get("--for") if "for" in names else None) or os.environ.get("WATCHDOG_TOOLS_FOR", "")
    style = said.get("--exit-style") or PRESETS.get(consumer, PRESETS["nagios"])[0]
    form = said.get("-o") or said.get("--format") or os.environ.get("WATCHDOG_TOOLS_FORMAT")
    values = {"quiet": False, "format": "json" if form == "json" else "text", "verbose": 0, "timeout": (0.5, None)}
    _say(command, values, result, time.time(), 0.0)
    return exits.code("bool" if style == "bool" else "nagios", UNKNOWN, "usage")
