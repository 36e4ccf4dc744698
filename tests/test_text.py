"""Untrusted text stays text (P9)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools.text import printable, quoted, shortened

HOSTILE = st.one_of(st.text(), st.binary(), st.text(alphabet="|<>`$&\x1b\n\0\x7fé\ud800"))


@given(HOSTILE, st.integers(8, 300))
def test_quoted_is_harmless_and_short(raw: str | bytes, limit: int) -> None:
    """Printable ASCII, within its limit, without what starts perfdata, markup or a substitution."""
    text = quoted(raw, limit)
    assert text.isascii()
    assert text == "" or text.isprintable()
    assert len(text) <= limit
    assert not set(text) & set("|<>`$&")


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="|<>`$&"), max_size=200))
def test_plain_text_is_left_alone(text: str) -> None:
    """What is harmless comes through as it is."""
    assert quoted(text) == text


def test_escapes_show_what_was_there() -> None:
    """An escape sequence can be read, and does nothing."""
    assert printable("evil\nOK: \x1b[2J\ud800") == "evil\\nOK: \\x1b[2J\\ud800"
    assert quoted(b"\xff<script>|x=1") == "\\xff(script)/x=1"
    assert shortened("abcdefghij", 8) == "abcde..."
