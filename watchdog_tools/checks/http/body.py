"""Headers and body of a reply, read by httptools, which refuses what is malformed. Its only home.

A status alone needs no parser: (m) importing this one costs 1.2 x of Python itself.
"""

from __future__ import annotations

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from watchdog_tools.checks.http.exchange import MALFORMED
from watchdog_tools.net.errors import CLOSED, ConnectionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.checks.http.exchange import Response
    from watchdog_tools.workers import Waits

MAX_BODY = 64 << 10  # bytes of a body
_MAX_RAW = 1 << 20  # bytes that those may take on the way: chunks have heads, and those have extensions


class Body:
    """What httptools hands over: headers, and the body as far as it is read."""

    __slots__ = ("complete", "data", "headers", "overflowed")

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.data = b""
        self.complete = False
        self.overflowed = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header (a trailer comes here too)."""
        if not self.complete:
            self.headers.append((name, value))

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        if not self.complete:
            room = MAX_BODY - len(self.data)
            self.data += data[:room]
            self.overflowed = self.overflowed or len(data) > room

    def on_message_complete(self) -> None:
        """Note that the reply is whole: what still follows is ignored."""
        self.complete = True

    def header(self, name: bytes) -> bytes:
        """Return the value of the first header `name`, given in small letters; empty if there is none."""
        return next((value for its, value in self.headers if its.lower() == name), b"")

    def is_truncated(self) -> bool:
        """Whether there may be more than was read."""
        return self.overflowed or (len(self.data) >= MAX_BODY and not self.complete)

    def encoding(self) -> bytes:
        """Return how the server has packed the body, unasked; empty where it has not."""
        packed = self.header(b"content-encoding")
        return b"" if packed.strip().lower() == b"identity" else packed

    def has_known_end(self) -> bool:
        """Whether the reply says where its body ends; else the end of the connection does."""
        return bool(self.header(b"content-length") or self.header(b"transfer-encoding"))


def read_headers(response: Response) -> Body:
    """Return the headers alone. Raise ConnectionFailed, of kind MALFORMED."""
    body = Body()
    _feed(HttpResponseParser(body), response.head, body)
    return body


def read_all(response: Response) -> Waits[Body]:
    """Return headers and body, of that at most MAX_BODY bytes. Raise ConnectionFailed."""
    body, chunk, raw = Body(), response.rest, 0
    parser = HttpResponseParser(body)
    _feed(parser, response.head, body)
    while not (body.complete or body.is_truncated()):
        chunk = chunk or (yield from response.receive(16384))
        if not chunk:
            break
        raw += len(chunk)
        if raw > _MAX_RAW:
            raise ConnectionFailed(MALFORMED, "sends a malformed reply: more around the body than in it")
        _feed(parser, chunk, body)
        chunk = b""
    if body.has_known_end() and not (body.complete or body.is_truncated()):
        raise ConnectionFailed(CLOSED, "closed the connection in the middle of the body")
    return body


def _feed(parser: HttpResponseParser, data: bytes, body: Body) -> None:
    try:
        parser.feed_data(data)
    except HttpParserUpgrade:
        body.complete = True
    except HttpParserError as error:
        if not body.complete:  # what follows a whole reply is not part of it
            raise ConnectionFailed(MALFORMED, f"sends a malformed reply: {str(error)[:80]}") from None
