"""A command whose first word is a verb: each verb is a command of its own, with its own table and page."""

from __future__ import annotations

from watchdog_tools.cli.inner import find
from watchdog_tools.cli.options import Wrong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.options import Command


def chosen(command: Command, argv: list[str]) -> tuple[Command, list[str]]:
    """Return the verb's command and its words; `command` itself for its page, version and completion.

    Raise Wrong with one sentence.
    """
    if not command.verbs:
        return command, argv
    first = argv[0] if argv else ""
    if first in command.verbs:
        return find(f"{command.name} {first}"), argv[1:]
    accepted = f"accepted: {', '.join(command.verbs)}"
    if not first or first in command.by_flag():
        return command, argv[:1]
    if first[:1] == "-":
        raise Wrong(f"the verb stands first, and {first[:80]!r} is none; {accepted}")
    raise Wrong(f"no such verb {first[:80]!r}{_nearest(command, first)}; {accepted}")


def _nearest(command: Command, word: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, command.verbs, n=1)
    return f", did you mean {near[0]}" if near else ""
