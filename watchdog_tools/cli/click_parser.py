"""The click command built from the same table. It has the last word on every odd form."""

from __future__ import annotations

import click

from watchdog_tools.cli.command import UsageError
from watchdog_tools.cli.subcommands import WORDS
from watchdog_tools.outputs import write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.command import Command, Option, Raw


_LIKENESS = 0.65  # of two names: --timeot and --timeout have 0.92, --bogus and --verbose 0.5
_PATIENCE = 5.0  # seconds for a reader who turns the pages of a pager


def parse_or_answer(command: Command, argv: list[str]) -> Raw | None:
    """Return the raw values of `argv`; None if help or version was asked for, and given.

    Raise UsageError with one sentence that names the mistake and the nearest right option.
    """
    if command.subcommands and argv[:1] == ["help"]:  # of a verb that has no table
        write(f"{command.name} {argv[1]}: {WORDS[argv[1]]}", seconds=_PATIENCE)
        return None
    raw = parse(command, argv)
    if "help" in raw:
        from watchdog_tools.cli.help import lines

        write(*lines(command), seconds=_PATIENCE)
    elif "version" in raw:
        from watchdog_tools.cli.help import version

        write(version(command), seconds=_PATIENCE)
    else:
        return raw
    return None


def parse(command: Command, argv: list[str]) -> Raw:
    """Return the raw values of `argv`, which may ask for a page, and print nothing. Raise UsageError."""
    head, tail = command.divided(argv)
    raw = _parsed(command, head)
    if not {"help", "version"} & set(raw):
        _count(command, raw["args"])
    raw["args"].extend(tail)
    return raw


def click_command(command: Command) -> click.Command:
    """Return the click command of the table. It converts nothing: that is done in one place for both."""
    options = [
        click.Option(
            [*option.flags, option.name], count=not option.metavar, multiple=bool(option.metavar), type=_type(option)
        )
        for option in command.options
    ]
    words = click.Argument(["args"], nargs=-1, type=click.UNPROCESSED)
    return click.Command(command.name, params=[*options, words], add_help_option=False)


def _type(option: Option) -> click.types.UnprocessedParamType | None:
    return click.UNPROCESSED if option.metavar else None


def _parsed(command: Command, argv: list[str]) -> Raw:
    try:
        context = click_command(command).make_context(command.name, list(argv))
    except click.NoSuchOption as error:
        raise UsageError(_unknown(command, error)) from None
    except click.UsageError as error:
        raise UsageError(error.format_message().rstrip(".")) from None
    raw: Raw = {"args": list(context.params["args"])}
    for option in command.options:
        given = context.params[option.name]
        if given:
            raw[option.name] = list(given) if option.metavar else [""] * given
    return raw


def _unknown(command: Command, error: click.NoSuchOption) -> str:
    flag = error.option_name
    if flag in command.refused:
        return f"{flag} is not taken here: {command.refused[flag]}"
    near = [each for each in error.possibilities or () if _alike(flag, each)][:2]  # nearest first
    guess = f"; did you mean {' or '.join(near)}?" if near else ""
    if command.tail:
        guess += "; options of the start command stand behind --"
    return f"no such option {flag[:80]}{guess}"


def _alike(flag: str, other: str) -> bool:
    """Whether the names are, without the dashes, in which all of them agree: click counts these, too."""
    from difflib import SequenceMatcher

    return SequenceMatcher(None, flag.lstrip("-"), other.lstrip("-")).ratio() >= _LIKENESS


def _count(command: Command, given: list[str]) -> None:
    metavar, (least, most), _ = command.arguments
    if len(given) < least:
        raise UsageError(f"missing argument: {metavar}")
    if 0 <= most < len(given):
        what = "unexpected argument" + ("" if "@" in given[most] else f" {given[most][:80]!r}")
        where = "; the start command stands behind --" if command.tail else ""
        raise UsageError(f"{what}{where}; accepted: {metavar or 'options only'}")
