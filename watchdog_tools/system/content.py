"""Headers and body of a reply, read by httptools, which refuses what is malformed. Its only home.

A status alone needs no parser: (m) importing this one costs 1.2 x of Python itself.
"""

from __future__ import annotations

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from watchdog_tools.system.failures import CLOSED, Failed
from watchdog_tools.system.fetch import MALFORMED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.system.fetch import Exchange

LOOKED_AT = 64 << 10  # bytes of a body
_RAW = 1 << 20  # bytes that those may take on the way: chunks have heads, and those have extensions


class Content:
    """What httptools hands over: headers, and the body as far as we look at it."""

    __slots__ = ("body", "complete", "headers", "more")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.complete = False
        self.more = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header (a trailer comes here too)."""
        if not self.complete:
            self.headers.append((name, value))

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        if not self.complete:
            room = LOOKED_AT - len(self.body)
            self.body += data[:room]
            self.more = self.more or len(data) > room

    def on_message_complete(self) -> None:
        """Take what still follows for another reply, which nobody asked for."""
        self.complete = True

    def header(self, name: bytes) -> bytes:
        """Return the value of the first header `name`, given in small letters; empty if there is none."""
        return next((value for its, value in self.headers if its.lower() == name), b"")

    def cut(self) -> bool:
        """Whether there may be more than we looked at."""
        return self.more or (len(self.body) >= LOOKED_AT and not self.complete)

    def encoding(self) -> bytes:
        """Return how the server has packed the body, unasked; empty where it has not."""
        packed = self.header(b"content-encoding")
        return b"" if packed.strip().lower() == b"identity" else packed

    def framed(self) -> bool:
        """Whether the reply says where its body ends; else the end of the connection does."""
        return bool(self.header(b"content-length") or self.header(b"transfer-encoding"))


def headers(exchange: Exchange) -> Content:
    """Return the headers alone. Raise Failed, of kind MALFORMED."""
    content = Content()
    _feed(HttpResponseParser(content), exchange.head, content)
    return content


def whole(exchange: Exchange) -> Content:
    """Return headers and body, of that at most LOOKED_AT bytes. Raise Failed."""
    content = Content()
    parser = HttpResponseParser(content)
    _feed(parser, exchange.head, content)
    chunk, raw = exchange.rest, 0
    while not (content.complete or content.cut()):
        if not chunk:
            chunk = exchange.receive(16384)
            if not chunk:
                break
        raw += len(chunk)
        if raw > _RAW:
            raise Failed(MALFORMED, "sends a malformed reply: more around the body than in it")
        _feed(parser, chunk, content)
        chunk = b""
    if content.framed() and not (content.complete or content.cut()):
        raise Failed(CLOSED, "closed the connection in the middle of the body")
    return content


def _feed(parser: HttpResponseParser, data: bytes, content: Content) -> None:
    try:
        parser.feed_data(data)
    except HttpParserUpgrade:
        content.complete = True
    except HttpParserError as error:
        if not content.complete:  # what follows a whole reply is not part of it
            raise Failed(MALFORMED, f"sends a malformed reply: {str(error)[:80]}") from None
