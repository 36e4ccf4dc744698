"""One HTTP response: connect, TLS, send, read to the first empty line; and once all is known, an orderly end.

A server that is left in the middle of its reply says so in its log each time, or dies of SIGPIPE.
"""

from __future__ import annotations

import time

from watchdog_tools.checks.http.request import encoded, parse_header
from watchdog_tools.checks.http.response import BodyFraming, Status, head_end
from watchdog_tools.net import connect, secrets
from watchdog_tools.net.connection import MAX_DRAINED
from watchdog_tools.net.errors import CLOSED, LOCAL, RESET, ConnectionFailed
from watchdog_tools.workers.worker import LOCAL as LOCAL_PHASE
from watchdog_tools.workers.worker import TALK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.checks.http.request import HttpRequest
    from watchdog_tools.net.connection import Connection
    from watchdog_tools.workers import Waits
    from watchdog_tools.workers.worker import Progress

_MAX_HEAD = 64 << 10  # bytes
_MAX_INTERIM = 10  # replies 1xx before the real one
MALFORMED = "malformed"


class Response:
    """A reply whose head was read: its status, the head's bytes, what came behind it, and the connection."""

    __slots__ = ("_connection", "_framing", "head", "rest", "status")

    def __init__(self, status: Status, head: bytes, rest: bytes, connection: Connection, framing: BodyFraming) -> None:
        """Take the fields as the class describes them; `framing` has yet to be fed `rest`."""
        self.status = status
        self.head = head
        self.rest = rest
        self._connection = connection
        self._framing = framing
        framing.feed(rest)

    def receive(self, limit: int, seconds: float | None = None) -> Waits[bytes]:
        """Return up to `limit` bytes more of it, none at the end. Raise ConnectionFailed."""
        data = yield from self._connection.receive(limit, seconds)
        self._framing.feed(data)
        return data

    def drain(self, seconds: float) -> Waits[None]:
        """Take what is left of the reply, for `seconds` and MAX_DRAINED bytes at most, and close in order."""
        room, until = MAX_DRAINED, time.monotonic() + seconds
        try:
            while room and not self._framing.ended and (left := until - time.monotonic()) > 0:
                data = yield from self.receive(room, left)
                if not data:
                    break
                room -= len(data)
        except ConnectionFailed:
            pass  # what was to be known is known
        yield from self._connection.close_gracefully(0, room)

    def end(self) -> Waits[None]:
        """Close in order, whatever of the reply is still to come."""
        yield from self._connection.close_gracefully(0, 0)

    def close(self) -> None:
        """Close at once."""
        self._connection.close()


def exchange(request: HttpRequest, progress: Progress, facts: dict[str, object]) -> Waits[Response]:
    """Ask, and return the reply as far as its head. `facts` gets what is learned on the way. Raise ConnectionFailed."""
    data = yield from _request_bytes(request, progress)
    connection = yield from connect.connect(request.target, request.family, None, progress)
    facts["address"] = str(connection.address)
    try:
        if request.tls_verify:
            connection = yield from connect.with_tls(connection, request.tls_verify, progress, facts)
        progress(TALK, f"waiting for the reply of {request.url}")
        return (yield from _send_and_receive(connection, request.method, data))
    except ConnectionFailed:
        yield from connection.close_gracefully(0)
        raise
    except BaseException:
        connection.close()
        raise


def _send_and_receive(connection: Connection, method: str, data: bytes) -> Waits[Response]:
    reset = yield from _send(connection, data)
    try:
        return (yield from _final_head(connection, method))
    except ConnectionFailed as failure:
        # who was told of a reset once reads the end of the connection from then on
        raise reset if reset and failure.kind == CLOSED else failure from None


def _send(connection: Connection, data: bytes) -> Waits[ConnectionFailed | None]:
    """Send; return the reset that came, for the server may have answered before it had read all.

    Raise ConnectionFailed.
    """
    try:
        yield from connection.send(data)
    except ConnectionFailed as failure:
        if failure.kind != RESET:
            raise
        return failure
    return None


def _request_bytes(request: HttpRequest, progress: Progress) -> Waits[bytes]:
    if not any("file:" in word for word in (request.auth, request.data or "", *request.headers)):
        return _encoded(request)
    progress(LOCAL_PHASE, "reading what file: refers to")
    data: bytes = yield lambda: _encoded(request)
    return data


def _encoded(request: HttpRequest) -> bytes:
    """Return the bytes to send, with what is referred to in its place. Raise ConnectionFailed."""
    headers = [_header_text(word) for word in request.headers]
    data = None if request.data is None else secrets.read(request.data)
    try:
        return encoded(request, headers, secrets.read_text(request.auth), data)
    except ValueError as error:
        raise ConnectionFailed(LOCAL, f"cannot be asked: {error}") from None


def _header_text(word: str) -> str:
    """Return a header; it, or its value, may be a reference."""
    if secrets.is_reference(word):
        return secrets.read_text(word)
    name, colon, value = word.partition(":")
    if secrets.is_reference(value.strip()):
        return f"{name}{colon} {secrets.read_text(value.strip())}"
    return parse_header(word)


def _final_head(connection: Connection, method: str) -> Waits[Response]:
    data, code = b"", 0
    for _ in range(_MAX_INTERIM):
        head, data = yield from _read_head(connection, data)
        try:
            status = Status(head.partition(b"\n")[0].removesuffix(b"\r"))
        except ValueError as error:
            raise ConnectionFailed(MALFORMED, f"sends a malformed reply: {error}") from None
        code = status.code
        if code >= 200 or code == 101:  # noqa: PLR2004 -- 101 is the last word, on another protocol
            return Response(status, head, data, connection, BodyFraming(method, status, head))
    raise ConnectionFailed(MALFORMED, f"sends interim replies (HTTP {code}) without an end")


def _read_head(connection: Connection, data: bytes) -> Waits[tuple[bytes, bytes]]:
    """Return (head, what came behind it)."""
    end, start = head_end(data), 0
    while end < 0:
        if len(data) > _MAX_HEAD:
            raise ConnectionFailed(MALFORMED, f"sends headers of more than {_MAX_HEAD >> 10} KiB")
        start = max(len(data) - 2, 0)
        chunk = yield from connection.receive(8192)
        if not chunk:
            early = "in the middle of the headers" if data else "without a reply"
            raise ConnectionFailed(CLOSED, f"closed the connection {early}")
        data += chunk
        end = head_end(data, start)
    return data[:end], data[end:]
