"""The head of an HTTP reply, where its body ends, and which statuses are fine."""

from __future__ import annotations

from watchdog_tools.net.address import shown

_LIKE_A_STATUS = frozenset("0123456789xX*-")
_CODE = slice(9, 12)  # of `HTTP/1.1 200 OK`
_HEX = frozenset(b"0123456789abcdefABCDEF")
_ENDLESS = 1 << 63  # bytes
_WITHOUT = (101, 204, 304)  # statuses whose reply has no body; it has none to HEAD either


class Status:
    """A status line: `code` from 100 to 999, and `line`, the whole of it as the server sent it."""

    __slots__ = ("code", "line")

    def __init__(self, line: bytes) -> None:
        """Parse it. Raise ValueError for what is no status line of HTTP/1."""
        digits = line[_CODE]
        if line[:9] not in (b"HTTP/1.1 ", b"HTTP/1.0 ") or not (digits.isdigit() and line[12:13] in (b"", b" ")):
            raise ValueError("not HTTP")
        self.code = int(digits)
        if len(digits) != 3 or self.code < 100:  # noqa: PLR2004 -- three digits, the first is not 0
            raise ValueError("not a status code")
        self.line = line

    @property
    def reason(self) -> bytes:
        """Return the words behind the code."""
        return self.line[13:].strip()


class BodyFraming:
    """How far a body has come: `ended` once `feed` was given all of it.

    A body without a length, or with one that is none, ends with the connection; that is not seen here.
    """

    __slots__ = ("_chunked", "_last", "_left", "_line", "ended")

    def __init__(self, method: str, status: Status, head: bytes) -> None:
        """Read where it ends in the headers of the reply to `method`."""
        lines = (line.partition(b":") for line in head.lower().split(b"\n")[1:])
        fields = {name.strip(): value.strip() for name, _, value in lines}
        length = fields.get(b"content-length", b"")
        self._chunked = fields.get(b"transfer-encoding", b"").endswith(b"chunked")
        known = not self._chunked and length.isdigit() and len(length) < 19  # noqa: PLR2004 -- digits of 2**63
        self._left = int(length) if known else 0 if self._chunked else _ENDLESS
        self._last = False
        self._line = b""  # the head of a chunk, or a trailer, as far as it has come
        self.ended = method == "HEAD" or status.code in _WITHOUT or (known and not self._left)

    def feed(self, data: bytes) -> None:
        """Go on by `data`."""
        at = 0
        while at < len(data) and not self.ended:
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                self.ended = not (self._left or self._chunked)
            else:
                end = data.find(b"\n", at) + 1
                step = (end or len(data)) - at
                self._line += data[at : at + step]
                if end:
                    self._chunk_line(self._line.strip())
                    self._line = b""
            at += step

    def _chunk_line(self, line: bytes) -> None:
        size = line.partition(b";")[0].strip()
        if self._last:  # an empty line ends the trailers
            self.ended = not line
        elif 0 < len(size) < 16 and _HEX.issuperset(size):  # noqa: PLR2004 -- as above
            self._left = int(size, 16)
            self._last = not self._left
            self._left += 2 * (not self._last)  # the line end behind it
        else:
            self._left = _ENDLESS


def head_end(data: bytes, start: int = 0) -> int:
    """Return where the body begins: behind the first empty line at or after `start`; -1 if there is none yet.

    Lines may end in a bare line feed: wrong, but with a status that was asked for all the same.
    """
    ends = [at + len(mark) for mark in (b"\n\r\n", b"\n\n") if (at := data.find(mark, start)) >= 0]
    return min(ends, default=-1)


def parse_statuses(text: str) -> tuple[str, ...]:
    """Return the parts of -e, as check_http has them: `200,301`, `2xx`, or parts of the status line.

    Raise ValueError with a sentence.
    """
    parts = tuple(part.strip() for part in text.split(","))
    for part in parts:
        if not part or _is_mistaken(part):
            raise ValueError(f"{shown(text)} is no list of statuses; accepted: 200,301 or 2xx or 'HTTP/1.1 200'")
    return parts


def is_expected(status: Status, parts: tuple[str, ...]) -> bool:
    """Whether the status is one that was asked for; without -e 200 to 399, as `curl -f`."""
    if not parts:
        return 200 <= status.code < 400  # noqa: PLR2004
    return any(_matches_part(status, part) for part in parts)


def _is_mistaken(part: str) -> bool:
    """Whether it looks like a status and is none (20x, 200-299, 2000): as text, no status line would ever hold it."""
    if any(each.isnumeric() and not each.isascii() for each in part):
        return True
    return _LIKE_A_STATUS.issuperset(part) and not (_is_code(part) or _is_class(part))


def _is_code(part: str) -> bool:
    return len(part) == 3 and part.isascii() and part.isdigit()  # noqa: PLR2004 -- isdigit() alone takes other scripts


def _is_class(part: str) -> bool:
    return part[:1] in set("123456789") and part[1:].lower() == "xx"


def _matches_part(status: Status, part: str) -> bool:
    if _is_code(part):
        return status.code == int(part)
    if _is_class(part):
        return status.code // 100 == int(part[0])
    return part.encode("utf-8", "surrogateescape") in status.line
