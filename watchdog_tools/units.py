"""Words: durations (`250ms 5s 2m 1h 1d`, a number is seconds) and sizes (`64K 10M 2G`)."""

from __future__ import annotations

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_LONGEST = 366 * 86400.0


def duration(text: str) -> float:
    """Return seconds. Raise ValueError with a sentence that says what is accepted."""
    amount, unit = _split(text)
    if amount is None or unit not in _SECONDS:
        raise ValueError(f"{text[:80]!r} is not a duration; accepted: 5, 0.5, 250ms, 5s, 2m, 1h, 1d")
    seconds = amount * _SECONDS[unit]
    if seconds > _LONGEST:
        raise ValueError(f"{text[:80]!r} is longer than a year")
    return seconds


def size(text: str) -> int:
    """Return bytes. Raise ValueError with a sentence that says what is accepted."""
    amount, unit = _split(text)
    unit = unit.lower().removesuffix("ib").removesuffix("b")
    if amount is None or unit not in _BYTES:
        raise ValueError(f"{text[:80]!r} is not a size; accepted: 4096, 64K, 10M, 2G")
    return int(amount * _BYTES[unit])


def spoken(seconds: float) -> str:
    """Return a duration as a person says it: `0.4 ms`, `12 ms`, `1.5 s`, `3 min`, `2.5 h`, `4 d`."""
    for limit, factor, unit in (
        (0.01, 1e3, "ms"), (1, 1e3, "ms"), (120, 1, "s"), (7200, 1 / 60, "min"), (172800, 1 / 3600, "h"),
    ):  # fmt: skip
        if seconds < limit:
            digits = 1 if limit == 0.01 else 0 if factor == 1e3 else 1  # noqa: PLR2004
            return f"{seconds * factor:.{digits}f}".removesuffix(".0") + f" {unit}"
    return f"{seconds / 86400:.1f}".removesuffix(".0") + " d"


def _split(text: str) -> tuple[float | None, str]:
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    plain = number.replace(".", "", 1)
    # isdigit() alone would accept full-width digits
    if not (plain.isascii() and plain.isdigit() and len(number) <= 16):  # noqa: PLR2004
        return None, ""
    return float(number), text[len(number) :]
