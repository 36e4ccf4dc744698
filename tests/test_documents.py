"""JSON bodies: any text of a server is judged, and none raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchdog_tools import documents
from watchdog_tools.result import CRITICAL, OK, WARNING
from watchdog_tools.wants import Wants

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
ANY = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(SCALARS)
def test_a_scalar_is_equal_to_its_own_text(value: Any) -> None:
    """What JSON writes (a string: what it holds) is the VALUE that finds it."""
    body = json.dumps({"a": [0, value]}).encode()
    written = value if isinstance(value, str) else json.dumps(value)
    assert documents.judged(Wants(values=(("a.1", written),)), body) == []


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
    assert (documents.judged(Wants(values=(documents.pair(pair),)), body) == []) is same


@given(ANY, st.text(min_size=1), st.text())
@example({"a": "\ud800"}, "a", "x")
def test_no_document_raises(document: Any, path: str, value: str) -> None:
    """Any document, any path."""
    wants = Wants(values=((path, value),), health=True)
    for state, words in documents.judged(wants, json.dumps(document).encode()):
        assert state in (OK, WARNING, CRITICAL)
        assert words.isprintable()


@given(st.binary())
@example(b"[" * 65536)
@example(b"\xef\xbb\xbf{}")
@example(b"1e999")
def test_no_bytes_raise(body: bytes) -> None:
    """What is no JSON is one finding."""
    documents.judged(Wants(values=(("a", "b"),), health=True), body)
