"""What a reply must hold: each option by itself, and what is said where it does not."""

from __future__ import annotations

import re

import pytest

from watchdog_tools.checks.http.expect import Expect, missing_headers, missing_strings, pattern_findings
from watchdog_tools.core import CRITICAL

HEADERS = [(b"Content-Type", b"text/html; charset=utf-8"), (b"X-Up", b"yes")]


@pytest.mark.parametrize(
    ("fields", "body", "patterns", "json"),
    [
        ({}, False, False, False),
        ({"headers": ("a",)}, False, False, False),
        ({"strings": ("a",)}, True, False, False),
        ({"regex": ""}, True, True, False),
        ({"iregex": ""}, True, True, False),
        ({"json_values": (("a", "b"),)}, True, False, True),
        ({"health_json": True}, True, False, True),
    ],
)
def test_no_more_is_read_than_it_takes(fields: dict[str, object], body: bool, patterns: bool, json: bool) -> None:
    """A body is read, a pattern matched and JSON parsed only for what asks for it."""
    expect = Expect(**fields)  # type: ignore[arg-type]
    assert (expect.needs_body(), expect.needs_patterns(), expect.needs_json()) == (body, patterns, json)


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("X-Up: yes", True),
        ("x-up: yes", True),
        ("x-up:yes", True),
        ("x-up:", True),
        ("X-UP:  es ", True),
        ("charset", True),
        ("x-up", False),
        ("x-up: no", False),
        ("x-u: yes", False),
        ("content-type: yes", False),
    ],
)
def test_a_header_is_found(text: str, there: bool) -> None:
    """Anywhere in its line; a name in front of a colon has no case."""
    expect = Expect(headers=("X-Up", text))
    assert missing_headers(expect, HEADERS) == ([] if there else [(CRITICAL, f"no header holds {text}")])


def test_a_string_is_found_as_it_is() -> None:
    """Case and all; also bytes that are no text."""
    expect = Expect(strings=("Up", "up", "\udcff"))
    assert missing_strings(expect, b"is Up\xff") == [(CRITICAL, "the body does not hold up")]


@pytest.mark.parametrize(
    ("fields", "body", "found"),
    [
        ({"regex": "^b.c$"}, "a\nb-c\nd", True),
        ({"regex": "a.b"}, "a\nb", False),
        ({"regex": "a.b", "linespan": True}, "a\nb", True),
        ({"regex": "^b", "linespan": True}, "a\nb", False),
        ({"regex": "A"}, "a", False),
        ({"iregex": "A"}, "a", True),
        ({"iregex": "^A.B", "linespan": True}, "a\nb", True),
    ],
)
def test_a_pattern_matches_lines_or_across_them(fields: dict[str, object], body: str, found: bool) -> None:
    """-r and -R, with -l; --invert-regex turns it round."""
    expect = Expect(**fields)  # type: ignore[arg-type]
    patterns = expect.compiled_patterns()
    said = (expect.regex or expect.iregex or "").replace("$", "?")
    plain = [] if found else [(CRITICAL, f"the body does not match {said}")]
    turned = [(CRITICAL, f"the body matches {said}")] if found else []
    assert pattern_findings(patterns, body.encode(), invert=False) == plain
    assert pattern_findings(patterns, body.encode(), invert=True) == turned


def test_what_is_not_said_is_not_expected() -> None:
    """And each field is what was given."""
    nothing = Expect()
    assert [getattr(nothing, name) for name in ("strings", "headers", "json_values")] == [(), (), ()]
    assert (nothing.regex, nothing.iregex) == (None, None)
    assert (nothing.linespan, nothing.invert, nothing.health_json) == (False, False, False)
    both = Expect(regex="a", iregex="b", invert=True).compiled_patterns()
    assert [(each.pattern, bool(each.flags & re.IGNORECASE)) for each in both] == [("a", False), ("b", True)]
    assert Expect(invert=True).invert


def test_what_is_missing_is_quoted_briefly() -> None:
    """Eighty characters of each."""
    long = "x" * 90
    cut = f"{'x' * 77}..."
    assert missing_headers(Expect(headers=(long,)), []) == [(CRITICAL, f"no header holds {cut}")]
    assert missing_strings(Expect(strings=(long,)), b"") == [(CRITICAL, f"the body does not hold {cut}")]
    patterns = Expect(regex=long).compiled_patterns()
    assert pattern_findings(patterns, b"", invert=False) == [(CRITICAL, f"the body does not match {cut}")]
    assert pattern_findings(patterns, b"\xff" + long.encode(), invert=True) == [(CRITICAL, f"the body matches {cut}")]
