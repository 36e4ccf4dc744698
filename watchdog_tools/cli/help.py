"""The help page of a command, from its table: usage, grouped options with defaults, exit codes, examples."""

from __future__ import annotations

import re
import sys
import textwrap

from watchdog_tools import __version__
from watchdog_tools.cli.command import find
from watchdog_tools.cli.process_setup import in_force
from watchdog_tools.cli.subcommands import WORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.command import Command, Option

_WIDTH = 80
_COLUMN = 27

EXITS = (
    ("0", "OK"),
    ("1", "WARNING: degraded, but working"),
    ("2", "CRITICAL: down, wrong, or no answer in time"),
    ("3", "UNKNOWN: could not check, or wrong usage"),
    ("bool", "0 works, 1 does not (docker, k8s, cron)"),
)
# What a word in an option's value means, where it is the same in every command.
VALUES = (
    ("D", "a duration: seconds, or 250ms, 5s, 2m, 1h, 1d"),
    ("RANGE", "alerts outside: 10 is 0 to 10, 10: from 10 on, ~:10 up to 10, 10:20 both; @10:20 alerts inside"),
    ("STATE", "ok, warning, critical or unknown, unless its option names others"),
)


def lines(command: Command) -> list[str]:
    """Return the lines of the whole page, 80 columns wide."""
    metavar, _, about = command.arguments
    usage = f"{metavar} ..." if command.subcommands else f"[OPTIONS] {metavar}"
    parts = [f"Usage: {command.name} {usage}".rstrip(), "", *_wrapped(command.summary)]
    if command.subcommands:
        parts += ["", "Verbs (each has a page of its own, VERB --help):"]
        parts += [line for verb, summary in subcommand_rows(command) for line in _row(verb, summary)]
    elif about:
        parts += ["", *_row(metavar, about)]
    for group in dict.fromkeys(option.group for option in command.options):
        parts += ["", f"{group}:"]
        for option in command.options:
            if option.group == group:
                parts += _row(_spelled(option), option.help + default(option))
    parts += ["", "Exit codes:", *(line for code, what in command.exits or EXITS for line in _row(code, what))]
    if rows := values(command):
        parts += ["", "Values:", *(line for word, about in rows for line in _row(word, about))]
    if command.notes:
        parts += ["", *_wrapped(command.notes)]
    parts += ["", "Examples:"]
    for line, what in command.examples:
        parts += [f"  {line}", *_wrapped(what, "      ")]
    return [*parts, "", *_wrapped(more(command))]


def values(command: Command) -> list[tuple[str, str]]:
    """Return which of VALUES the options of a command have."""
    words = {word for option in command.options for word in re.findall("[A-Z]+", option.metavar)}
    return [row for row in VALUES if row[0] in words]


def more(command: Command) -> str:
    """Return where more is said of a command: its man page, and the page of the source."""
    program = command.name.partition(" ")[0]
    return f"More: man {program}; in the source docs/{program}.md and docs/common.md."


def subcommand_rows(command: Command) -> list[tuple[str, str]]:
    """Return each verb of a command, as it is typed, with its summary."""
    tables = [(verb, find(f"{command.name} {verb}").summary) for verb in command.subcommands]
    return [*tables, *(("help [VERB]" if word == "help" else word, summary) for word, summary in WORDS.items())]


def version(command: Command) -> str:
    """Return the version line; it says when the environment adds to the import path."""
    added = "" if sys.flags.isolated or not in_force() else " (not isolated: loaded from the user's own path)"
    package = "" if command.name == "watchdog-tools" else " (watchdog-tools)"
    return f"{command.name}{package} {__version__}{added}"


def _spelled(option: Option) -> str:
    lead = "" if len(option.flags[0]) == 2 else "    "  # noqa: PLR2004 -- room for a dash and a letter
    return f"{lead}{', '.join(option.flags)} {option.metavar}".rstrip()


def default(option: Option) -> str:
    """Return how help names the default of an option, with a blank in front; empty without one."""
    return f" [default: {option.default}]" if option.default else ""


def _row(term: str, about: str) -> list[str]:
    left = f"  {term}"
    lines = textwrap.wrap(about, _WIDTH - _COLUMN, break_on_hyphens=False)
    if len(left) >= _COLUMN - 1:
        return [left, *(" " * _COLUMN + line for line in lines)]
    return [left.ljust(_COLUMN) + lines[0], *(" " * _COLUMN + line for line in lines[1:])]


def _wrapped(words: str, indent: str = "") -> list[str]:
    return textwrap.wrap(words, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
