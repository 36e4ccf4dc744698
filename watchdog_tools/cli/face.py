"""The face: the click command built from the same table. It has the last word on every odd form."""

from __future__ import annotations

import os
import sys

import click

from watchdog_tools.cli import outlet
from watchdog_tools.cli.inner import find
from watchdog_tools.cli.options import Wrong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.options import Command, Option, Raw


_PATIENCE = 5.0  # seconds for a reader who turns the pages of a pager


def ask(command: Command, argv: list[str]) -> Raw | None:
    """Return the raw values of `argv`; None if help, version or completion was asked for, and given.

    Raise Wrong with one sentence that names the mistake and the nearest right option.
    """
    if _completed(command):
        return None
    raw = read(command, argv)
    if "help" in raw:
        from watchdog_tools.cli.page import page

        outlet.put(*page(command), seconds=_PATIENCE)
    elif "version" in raw:
        from watchdog_tools.cli.page import version

        outlet.put(version(command), seconds=_PATIENCE)
    else:
        return raw
    return None


def read(command: Command, argv: list[str]) -> Raw:
    """Return the raw values of `argv`, which may ask for a page, and print nothing. Raise Wrong."""
    head, tail = command.divided(argv)
    raw = _parsed(command, head)
    if not {"help", "version"} & set(raw):
        _count(command, raw["args"])
    raw["args"].extend(tail)
    return raw


def built(command: Command) -> click.Command:
    """Return the click command of the table. It converts nothing: that is done in one place for both."""
    options = [
        click.Option(
            [*option.flags, option.name],
            count=not option.metavar,
            multiple=bool(option.metavar),
            type=_type(option),
            help=option.help,
            metavar=option.metavar or None,
        )
        for option in command.options
    ]
    words = click.Argument(["args"], nargs=-1, type=click.UNPROCESSED)
    return click.Command(command.name, params=[*options, words], add_help_option=False)


def _type(option: Option) -> click.types.UnprocessedParamType | None:
    return click.UNPROCESSED if option.metavar else None


def _parsed(command: Command, argv: list[str]) -> Raw:
    try:
        context = built(command).make_context(command.name, list(argv))
    except click.NoSuchOption as error:
        raise Wrong(_unknown(command, error)) from None
    except click.UsageError as error:
        raise Wrong(error.format_message().rstrip(".")) from None
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
    near = list(error.possibilities or ())[:2]  # nearest first
    guess = f"; did you mean {' or '.join(near)}?" if near else ""
    if command.tail:
        guess += "; options of the start command stand behind --"
    return f"no such option {flag[:80]}{guess}"


def _count(command: Command, given: list[str]) -> None:
    metavar, (least, most), _ = command.arguments
    if len(given) < least:
        raise Wrong(f"missing argument: {metavar}")
    if 0 <= most < len(given):
        what = "unexpected argument" + ("" if "@" in given[most] else f" {given[most][:80]!r}")
        where = "; the start command stands behind --" if command.tail else ""
        raise Wrong(f"{what}{where}; accepted: {metavar or 'options only'}")


def _completed(command: Command) -> bool:
    variable = f"_{command.name.replace('-', '_').upper()}_COMPLETE"
    if not _asked(os.environ.get(variable, "")):
        return False
    from click.shell_completion import shell_complete

    shell_complete(_completing(command), {}, command.name, variable, os.environ[variable])
    sys.stdout.flush()
    return True


def _completing(command: Command) -> click.Command:
    if command.verbs:
        verbs = {verb: _completing(find(f"{command.name} {verb}")) for verb in command.verbs}
        return click.Group(command.name, commands=verbs)
    made = built(command)
    for option, param in zip(command.options, made.params, strict=False):
        if "|" in option.kind:
            param.type = click.Choice(option.kind.split("|"))
    return made


def _asked(instruction: str) -> bool:
    """Whether a shell asks: a variable alone must not turn a check into something that exits 0.

    `bash_source` prints the script to install and is asked without arguments; `bash_complete` brings the words along.
    """
    shell, _, what = instruction.partition("_")
    asked = len(sys.argv) == 1 if what == "source" else what == "complete" and "COMP_WORDS" in os.environ
    return shell in ("bash", "zsh", "fish") and asked
