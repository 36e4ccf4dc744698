"""Words: untrusted text stays text. Escaped, shortened, and without what others interpret."""

from __future__ import annotations

LINE = 1024  # bytes of the one line, its newline included (P1; Docker keeps 4096)

# A pipe would start perfdata; the rest is what web pages, notification shells and mails interpret.
_REPLACED = str.maketrans({"|": "/", "<": "(", ">": ")", "`": "'", "$": "?", "&": "+"})


def quoted(raw: str | bytes, limit: int = 200) -> str:
    """Return text from outside as it may stand in a line: printable ASCII of at most `limit` bytes."""
    text = raw[: limit * 4].decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else raw
    return shortened(printable(text[: limit * 4]).translate(_REPLACED), limit)


def printable(text: str) -> str:
    """Return `text` in printable ASCII, whatever it holds: controls and the rest as escapes."""
    if text.isascii() and text.isprintable():  # the usual case, and the cheap one
        return text
    return "".join(_escaped(char) for char in text)


def shortened(text: str, limit: int) -> str:
    """Return at most `limit` characters, with `...` where something was cut."""
    return text if len(text) <= limit else f"{text[: max(limit - 3, 0)]}..."


def _escaped(char: str) -> str:
    if " " <= char <= "~":
        return char
    return char.encode("unicode_escape").decode("ascii")  # surrogates included: it never raises
