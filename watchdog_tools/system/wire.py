"""A connection as a check needs it: send all, receive some, and every failure in the same words."""

from __future__ import annotations

import time

from watchdog_tools.system.failures import TIMEOUT, Failed, failed
from watchdog_tools.targets import bracketed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from watchdog_tools.system.dial import Stream


MOST = 64 << 10  # bytes that are taken, though nobody looks at them, so that the other side can end in order
_PATIENCE = 0.25  # seconds that it has for that
_REPORT = 0.1  # seconds in front of a check's deadline, so that what is known by then is told in time
_WRITING = 1  # SHUT_WR


def patience(left: float) -> float:
    """Return the seconds to wait for an orderly end, where the check has `left` seconds; below 0 for none."""
    return min(_PATIENCE, left - _REPORT)


class Place:
    """One address to connect to, as getaddrinfo gives it."""

    __slots__ = ("address", "family")

    def __init__(self, family: int, address: Any) -> None:
        """Take the address family and the address: a tuple, or the path of a unix socket."""
        self.family = family
        self.address = address

    def __str__(self) -> str:
        """Return `192.0.2.1:80`, `[::1]:80` or the path."""
        if isinstance(self.address, tuple):
            return f"{bracketed(self.address[0])}:{self.address[1]}"
        return str(self.address)


class Wire:
    """A connected, blocking socket: the guard has the deadline. What fails is raised as Failed."""

    __slots__ = ("place", "sock")

    def __init__(self, sock: Stream, place: Place) -> None:
        """Take the socket and the address that it leads to."""
        self.sock = sock
        self.place = place

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self._write(data)
        except OSError as error:
            raise failed(error) from None

    def receive(self, limit: int, seconds: float | None = None) -> bytes:
        """Return up to `limit` bytes, none at the end. Raise Failed, of kind TIMEOUT after `seconds`."""
        try:
            if seconds is not None:
                self.sock.settimeout(seconds)
            return self._read(limit)
        except TimeoutError:
            raise Failed(TIMEOUT, "sends nothing more") from None
        except OSError as error:
            raise failed(error) from None

    def close(self) -> None:
        """Close the socket; nobody is told why."""
        self.sock.close()

    def part(self, seconds: float, room: int = MOST) -> None:
        """Say goodbye, take what still comes for `seconds`, and close; what fails is nobody's concern any more.

        What lies unread when a socket is closed, or comes later, is answered by a reset, which is an error to
        the other side. room: bytes that are taken at most, 0 for none.
        """
        until = time.monotonic() + seconds
        try:
            self._farewell()
            self.sock.shutdown(_WRITING)
            while room:
                self.sock.settimeout(max(until - time.monotonic(), 0))
                data = self.sock.recv(room)
                if not data:
                    break
                room -= len(data)
        except OSError:
            pass
        self.close()

    def _farewell(self) -> None:
        """Say goodbye in the protocol on the socket; bare ones have no word for it."""

    def _write(self, data: bytes) -> None:
        self.sock.sendall(data)

    def _read(self, limit: int) -> bytes:
        return self.sock.recv(limit)
