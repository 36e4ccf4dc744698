"""Replies: what a status line is, where a head ends, and which statuses are fine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools import replies


@given(st.binary(max_size=40) | st.from_regex(rb"\AHTTP/\d\.\d [0-9]{0,4} ?[a-z]*\Z"))
def test_a_status_line_is_one_or_refused(line: bytes) -> None:
    """A code of three digits that does not begin with 0, of HTTP/1.0 or 1.1; else ValueError."""
    try:
        status = replies.Status(line)
    except ValueError:
        return
    assert 100 <= status.code <= 999
    assert line.startswith((b"HTTP/1.0 %d" % status.code, b"HTTP/1.1 %d" % status.code))


@given(st.lists(st.sampled_from([b"a", b"\r\n", b"\n", b"\r", b"\r\n\r\n"]), max_size=9), st.integers(1, 5))
def test_a_head_ends_at_the_same_place_however_it_arrives(parts: list[bytes], size: int) -> None:
    """Searching again from two bytes before what is new finds what searching all of it finds."""
    data = b"".join(parts)
    whole = replies.head_end(data)
    seen, end = b"", -1
    for at in range(0, len(data), size):
        start = max(len(seen) - 2, 0)
        seen += data[at : at + size]
        end = replies.head_end(seen, start)
        if end >= 0:
            break
    assert end == whole


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "20",
        "2000",
        "200,,301",
        "2,3",
        "20x",
        "200-299",
        "xx",
        "x",
        "0xx",
        "2xxx",
        "\xb2xx",
        "\uff12\uff10\uff10",
        "2**",
    ],
)
def test_what_is_no_list_of_statuses_is_refused(text: str) -> None:
    """A sentence that says what is accepted."""
    with pytest.raises(ValueError, match="accepted:"):
        replies.expectations(text)


def test_digits_are_the_code_and_nothing_else() -> None:
    """-e 200 is not satisfied by a 500 that talks about 200."""
    status = replies.Status(b"HTTP/1.1 500 not 200")
    assert not replies.fine(status, replies.expectations("200"))
    assert replies.fine(status, replies.expectations("200,5xx"))
    assert replies.fine(status, replies.expectations("not 2"))
