"""The fast parser: serves the plain case from a command's table, and hands over whatever it is not sure of.

It returns just what the click command built from the same table would (a test draws command
lines from the tables and compares); None means: ask click, which has the last word.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.command import Command, Option, Raw


def parse(command: Command, argv: list[str]) -> Raw | None:
    """Return the raw values of `argv` (without the command's own name), or None."""
    flags = command.by_flag()
    raw: Raw = {"args": []}
    head, tail = command.divided(argv)
    words = iter(head)
    for word in words:
        if word == "--":
            raw["args"].extend(words)
            break
        if word[:1] != "-" or word == "-":
            raw["args"].append(word)
            continue
        option, value = split(flags, word)
        if option is None or option.name in ("help", "version"):
            return None
        if option.metavar and value is None:
            value = next(words, None)  # also a dashed one, as click does: `-a '--id 7'`
            if value is None:
                return None
        raw.setdefault(option.name, []).append(value or "")
    least, most = command.arguments[1]
    given = len(raw["args"])
    raw["args"].extend(tail)
    return raw if least <= given and (given <= most or most < 0) else None


def split(flags: dict[str, Option], word: str) -> tuple[Option | None, str | None]:
    """Return the option that a word names, and the value that is attached; None for what is odd, as several letters."""
    if word[:2] == "--":
        name, equals, value = word.partition("=")
        option = flags.get(name)
        if option is None or (equals and not option.metavar):
            return None, None
        return option, value if equals else None
    option = flags.get(word[:2])
    if option is None or (len(word) > 2 and not option.metavar):  # noqa: PLR2004 -- a dash and a letter
        return None, None
    return option, word[2:] or None
