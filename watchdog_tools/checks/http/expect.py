"""What the headers and the body of a reply must hold, and what to say where they do not."""

from __future__ import annotations

from watchdog_tools.core import CRITICAL
from watchdog_tools.core.regex import compiled
from watchdog_tools.core.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Pattern

Findings = list[tuple[int, str]]  # a state and its words, each


class Expect:
    """What is expected of a reply.

    strings, headers: texts. regex, iregex: patterns or None; linespan: their dot takes a line end;
    invert: they must not match. json_values: (path, value) of the JSON body; health_json: it is health+json.
    """

    __slots__ = ("headers", "health_json", "invert", "iregex", "json_values", "linespan", "regex", "strings")

    def __init__(  # noqa: PLR0913 -- a record, built by keyword
        self,
        *,
        strings: tuple[str, ...] = (),
        headers: tuple[str, ...] = (),
        regex: str | None = None,
        iregex: str | None = None,
        linespan: bool = False,
        invert: bool = False,
        json_values: tuple[tuple[str, str], ...] = (),
        health_json: bool = False,
    ) -> None:
        self.strings = strings
        self.headers = headers
        self.regex = regex
        self.iregex = iregex
        self.linespan = linespan
        self.invert = invert
        self.json_values = json_values
        self.health_json = health_json

    def needs_body(self) -> bool:
        """Whether the body has to be read."""
        return bool(self.strings or self.needs_patterns() or self.needs_json())

    def needs_patterns(self) -> bool:
        """Whether patterns have to be matched."""
        return self.regex is not None or self.iregex is not None

    def needs_json(self) -> bool:
        """Whether the body has to be JSON."""
        return bool(self.json_values or self.health_json)

    def compiled_patterns(self) -> list[Pattern[str]]:
        """Compile what -r and -R say. Raise ValueError with a sentence."""
        import re

        flags = re.DOTALL if self.linespan else re.MULTILINE
        given = ((self.regex, flags), (self.iregex, flags | re.IGNORECASE))
        return [compiled(text, its) for text, its in given if text is not None]


def missing_headers(expect: Expect, headers: list[tuple[bytes, bytes]]) -> Findings:
    """Return a finding for each -d that no header holds; a name in front of a colon has no case."""
    lines = [name + b": " + value for name, value in headers]
    found: Findings = []
    for text in expect.headers:
        raw = text.encode("utf-8", "surrogateescape")
        if not any(raw in line for line in lines) and not _by_header_name(raw, headers):
            found.append((CRITICAL, f"no header holds {quoted(text, 80)}"))
    return found


def missing_strings(expect: Expect, body: bytes) -> Findings:
    """Return a finding for each -s that is not in the body."""
    return [
        (CRITICAL, f"the body does not hold {quoted(text, 80)}")
        for text in expect.strings
        if text.encode("utf-8", "surrogateescape") not in body
    ]


def pattern_findings(patterns: list[Pattern[str]], body: bytes, *, invert: bool) -> Findings:
    """Return a finding for each pattern that does not match, or with `invert` for each that does."""
    text = body.decode("utf-8", "replace")
    what = "matches" if invert else "does not match"
    return [
        (CRITICAL, f"the body {what} {quoted(pattern.pattern, 80)}")
        for pattern in patterns
        if bool(pattern.search(text)) is invert
    ]


def _by_header_name(raw: bytes, headers: list[tuple[bytes, bytes]]) -> bool:
    wanted, colon, value = raw.partition(b":")
    return bool(colon) and any(name.lower() == wanted.lower() and value.strip() in its for name, its in headers)
