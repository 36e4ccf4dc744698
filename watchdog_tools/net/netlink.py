"""The kernel's own list of sockets, by netlink."""

from __future__ import annotations

import os
import sys

from watchdog_tools.net.connection import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_DIAGNOSIS, _BY_FAMILY, _DUMP, _ERROR, _DONE = 4, 20, 0x301, 2, 3  # netlink(7), sock_diag(7)


def packed(address: str) -> bytes:
    """Return an IPv4 address as 4 bytes, an IPv6 address as 16."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_pton(family, address.partition("%")[0])


def socket_diagnosis(question: bytes) -> Iterator[bytes]:
    """Yield what the kernel's socket diagnosis, sock_diag(7), answers. Raise OSError where it has none."""
    order = sys.byteorder
    numbers = ((len(question) + 16, 4), (_BY_FAMILY, 2), (_DUMP, 2), (1, 4), (0, 4))
    end = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _DIAGNOSIS)
    try:
        end.send(b"".join(number.to_bytes(size, order) for number, size in numbers) + question)
        while True:
            data = end.recv(1 << 16)
            while data:
                length, kind = (int.from_bytes(data[at : at + size], order) for at, size in ((0, 4), (4, 2)))
                if kind in (_ERROR, _DONE):
                    code = int.from_bytes(data[16:20], order, signed=True)
                    if code:
                        raise OSError(-code, os.strerror(-code))
                    return
                yield data[16:length]
                data = data[length + 3 & ~3 :]
    finally:
        end.close()
