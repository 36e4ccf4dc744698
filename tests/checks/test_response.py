"""Replies: what a status line is, where a head ends, and which statuses are fine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools.checks.http import response


@given(st.binary(max_size=40) | st.from_regex(rb"\AHTTP/\d\.\d [0-9]{0,4} ?[a-z]*\Z"))
def test_a_status_line_is_one_or_refused(line: bytes) -> None:
    """A code of three digits that does not begin with 0, of HTTP/1.0 or 1.1; else ValueError."""
    try:
        status = response.Status(line)
    except ValueError:
        return
    assert 100 <= status.code <= 999
    assert line.startswith((b"HTTP/1.0 %d" % status.code, b"HTTP/1.1 %d" % status.code))


@given(st.lists(st.sampled_from([b"a", b"\r\n", b"\n", b"\r", b"\r\n\r\n"]), max_size=9), st.integers(1, 5))
def test_a_head_ends_at_the_same_place_however_it_arrives(parts: list[bytes], size: int) -> None:
    """Searching again from two bytes before what is new finds what searching all of it finds."""
    data = b"".join(parts)
    whole = response.head_end(data)
    seen, end = b"", -1
    for at in range(0, len(data), size):
        start = max(len(seen) - 2, 0)
        seen += data[at : at + size]
        end = response.head_end(seen, start)
        if end >= 0:
            break
    assert end == whole


def extent(head: bytes, method: str = "GET") -> response.BodyFraming:
    """Return where the body of a reply with `head` ends."""
    return response.BodyFraming(method, response.Status(head.partition(b"\r\n")[0]), head)


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
        found.feed(body[at : at + size])
    assert found.ended
    found.feed(b"HTTP/1.1 200 OK")
    assert found.ended


@given(
    st.lists(st.sampled_from([b"0", b"5", b"a", b"-1", b"_", b";", b"\r\n", b"\n", b"x" * 5, b"f" * 20]), max_size=12)
)
def test_chunks_of_any_kind_are_bounded(parts: list[bytes]) -> None:
    """Whatever a server sends for chunks, one pass over it is all that it costs, and nothing is raised."""
    found = extent(CHUNKED)
    for part in parts:
        found.feed(part)
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
    found.feed(b"more")
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
        response.parse_statuses(text)


def test_digits_are_the_code_and_nothing_else() -> None:
    """-e 200 is not satisfied by a 500 that talks about 200."""
    status = response.Status(b"HTTP/1.1 500 not 200")
    assert not response.is_expected(status, response.parse_statuses("200"))
    assert response.is_expected(status, response.parse_statuses("200,5xx"))
    assert response.is_expected(status, response.parse_statuses("not 2"))


@pytest.mark.parametrize(
    ("code", "fine"), [(100, False), (199, False), (200, True), (299, True), (399, True), (400, False), (999, False)]
)
def test_without_e_two_and_three_hundreds_are_fine(code: int, fine: bool) -> None:
    """As `curl -f`, to the number."""
    status = response.Status(b"HTTP/1.1 %d x" % code)
    assert status.code == code
    assert response.is_expected(status, ()) is fine


@pytest.mark.parametrize(
    ("part", "codes"),
    [("200", (200,)), ("2xx", (200, 299)), ("2XX", (200, 299)), ("9xx", (999,)), ("ok", ()), ("HTTP/1.1 20", (200,))],
)
def test_a_part_of_e_matches(part: str, codes: tuple[int, ...]) -> None:
    """A code, a class, or a part of the line as it was sent."""
    parts = response.parse_statuses(f" {part} ")
    assert parts == (part,)
    found = [
        code
        for code in (100, 200, 299, 300, 999)
        if response.is_expected(response.Status(b"HTTP/1.1 %d" % code), parts)
    ]
    assert tuple(found) == codes


@pytest.mark.parametrize(
    ("line", "code", "reason"),
    [
        (b"HTTP/1.1 200 OK", 200, b"OK"),
        (b"HTTP/1.0 404  Not Found ", 404, b"Not Found"),
        (b"HTTP/1.1 100", 100, b""),
        (b"HTTP/1.1 999 ", 999, b""),
    ],
)
def test_a_status_line(line: bytes, code: int, reason: bytes) -> None:
    """Its code, its words, and all of it."""
    status = response.Status(line)
    assert (status.code, status.reason, status.line) == (code, reason, line)


@pytest.mark.parametrize(
    "line",
    [b"", b"HTTP/1.1 20", b"HTTP/1.1 2000", b"HTTP/1.1 099", b"HTTP/2 200", b"HTTP/1.2 200", b"HTTP/1.1 2x0",
     b"ICY 200 OK", b"HTTP/1.1 200OK", b"HTTP/1.1  200"],
)  # fmt: skip
def test_what_is_no_status_line_is_refused(line: bytes) -> None:
    """ValueError."""
    with pytest.raises(ValueError, match="not "):
        response.Status(line)


@pytest.mark.parametrize(("data", "start", "end"), [
    (b"a\r\n\r\nb", 0, 5), (b"a\n\nb", 0, 3), (b"a\n\r\nb", 0, 4), (b"a\r\n", 0, -1), (b"\n\n\r\n\r\n", 1, 4),
    (b"\n\nx", 0, 2), (b"a\n\n", 2, -1), (b"a\n\nb\r\n\r\n", 0, 3),
])  # fmt: skip
def test_where_a_head_ends(data: bytes, start: int, end: int) -> None:
    """Behind the first empty line, however its lines end."""
    assert response.head_end(data, start) == end


@pytest.mark.parametrize(("code", "ended"), [(100, False), (101, True), (203, False), (204, True), (205, False),
                                             (303, False), (304, True), (305, False)])  # fmt: skip
def test_three_statuses_have_no_body(code: int, ended: bool) -> None:
    """101, 204 and 304, whatever their headers say."""
    assert extent(b"HTTP/1.1 %d x\r\nContent-Length: 5\r\n\r\n" % code).ended is ended


@pytest.mark.parametrize(("length", "known"), [(b"9" * 18, True), (b"9" * 19, False), (b"5", True), (b"+5", False)])
def test_a_length_has_at_most_eighteen_digits(length: bytes, known: bool) -> None:
    """A longer one is none: the connection's end is the body's."""
    found = extent(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\n")
    assert found._left == (int(length) if known else 1 << 63)


@pytest.mark.parametrize(
    ("size", "left"),
    [
        (b"f" * 15, int("f" * 15, 16) + 2),
        (b"f" * 16, 1 << 63),
        (b"", 1 << 63),
        (b"g", 1 << 63),
        (b"A", 12),
        (b" 1 ", 3),
    ],
)
def test_the_head_of_a_chunk(size: bytes, left: int) -> None:
    """Its size and the line end behind it; what is no size leaves the end to the connection."""
    found = extent(CHUNKED)
    found.feed(size + b";x=y\r\n")
    assert (found._left, found.ended) == (left, False)
