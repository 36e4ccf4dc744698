"""Listening sockets as the kernel shows them, and whether one takes what is meant for a target."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Literal

    ByteOrder = Literal["little", "big"]

_LISTEN, _LISTENING = b"0A", 1 << 10  # a state as /proc shows it, and as sock_diag(7) numbers it, as a bit
_MAPPED = bytes(10) + b"\xff\xff"  # what makes an IPv4 address one of IPv6
_BYTES_4 = 4  # of an IPv4 address
_UNIX, _INET6, _TCP = 1, 10, 6
_SHOW_FILE, _FILE, _ONLY_IPV6 = 2, 1, 11  # UDIAG_SHOW_VFS, UNIX_DIAG_VFS, INET_DIAG_SKV6ONLY


class Listener:
    """One listening TCP socket: `address` is 4 or 16 bytes, and `inode` its number."""

    __slots__ = ("address", "inode", "port")

    def __init__(self, address: bytes, port: int, inode: str) -> None:
        self.address = address
        self.port = port
        self.inode = inode

    def accepts(self, address: bytes) -> bool:
        """Whether a connection to `address` comes here; empty means any.

        The wildcard of IPv6 takes IPv4 too, unless its socket is one of those that `ipv6_only` yields.
        """
        return not address or self.address == address or (not any(self.address) and len(self.address) >= len(address))

    def is_ipv6_wildcard(self) -> bool:
        """Whether it is the wildcard of IPv6."""
        return len(self.address) > _BYTES_4 and not any(self.address)

    def serves(self, family: int) -> bool:
        """Whether it may take connections of `family`: 4, 6, or 0 for any."""
        return not family or self.is_ipv6_wildcard() or (family == _BYTES_4) is (len(self.address) == _BYTES_4)


def unmapped(address: bytes) -> bytes:
    """Return the 4 bytes of an IPv4 address that is written as one of IPv6; any other as it is."""
    return address.removeprefix(_MAPPED)


def parse_tcp(table: bytes, order: ByteOrder) -> Iterator[Listener]:
    """Yield the listeners of /proc/net/tcp or tcp6; `order` is the machine's, `little` or `big`."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTEN:  # noqa: PLR2004 -- the inode's column
            address, _, port = fields[1].partition(b":")
            yield Listener(unmapped(_bytes(address.decode(), order)), int(port, 16), fields[9].decode())


def unix_query(order: ByteOrder) -> bytes:
    """Return the question, for sock_diag(7), which socket files are listened on."""
    numbers = (_LISTENING, 0, _SHOW_FILE, -1, -1)
    return bytes((_UNIX, 0, 0, 0)) + b"".join(each.to_bytes(4, order, signed=each < 0) for each in numbers)


def tcp6_query(order: ByteOrder) -> bytes:
    """Return the question, for sock_diag(7), which sockets of IPv6 listen."""
    return bytes((_INET6, _TCP, 0, 0)) + _LISTENING.to_bytes(4, order) + bytes(48)


def bound_to_file(answers: Iterable[bytes], file: int, device: int, order: ByteOrder) -> Iterator[str]:
    """Yield the inodes of the sockets that are bound to the file with the inode `file` on `device`.

    The tables of /proc hold the text that was given to bind(), where anybody can write any line he likes.
    """
    expected = (file & 0xFFFFFFFF).to_bytes(4, order) + device.to_bytes(4, order)
    for answer in answers:
        if _attributes(answer[16:], order).get(_FILE) == expected:
            yield str(int.from_bytes(answer[4:8], order))


def ipv6_only(answers: Iterable[bytes], order: ByteOrder) -> Iterator[str]:
    """Yield the inodes of the sockets whose wildcard takes no IPv4."""
    for answer in answers:
        if _attributes(answer[72:], order).get(_ONLY_IPV6, b"\0") != b"\0":
            yield str(int.from_bytes(answer[68:72], order))


def _attributes(data: bytes, order: ByteOrder) -> dict[int, bytes]:
    found = {}
    while len(data) >= 4:  # noqa: PLR2004 -- length and kind, two bytes each
        length, kind = (int.from_bytes(data[at : at + 2], order) for at in (0, 2))
        found[kind] = data[4:length]
        data = data[max(length, 4) + 3 & ~3 :]
    return found


def _bytes(digits: str, order: ByteOrder) -> bytes:
    """Return an address from the kernel's notation: 32-bit words in the machine's byte order."""
    words = [bytes.fromhex(digits[at : at + 8]) for at in range(0, len(digits), 8)]
    return b"".join(word[::-1] if order == "little" else word for word in words)
