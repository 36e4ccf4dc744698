"""Words: a pattern means what it means elsewhere, or is refused."""

from __future__ import annotations

import pytest

from watchdog_tools.core.regex import compiled


@pytest.mark.parametrize(
    "text", ["[[:digit:]]+", "[^[:space:]]", "[a-z[:digit:]_]", "[[=a=]]", "[[.-.]]", r"\<agent\>", r"x\\\<", r"\'"]
)
def test_what_others_read_otherwise_is_refused(text: str) -> None:
    """POSIX classes and GNU's word bounds: Python would search for their letters."""
    with pytest.raises(ValueError, match=r"accepted: \\[wb]"):
        compiled(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [(r"id=\d+", "id=7"), (r"x\\<", r"x\<"), ("[:ab]+ ", "a:b "), ("<b>", "<b>"), (r"\bagent\b", "agent")],
)
def test_what_is_taken(text: str, found: str) -> None:
    """Python's own; what looks like the refused but is none is no false alarm."""
    match = compiled(text).search(f"an {found} one")
    assert match
    assert match[0] == found


@pytest.mark.parametrize("text", ["(", "(" * 3000 + ")" * 3000, "x{99999999999}"])
def test_what_is_no_pattern(text: str) -> None:
    """One sentence, and the pattern shortened in it."""
    with pytest.raises(ValueError, match="is not a pattern: ") as caught:
        compiled(text)
    assert len(str(caught.value)) < 250


def test_a_refusal_is_short() -> None:
    """Eighty characters of the pattern, and 120 of what Python says of it."""
    long, shown = "x" * 90, f"^'{'x' * 80}' "
    for text, words in (
        (f"{long}[[:digit:]]", "holds a POSIX class"),
        (rf"{long}\<", "holds one of"),
        (f"{long}(", "is not"),
    ):
        with pytest.raises(ValueError, match=shown + words):
            compiled(text)
    with pytest.raises(ValueError, match=f" is not a pattern: unknown group name '{'y' * 100}$"):
        compiled(f"(?P={'y' * 200})")
