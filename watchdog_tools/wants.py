"""Words: what the headers and the body of a reply must hold, and what to say where they do not."""

from __future__ import annotations

from watchdog_tools.patterns import compiled
from watchdog_tools.result import CRITICAL
from watchdog_tools.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Pattern

Findings = list[tuple[int, str]]  # a state and its words, each


class Wants:
    """What is wanted.

    strings, headers: texts. regex, iregex: patterns or None; linespan: their dot takes a line end;
    invert: they must not match. values: (path, value) of the JSON body; health: it is health+json.
    """

    __slots__ = ("headers", "health", "invert", "iregex", "linespan", "regex", "strings", "values")

    def __init__(  # noqa: PLR0913 -- a record, built by keyword
        self,
        *,
        strings: tuple[str, ...] = (),
        headers: tuple[str, ...] = (),
        regex: str | None = None,
        iregex: str | None = None,
        linespan: bool = False,
        invert: bool = False,
        values: tuple[tuple[str, str], ...] = (),
        health: bool = False,
    ) -> None:
        """Take the fields as the class describes them."""
        self.strings = strings
        self.headers = headers
        self.regex = regex
        self.iregex = iregex
        self.linespan = linespan
        self.invert = invert
        self.values = values
        self.health = health

    def body(self) -> bool:
        """Whether the body has to be read."""
        return bool(self.strings or self.patterned() or self.json())

    def patterned(self) -> bool:
        """Whether patterns have to be matched."""
        return self.regex is not None or self.iregex is not None

    def json(self) -> bool:
        """Whether the body has to be JSON."""
        return bool(self.values or self.health)

    def patterns(self) -> list[Pattern[str]]:
        """Compile what -r and -R say. Raise ValueError with a sentence."""
        import re

        flags = re.DOTALL if self.linespan else re.MULTILINE
        given = ((self.regex, flags), (self.iregex, flags | re.IGNORECASE))
        return [compiled(text, its) for text, its in given if text is not None]


def in_headers(wants: Wants, headers: list[tuple[bytes, bytes]]) -> Findings:
    """Return a finding for each -d that no header holds; a name in front of a colon has no case."""
    lines = [name + b": " + value for name, value in headers]
    found: Findings = []
    for text in wants.headers:
        raw = text.encode("utf-8", "surrogateescape")
        if not any(raw in line for line in lines) and not _by_name(raw, headers):
            found.append((CRITICAL, f"no header holds {quoted(text, 80)}"))
    return found


def in_body(wants: Wants, body: bytes) -> Findings:
    """Return a finding for each -s that is not in the body."""
    return [
        (CRITICAL, f"the body does not hold {quoted(text, 80)}")
        for text in wants.strings
        if text.encode("utf-8", "surrogateescape") not in body
    ]


def matched(patterns: list[Pattern[str]], body: bytes, *, invert: bool) -> Findings:
    """Return a finding for each pattern that does not match, or with `invert` for each that does."""
    text = body.decode("utf-8", "replace")
    what = "matches" if invert else "does not match"
    return [
        (CRITICAL, f"the body {what} {quoted(pattern.pattern, 80)}")
        for pattern in patterns
        if bool(pattern.search(text)) is invert
    ]


def _by_name(raw: bytes, headers: list[tuple[bytes, bytes]]) -> bool:
    wanted, colon, value = raw.partition(b":")
    if not colon:
        return False
    return any(name.lower() == wanted.lower() and value.strip() in its for name, its in headers)
