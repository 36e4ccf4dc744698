"""The checks that ensure-running was asked to keep: written as on the shell, or in short forms."""

from __future__ import annotations

import os
import sys

from watchdog_tools.cli import inner
from watchdog_tools.cli.options import Wrong
from watchdog_tools.system.looks import Job
from watchdog_tools.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.options import Values
    from watchdog_tools.result import Result
    from watchdog_tools.system.looker import Say

    Checks = tuple[tuple[str, Job], ...]  # (first word, look)

_SYNTAX = frozenset("|&;<>()`$\n")  # what a shell reads as more than a word
_COMMANDS = ("--on-", "--before-", "--stop")  # options whose value acts
_OURS = ("check-heartbeat", "ensure-running", "cron-guard", "sd-watchdog", "watchdog-tools")


def checks(name: str, start: str, values: Values) -> Checks:
    """Return the looks that the options ask for; `name` and `start` are the service's. Raise Wrong."""
    written = [words("--check", str(line)) for line in values["check"]]
    trust_any = bool(values["allow_unsafe_path"])
    looks = [(os.path.basename(line[0]), _job(line, trust_any=trust_any)) for line in written]
    user = values["user"] or (str(os.geteuid()) if os.geteuid() else None)
    of_user = ["-u", str(user)] if user else []
    if values["process"]:
        looks.append(("check-process", _process_job(name, of_user, values)))
    written = [["check-port", "--", str(target)] for target in values["port"]]
    written += [["check-http", "--", str(url)] for url in values["url"]]
    looks += [(os.path.basename(line[0]), _job(line)) for line in written]
    if values["pidfile"]:
        from watchdog_tools.commands import short_forms

        job = _pidfile_job(start, of_user, values)
        looks.append(("check-process", short_forms.pidfile(job, name, os.path.basename(start), values)))
    if values["systemd"] or values["supervisor"]:
        from watchdog_tools.commands import presets

        looks.append(presets.look(values))
    return tuple(looks)


def required(values: Values) -> Checks:
    """Return the looks at what the service requires, each with its own words as name. Raise Wrong."""
    trust_any = bool(values["allow_unsafe_path"])
    jobs = [(str(line), _job(words("--requires", str(line)), trust_any=trust_any)) for line in values["requires"]]
    # the words of ours may hold a password; their target does not
    return tuple((quoted(line if job.foreign else f"{line.split()[0]} {job.target}"), job) for line, job in jobs)


def _process_job(name: str, of_user: list[str], values: Values) -> Job:
    """Return the look of --process. Who takes its Result finds in it what was asked for."""
    wanted = str(values["process"])
    job = _job(["check-process", *of_user, "--", wanted])
    plain = job.look

    def look(say: Say) -> Result:
        result = plain(say)
        if not result.details.get("_born"):
            from watchdog_tools.commands import short_forms

            return short_forms.explained(result, wanted, short_forms.owner_of(name, values))
        result.details["_wanted"] = wanted
        return result

    job.look = look
    return job


def _pidfile_job(start: str, of_user: list[str], values: Values) -> Job:
    """Return the look at a pidfile; of --oneshot the start command is not what will run."""
    same = of_user if values["oneshot"] else [*of_user, "-C", os.path.basename(start)]
    return _job(["check-process", "--pidfile", values["pidfile"], *same])


def words(option: str, line: str) -> list[str]:
    """Return the words of a check as the shell would read them, had it only quotes. Raise Wrong."""
    found = split(option, line)
    syntax = _syntax(line)
    if os.path.basename(found[0]) not in inner.CHECKS and (syntax or "=" in found[0]):
        # ours refuse it themselves; a plugin would make a verdict, and we a start, of words that were no words
        what = syntax or quoted(found[0], 40)
        raise Wrong(
            f"{option}: no shell reads it, so {what} would be a word like any other; sh -c '...' is a check, too"
        )
    return found


def split(option: str, line: str) -> list[str]:
    """Return the words of a command line that no shell reads. Raise Wrong."""
    if any(char in line for char in "'\"\\"):
        import shlex

        try:
            found = shlex.split(line)
        except ValueError as error:
            raise Wrong(f"{option}: {error}") from None  # the line may hold a password
    else:
        found = line.split()
    if not found or not found[0]:
        raise Wrong(f"{option}: an empty line is not a {'command' if option.startswith(_COMMANDS) else 'check'}")
    return found


def command(option: str, line: str | None) -> tuple[str, ...]:
    """Return the words of a hook or a stop command, none for none; what only a shell would act on is refused."""
    if line is None:
        return ()
    syntax = _syntax(line)
    if syntax:
        raise Wrong(f"{option}: no shell reads it, so {syntax} would be a word like any other; sh -c '...' is one")
    return tuple(split(option, line))


def _job(line: list[str], *, trust_any: bool = False) -> Job:
    name = os.path.basename(line[0])
    if name in inner.CHECKS and _is_ours(line[0]):
        try:
            return inner.parse([name, *line[1:]])
        except Wrong as wrong:
            raise Wrong(f"{name}: {wrong}") from None
    if name in _OURS:
        raise Wrong(f"--check: {name} is not a check: a look changes nothing")

    def look(say: Say) -> Result:
        from watchdog_tools.probes import plugin

        return plugin.look(tuple(line), say, trust_any=trust_any)

    return Job(look, target=name, foreign=True)


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
