"""One HTTP exchange: connect, TLS, send, read to the first empty line; and once all is known, an orderly end.

A server that is left in the middle of its reply says so in its log each time, or dies of SIGPIPE.
"""

from __future__ import annotations

import time

from watchdog_tools.replies import Extent, Status, head_end
from watchdog_tools.requests import header, request
from watchdog_tools.system import dial, secrets
from watchdog_tools.system.failures import CLOSED, LOCAL, RESET, Failed
from watchdog_tools.system.looker import LOCAL as OURS
from watchdog_tools.system.looker import TALK
from watchdog_tools.system.wire import MOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.certificates import Trust
    from watchdog_tools.requests import Ask
    from watchdog_tools.system.looker import Say
    from watchdog_tools.system.wire import Wire

_HEAD = 64 << 10  # bytes
_INTERIM = 10  # replies 1xx before the real one
MALFORMED = "malformed"


class Exchange:
    """A reply whose head was read: its status, the head's bytes, what came behind it, and the connection."""

    __slots__ = ("_extent", "_wire", "head", "rest", "status")

    def __init__(self, status: Status, head: bytes, rest: bytes, wire: Wire, extent: Extent) -> None:
        """Take the fields as the class describes them; `extent` has yet to take `rest`."""
        self.status = status
        self.head = head
        self.rest = rest
        self._wire = wire
        self._extent = extent
        extent.take(rest)

    def receive(self, limit: int, seconds: float | None = None) -> bytes:
        """Return up to `limit` bytes more of it, none at the end. Raise Failed."""
        data = self._wire.receive(limit, seconds)
        self._extent.take(data)
        return data

    def end(self, seconds: float) -> None:
        """Take what is left of the reply, for `seconds` and in bytes at most, and close in order."""
        room, until = MOST, time.monotonic() + seconds
        try:
            while room and not self._extent.ended and (left := until - time.monotonic()) > 0:
                data = self.receive(room, left)
                if not data:
                    break
                room -= len(data)
        except Failed:
            pass  # what was to be known is known
        self._wire.part(0, room)

    def stop(self) -> None:
        """Close in order, whatever of the reply is still to come."""
        self._wire.part(0, 0)


def fetch(ask: Ask, say: Say, facts: dict[str, object]) -> Exchange:
    """Ask, and return the reply as far as its head. `facts` gets what is learned on the way. Raise Failed."""
    data = _request(ask, say)
    wire = dial.connect(ask.target, ask.family, None, say)
    facts["address"] = str(wire.place)
    try:
        if ask.trust:
            wire = _sealed(wire, ask.trust, say, facts)
        say(TALK, f"waiting for the reply of {ask.url}")
        return _answered(wire, ask.method, data)
    except Failed:
        wire.part(0)
        raise


def _sealed(wire: Wire, trust: Trust, say: Say, facts: dict[str, object]) -> Wire:
    from watchdog_tools.system import tls

    say(TALK, f"shaking hands (TLS) with {wire.place}")
    return tls.seal(wire, trust, facts)


def _answered(wire: Wire, method: str, data: bytes) -> Exchange:
    reset = _sent(wire, data)
    try:
        return _final(wire, method)
    except Failed as failure:
        # who was told of a reset once reads the end of the connection from then on
        raise reset if reset and failure.kind == CLOSED else failure from None


def _sent(wire: Wire, data: bytes) -> Failed | None:
    """Send; return the reset that came, for the server may have answered before it had read all. Raise Failed."""
    try:
        wire.send(data)
    except Failed as failure:
        if failure.kind != RESET:
            raise
        return failure
    return None


def _request(ask: Ask, say: Say) -> bytes:
    references = [word for word in (ask.auth, ask.data or "", *ask.headers) if "file:" in word]
    if references:
        say(OURS, "reading what file: refers to")
    headers = [_whole(word) for word in ask.headers]
    data = None if ask.data is None else secrets.read(ask.data)
    try:
        return request(ask, headers, secrets.revealed(ask.auth), data)
    except ValueError as error:
        raise Failed(LOCAL, f"cannot be asked: {error}") from None


def _whole(word: str) -> str:
    """Return a header; it, or its value, may be a reference."""
    if secrets.is_reference(word):
        return secrets.revealed(word)
    name, colon, value = word.partition(":")
    return f"{name}{colon} {secrets.revealed(value.strip())}" if secrets.is_reference(value.strip()) else header(word)


def _final(wire: Wire, method: str) -> Exchange:
    data, code = b"", 0
    for _ in range(_INTERIM):
        head, data = _head(wire, data)
        try:
            status = Status(head.partition(b"\n")[0].removesuffix(b"\r"))
        except ValueError as error:
            raise Failed(MALFORMED, f"sends a malformed reply: {error}") from None
        code = status.code
        if code >= 200 or code == 101:  # noqa: PLR2004 -- 101 is the last word, on another protocol
            return Exchange(status, head, data, wire, Extent(method, status, head))
    raise Failed(MALFORMED, f"sends interim replies (HTTP {code}) without an end")


def _head(wire: Wire, data: bytes) -> tuple[bytes, bytes]:
    """Return (head, what came behind it)."""
    end, start = head_end(data), 0
    while end < 0:
        if len(data) > _HEAD:
            raise Failed(MALFORMED, f"sends headers of more than {_HEAD >> 10} KiB")
        start = max(len(data) - 2, 0)
        chunk = wire.receive(8192)
        if not chunk:
            early = "in the middle of the headers" if data else "without a reply"
            raise Failed(CLOSED, f"closed the connection {early}")
        data += chunk
        end = head_end(data, start)
    return data[:end], data[end:]
