"""What stands in a line: text from outside, harmless and short; durations and sizes as people write them; checksums."""

from __future__ import annotations

LINE = 1024  # bytes of the one line, its newline included (P1; Docker keeps 4096)

# A pipe would start perfdata; the rest is what web pages, notification shells and mails interpret.
_REPLACED = str.maketrans({"|": "/", "<": "(", ">": ")", "`": "'", "$": "?", "&": "+"})
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_LONGEST = 366 * 86400.0


def quoted(raw: str | bytes, limit: int = 200) -> str:
    """Return text from outside as it may stand in a line: printable ASCII of at most `limit` bytes."""
    raw = raw[: limit * 4]
    text = raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else raw
    return shortened(printable(text).translate(_REPLACED), limit)


def printable(text: str) -> str:
    """Return `text` in printable ASCII, whatever it holds: controls and the rest as escapes."""
    if text.isascii() and text.isprintable():  # the usual case, and the cheap one
        return text
    return "".join(_escaped(char) for char in text)


def shortened(text: str, limit: int) -> str:
    """Return at most `limit` characters, with `...` where something was cut."""
    return text if len(text) <= limit else f"{text[: max(limit - 3, 0)]}..."


def aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Return a line for each row, its cells as wide as the widest of their column; the last one as it is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    return ["  ".join([*map(str.ljust, row[:-1], widths), row[-1]]).rstrip() for row in rows]


def _escaped(char: str) -> str:
    if " " <= char <= "~":
        return char
    return char.encode("unicode_escape").decode("ascii")  # surrogates included: it never raises


def checksum(what: object) -> str:
    """Return a short checksum of plain data. ascii() is the same in all releases of Python, hash() in no two runs."""
    import binascii

    return f"{binascii.crc32(ascii(what).encode()):08x}"


def duration(text: str) -> float:
    """Return seconds. Raise ValueError with a sentence that says what is accepted."""
    amount, unit = _split(text)
    if amount is None or unit not in _SECONDS:
        raise ValueError(f"{text[:80]!r} is not a duration; accepted: 5, 0.5, 250ms, 5s, 2m, 1h, 1d")
    seconds = amount * _SECONDS[unit]
    if seconds > _LONGEST:
        raise ValueError(f"{text!r} is longer than a year")
    return seconds


def size(text: str) -> int:
    """Return bytes. Raise ValueError with a sentence that says what is accepted."""
    amount, unit = _split(text)
    unit = unit.lower().removesuffix("ib").removesuffix("b")
    if amount is None or unit not in _BYTES:
        raise ValueError(f"{text[:80]!r} is not a size; accepted: 4096, 64K, 10M, 2G")
    return int(amount * _BYTES[unit])


def whole(word: str, least: int = 0, most: int = 1 << 31) -> int:
    """Return a whole number in plain digits. Raise ValueError with a sentence."""
    # int() alone would accept "1_0", " 1" and digits of other scripts, and refuse 5000 of them loudly
    if not (word.isascii() and word.isdigit() and len(word) <= 10 and least <= int(word) <= most):  # noqa: PLR2004
        raise ValueError(f"{word[:80]!r} is not a whole number from {least} to {most}")
    return int(word)


def human_duration(seconds: float) -> str:
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
