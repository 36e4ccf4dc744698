"""JSON bodies: any text of a server is judged, and none raises."""

from __future__ import annotations

import json
from typing import Any

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
