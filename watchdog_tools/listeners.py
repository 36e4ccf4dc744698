"""Words: listening sockets as the kernel's tables show them, and whether one takes what is meant for a target."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_LISTEN = b"0A"
_ACCEPTS = 0x10000  # a unix socket that accepts connections


class Listener:
    """One listening socket: `address` is 4 or 16 bytes, or the path of a unix socket, and `inode` its number."""

    __slots__ = ("address", "inode", "port")

    def __init__(self, address: bytes, port: int, inode: str) -> None:
        """Take the fields as the class describes them."""
        self.address = address
        self.port = port
        self.inode = inode

    def takes(self, address: bytes) -> bool:
        """Whether a connection to `address` comes here; empty means any.

        The wildcard of IPv6 takes IPv4 too (the tables do not show who has switched that off).
        """
        if not address or self.address == address:
            return True
        return not any(self.address) and len(self.address) >= len(address)


def tcp(table: bytes, order: str) -> Iterator[Listener]:
    """Yield the listeners of /proc/net/tcp or tcp6; `order` is the machine's, `little` or `big`."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTEN:  # noqa: PLR2004 -- the inode's column
            address, _, port = fields[1].partition(b":")
            yield Listener(_bytes(address.decode(), order), int(port, 16), fields[9].decode())


def unix(table: bytes) -> Iterator[Listener]:
    """Yield the listeners of /proc/net/unix that have a path."""
    for line in table.splitlines()[1:]:
        fields = line.split(None, 7)
        if len(fields) == 8 and int(fields[3], 16) & _ACCEPTS:  # noqa: PLR2004 -- the path is the last column
            yield Listener(fields[7], 0, fields[6].decode())


def _bytes(digits: str, order: str) -> bytes:
    """Return an address from the kernel's notation: 32-bit words in the machine's byte order."""
    words = [bytes.fromhex(digits[at : at + 8]) for at in range(0, len(digits), 8)]
    return b"".join(word[::-1] if order == "little" else word for word in words)
