"""Completion for shells, from the same tables as the help: static files, so that no TAB starts a program of ours.

What one word may be is said here; each shell's module writes that down in its own language.
"""

from __future__ import annotations

from watchdog_tools import CHECK, COMMANDS
from watchdog_tools.cli.command import find
from watchdog_tools.cli.converters import STATE_NAMES
from watchdog_tools.cli.subcommands import WORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.command import Command, Option

# Kinds of words that a shell lists by itself; SERVICES are the NAMEs that are kept here, by their files.
ANYTHING, FILES, DIRECTORIES, USERS, GROUPS, SERVICES = "", "files", "directories", "users", "groups", "services"
_METAVARS = {"FILE": FILES, "PATH": FILES, "DIR": DIRECTORIES, "USER": USERS, "GROUP": GROUPS}


def choices(option: Option) -> tuple[str, ...]:
    """Return the words that the value of an option is one of, none where it may be others."""
    if option.kind == "state":
        return STATE_NAMES
    return tuple(option.kind.split("|")) if "|" in option.kind else ()


def value(option: Option) -> str:
    """Return the kind of an option's value."""
    return _METAVARS.get(option.metavar, ANYTHING)


def argument(command: Command) -> str:
    """Return the kind of the words of a command that are no options: a TARGET may be a path."""
    if COMMANDS[command.name][0] != CHECK:
        return SERVICES
    return FILES if command.arguments[0].strip("[].") in {"TARGET", "FILE"} else ANYTHING


def tables(command: Command) -> dict[str, Command]:
    """Return each verb of a command that has a table, with it."""
    return {verb: find(f"{command.name} {verb}") for verb in command.subcommands}


def summaries(command: Command) -> dict[str, str]:
    """Return each verb of a command with what it does."""
    return {verb: table.summary for verb, table in tables(command).items()} | WORDS


def shared(command: Command) -> tuple[Option, ...]:
    """Return what may stand in front of any verb: the options that all have, as the first verb has them."""
    first, *others = tables(command).values()
    common = set(first.by_flag()).intersection(*(table.by_flag() for table in others))
    return tuple(option for option in first.options if common.issuperset(option.flags))
