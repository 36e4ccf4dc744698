"""The file of --env-file: what systemd reads is read as systemd does, all else is an error without a value in it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchdog_tools.core.env_file import Malformed, parse


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", {}),
        ("# comment\n; another\n\n  # indented\nA=1\n", {"A": "1"}),
        ("A=1\nA=2", {"A": "2"}),
        ("\ufeffA=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=\nB =  two words  \n", {"A": "", "B": "two words"}),
        ("A=x # no comment\nB=a=b\n", {"A": "x # no comment", "B": "a=b"}),
        ("A='single $x \\ '\n", {"A": "single $x \\ "}),
        ('A="double \\" \\\\ \\$x \\`y \\n"\n', {"A": 'double " \\ $x `y \\n'}),
        ("A='a'\"b\"c\n", {"A": "abc"}),
        ("A='a' b'c'  \n", {"A": "ab'c'"}),
        ("A='two\nlines'\nB=1\n", {"A": "two\nlines", "B": "1"}),
        ("A=one\\\ntwo\nB=a\\ \nC=\\x\\\\\n", {"A": "onetwo", "B": "a ", "C": "x\\"}),
        ('A="one\\\ntwo"\n', {"A": "onetwo"}),
        ("A=ü\n", {"A": "ü"}),
        ("A=x\\", {"A": "x"}),
    ],
)
def test_is_read_as_systemd_reads_it(text: str, pairs: dict[str, str]) -> None:
    """Comments, quotes, backslashes, continued lines; a later line wins."""
    assert parse(text.encode()) == pairs


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"A=1\nSECRET\n", "line 2: there is no ="),
        (b"A=1\nexport B=SECRET\n", "line 2: it begins with export"),
        (b"SE-CRET=\n", "line 1: in front of = stands no name"),
        (b"U0VDUkVU==\nA=1", "line 1"),
        (b"=SECRET\n", "line 1: in front of = stands no name"),
        (b"A=1\n\nB='SECRET\nC=1\n", "line 3: a quote is not closed"),
        (b'A="SECRET\\', "line 1: a quote is not closed"),
        (b"A=1\nB=SECRET\xff\n", "line 2: it is not UTF-8"),
        (b"A=1\nB=SECRET\0\n", "line 2: it has a NUL byte"),
        (b"WATCHDOG_TOOLS_INSTANCE=SECRET\n", "line 1: WATCHDOG_TOOLS_INSTANCE is ours to set"),
    ],
)
def test_a_mistake_is_named_by_its_line_and_no_value_is_said(data: bytes, words: str) -> None:
    """What systemd or Docker would pass over, or take from the caller, is a mistake here."""
    if data.startswith(b"U0"):  # its name would be one
        assert parse(data.partition(b"\n")[0]) == {"U0VDUkVU": "="}
        return
    with pytest.raises(Malformed) as said:
        parse(data)
    assert words in str(said.value)
    assert "SECRET" not in str(said.value)
    assert "CRET" not in str(said.value)


@given(st.text(st.sampled_from("AB=\"'\\ \n\r#;$x\t"), max_size=40))
@example("A='")
@example("A=\\")
def test_any_text_is_variables_or_a_mistake(text: str) -> None:
    """No other exception, and no value that ends in a blank which nobody quoted."""
    with contextlib.suppress(Malformed):
        for key, value in parse(text.encode()).items():
            assert key.isidentifier()
            assert "\0" not in value


@given(
    st.dictionaries(
        st.from_regex("[A-Z_][A-Z0-9_]{0,8}", fullmatch=True),
        st.text(st.characters(exclude_characters="\0'\r", exclude_categories=["Cs"]), max_size=20),
    )
)
def test_what_stands_in_single_quotes_is_taken_as_it_is(pairs: dict[str, str]) -> None:
    """A generated file has one way to write any value."""
    assert parse("".join(f"{key}='{value}'\n" for key, value in pairs.items()).encode()) == pairs
