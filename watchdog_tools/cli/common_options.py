"""What all checks share: their common options, and the presets and environment that fill them in."""

from __future__ import annotations

import os

from watchdog_tools.cli.command import Option, UsageError
from watchdog_tools.cli.converters import timeout
from watchdog_tools.outputs import FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchdog_tools.cli.command import Raw, Values
    from watchdog_tools.outputs import Format

OUTPUT = "Output and exit code"

# --for: (exit style, format, quiet, timeout); docs/common.md
PRESETS = {
    "docker": ("bool", "text", False, "2.5"),  # below the 3 s of Docker's manual: what it kills stays as a zombie
    "k8s": ("bool", "text", False, "0.8"),
    "nagios": ("nagios", "text", False, "10"),
    "zabbix": ("zabbix", "zabbix", False, "1.8"),
    "cron": ("bool", "text", True, "10"),
}
_CONSUMERS = "docker|k8s|nagios|zabbix|cron"
_FORMATS = "|".join(FORMATS)
_STYLES = "nagios|bool|zabbix"


def _listed(choices: Mapping[Format, str]) -> str:
    """Return `text, json or zabbix (the bare value)`."""
    *first, last = [f"{name} ({words})" if words else name for name, words in choices.items()]
    return f"{', '.join(first)} or {last}"


def common(
    *, quiet: str = "-q --quiet", limit_of: str = "the whole check", consumer: bool = True
) -> tuple[Option, ...]:
    """Return the options that every command has; `quiet` without its letter where that is another's.

    consumer: with the presets; for a person's verbs `--for` says how long.
    """
    options = (
        Option("-t --timeout", "D[:STATE]", f"time limit of {limit_of}, and the state when it is over: ok, warning,"
               " critical or unknown", "timeout", "10s", group="Time"),
        Option("-o --format", "FORMAT", f"output format: {_listed(FORMATS)}", _FORMATS, "text", group=OUTPUT),
        Option("--exit-style", "STYLE", "exit codes: nagios (0-3), bool (0 works, 1 does not) or zabbix (0)",
               _STYLES, "nagios", group=OUTPUT),
        Option("--for", "CONSUMER", "preset of time limit, format and exit style: docker, k8s, nagios, zabbix, or cron,"
               " which prints only what is news", _CONSUMERS, group=OUTPUT),
        Option("--fail-on", "STATE", "with bool: lowest state that exits 1, warning or critical", "warning|critical",
               "critical", group=OUTPUT),
        Option(quiet, "", "print nothing if the state is OK and nothing was done", group=OUTPUT),
        Option("-v --verbose", "", "print details below the first line; may be repeated", many=True, group=OUTPUT),
        Option("-V --version", "", "print the version", group=OUTPUT),
        Option("-h --help", "", "print this help", group=OUTPUT),
    )  # fmt: skip
    return options if consumer else tuple(option for option in options if option.name != "for")


def remind_option() -> Option:
    """Return the option of what speaks on change."""
    return Option("--remind", "D", "with --for cron: say again every D what lasts, and how often something was done",
                  "span", "1h", group=OUTPUT)  # fmt: skip


def check_options(of: str = "the figure") -> tuple[Option, ...]:
    """Return the options of every check-*: thresholds, tries, negation."""
    return (
        Option("-w --warning", "RANGE", f"WARNING when {of} is outside RANGE", "range", group="Verdict"),
        Option("-c --critical", "RANGE", f"CRITICAL when {of} is outside RANGE", "range", group="Verdict"),
        Option("--negate", "", "swap OK and CRITICAL", group="Verdict"),
        Option("--retries", "N", "retry up to N times before reporting CRITICAL", "whole", "0", group="Time"),
        Option("--retry-delay", "D", "delay before the first retry; doubled for each further one", "duration", "1s",
               group="Time"),
        Option("--name", "NAME", "with --for cron: print only what is news since the last run of this NAME", "service",
               group=OUTPUT),
        remind_option(),
    )  # fmt: skip


def filled_in(values: Values, raw: Raw, environment: Mapping[str, str]) -> Values:
    """Return the values with what presets and the environment say; an explicit option wins. Raise UsageError."""
    said = from_environment(environment)
    consumer = values.get("for") or said.get("for")
    style, form, quiet, limit = PRESETS.get(str(consumer), ("nagios", "text", False, "10"))
    alone = {} if values.get("for") else said  # an explicit preset wins over single variables, too
    filled = {**values, "for": consumer}
    if "exit_style" not in raw:
        filled["exit_style"] = style
    if "format" not in raw:
        filled["format"] = alone.get("format", form)
    if "quiet" not in raw:
        filled["quiet"] = quiet
    if consumer != "cron" or "quiet" in raw:  # --quiet says each time what is not OK, and remembers nothing
        filled["remind"] = None
    if "timeout" not in raw:
        filled["timeout"] = alone.get("timeout") or timeout(limit)
    if values.get("state_dir") is None:
        filled["state_dir"] = said.get("state_dir")
    return filled


def _same_user() -> bool:
    return os.geteuid() == os.getuid() and os.getegid() == os.getgid()


def from_environment(environment: Mapping[str, str]) -> Values:
    """Return what the caller's environment says, nothing where we run with rights that are not the caller's own.

    Raise UsageError.
    """
    said: Values = {}
    if not _same_user():
        return said
    for name, key in (("FOR", "for"), ("FORMAT", "format"), ("TIMEOUT", "timeout"), ("STATE_DIR", "state_dir")):
        word = environment.get(f"WATCHDOG_TOOLS_{name}")
        if word:
            try:
                said[key] = _check(key, word)
            except ValueError as error:
                raise UsageError(f"WATCHDOG_TOOLS_{name}: {error}") from None
    if environment.get("WATCHDOG_TOOLS_BACKEND", "proc") != "proc":
        raise UsageError("WATCHDOG_TOOLS_BACKEND: this version reads /proc alone; accepted: proc")
    return said


def _check(key: str, word: str) -> object:
    # none of these may change a verdict, so what could is refused from here
    if key == "timeout":
        seconds, state = timeout(word)
        if state is not None:
            raise ValueError("a state is accepted only from --timeout")
        return seconds, None
    if key in ("for", "format"):
        allowed = [
            name
            for name in (_CONSUMERS if key == "for" else _FORMATS).split("|")
            if name != "zabbix" or key == "format"
        ]
        if word not in allowed:
            raise ValueError(f"{word[:80]!r} is not one of {', '.join(allowed)}")
    return word
