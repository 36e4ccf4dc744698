"""A connection as a check needs it: send all, receive some, and every failure in the same words."""

from __future__ import annotations

from watchdog_tools.system.failures import TIMEOUT, Failed, failed
from watchdog_tools.targets import bracketed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from watchdog_tools.system.dial import Stream


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

    def _write(self, data: bytes) -> None:
        self.sock.sendall(data)

    def _read(self, limit: int) -> bytes:
        return self.sock.recv(limit)
