"""The checks that ensure-running was asked to keep: written as on the shell, or in short forms."""

from __future__ import annotations

import _signal
import os
import sys

from watchdog_tools import CHECK, kind
from watchdog_tools.checks import parse
from watchdog_tools.cli.command import UsageError
from watchdog_tools.core.text import quoted
from watchdog_tools.workers import Check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core import Result
    from watchdog_tools.ensure_running.values import Checks, Values
    from watchdog_tools.workers.worker import Progress

_SYNTAX = frozenset("|&;<>()`$\n")  # what a shell reads as more than a word
_RELOADS = ("HUP", "USR1", "USR2", "WINCH")  # signals by which programs read their configuration anew
_COMMANDS = ("--on-", "--before-", "--stop", "--reload")  # options whose value acts


def checks(name: str, start: str, values: Values) -> Checks:
    """Return the checks that the options ask for; `name` and `start` are the service's. Raise UsageError."""
    written = [words("--check", str(line)) for line in values["check"]]
    trust_any = bool(values["allow_unsafe_path"])
    found = [(os.path.basename(line[0]), _check(line, trust_any=trust_any)) for line in written]
    user = values["user"] or (str(os.geteuid()) if os.geteuid() else None)
    of_user = ["-u", str(user)] if user else []
    if values["process"]:
        found.append(("check-process", _process_check(name, of_user, values)))
    written = [["check-port", "--", str(target)] for target in values["port"]]
    written += [["check-http", "--", str(url)] for url in values["url"]]
    found += [(os.path.basename(line[0]), _check(line)) for line in written]
    if values["pidfile"]:
        from watchdog_tools.ensure_running import short_forms

        check = _pidfile_check(values["pidfile"], start, of_user, oneshot=values["oneshot"])
        found.append(("check-process", short_forms.pidfile(check, name, os.path.basename(start), values)))
    if values["systemd"] or values["supervisor"]:
        from watchdog_tools.ensure_running import presets

        found.append(presets.check(values))
    return tuple(found)


def required(values: Values) -> Checks:
    """Return the checks of what the service requires, each with its own words as name. Raise UsageError."""
    trust_any = bool(values["allow_unsafe_path"])
    found = [(str(line), _check(words("--requires", str(line)), trust_any=trust_any)) for line in values["requires"]]
    # the words of ours may hold a password; their target does not
    return tuple(
        (quoted(line if check.foreign else f"{line.split()[0]} {check.target}"), check) for line, check in found
    )


def _process_check(name: str, of_user: list[str], values: Values) -> Check[Result]:
    """Return the check of --process. Who takes its Result finds in it what was asked for."""
    wanted, state_dir = str(values["process"]), values["state_dir"]
    check = _check(["check-process", *of_user, "--", wanted])
    plain = check.probe

    def probe(progress: Progress) -> Result:
        result = plain(progress)
        if not result.processes:
            from watchdog_tools.ensure_running import short_forms

            return short_forms.explained(result, wanted, short_forms.owner_of(name, state_dir))
        result.keeper.process_name = wanted
        return result

    check.probe = probe
    return check


def _pidfile_check(pidfile: str, start: str, of_user: list[str], *, oneshot: bool) -> Check[Result]:
    """Return the check of a pidfile; of --oneshot the start command is not what will run."""
    same = of_user if oneshot else [*of_user, "-C", os.path.basename(start)]
    return _check(["check-process", "--pidfile", pidfile, *same])


def words(option: str, line: str) -> list[str]:
    """Return the words of a check as the shell would read them, had it only quotes. Raise UsageError."""
    found = split(option, line)
    syntax = _syntax(line)
    if kind(os.path.basename(found[0])) != CHECK and (syntax or "=" in found[0]):
        # ours refuse it themselves; a plugin would make a verdict, and we a start, of words that were no words
        what = syntax or quoted(found[0], 40)
        raise UsageError(
            f"{option}: no shell reads it, so {what} would be a word like any other; sh -c '...' is a check, too"
        )
    return found


def split(option: str, line: str) -> list[str]:
    """Return the words of a command line that no shell reads. Raise UsageError."""
    if any(char in line for char in "'\"\\"):
        import shlex

        try:
            found = shlex.split(line)
        except ValueError as error:
            raise UsageError(f"{option}: {error}") from None  # the line may hold a password
    else:
        found = line.split()
    if not found or not found[0]:
        raise UsageError(f"{option}: an empty line is not a {'command' if option.startswith(_COMMANDS) else 'check'}")
    return found


def command(option: str, line: str | None) -> tuple[str, ...]:
    """Return the words of a hook or a stop command, none for none; what only a shell would act on is refused."""
    if line is None:
        return ()
    syntax = _syntax(line)
    if syntax:
        raise UsageError(f"{option}: no shell reads it, so {syntax} would be a word like any other; sh -c '...' is one")
    return tuple(split(option, line))


def command_lines(values: Values) -> tuple[tuple[str, str | None], ...]:
    """Return (option, command line) of those that name one: of stopping, then the hooks."""
    return (
        ("--before-restart", values["before_restart"]), ("--before-stop", values["before_stop"]),
        ("--stop", values["stop"]), ("--on-restart", values["on_restart"]), ("--on-hold", values["on_hold"]),
        ("--on-recover", values["on_recover"]),
    )  # fmt: skip


def reload_by(line: str | None) -> tuple[tuple[str, ...], int]:
    """Return the words of --reload, and the number of its signal: one of them is empty, or 0. Raise UsageError."""
    word = (line or "").upper().removeprefix("SIG")
    if word in _RELOADS:  # as kill has it, hup is HUP
        return (), int(getattr(_signal, f"SIG{word}"))
    if word.isalnum() and word == (line or "").removeprefix("SIG"):
        raise UsageError(f"--reload: {quoted(word, 40)} is not one of {', '.join(_RELOADS)}; or a command")
    return command("--reload", line), 0


def _check(line: list[str], *, trust_any: bool = False) -> Check[Result]:
    name = os.path.basename(line[0])
    if kind(name) == CHECK and _is_ours(line[0]):
        try:
            return parse([name, *line[1:]])
        except UsageError as wrong:
            raise UsageError(f"{name}: {wrong}") from None
    if kind(name) not in (CHECK, ""):
        raise UsageError(f"--check: {name} is not a check: a look changes nothing")

    def probe(progress: Progress) -> Result:
        from watchdog_tools.checks import plugin

        return plugin.probe(tuple(line), progress, trust_any=trust_any)

    return Check(probe, target=name, foreign=True)


def _is_ours(word: str) -> bool:
    """Whether it is our command: a path to another file of that name is somebody's own plugin."""
    own = os.path.join(os.path.dirname(sys.argv[0]), os.path.basename(word))
    return "/" not in word or os.path.realpath(word) == os.path.realpath(own)


def _syntax(line: str) -> str:
    """Return what a shell would act on outside of quotes, as a line can show it: a `|` there begins perfdata."""
    char = _unquoted(line)
    return {"|": "a pipe", "\n": "a line break"}.get(char, char)


def _unquoted(line: str) -> str:
    """Return the first character outside of quotes that a shell would act on, or an empty string."""
    quote = ""
    chars = iter(line)
    for char in chars:
        if quote:
            quote = "" if char == quote else quote
            if char == "\\" and quote == '"':
                next(chars, "")
        elif char == "\\":
            next(chars, "")
        elif char in "'\"":
            quote = char
        elif char in _SYNTAX:
            return char
    return ""
