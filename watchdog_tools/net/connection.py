"""A connection as a check needs it: send all, receive some, and every failure in the same words.

The only file with sockets, by `_socket`: (m) that costs 1.5 M instructions to import, `socket`
33 M, nearly as much as Python itself. It is private, so `socket` stands in where it is missing.
"""

from __future__ import annotations

import select
import time

from watchdog_tools.net.address import bracketed
from watchdog_tools.net.errors import TIMEOUT, ConnectionFailed, from_os_error

try:
    import _socket

    socket = _socket

    class Stream(socket.socket):
        """A socket that TLS can refer to weakly."""

        __slots__ = ("__weakref__",)

except ImportError:  # pragma: no cover -- a Python that keeps its C module elsewhere
    import socket  # type: ignore[no-redef]

    Stream = socket.socket  # type: ignore[misc,assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from watchdog_tools.workers import Waits

MAX_DRAINED = 64 << 10  # bytes that are read and dropped, so that the other side can end in order
_DRAIN_SECONDS = 0.25  # seconds that it has for that
_REPORT_SECONDS = 0.1  # seconds in front of a check's deadline, so that what is known by then is told in time
_WRITING = 1  # SHUT_WR


def drain_seconds(remaining: float) -> float:
    """Return the seconds to wait for an orderly end, where the check has `remaining` seconds; below 0 for none."""
    return min(_DRAIN_SECONDS, remaining - _REPORT_SECONDS)


def deadline(seconds: float | None) -> float | None:
    """Return when `seconds` from now will have passed, on the monotonic clock; None for no limit."""
    return None if seconds is None else time.monotonic() + seconds


class Address:
    """One address to connect to, as getaddrinfo gives it."""

    __slots__ = ("family", "sockaddr")

    def __init__(self, family: int, sockaddr: Any) -> None:
        """Take the address family, and what connect() takes: a tuple, or the path of a unix socket."""
        self.family = family
        self.sockaddr = sockaddr

    def __str__(self) -> str:
        """Return `192.0.2.1:80`, `[::1]:80` or the path."""
        if isinstance(self.sockaddr, tuple):
            return f"{bracketed(self.sockaddr[0])}:{self.sockaddr[1]}"
        return str(self.sockaddr)


class Connection:
    """A connected socket that does not block: what it waits for is yielded. What fails is raised as ConnectionFailed.

    seconds: what bounds each step, None leaves it to the guard.
    """

    __slots__ = ("address", "seconds", "sock")

    def __init__(self, sock: Stream, address: Address, seconds: float | None = None) -> None:
        """Take the socket, on which nothing blocks from now on, and the address that it leads to."""
        sock.settimeout(0)
        self.sock = sock
        self.address = address
        self.seconds = seconds

    def send(self, data: bytes) -> Waits[None]:
        """Send all of `data`."""
        try:
            yield from self._write(data)
        except OSError as error:
            raise from_os_error(error) from None

    def receive(self, limit: int, seconds: float | None = None) -> Waits[bytes]:
        """Return up to `limit` bytes, none at the end. Raise ConnectionFailed, of kind TIMEOUT after `seconds`."""
        try:
            return (yield from self._read(limit, deadline(self.seconds if seconds is None else seconds)))
        except TimeoutError:
            raise ConnectionFailed(TIMEOUT, "sends nothing more") from None
        except OSError as error:
            raise from_os_error(error) from None

    def close(self) -> None:
        """Close the socket at once."""
        self.sock.close()

    def close_gracefully(self, seconds: float, room: int = MAX_DRAINED) -> Waits[None]:
        """Say that nothing more is sent, drop what still comes for `seconds`, and close. Errors are ignored.

        What lies unread when a socket is closed, or comes later, is answered by a reset, which is an error to
        the other side. room: bytes that are taken at most, 0 for none.
        """
        until = time.monotonic() + seconds
        try:
            self._close_notify()
            self.sock.shutdown(_WRITING)
            while room:
                data = yield from self._receive_raw(room, until)
                if not data:
                    break
                room -= len(data)
        except OSError:
            pass
        finally:
            self.close()

    def _close_notify(self) -> None:
        """Announce the end in the protocol on the socket; plain TCP needs none."""

    def _write(self, data: bytes) -> Waits[None]:
        until = deadline(self.seconds)
        while data:
            yield from self._wait(select.POLLOUT, until)
            try:
                data = data[self.sock.send(data) :]
            except BlockingIOError:
                continue

    def _read(self, limit: int, until: float | None) -> Waits[bytes]:
        return self._receive_raw(limit, until)

    def _receive_raw(self, limit: int, until: float | None) -> Waits[bytes]:
        """Return what the socket holds, whatever protocol is on it."""
        while True:
            yield from self._wait(select.POLLIN, until)
            try:
                return self.sock.recv(limit)
            except BlockingIOError:
                continue

    def _wait(self, mask: int, until: float | None) -> Waits[None]:
        """Wait for an event on the socket. Raise TimeoutError where there is none by `until`."""
        left = None if until is None else max(until - time.monotonic(), 0.0)
        if not (yield {self.sock.fileno(): mask}, left):
            raise TimeoutError("timed out")
