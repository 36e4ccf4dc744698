"""What all checks share: their common options, and the presets and environment that fill them in."""

from __future__ import annotations

import os

from watchdog_tools.cli.options import Option, Wrong
from watchdog_tools.cli.values import timeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchdog_tools.cli.options import Raw, Values

OUTPUT = "Output and exit code"

# --for: (exit style, format, quiet, timeout); design 4
PRESETS = {
    "docker": ("bool", "text", False, "2.5"),  # below the 3 s of Docker's manual: what it kills stays as a zombie
    "k8s": ("bool", "text", False, "0.8"),
    "nagios": ("nagios", "text", False, "10"),
    "zabbix": ("zabbix", "zabbix", False, "1.8"),
    "cron": ("bool", "text", True, "10"),
}
_CONSUMERS = "docker|k8s|nagios|zabbix|cron"
_FORMATS = "text|json|zabbix"
_STYLES = "nagios|bool|zabbix"


def common(*, quiet: str = "-q --quiet", of_look: str = "the whole look", consumer: bool = True) -> tuple[Option, ...]:
    """Return the options that every command has; `quiet` without its letter where that is another's.

    consumer: with the presets; for a person's verbs `--for` says how long.
    """
    options = (
        Option("-t --timeout", "D[:STATE]", f"limit of {of_look}, and the verdict when it strikes",
               "timeout", "10", group="Time"),
        Option("-o --format", "FORMAT", "text, json or zabbix (the bare value)", _FORMATS, "text", group=OUTPUT),
        Option("--exit-style", "STYLE", "nagios (0-3), bool (0 works, 1 not) or zabbix (0)", _STYLES,
               "nagios", group=OUTPUT),
        Option("--for", "CONSUMER", "all of the above as CONSUMER wants it: docker, k8s, nagios, zabbix, cron",
               _CONSUMERS, group=OUTPUT),
        Option("--fail-on", "STATE", "with bool: `warning` exits 1 too", "critical|warning", "critical", group=OUTPUT),
        Option(quiet, "", "print only when not OK, or when something was done", group=OUTPUT),
        Option("-v --verbose", "", "more lines below the first; up to three times", many=True, group=OUTPUT),
        Option("-V --version", "", "show the version", group=OUTPUT),
        Option("-h --help", "", "show this page", group=OUTPUT),
    )  # fmt: skip
    return options if consumer else tuple(option for option in options if option.name != "for")


def judging(of: str = "the figure") -> tuple[Option, ...]:
    """Return the options of every check-*: thresholds, tries, negation."""
    return (
        Option("-w --warning", "RANGE", f"WARNING when {of} is outside RANGE", "range", group="Verdict"),
        Option("-c --critical", "RANGE", f"CRITICAL when {of} is outside RANGE", "range", group="Verdict"),
        Option("--negate", "", "swap OK and CRITICAL", group="Verdict"),
        Option("--retries", "N", "look up to N times more before a CRITICAL is said", "whole", "0", group="Time"),
        Option("--retry-delay", "D", "before the first of them; doubled each time", "duration", "1s", group="Time"),
    )


def settle(values: Values, raw: Raw, environment: Mapping[str, str]) -> None:
    """Fill in what presets and the environment say; an explicit option wins. Raise Wrong."""
    said = _from_environment(environment) if _same_user() else {}
    consumer = values.get("for") or said.get("for")
    style, form, quiet, limit = PRESETS.get(str(consumer), ("nagios", "text", False, "10"))
    alone = {} if values.get("for") else said  # an explicit preset wins over single variables, too
    if "exit_style" not in raw:
        values["exit_style"] = style
    if "format" not in raw:
        values["format"] = alone.get("format", form)
    if "quiet" not in raw:
        values["quiet"] = quiet
    if "timeout" not in raw:
        values["timeout"] = alone.get("timeout") or timeout(limit)
    values["for"] = consumer
    if "state_dir" in values and values["state_dir"] is None:
        values["state_dir"] = said.get("state_dir")


def _same_user() -> bool:
    return os.geteuid() == os.getuid() and os.getegid() == os.getgid()


def _from_environment(environment: Mapping[str, str]) -> Values:
    said: Values = {}
    for name, key in (("FOR", "for"), ("FORMAT", "format"), ("TIMEOUT", "timeout"), ("STATE_DIR", "state_dir")):
        word = environment.get(f"WATCHDOG_TOOLS_{name}")
        if word:
            try:
                said[key] = _check(key, word)
            except ValueError as error:
                raise Wrong(f"WATCHDOG_TOOLS_{name}: {error}") from None
    if environment.get("WATCHDOG_TOOLS_BACKEND", "proc") != "proc":
        raise Wrong("WATCHDOG_TOOLS_BACKEND: this version reads /proc alone; accepted: proc")
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
