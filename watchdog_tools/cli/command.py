"""A command as data: its options are declared once, and every parser, help page and check reads them."""

from __future__ import annotations

from watchdog_tools import COMMANDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from watchdog_tools.core import Result
    from watchdog_tools.workers import Waits

    Raw = dict[str, list[str]]  # option name -> each value as given; a flag adds an empty string
    Values = dict[str, Any]  # option name -> value as its kind's converter made it, defaults filled in


class UsageError(ValueError):
    """Wrong usage: one clear sentence that names the mistake and what is accepted."""


class Option:
    """One option.

    flags: "-u --user", the spellings. `name` is the longest without dashes, `-` as `_`, unless given.
    metavar: how help names the value; empty for a flag.
    kind: the key of a converter in `converters.CONVERTERS`; choices separated by `|` are a kind too.
    many: it may be repeated, and its value is a tuple (for a flag: the count).
    """

    __slots__ = ("default", "flags", "group", "help", "kind", "many", "metavar", "name")

    def __init__(  # noqa: PLR0913 -- a record, declared in tables
        self,
        flags: str,
        metavar: str,
        help: str,  # noqa: A002 -- the field's own word
        kind: str = "text",
        default: str | None = None,
        *,
        many: bool = False,
        group: str = "Options",
        name: str = "",
    ) -> None:
        """Take the fields as the class describes them."""
        self.flags = tuple(flags.split())
        self.name = name or self.flags[-1].lstrip("-").replace("-", "_")
        self.metavar = metavar
        self.help = help
        self.kind = kind if metavar else "flag"
        self.default = default
        self.many = many
        self.group = group


class Command:
    """One console script.

    label: the word in front of its line, `PORT`. arguments: (metavar, how many, help), where how
    many is (least, most) and most -1 means any number.
    configure: converted values -> configuration; raises UsageError. run: configuration, values and the descriptor that
    ends a wait -> Result, None where that came first. probe: of a check, configuration and Progress -> what it waits
    for, and then its Result.
    refused: options of the monitoring plugin of the same job that we do not take -> what to use.
    tail: another command line stands behind the first `--`, and everything there is its own.
    timed: its figure is the time of the answer, and a time-out has one, too.
    longer: configuration -> seconds that it may take beyond -t. rows: configuration -> whether its long output is what
    was asked for, so that it needs no -v.
    down: the value that Zabbix gets when the target is down, None for the state's number.
    subcommands: its first word is one of these, and a command of its own, `find("NAME VERB")`.
    remembers: configuration -> the NAME by which it speaks on change, empty for none, and what returns its state
    directory, for forks alone; None for a check, which does as its --name says.
    """

    __slots__ = (
        "arguments", "configure", "down", "examples", "exits", "label", "longer", "name", "notes", "options",
        "probe", "refused", "remembers", "rows", "run", "subcommands", "summary", "tail", "target", "timed",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 -- a record, declared once a command
        self,
        *,
        name: str, label: str, summary: str, notes: str = "",
        arguments: tuple[str, tuple[int, int], str],
        options: tuple[Option, ...],
        refused: dict[str, str] | None = None,
        configure: Callable[[Any], object],
        probe: Callable[..., Waits[Result]] | None = None,
        run: Callable[..., Result | None],
        target: Callable[..., str] = str,
        examples: tuple[tuple[str, str], ...] = (),
        exits: tuple[tuple[str, str], ...] = (),
        tail: bool = False, timed: bool = False,
        longer: Callable[..., float] | None = None,
        rows: Callable[..., bool] | None = None,
        down: float | None = None, subcommands: tuple[str, ...] = (),
        remembers: Callable[[Any], tuple[str, Callable[[], str]]] | None = None,
    ) -> None:  # fmt: skip
        """Take the fields as the class describes them."""
        self.name = name
        self.label = label
        self.summary = summary
        self.arguments = arguments
        self.options = options
        self.configure = configure
        self.probe = probe
        self.run = run
        self.target = target
        self.examples = examples
        self.exits = exits
        self.notes = notes
        self.refused = refused or {}
        self.tail = tail
        self.timed = timed
        self.longer = longer
        self.rows = rows
        self.down = down
        self.subcommands = subcommands
        self.remembers = remembers

    def by_flag(self) -> dict[str, Option]:
        """Return each spelling with its option."""
        return {flag: option for option in self.options for flag in option.flags}

    def divided(self, argv: list[str]) -> tuple[list[str], list[str]]:
        """Return our own words, and those of the command line behind the first `--`, if we carry one."""
        if not self.tail or "--" not in argv:
            return argv, []
        at = argv.index("--")
        return argv[:at], argv[at + 1 :]


def find(name: str) -> Command:
    """Return the table of a command of the registry; its module alone is loaded."""
    module = __import__(f"watchdog_tools.{COMMANDS[name][2]}", fromlist=["COMMAND"])
    command: Command = module.COMMAND
    return command
