"""Wrong usage, said in one line: what is printed where a command line could not be parsed."""

from __future__ import annotations

import os

from watchdog_tools.cli import fast_parser
from watchdog_tools.cli.command import UsageError
from watchdog_tools.cli.common_options import PRESETS, common, from_environment
from watchdog_tools.core import UNKNOWN, Result
from watchdog_tools.outputs import FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.command import Command, Values


def refusal(command: Command, argv: list[str], error: UsageError) -> tuple[Values, Result]:
    """Return the verdict of wrong usage, and the values by which it is printed: in the format that was asked for.

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
    return values, result


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
