"""The kept command line: every word comes back as it was, and nothing but what we write is read."""

from __future__ import annotations

import contextlib
import os

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchdog_tools.core.record import Corrupt
from watchdog_tools.core.saved_command import LARGEST, SavedCommand
from watchdog_tools.state import saved_command

# What an argument can be: any bytes but NUL, as Python shows them.
WORD = st.binary(max_size=60).map(lambda raw: os.fsdecode(raw.replace(b"\0", b"")))
WHOLE = SavedCommand(
    argv=("web", "--port", ":8080", "--", "sh", "-c", "echo 100%; cat"), cwd="/srv/web", wall=1795533279
)


@given(st.lists(WORD, max_size=10), WORD, st.integers(0, 2**40))
@example(["a\nword=b", "", " ", "%41", "%", "\udcff", "ä"], "/tmp/a b", 0)
def test_what_is_written_is_read(argv: list[str], cwd: str, wall: int) -> None:
    """Blanks, newlines, percent signs, bytes that are no UTF-8."""
    data = SavedCommand(argv=tuple(argv), cwd=cwd, wall=wall).dump()
    read = saved_command.parse(data)
    assert (read.argv, read.cwd, read.wall) == (tuple(argv), cwd, wall)
    assert data.isascii()
    assert data.count(b"\n") == 3 + len(argv), "a line for each word"


def test_the_file_is_plain() -> None:
    """A person can read it, and the next release, too."""
    assert WHOLE.dump().decode() == (
        "version=1\nwall=1795533279\ncwd=/srv/web\nword=web\nword=--port\nword=:8080\nword=--\nword=sh\nword=-c\n"
        "word=echo 100%25; cat\n"
    )


@given(st.binary(max_size=300))
@example(b"")
@example(b"version=1\n")
@example(b"version=1\nwall=1\ncwd=\nword=%zz\n")
@example(b"version=1\nwall=1\ncwd=\nword=%+1\n")
@example(b"version=1\nwall=1\ncwd=\nword=%4\n")
def test_any_bytes_are_a_command_line_or_corrupt(data: bytes) -> None:
    """No other exception, whatever the disk gives back."""
    with contextlib.suppress(Corrupt):
        assert saved_command.parse(data).dump() == data


@given(st.integers(0, 140), st.binary(max_size=8), st.integers(0, 20))
def test_a_changed_one_is_whole_or_corrupt(place: int, put: bytes, cut: int) -> None:
    """Bytes put in and cut out anywhere: what is still taken is just what would be written."""
    data = WHOLE.dump()
    changed = data[:place] + put + data[place + cut :]
    with contextlib.suppress(Corrupt):
        assert saved_command.parse(changed).dump() == changed


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (WHOLE.dump()[:-1], "torn"),
        (WHOLE.dump() + b"\xff\n", "torn"),
        (SavedCommand(argv=("x" * LARGEST,), cwd="/", wall=1).dump(), "too long"),
        (WHOLE.dump().replace(b"version=1", b"version=2"), "version 1"),
        (WHOLE.dump().replace(b"wall=1", b"wall=-1"), "not a number"),
        (WHOLE.dump().replace(b"wall=1", b"wall=" + b"9" * 20), "not a number"),
        (WHOLE.dump().replace(b"cwd=", b"cwd=\ncwd="), "lines"),
        (WHOLE.dump().replace(b"word=web", b"more=web"), "lines"),
        (WHOLE.dump().replace(b"web\n", b"w%00b\n"), "as this program writes it"),
        (WHOLE.dump().replace(b"web\n", b"w%41b\n"), "as this program writes it"),
        (WHOLE.dump().replace(b"web\n", b"w%0ab\n"), "escaped"),
        (WHOLE.dump().replace(b"web\n", b"w\x1b[2Jb\n"), "as this program writes it"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, says: str) -> None:
    """In one short printable sentence."""
    with pytest.raises(Corrupt, match=says) as caught:
        saved_command.parse(data)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 100


def test_a_byte_that_is_no_letter_is_escaped() -> None:
    """From blank to tilde it stands as it is, but for the percent sign."""
    data = SavedCommand(argv=(" ~\x7f\x1f%",), cwd="", wall=0).dump()
    assert data.decode() == "version=1\nwall=0\ncwd=\nword= ~%7F%1F%25\n"
    assert saved_command.parse(data).argv == (" ~\x7f\x1f%",)


@pytest.mark.parametrize(
    ("old", "new", "fine"),
    [
        ("wall=1795533279", "wall=" + "9" * 16, True),
        ("wall=1795533279", "wall=" + "9" * 17, False),
        ("wall=1795533279", "wall=00", False),
        ("cwd=/srv/web", "cwd=/%00", False),
        ("word=web", "word=%7F", True),
        ("word=web", "word=%7G", False),
        ("word=web", "word=%G7", False),
        ("word=web", "word=%7", False),
        ("word=web", "word=%", False),
        ("word=web\n", "", True),
        ("version=1\n", "", False),
        ("cwd=/srv/web\n", "", False),
    ],
)
def test_the_bounds_of_a_saved_command(old: str, new: str, fine: bool) -> None:
    """What is taken is what would be written."""
    data = WHOLE.dump().replace(old.encode(), new.encode())
    if fine:
        assert saved_command.parse(data).dump() == data
    else:
        with pytest.raises(Corrupt):
            saved_command.parse(data)


def test_the_longest_saved_command() -> None:
    """One byte less than LARGEST, which is 64 KiB."""
    room = LARGEST - len(SavedCommand(argv=("",), cwd="", wall=0).dump())
    longest, more = (SavedCommand(argv=("x" * (room - less),), cwd="", wall=0).dump() for less in (1, 0))
    assert (len(longest), len(more)) == (65535, 65536)
    assert saved_command.parse(longest).dump() == longest
    with pytest.raises(Corrupt, match="too long"):
        saved_command.parse(more)
