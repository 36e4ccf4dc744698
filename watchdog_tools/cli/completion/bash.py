"""Completion for bash: a file for each program, with all that it needs, since bash loads it by the program's name."""

from __future__ import annotations

from watchdog_tools.cli import completion
from watchdog_tools.cli.completion import DIRECTORIES, FILES, GROUPS, SERVICES, USERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchdog_tools.cli.command import Command, Option

_ACTIONS = {FILES: "file", DIRECTORIES: "directory", USERS: "user", GROUPS: "group"}  # of compgen
_HEAD = """\
# shellcheck shell=bash
# Completion of {name} for bash, written from the tables of its options.

_watchdog_tools_words() { # set words (up to the cursor, `--option=value` in one piece), cur, and prev for its option
  local word
  words=()
  for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
    if [[ ${#words[@]} -gt 0 && ${words[-1]} == --* && ($word == '=' || ${words[-1]} == *=) ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
  done
  cur=${words[-1]} prev='' lead=''
  [[ ${#words[@]} -lt 2 ]] || prev=${words[-2]}
  if [[ $cur == --*=* ]]; then
    prev=${cur%%=*}
    [[ $COMP_WORDBREAKS == *=* ]] || lead=$prev=
    cur=${cur#*=}
  fi
}

_watchdog_tools_offer() { # WORD ...: those that begin with what is typed
  local word
  for word; do
    [[ $word != "$cur"* ]] || COMPREPLY+=("$lead$word")
  done
}

_watchdog_tools_list() { # ACTION of compgen: file, directory, user or group
  local word
  while IFS= read -r word; do
    COMPREPLY+=("$lead$word")
  done < <(compgen -A "$1" -- "$cur" 2>/dev/null)
  case $1 in file | directory) compopt -o filenames 2>/dev/null ;; esac
}
"""
_SERVICES = """
_watchdog_tools_services() { # the NAMEs that have a record or a pause in the state directory
  local i place path name directory=''
  local -A found=()
  for ((i = 1; i < ${#words[@]} - 1; i++)); do
    case ${words[i]} in
      --) break ;;
      -s | --state-dir) directory=${words[i + 1]} ;;
      --state-dir=*) directory=${words[i]#*=} ;;
      -s?*) directory=${words[i]#-s} ;;
    esac
  done
  # shellcheck disable=SC2088 # the tilde is what was typed
  [[ $directory != '~/'* ]] || directory=$HOME/${directory:2}
  directory=${directory:-${WATCHDOG_TOOLS_STATE_DIR-}}
  local -a places=("$directory")
  if [[ -z $directory ]]; then
    places=(/run/watchdog-tools)
    [[ $EUID == 0 ]] || places+=("${HOME-}/.local/state/watchdog-tools" "/tmp/watchdog-tools-$EUID")
  fi
  for place in "${places[@]}"; do
    local pauses=$place/pause
    [[ $place != /run/watchdog-tools ]] || pauses=/var/lib/watchdog-tools/pause
    while IFS= read -r path; do
      name=${path##*/}
      case $path in "$pauses"/*) ;; *.record) name=${name%.record} ;; *) continue ;; esac
      [[ $name =~ ^[A-Za-z0-9_][A-Za-z0-9._-]*$ ]] || continue # whatever lies there, only a NAME is offered
      found[$name]=1
    done < <(compgen -f -- "$place/" 2>/dev/null; compgen -f -- "$pauses/" 2>/dev/null)
  done
  [[ ${#found[@]} -eq 0 ]] || _watchdog_tools_offer "${!found[@]}"
}
"""
_TAIL = """\
  local i
  for ((i = 1; i < ${#words[@]} - 1; i++)); do
    [[ ${words[i]} == -- ]] || continue
    _watchdog_tools_list file
    ((i < ${#words[@]} - 2)) || [[ -z $cur ]] || _watchdog_tools_list command
    return
  done
"""
_VERB = """\
  local i verb=''
  for ((i = 1; i < ${#words[@]} - 1; i++)); do
    case ${words[i]} in
      %s) ((i++)) ;;
      -*) ;;
      *) verb=${words[i]}; break ;;
    esac
  done
"""


def script(command: Command) -> str:
    """Return the file of a program."""
    function = f"_{command.name.replace('-', '_')}"
    parts = [_HEAD.replace("{name}", command.name)]
    if completion.argument(command) == SERVICES:
        parts.append(_SERVICES)
    lines = ["  local cur prev lead words", "  COMPREPLY=()", "  _watchdog_tools_words"]
    if command.subcommands:
        tables = completion.tables(command)
        parts += [_function(f"{function}_verb_{verb}", _options(table)) for verb, table in tables.items()]
        lines += [_VERB.rstrip() % _patterns(completion.shared(command)), "  case $verb in"]
        lines += [f"    {verb}) {function}_verb_{verb} ;;" for verb in tables]
        lines += [f"    help) {_offer('', tuple(completion.summaries(command)))} ;;", "    '')"]
        lines += [
            f"    {line}"
            for line in _options_of(completion.shared(command), _offer("", tuple(completion.summaries(command))))
        ]
        lines += ["      ;;", "  esac"]
    else:
        lines += [_TAIL.rstrip()] if command.tail else []
        lines += _options(command)
    lines.append("  return 0")
    return "".join([*parts, _function(function, lines), f"\ncomplete -F {function} {command.name}\n"])


def _function(name: str, lines: list[str]) -> str:
    return "\n".join(["", f"{name}() {{", *lines, "}", ""])


def _options(command: Command) -> list[str]:
    return _options_of(command.options, _offer(completion.argument(command), ()))


def _options_of(options: Iterable[Option], argument_line: str) -> list[str]:
    """Return what offers the value of the option before the cursor, else an option or an argument."""
    lines = ["  case $prev in"]
    unknown: list[str] = []
    for option in options:
        if option.metavar:
            offer = _offer(completion.value(option), completion.choices(option))
            if offer == ":":
                unknown += option.flags
            else:
                lines.append(f"    {' | '.join(option.flags)}) {offer}; return ;;")
    lines += [f"    {' | '.join(unknown)}) return ;;"] if unknown else []
    flags = " ".join(flag for option in options for flag in option.flags)
    offers = [f"    -*) _watchdog_tools_offer {flags} ;;", f"    *) {argument_line} ;;"]
    return [*lines, "  esac", "  case $cur in", *offers, "  esac"]


def _offer(kind: str, words: tuple[str, ...]) -> str:
    if words:
        return f"_watchdog_tools_offer {' '.join(words)}"
    if kind == SERVICES:
        return "_watchdog_tools_services"
    return f"_watchdog_tools_list {_ACTIONS[kind]}" if kind else ":"


def _patterns(options: Iterable[Option]) -> str:
    return " | ".join(flag for option in options if option.metavar for flag in option.flags)
