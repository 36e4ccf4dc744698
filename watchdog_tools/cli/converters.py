"""From raw words to values: one converter a kind, used whichever parser read the words."""

from __future__ import annotations

from watchdog_tools.cli.command import UsageError
from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING, text
from watchdog_tools.core.thresholds import Range

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.cli.command import Command, Option, Raw, Values

_DAY = 86400.0
_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
_LONGEST = 64
_STARTS = 100  # of --limit; a record remembers so many
STATE_NAMES = ("ok", "warning", "critical", "unknown")  # as help and completion show them; `warn` and `crit` go, too
STATES = {"ok": OK, "warning": WARNING, "warn": WARNING, "critical": CRITICAL, "crit": CRITICAL, "unknown": UNKNOWN}


def convert(command: Command, raw: Raw) -> Values:
    """Return every option's value, defaults filled in. Raise UsageError with one sentence."""
    values: Values = {"args": tuple(raw["args"])}
    if any("\0" in word for word in raw["args"]):
        raise UsageError("an argument holds a NUL byte")
    for option in command.options:
        given = raw.get(option.name)
        if option.kind == "flag":
            values[option.name] = len(given or ()) if option.many else bool(given)
        elif option.many:
            values[option.name] = tuple(_one(option, word) for word in given or ())
        else:
            word = given[-1] if given else option.default
            values[option.name] = None if word is None else _one(option, word)
    return values


def _one(option: Option, word: str) -> object:
    try:
        if "|" in option.kind:
            return _choice(option.kind.split("|"), word)
        return CONVERTERS[option.kind](word)
    except ValueError as error:
        said = f"{option.flags[-1]}: {error}"
        # it quotes the word, which may be a URL's user and password in the wrong place
        raise UsageError(
            said if "@" not in word else f"{option.flags[-1]}: what stands there is not accepted"
        ) from None


def _choice(choices: list[str], word: str) -> str:
    if word not in choices:
        raise ValueError(f"{word[:80]!r} is not one of {', '.join(choices)}")
    return word


def state(word: str) -> int:
    """Return a state by its name. Raise ValueError with a sentence."""
    if word.lower() not in STATES:
        raise ValueError(f"{word[:80]!r} is not a state; accepted: {', '.join(STATE_NAMES)}")
    return STATES[word.lower()]


def wait(word: str) -> float:
    """Return the seconds of a wait, which poll counts in milliseconds of 31 bits. Raise ValueError."""
    seconds = text.duration(word)
    if seconds > _DAY:
        raise ValueError(f"{word[:80]!r} is longer than a day")
    return seconds


def span(word: str) -> float:
    """Return the seconds of something that lasts, a year at most. Raise ValueError."""
    seconds = text.duration(word)
    if seconds < 1:
        raise ValueError(f"{word[:80]!r} is shorter than a second")
    return seconds


def _pause(word: str) -> float:
    """Return the seconds of a pause. Raise ValueError, which helps who thinks of the preset that --for is elsewhere."""
    try:
        return span(word)
    except ValueError as error:
        raise ValueError(f"{error}; a duration is accepted here, how long the pause lasts") from None


def directory(word: str) -> str:
    """Return the one spelling of an absolute path. Raise ValueError with a sentence."""
    parts = [part for part in word.split("/") if part]
    if not word.startswith("/") or not parts or {".", ".."} & set(parts):
        raise ValueError(f"{word[:80]!r} is not an absolute path without . or ..")
    return "/" + "/".join(parts)


def timeout(word: str) -> tuple[float, int | None]:
    """Return (seconds, state on timeout or None) of `SECONDS[:STATE]`. Raise ValueError."""
    span, colon, name = word.partition(":")
    seconds = wait(span)
    if seconds <= 0:
        raise ValueError("0 would mean no time to look; accepted: 10, 500ms, 10:unknown")
    return seconds, state(name) if colon else None


def backoff(word: str) -> tuple[float, float]:
    """Return the seconds of `MIN:MAX`. Raise ValueError with a sentence."""
    first, _, longest = word.partition(":")
    spans = wait(first), wait(longest or first)
    if spans[0] > spans[1]:
        raise ValueError(f"{word[:80]!r} has MIN above MAX; accepted: 1s:5m, 0s:0s")
    return spans


def limit(word: str) -> tuple[int, float]:
    """Return (starts, seconds) of `N/WINDOW`, no starts for `none`. Raise ValueError with a sentence."""
    if word == "none":
        return 0, 0.0
    number, _, window = word.partition("/")
    try:
        return text.whole(number, 1, _STARTS), wait(window)
    except ValueError:
        raise ValueError(f"{word[:80]!r} is not a limit; accepted: 5/10m, up to {_STARTS} starts, none") from None


def port(word: str) -> int:
    """Return a TCP port. Raise ValueError with a sentence."""
    try:
        return text.whole(word, 1, 65535)
    except ValueError:
        raise ValueError(f"{word[:80]!r} is not a port; accepted: 1 to 65535") from None


def service(word: str) -> str:
    """Return `word` if it is a NAME. Raise ValueError with a sentence that says what is accepted."""
    if not 0 < len(word) <= _LONGEST or word[0] in ".-" or not _ALLOWED.issuperset(word):
        raise ValueError(f"{word[:80]!r} is not a NAME; accepted: up to 64 of A-Z a-z 0-9 . _ -, no leading . or -")
    return word


def is_service(word: str) -> bool:
    """Whether `word` is a NAME: not every file in a directory of ours is one's."""
    try:
        return bool(service(word))
    except ValueError:
        return False


def _text(word: str) -> str:
    if not word:
        raise ValueError("an empty value is not accepted")
    return word


def _rare(kind: str) -> Callable[[str], object]:
    """Return the converter of `start_values` with that name."""

    def converted(word: str) -> object:
        from watchdog_tools.cli import start_values

        return getattr(start_values, kind)(word)

    return converted


CONVERTERS: dict[str, Callable[[str], object]] = {
    "text": _text,
    "any": str,
    "duration": wait,
    "span": span,
    "pause": _pause,
    "size": text.size,
    "log_size": _rare("log_size"),
    "nofile": _rare("nofile"),
    "nice": _rare("nice"),
    "range": Range,
    "whole": text.whole,
    "tries": lambda word: text.whole(word, 0, 10),
    "count": lambda word: text.whole(word, 1, 1000),
    "backoff": backoff,
    "limit": limit,
    "state": state,
    "timeout": timeout,
    "port": port,
    "service": service,
}
