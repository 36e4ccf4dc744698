"""Requests: one request, whatever is in its parts; and what a header is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools.checks.http import request
from watchdog_tools.checks.http.expect import Expect
from watchdog_tools.checks.http.url import Url
from watchdog_tools.core.thresholds import Timing
from watchdog_tools.net.address import Target

REQUEST = request.HttpRequest(Url("http", "h", 80), Target("h", 80), Timing(1), Expect())


@given(st.lists(st.text()), st.text(), st.none() | st.binary())
def test_no_part_makes_a_second_request(headers: list[str], auth: str, data: bytes | None) -> None:
    """A head with one line for each field, or ValueError; never a line that nobody asked for."""
    try:
        sent = request.encoded(REQUEST, headers, auth, data)
    except ValueError:
        return
    head, _, body = sent.partition(b"\r\n\r\n")
    assert body == (data or b"")
    lines = head.split(b"\r\n")
    assert lines[0] == b"GET / HTTP/1.1"
    assert len(lines) <= 5 + len(headers) + bool(auth) + 2 * (data is not None)
    assert all(b":" in line and b"\n" not in line and b"\r" not in line for line in lines[1:])


@pytest.mark.parametrize("text", ["", "a", ": b", "a b: c", "a: b\nc: d", "a: b\rc", "a: \0", "\u00fc: a", "a\n: b"])
def test_what_is_no_header_is_refused(text: str) -> None:
    """A name that is a token, a colon, a value of one line."""
    with pytest.raises(ValueError, match="header"):
        request.parse_header(text)


def test_a_header_replaces_ours_of_the_same_name() -> None:
    """In any case; the others stay."""
    sent = request.encoded(REQUEST, ["HOST: other", "accept:  x "], "", None).decode()
    assert "\r\nHOST: other\r\naccept: x\r\n" in sent
    assert sent.lower().count("\r\nhost:") == sent.lower().count("\r\naccept:") == 1
    assert "\r\nConnection: close\r\n" in sent
