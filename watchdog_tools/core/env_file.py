"""A file of NAME=VALUE lines, as systemd's EnvironmentFile= reads it; but what that passes over is an error.

Blank lines and those that begin with `#` or `;` are passed over. A value may be quoted; blanks around it, a backslash
in front of a character, and one at the end of a line are not part of it. No sentence here has any part of a value.
"""

from __future__ import annotations

LARGEST = 64 << 10  # bytes
_BLANK, _END = " \t", "\n\r"
_ESCAPED = '"\\`$'  # what a backslash between double quotes makes plain, as in a shell
_OURS = "WATCHDOG_TOOLS_"


class Malformed(ValueError):  # noqa: N818 -- a fact about a file, said in one sentence
    """The file says something else than variables; the sentence has the line."""


def parse(data: bytes) -> dict[str, str]:
    """Return the variables; a later line wins. Raise Malformed."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"line {data.count(10, 0, error.start) + 1}: it is not UTF-8") from None
    reader = _Reader(text)
    pairs: dict[str, str] = {}
    while reader.to_next():
        key = reader.key()
        pairs[key] = reader.value()
    return pairs


class _Reader:
    """Reads a text from its beginning to its end."""

    __slots__ = ("_at", "_text")

    def __init__(self, text: str) -> None:
        """Stand in front of it."""
        self._text = text
        self._at = 0
        if "\0" in text:
            self._at = text.index("\0")
            raise self._error("it has a NUL byte")

    def to_next(self) -> bool:
        """Go to the next line that says something. Return whether there is one."""
        while self._at < len(self._text):
            char = self._text[self._at]
            if char in "#;":
                self._at = self._line_end()
            elif char not in _BLANK + _END:
                return True
            else:
                self._at += 1
        return False

    def key(self) -> str:
        """Read a name and its `=`. Raise Malformed."""
        line = self._text[self._at : self._line_end()]
        name, equals, _ = line.partition("=")
        key = name.strip(_BLANK)
        if not equals:
            raise self._error("there is no = (nothing is taken from the caller's environment here)")
        if key.startswith(("export ", "export\t")):
            raise self._error("it begins with export, which is for a shell")
        if not (key.isascii() and key.isidentifier()):  # what it is may be a secret: it is not repeated
            raise self._error("in front of = stands no name of a variable")
        if key.startswith(_OURS):
            raise self._error(f"{key[:80]} is ours to set")
        self._at += len(name) + 1
        return key

    def value(self) -> str:
        """Read a value and the end of its line. Raise Malformed."""
        found = ""
        kept = 0  # characters of it that are no blanks at its end
        may_quote = True  # at its beginning, and behind a quoted part
        while self._at < len(self._text):
            char = self._next()
            if char in _END:
                break
            if may_quote and char in "\"'":
                found += self._quoted(char)
                kept = len(found)
            elif char == "\\":
                following = self._next()
                found += "" if following in _END else following
                kept, may_quote = len(found), False
            elif char not in _BLANK:
                found += char
                kept, may_quote = len(found), False
            elif not may_quote:
                found += char
        return found[:kept]

    def _quoted(self, quote: str) -> str:
        """Read what stands between quotes, over several lines where it does. Raise Malformed."""
        begin = self._at
        found = ""
        while self._at < len(self._text):
            char = self._next()
            if char == quote:
                return found
            if char == "\\" and quote == '"':
                char = self._next()
                char = "" if char == "\n" else char if char in _ESCAPED else f"\\{char}"
            found += char
        self._at = begin - 1
        raise self._error("a quote is not closed")

    def _next(self) -> str:
        """Read a character, nothing at the end."""
        char = self._text[self._at : self._at + 1]
        self._at += 1
        return char

    def _line_end(self) -> int:
        ends = [at for at in (self._text.find(end, self._at) for end in _END) if at >= 0]
        return min(ends, default=len(self._text))

    def _error(self, words: str) -> Malformed:
        number = self._text.count("\n", 0, self._at) + 1
        return Malformed(f"line {number}: {words}")
