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


def extent(head: bytes, method: str = "GET") -> replies.Extent:
    """Return where the body of a reply with `head` ends."""
    return replies.Extent(method, replies.Status(head.partition(b"\r\n")[0]), head)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\nContent-Length: 1\r\n\r\n"
WHOLE = {
    b"HTTP/1.1 200 OK\r\ncontent-LENGTH:  5 \r\n\r\n": (b"12345",),
    b"HTTP/1.1 200 OK\nContent-Length: 5\n\n": (b"12345",),
    CHUNKED: (
        b"0\r\n\r\n",
        b"5\r\n0\r\n\r\n\r\n0\r\n\r\n",
        b"1;a=b\r\nx\r\nA;c\r\n0123456789\r\n000;d\r\nX: y\r\nZ: \r\n\r\n",
    ),
}


@pytest.mark.parametrize(("head", "body"), [(head, body) for head, bodies in WHOLE.items() for body in bodies])
@pytest.mark.parametrize("size", range(1, 9))
def test_a_body_ends_at_the_same_place_however_it_arrives(head: bytes, body: bytes, size: int) -> None:
    """Not a byte before its last one, and with that one, in pieces of any size; what follows changes nothing."""
    found = extent(head)
    for at in range(0, len(body), size):
        assert not found.ended
        found.take(body[at : at + size])
    assert found.ended
    found.take(b"HTTP/1.1 200 OK")
    assert found.ended


@given(
    st.lists(st.sampled_from([b"0", b"5", b"a", b"-1", b"_", b";", b"\r\n", b"\n", b"x" * 5, b"f" * 20]), max_size=12)
)
def test_chunks_of_any_kind_are_bounded(parts: list[bytes]) -> None:
    """Whatever a server sends for chunks, one pass over it is all that it costs, and nothing is raised."""
    found = extent(CHUNKED)
    for part in parts:
        found.take(part)
    assert found.ended in {True, False}


@pytest.mark.parametrize(
    ("head", "ends"),
    [
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", True),
        (b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 9999 + b"\r\n\r\n", False),
    ],
)
def test_a_reply_without_a_body_has_ended(head: bytes, ends: bool) -> None:
    """So has one of length 0; one without a length, or with one that is none, ends with the connection."""
    found = extent(head)
    assert found.ended is ends
    found.take(b"more")
    assert found.ended is ends
    assert extent(head, "HEAD").ended


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
