"""Completion for fish: a file for each program, which fish loads by the program's name."""

from __future__ import annotations

from watchdog_tools.cli import completion
from watchdog_tools.cli.completion import DIRECTORIES, FILES, GROUPS, SERVICES, USERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.command import Command, Option

_ACTIONS = {
    DIRECTORIES: "(__fish_complete_directories)", USERS: "(__fish_complete_users)", GROUPS: "(__fish_complete_groups)",
}  # fmt: skip
_SERVICES = """
function __watchdog_tools_services -d 'The NAMEs that have a record or a pause in the state directory'
    set -l directory "$WATCHDOG_TOOLS_STATE_DIR"
    set -l before ''
    for word in (commandline -opc)
        switch $before
            case -s --state-dir
                set directory $word
        end
        switch $word
            case --
                break
            case '--state-dir=*'
                set directory (string replace -- '--state-dir=' '' $word)
            case '-s?*'
                set directory (string sub -s 3 -- $word)
        end
        set before $word
    end
    set -l places (string replace -r -- '^~/' "$HOME/" "$directory")
    if test -z "$directory"
        set places /run/watchdog-tools
        test (id -u) = 0; or set -a places "$HOME/.local/state/watchdog-tools" /tmp/watchdog-tools-(id -u)
    end
    set -l names
    for place in $places
        set -l pauses $place/pause
        test $place = /run/watchdog-tools; and set pauses /var/lib/watchdog-tools/pause
        for path in $place/*.record
            set -a names (string replace -r -- '.*/(.*)[.]record$' '$1' $path)
        end
        for path in $pauses/*
            set -a names (string replace -r -- '.*/' '' $path)
        end
    end
    # whatever lies there, only a NAME is offered
    string match -r -- '^[A-Za-z0-9_][A-Za-z0-9._-]*$' $names
end
"""


def script(command: Command) -> str:
    """Return the file of a program."""
    lines = [f"# Completion of {command.name} for fish, written from the tables of its options."]
    if completion.argument(command) == SERVICES:
        lines += [_SERVICES]
    start = f"complete -c {command.name}"
    lines.append(f"{start} -f")
    if command.subcommands:
        return "\n".join([*lines, *_with_verbs(command, start), ""])
    condition = ""
    if command.tail:
        behind = "'contains -- -- (commandline -opc)'"
        condition = " -n 'not contains -- -- (commandline -opc)'"
        lines += [f"{start} -n {behind} -F", f"{start} -n {behind} -a '(__fish_complete_command)'"]
    lines += [f"{start}{condition}{_option(option)}" for option in command.options]
    if completion.argument(command) == SERVICES:
        lines.append(f"{start}{condition} -a '(__watchdog_tools_services)'")
    elif completion.argument(command) == FILES:
        lines.append(f"{start}{condition} -F")
    return "\n".join([*lines, ""])


def _with_verbs(command: Command, start: str) -> list[str]:
    tables = completion.tables(command)
    without = f"not __fish_seen_subcommand_from {' '.join(completion.summaries(command))}"
    lines = [
        f"{start} -n '{without}' -a {verb} -d {_quoted(says)}" for verb, says in completion.summaries(command).items()
    ]
    lines.append(f"{start} -n '__fish_seen_subcommand_from help' -a '{' '.join(tables)}'")
    lines += [f"{start} -n '{without}'{_option(option)}" for option in completion.shared(command)]
    owners: dict[str, list[str]] = {}
    for verb, table in tables.items():
        for option in table.options:
            owners.setdefault(_option(option), []).append(verb)
    lines += [f"{start} -n '__fish_seen_subcommand_from {' '.join(of)}'{text}" for text, of in owners.items()]
    lines.append(f"{start} -n '__fish_seen_subcommand_from {' '.join(tables)}' -a '(__watchdog_tools_services)'")
    return lines


def _option(option: Option) -> str:
    flags = "".join(f" -l {flag[2:]}" if flag[:2] == "--" else f" -s {flag[1:]}" for flag in option.flags)
    return f"{flags}{_value(option)} -d {_quoted(option.help)}"


def _value(option: Option) -> str:
    if not option.metavar:
        return ""
    if completion.choices(option):
        return f" -x -a {_quoted(' '.join(completion.choices(option)))}"
    if completion.value(option) == FILES:
        return " -r -F"
    return f" -x -a {_quoted(_ACTIONS[completion.value(option)])}" if completion.value(option) else " -x"


def _quoted(words: str) -> str:
    return "'" + words.replace("\\", "\\\\").replace("'", "\\'") + "'"
