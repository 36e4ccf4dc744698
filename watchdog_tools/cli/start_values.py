"""Converters of what few command lines say: loaded where one does."""

from __future__ import annotations

from watchdog_tools.core import text

_SMALLEST_LOG = 4096  # bytes of --log-max: less than what a death quotes from a log helps nobody


def log_size(word: str) -> int:
    """Return the bytes that a log may have. Raise ValueError."""
    amount = text.size(word)
    if amount < _SMALLEST_LOG:
        raise ValueError(f"{word[:80]!r} is less than 4K")
    return amount


def nofile(word: str) -> tuple[int, int]:
    """Return the soft and the hard limit of `N[:HARD]`. Raise ValueError."""
    soft, colon, hard = word.partition(":")
    try:
        limits = text.whole(soft, 3), text.whole(hard if colon else soft, 3)
    except ValueError:
        raise ValueError(f"{word[:80]!r} is not a limit of files; accepted: 65536, 1024:65536") from None
    if limits[0] > limits[1]:
        raise ValueError(f"{word[:80]!r} has N above HARD")
    return limits


def nice(word: str) -> int:
    """Return a nice value. Raise ValueError."""
    try:
        return -text.whole(word[1:], 0, 20) if word.startswith("-") else text.whole(word, 0, 19)
    except ValueError:
        raise ValueError(f"{word[:80]!r} is not a nice value; accepted: -20 to 19") from None
