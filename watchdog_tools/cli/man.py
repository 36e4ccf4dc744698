"""The man pages, from the same tables as the help: one for each program; the verbs stand in their program's."""

from __future__ import annotations

import re
import textwrap

from watchdog_tools import CHECK, __version__, kind, scripts
from watchdog_tools.cli.command import find
from watchdog_tools.cli.help import EXITS, VALUES, default, subcommand_rows, values
from watchdog_tools.cli.subcommands import WORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchdog_tools.cli.command import Command, Option

_WIDTH = 72  # characters of a line of the source
_DATE = "2026-11-27"  # when what the pages say was last changed
# Where a dash is to be copied, and so is no hyphen: options, paths, file names and names of programs.
_COPIED = re.compile(rf"(?<![\w-])--?[A-Za-z0-9*][\w*-]*|\S*/\S*|\b(?:{'|'.join(scripts())})\b")
# verbs, as an operator needs them; others follow
_OF_USE = ("status", "stop", "start", "restart", "pause", "resume", "history")
_STAND_IN = (
    "stand in for the options of the same names. An explicit option wins; so does --for over the first three."
    " None can change a verdict, and none counts in a set-uid context."
)
_ENVIRONMENT = (
    ("WATCHDOG_TOOLS_FOR, WATCHDOG_TOOLS_FORMAT, WATCHDOG_TOOLS_TIMEOUT, WATCHDOG_TOOLS_STATE_DIR", _STAND_IN),
)
_FILES = (
    ("/run/watchdog-tools", "state of what root keeps: NAME.record, NAME.seen, NAME.start, lock/NAME.*"),
    ("~/.local/state/watchdog-tools", "the same of an ordinary user, and what outlives a reboot"),
    ("/tmp/watchdog-tools-UID", "the same of a user without a home"),  # noqa: S108 -- told, and not written to
    (
        "/var/lib/watchdog-tools",
        "root's beyond a reboot: pause/NAME, said/*.NAME, NAME.events, NAME.evidence, NAME.command, NAME.known",
    ),
)
_SPECIAL = str.maketrans({"\\": r"\(rs", "^": r"\(ha", "~": r"\(ti"})


def render(command: Command) -> str:
    """Return the page of a program, in roff with the macros of man(7)."""
    verbs = sorted(command.subcommands, key=lambda verb: _OF_USE.index(verb) if verb in _OF_USE else len(_OF_USE))
    tables = [find(f"{command.name} {verb}") for verb in verbs] or [command]
    lines = [
        f'.TH {_literal(command.name.upper())} 1 {_DATE} "watchdog\\-tools {__version__}" "Watchdog Tools"',
        ".SH NAME", *_title(command),
        ".SH SYNOPSIS", *_synopsis(command, tables),
        ".SH DESCRIPTION", *_description(command, tables),
        ".SH OPTIONS", *_options(tables),
        ".SH EXIT STATUS", *_rows(command.exits or EXITS),
        ".SH ENVIRONMENT", *_rows(_ENVIRONMENT),
        *([".SH FILES", *_rows(_FILES)] if kind(command.name) != CHECK else []),
        ".SH EXAMPLES", *_examples(command, tables),
        ".SH SEE ALSO", *_see_also(command),
    ]  # fmt: skip
    return "".join(f"{line}\n" for line in lines)


def _title(command: Command) -> list[str]:
    sentence = command.summary.partition(". ")[0].rstrip(".")
    return [f"{_literal(command.name)} \\-", _prose(sentence[:1].lower() + sentence[1:])]


def _synopsis(command: Command, tables: list[Command]) -> list[str]:
    lines = [f"\\fB{_literal(table.name)}\\fR [\\fIOPTIONS\\fR] {_argument(table)}".rstrip() for table in tables]
    if command.subcommands:
        words = [typed for typed, _ in subcommand_rows(command) if typed.partition(" ")[0] in WORDS]
        lines += [f"\\fB{_literal(command.name)}\\fR {_literal(typed)}" for typed in words]
    return [part for line in lines for part in (".br", line)][1:]


def _argument(command: Command) -> str:
    return f"\\fI{_literal(command.arguments[0])}\\fR"


def _description(command: Command, tables: list[Command]) -> list[str]:
    lines = [_prose(command.summary)]
    if command.subcommands:
        lines += [".PP", _prose(command.notes)]
        for table in tables:
            verb = table.name.removeprefix(f"{command.name} ")
            lines += [f".SS {verb}", _prose(table.summary), ".PP", _prose(table.notes)]
        return lines + [part for word, says in WORDS.items() for part in (f".SS {word}", _prose(says))]
    metavar, _, about = command.arguments
    return [*lines, *_rows([(metavar, about)], italic=True), ".PP", _prose(command.notes)]


def _options(tables: list[Command]) -> list[str]:
    """Return each option once, by its group; where only some verbs have it, it says which."""
    owners: dict[tuple[str, str, str], list[str]] = {}
    for table in tables:
        for option in table.options:
            key = option.group, _spelled(option), option.help + default(option)
            owners.setdefault(key, []).append(table.name.rpartition(" ")[2])
    lines = []
    for group in dict.fromkeys(group for group, _, _ in owners):
        lines.append(f".SS {_prose(group)}")
        for (of, spelled, about), names in owners.items():
            only = f" ({', '.join(names)})" if len(names) < len(tables) else ""
            lines += [".TP", spelled, _prose(f"{about}{only}")] if of == group else []
    rows = dict(row for table in tables for row in values(table))
    return [*lines, ".SS Values", *_rows((row for row in VALUES if row[0] in rows), italic=True)]


def _spelled(option: Option) -> str:
    flags = ", ".join(f"\\fB{_literal(flag)}\\fR" for flag in option.flags)
    return f"{flags} \\fI{_literal(option.metavar)}\\fR" if option.metavar else flags


def _examples(command: Command, tables: list[Command]) -> list[str]:
    lines = [example for table in tables for example in table.examples]
    return _rows(dict([*command.examples, *lines]).items() if command.subcommands else lines)


def _rows(rows: Iterable[tuple[str, str]], *, italic: bool = False) -> list[str]:
    font = "I" if italic else "B"
    return [part for term, about in rows for part in (".TP", f"\\f{font}{_literal(term)}\\fR", _prose(about))]


def _see_also(command: Command) -> list[str]:
    others = [_literal(name) for name in scripts() if name != command.name]
    return [f".BR {name} (1)," for name in others[:-1]] + [f".BR {others[-1]} (1)"]


def _literal(words: str) -> str:
    """Return what a reader may copy: each dash and quote is the one of the keyboard."""
    return words.translate(_SPECIAL).replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")


def _prose(words: str) -> str:
    """Return sentences, as lines of a source; what stands between backquotes, and what is typed, is to be copied."""
    words = _COPIED.sub(lambda found: found[0].replace("-", r"\-"), words.translate(_SPECIAL))
    words = re.sub("`([^`]*)`", r"\\fB\1\\fR", words)
    lines = textwrap.wrap(words, _WIDTH, break_on_hyphens=False, break_long_words=False)
    return "\n".join(f"\\&{line}" if line[:1] in {".", "'"} else line for line in lines)
