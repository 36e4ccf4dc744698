"""Untrusted text stays text (P9); durations and sizes, as people write them and as they are said back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools.core.text import LINE, aligned, duration, human_duration, printable, quoted, shortened, size

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


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [("abc", 3, "abc"), ("abcd", 3, "..."), ("abcde", 4, "a..."), ("abc", 2, "..."), ("abcd", 0, "..."), ("", 0, "")],
)
def test_what_is_cut_ends_in_dots(text: str, limit: int, shown: str) -> None:
    """Where there is room for them."""
    assert shortened(text, limit) == shown


def test_an_endless_text_is_read_no_further_than_it_is_shown() -> None:
    """Four times its limit at most, whatever escapes make of it; 200 characters unless said otherwise."""
    assert quoted("x" * 201) == "x" * 197 + "..."
    assert quoted("x" * 200) == "x" * 200
    assert quoted(b"\x00" * 33 + b"a", 8) == r"\x00\..."
    for raw in ("\u0100" * 10**6, b"\xff" * 10**6):
        assert len(quoted(raw, 100)) == 100
    assert quoted("\t" * 40 + "a", 80) == r"\t" * 38 + r"\..."


@pytest.mark.parametrize(
    ("char", "shown"),
    [(" ", " "), ("~", "~"), ("\x7f", r"\x7f"), ("\x1f", r"\x1f"), ("\u00e9", r"\xe9"), ("\n", r"\n")],
)
def test_printable_is_from_blank_to_tilde(char: str, shown: str) -> None:
    """Also beside what is not."""
    assert (printable(char), printable(f"{char}\0")) == (shown, shown + r"\x00")
    assert quoted("|<>`$&") == "/()'?+"
    assert LINE == 1024


def test_columns_are_aligned() -> None:
    """Each as wide as its widest cell; the last is not padded, and no line ends in blanks."""
    assert aligned([("a", "bbb", "c"), ("aa", "b", "")]) == ["a   bbb  c", "aa  b"]
    assert aligned([("a",), ("bb",)]) == ["a", "bb"]
    assert aligned([]) == []
    with pytest.raises(ValueError, match="shorter"):  # a row that lacks a cell is a mistake
        aligned([("a", "b"), ("c",)])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5),
        ("0.5", 0.5),
        ("250ms", 0.25),
        ("5s", 5),
        ("2m", 120),
        ("1h", 3600),
        ("1d", 86400),
        (".5", 0.5),
        ("0", 0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    """A number is seconds; five units."""
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "s", "-1", "1 s", "1M", "1e3", "5\uff15", "1.2.3", "nan", "999999d", "9" * 40, "1_0", "."]
)
def test_what_is_not_a_duration(text: str) -> None:
    """Refused with what is accepted."""
    with pytest.raises(ValueError, match=r"duration|year"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("4096", 4096), ("64K", 65536), ("10M", 10 << 20), ("2G", 2 << 30), ("1KiB", 1024)]
)
def test_sizes(text: str, expected: int) -> None:
    """Powers of 1024."""
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "K", "-1K", "1Q", "1 K"])
def test_what_is_not_a_size(text: str) -> None:
    """Refused with what is accepted."""
    with pytest.raises(ValueError, match="size"):
        size(text)


@given(st.floats(0, 1e8))
def test_spoken_is_near_and_short(seconds: float) -> None:
    """Whatever is said can be read back, and is off by rounding only."""
    amount, unit = human_duration(seconds).split()
    factor = {"ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400}[unit]
    assert float(amount) * factor == pytest.approx(seconds, rel=0.06, abs=0.0001)
    assert len(amount) <= 7


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"),
        (0.0004, "0.4 ms"),
        (0.00996, "10 ms"),
        (0.01, "10 ms"),
        (0.0123, "12 ms"),
        (0.9994, "999 ms"),
        (1, "1 s"),
        (1.54, "1.5 s"),
        (119.94, "119.9 s"),
        (120, "2 min"),
        (7199, "120 min"),
        (5430, "90.5 min"),
        (7200, "2 h"),
        (9000, "2.5 h"),
        (172799, "48 h"),
        (172800, "2 d"),
        (216000, "2.5 d"),
        (0.009949, "9.9 ms"),
        (0.009951, "10 ms"),
        (172616, "47.9 h"),
        (172624, "48 h"),
        (86404234, "1000 d"),
        (86404406, "1000.1 d"),
    ],
)
def test_a_duration_for_humans(seconds: float, words: str) -> None:
    """Each unit, at its bounds."""
    assert human_duration(seconds) == words


def test_a_year_is_the_longest_duration() -> None:
    """A leap year."""
    assert duration("366d") == 366 * 86400
    for text in ("366.1d", "31622401"):
        with pytest.raises(ValueError, match="longer than a year"):
            duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1t", 1 << 40), ("1T", 1 << 40), ("1b", 1), ("1kb", 1024), ("1.5k", 1536), ("3m", 3 << 20), ("1g", 1 << 30)],
)
def test_sizes_of_every_unit(text: str, expected: int) -> None:
    """In either case, with or without a B."""
    assert size(text) == expected


def test_sixteen_digits_are_enough() -> None:
    """And the last that are taken."""
    assert size("1" * 16) == int("1" * 16)
    for read in (size, duration):
        with pytest.raises(ValueError, match="accepted: "):
            read("1" * 17)


@pytest.mark.parametrize("read", [size, duration])
def test_a_refusal_quotes_no_more_than_eighty_characters(read: Callable[[str], float]) -> None:
    """What was typed is shown, but not pages of it."""
    with pytest.raises(ValueError, match=r"^'x{80}' is not a"):
        read("x" * 90)
