"""A command whose first word is a verb: each verb is a command of its own, with its own table and page."""

from __future__ import annotations

from watchdog_tools.cli.command import UsageError, find
from watchdog_tools.cli.fast_parser import split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.command import Command, Option

# Verbs without a table: what their words print is a page.
WORDS = {"help": "Print the help of VERB, or of all of watchdog-tools.", "version": "Print the version."}


def select(command: Command, argv: list[str]) -> tuple[Command, list[str]]:
    """Return the verb's command and its words; `command` itself for its page and version. Raise UsageError."""
    if not command.subcommands:
        return command, argv
    if argv and argv[0] in command.subcommands:
        return find(f"{command.name} {argv[0]}"), argv[1:]
    at = _verb_at(command, argv)
    verb, words = "".join(argv[at : at + 1]), argv[:at] + argv[at + 1 :]
    if verb in command.subcommands:
        return find(f"{command.name} {verb}"), words
    if verb in WORDS:
        words = [word for word in words if word not in command.by_flag()]  # `help -h`, `version -V`
    if verb == "help":
        if words in [[word] for word in WORDS]:
            return command, ["help", words[0]]
        return _help(command, words), ["--help"]
    if verb == "version" and words:
        raise UsageError(f"unexpected argument {words[0][:80]!r}; accepted: version alone")
    if verb == "version":
        return command, ["--version"]
    if verb:
        raise UsageError(_unknown(command, verb))
    if argv and argv[0] in command.by_flag():
        return command, argv[:1]
    raise UsageError(f"missing argument: VERB; {_accepted(command)}")


def _verb_at(command: Command, argv: list[str]) -> int:
    """Return the index of the first word that is neither an option of any verb nor its value, behind all if none is.

    Raise UsageError.
    """
    flags: dict[str, Option] = {}
    for verb in command.subcommands:
        flags |= find(f"{command.name} {verb}").by_flag()
    at = 0
    while at < len(argv) and argv[at][:1] == "-" and argv[at] not in {"-", "--"}:
        if _takes_next(flags, argv[at]):
            if at + 1 == len(argv):
                raise UsageError(f"{argv[at][:80]} needs a value")
            at += 1
        at += 1
    return at


def _takes_next(flags: dict[str, Option], word: str) -> bool:
    option, value = split(flags, word)
    while option is None and word[:2] in flags and not flags[word[:2]].metavar:
        word = f"-{word[2:]}"  # the next of several letters behind one dash
        option, value = split(flags, word)
    return option is not None and bool(option.metavar) and value is None


def _help(command: Command, words: list[str]) -> Command:
    """Return the command whose page `help WORDS` asks for. Raise UsageError."""
    if words[1:]:
        raise UsageError(f"unexpected argument {words[1][:80]!r}; accepted: help [VERB]")
    if not words:
        return command
    if words[0] not in command.subcommands:
        raise UsageError(_unknown(command, words[0]))
    return find(f"{command.name} {words[0]}")


def _unknown(command: Command, word: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, [*command.subcommands, *WORDS], n=1)
    guess = f", did you mean {near[0]}" if near else ""
    return f"no such verb {word[:80]!r}{guess}; {_accepted(command)}"


def _accepted(command: Command) -> str:
    return f"accepted: {', '.join([*command.subcommands, *WORDS])}"
