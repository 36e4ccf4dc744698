"""Completion for zsh: a function for each program, which compinit finds by its first line."""

from __future__ import annotations

from watchdog_tools.cli import completion
from watchdog_tools.cli.completion import DIRECTORIES, FILES, GROUPS, SERVICES, USERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchdog_tools.cli.command import Command, Option

_ACTIONS = {
    FILES: "_files", DIRECTORIES: "_files -/", USERS: "_users", GROUPS: "_groups", SERVICES: "_watchdog_tools_services",
}  # fmt: skip
_SERVICES = """
(( $+functions[_watchdog_tools_services] )) ||
_watchdog_tools_services() { # the NAMEs that have a record or a pause in the state directory
  emulate -L zsh -o extended_glob -o null_glob
  local directory=${WATCHDOG_TOOLS_STATE_DIR-} place pauses
  local -a places names
  local -i i
  for (( i = 2; i < $#typed; i++ )); do
    case $typed[i] in
      --) break ;;
      -s|--state-dir) directory=$typed[i+1] ;;
      --state-dir=*) directory=${typed[i]#*=} ;;
      -s?*) directory=${typed[i]#-s} ;;
    esac
  done
  places=(${${(Q)directory}/#\\~\\//$HOME/})
  if (( ! $#places )); then
    places=(/run/watchdog-tools)
    (( EUID )) && places+=(${HOME-}/.local/state/watchdog-tools /tmp/watchdog-tools-$EUID)
  fi
  for place in $places; do
    pauses=$place/pause
    [[ $place == /run/watchdog-tools ]] && pauses=/var/lib/watchdog-tools/pause
    names+=($place/*.record(N:t:r) $pauses/*(N:t))
  done
  names=(${(M)names:#[A-Za-z0-9_][A-Za-z0-9._-]#}) # whatever lies there, only a NAME is offered
  _wanted services expl service compadd -a names
}
"""


def script(command: Command) -> str:
    """Return the file of a program."""
    about = f"Completion of {command.name} for zsh, written from the tables of its options."
    parts = [f"#compdef {command.name}\n# {about}\n"]
    if completion.argument(command) == SERVICES:
        parts.append(_SERVICES)
    parts.append("\nlocal expl curcontext=$curcontext state line\nlocal -a typed=(${words[1,CURRENT]})\n")
    parts.append(_with_verbs(command) if command.subcommands else _arguments(command.options, *_words(command)))
    return "".join(parts)


def _with_verbs(command: Command) -> str:
    rows = [
        f"    {_quoted(f'{verb}:{_described(summary)}')}\n" for verb, summary in completion.summaries(command).items()
    ]
    parts = [
        "local -a verbs=(\n", *rows, "  )\n",
        _arguments(completion.shared(command), "'1:verb:->verb'", "'*::words:->words'", more="-C -A '-*' "),
        "case $state in\n  verb) _describe -t verbs verb verbs ;;\n  words)\n    case $line[1] in\n",
        "      help) _describe -t verbs verb verbs ;;\n",
    ]  # fmt: skip
    for verb, table in completion.tables(command).items():
        lines = _arguments(table.options, *_words(table)).replace("\n", "\n        ").rstrip(" ")
        parts.append(f"      {verb})\n        {lines}        ;;\n")
    return "".join([*parts, "    esac\n    ;;\nesac\n"])


def _arguments(options: Iterable[Option], *words: str, more: str = "") -> str:
    rows = [f"_arguments -s -S {more}", *(f"  {_spec(option)}" for option in options), *(f"  {word}" for word in words)]
    return " \\\n".join(row.rstrip() for row in rows) + "\n"


def _words(command: Command) -> list[str]:
    kind, most = completion.argument(command), command.arguments[1][1]
    action = _ACTIONS.get(kind, " ")
    if command.tail:
        return [f"'1:NAME:{action}'", "'*:::start command:_normal'"]
    metavar = command.arguments[0].strip("[].")
    return [f"'{'1' if most == 1 else '*'}:{metavar}:{action}'"]


def _spec(option: Option) -> str:
    """Return `'(-t --timeout)'{-t+,--timeout=}'[help]:D: '`."""
    flags = [_taking(flag) if option.metavar else flag for flag in option.flags]
    text = f"[{_described(option.help)}]"
    if option.metavar:
        listed = (
            f"({' '.join(completion.choices(option))})"
            if completion.choices(option)
            else _ACTIONS.get(completion.value(option), " ")
        )
        text += f":{option.metavar.replace(':', chr(92) + ':')}:{listed}"
    front = "*" if option.many else f"({' '.join(option.flags)})"
    if len(flags) == 1:
        return _quoted(f"{'*' if option.many else ''}{flags[0]}{text}")
    return f"{_quoted(front)}{{{','.join(flags)}}}{_quoted(text)}"


def _taking(flag: str) -> str:
    return f"{flag}=" if flag.startswith("--") else f"{flag}+"


def _described(words: str) -> str:
    for special in "\\[]:":
        words = words.replace(special, f"\\{special}")
    return words


def _quoted(words: str) -> str:
    return "'" + words.replace("'", "'\\''") + "'"
