"""The help page of a command, from its table: usage, grouped options with defaults, exit codes, examples."""

from __future__ import annotations

import sys
import textwrap

from watchdog_tools import __version__
from watchdog_tools.cli.inner import find
from watchdog_tools.cli.start import in_force

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.options import Command, Option

_WIDTH = 80
_COLUMN = 27

EXITS = (
    ("0", "OK"),
    ("1", "WARNING: degraded, but it works"),
    ("2", "CRITICAL: down, wrong, or no answer in time"),
    ("3", "UNKNOWN: could not look, or wrong usage"),
    ("bool", "0 works, 1 does not (docker, k8s, cron)"),
)


def page(command: Command) -> list[str]:
    """Return the lines of the whole page, 80 columns wide."""
    metavar, _, about = command.arguments
    usage = f"{metavar} ..." if command.verbs else f"[OPTIONS] {metavar}"
    parts = [f"Usage: {command.name} {usage}".rstrip(), "", *_wrapped(command.summary)]
    if command.verbs:
        parts += ["", "Verbs (each has a page of its own, VERB --help):"]
        parts += [line for verb in command.verbs for line in _row(verb, find(f"{command.name} {verb}").summary)]
    elif about:
        parts += ["", *_row(metavar, about)]
    for group in dict.fromkeys(option.group for option in command.options):
        parts += ["", f"{group}:"]
        for option in command.options:
            if option.group == group:
                parts += _row(_spelled(option), option.help + _default(option))
    parts += ["", "Exit codes:", *(line for code, what in command.exits or EXITS for line in _row(code, what))]
    if command.notes:
        parts += ["", *_wrapped(command.notes)]
    parts += ["", "Examples:"]
    for line, what in command.examples:
        parts += [f"  {line}", *_wrapped(what, "      ")]
    return parts


def version(command: Command) -> str:
    """Return the version line; it says when the environment adds to the import path."""
    added = "" if sys.flags.isolated or not in_force() else " (not isolated: loaded from the user's own path)"
    return f"{command.name} (watchdog-tools) {__version__}{added}"


def _spelled(option: Option) -> str:
    lead = "" if len(option.flags[0]) == 2 else "    "  # noqa: PLR2004 -- room for a dash and a letter
    return f"{lead}{', '.join(option.flags)} {option.metavar}".rstrip()


def _default(option: Option) -> str:
    return f" [default: {option.default}]" if option.default else ""


def _row(term: str, about: str) -> list[str]:
    left = f"  {term}"
    lines = textwrap.wrap(about, _WIDTH - _COLUMN, break_on_hyphens=False)
    if len(left) >= _COLUMN - 1:
        return [left, *(" " * _COLUMN + line for line in lines)]
    return [left.ljust(_COLUMN) + lines[0], *(" " * _COLUMN + line for line in lines[1:])]


def _wrapped(words: str, indent: str = "") -> list[str]:
    return textwrap.wrap(words, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
