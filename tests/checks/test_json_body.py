"""JSON bodies: any text of a server is judged, and none raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchdog_tools.checks.http import json_body
from watchdog_tools.checks.http.expect import Expect
from watchdog_tools.core import CRITICAL, OK, WARNING

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
ANY = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(SCALARS)
def test_a_scalar_is_equal_to_its_own_text(value: Any) -> None:
    """What JSON writes (a string: what it holds) is the VALUE that finds it."""
    body = json.dumps({"a": [0, value]}).encode()
    written = value if isinstance(value, str) else json.dumps(value)
    assert json_body.json_findings(Expect(json_values=(("a.1", written),)), body) == []


@pytest.mark.parametrize(
    ("body", "pair", "same"),
    [
        (b'{"n": 1}', "n=true", False),
        (b'{"n": 0}', "n=false", False),
        (b'{"n": true}', "n=1", False),
        (b'{"n": true}', "n=true", True),
        (b'{"n": 1}', "n=1.0", True),
        (b'{"n": [1, {"a": true}]}', 'n=[1.0, {"a": true}]', True),
        (b'{"n": [1, {"a": true}]}', 'n=[1, {"a": 1}]', False),
        (b'{"n": [true]}', "n=[1]", False),
        (b'{"n": [1, 2]}', "n=[1]", False),
        (b'{"n": {"a": 1, "b": 2}}', 'n={"b": 2, "a": 1}', True),
    ],
)
def test_true_is_not_1(body: bytes, pair: str, *, same: bool) -> None:
    """They are equal to Python, and not in JSON, at any depth; 1 and 1.0 are the same number."""
    assert (json_body.json_findings(Expect(json_values=(json_body.parse_pair(pair),)), body) == []) is same


@given(ANY, st.text(min_size=1), st.text())
@example({"a": "\ud800"}, "a", "x")
def test_no_document_raises(document: Any, path: str, value: str) -> None:
    """Any document, any path."""
    expect = Expect(json_values=((path, value),), health_json=True)
    for state, words in json_body.json_findings(expect, json.dumps(document).encode()):
        assert state in (OK, WARNING, CRITICAL)
        assert words.isprintable()


@given(st.binary())
@example(b"[" * 65536)
@example(b"\xef\xbb\xbf{}")
@example(b"1e999")
def test_no_bytes_raise(body: bytes) -> None:
    """What is no JSON is one finding."""
    json_body.json_findings(Expect(json_values=(("a", "b"),), health_json=True), body)


def finding(body: str, **fields: Any) -> list[tuple[int, str]]:
    """Return what is found."""
    return json_body.json_findings(Expect(**fields), body.encode())


@pytest.mark.parametrize(
    ("status", "state"),
    [
        *(("pass", OK), ("ok", OK), ("UP", OK), ("warn", WARNING), ("fail", CRITICAL), ("error", CRITICAL)),
        *(("down", CRITICAL), ("OUT_OF_SERVICE", CRITICAL), ("fine", CRITICAL)),
    ],
)
def test_the_words_of_health(status: str, state: int) -> None:
    """The draft's, those that it allows beside them, and Spring's; any other is none of health."""
    said = "" if state == OK else ": it says so"
    assert finding(f'{{"status": "{status}", "output": "it says so"}}', health_json=True) == [
        (state, f"health is {status}{said}")
    ]


@pytest.mark.parametrize("body", ["{}", "[]", '{"status": 1}', '"ok"', '{"status": null}'])
def test_a_body_without_a_status_is_not_well(body: str) -> None:
    """Nor is one of another kind."""
    assert finding(body, health_json=True) == [(CRITICAL, "the JSON has no status of health")]


@pytest.mark.parametrize("output", ["", "1", "null", '""', '"x"'])
def test_only_a_text_is_shown_as_output(output: str) -> None:
    """And none that is empty."""
    body = f'{{"status": "fail", "output": {output or "{}"}}}'
    assert finding(body, health_json=True) == [(CRITICAL, "health is fail" + (": x" if "x" in output else ""))]


@pytest.mark.parametrize("body", ["NaN", "[Infinity]", "{", "", "\udcff"])
def test_what_is_no_json_is_said(body: str) -> None:
    """Also what Python would take for it; a byte order mark does no harm."""
    raw = body.encode("utf-8", "surrogateescape")
    assert json_body.json_findings(Expect(), raw) == [(CRITICAL, "the body is not JSON")]
    assert json_body.json_findings(Expect(json_values=(("a", "1"),)), b'\xef\xbb\xbf{"a": 1}') == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("a.0", None),
        ("a.1", "the JSON has no a.1"),
        ("a.-1", "the JSON has no a.-1"),
        ("a.0.b", "the JSON has no a.0.b"),
        ("b", "b is true, not x"),
        ("c", "c is null, not x"),
        ("d", 'd is {"e": 1}, not x'),
        ("d.e", "d.e is 1, not x"),
        ("a." + "0" * 8, "the JSON has no a." + "0" * 8),
        ("a." + "0" * 7, None),
    ],
)
def test_what_is_at_a_path(path: str, words: str | None) -> None:
    """Dots lead into objects and lists; an index has at most seven digits."""
    body = '{"a": ["x"], "b": true, "c": null, "d": {"e": 1}}'
    assert finding(body, json_values=((path, "x"),)) == ([(CRITICAL, words)] if words else [])


@pytest.mark.parametrize(
    ("text", "pair"), [("a=b", ("a", "b")), ("a.b==", ("a.b", "=")), ("a=", ("a", "")), ("a", None), ("=b", None),
                       ("a..b=c", None), (".=c", None)],
)  # fmt: skip
def test_a_pair_is_a_path_and_a_value(text: str, pair: tuple[str, str] | None) -> None:
    """No part of the path is empty."""
    if pair:
        assert json_body.parse_pair(text) == pair
    else:
        with pytest.raises(ValueError, match="is not PATH=VALUE; accepted: "):
            json_body.parse_pair(text)


def test_what_is_shown_is_short() -> None:
    """Eighty characters of a path, of what is there and of what was asked for; 120 of an output, forty of a status."""
    long = "x" * 200
    body = json.dumps({long: long, "status": long, "output": long})
    path, status, output = "x" * 77 + "...", "x" * 37 + "...", "x" * 117 + "..."
    (one, two) = finding(body, json_values=((long, "y" * 200),), health_json=True)
    assert one == (CRITICAL, f"{path} is {path}, not {'y' * 77}...")
    assert two == (CRITICAL, f"health is {status}: {output}")
    assert finding("{}", json_values=((long, "y"),)) == [(CRITICAL, f"the JSON has no {path}")]


@pytest.mark.parametrize(
    ("there", "asked"), [("1", '{"a": 1}'), ('{"a": 1}', "1"), ("1", "[1]"), ("[1]", "1"), ("1", "x")]
)
def test_things_of_two_kinds_are_not_the_same(there: str, asked: str) -> None:
    """Nor do they raise; what is no JSON is equal to nothing but a text."""
    assert len(finding(f'{{"n": {there}}}', json_values=(("n", asked),))) == 1
