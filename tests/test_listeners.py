"""Listeners: the kernel's tables, and which connection a listener takes."""

from __future__ import annotations

import socket

from watchdog_tools import listeners

TCP = b"""  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F91 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
"""
TCP6 = b"""  sl  local_address                         remote_address                        st
   0: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 99 1
"""


def packed(text: str) -> bytes:
    """Return an address as bytes."""
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def test_the_tables_are_read() -> None:
    """Listeners alone, with address, port and inode; an IPv4 address written as one of IPv6 is one of IPv4."""
    (one,) = listeners.tcp(TCP, "little")
    assert (one.address, one.port, one.inode) == (packed("127.0.0.1"), 8080, "4711")
    (six,) = listeners.tcp(TCP6, "little")
    assert (six.address, six.port, six.inode) == (packed("::1"), 22, "99")
    (big,) = listeners.tcp(TCP.replace(b"0100007F:1F90", b"7F000001:1F90"), "big")
    assert big.address == packed("127.0.0.1")
    mapped = TCP6.replace(b"00000000000000000000000001000000", b"0000000000000000FFFF00000100007F")
    assert [each.address for each in listeners.tcp(mapped, "little")] == [packed("127.0.0.1")]


def test_answers_of_the_kernel_are_matched_by_inode_and_device() -> None:
    """Of a unix socket the file's inode and device; no byte of a name has a say."""
    answer = bytes((1, 1, 10, 0)) + bytes.fromhex("2f030000") + bytes(8)  # inode 815
    name = bytes((13, 0, 0, 0)) + b"/run/x.so" + bytes(3)  # a kind, its length, and room to a multiple of four
    file = bytes((12, 0, 1, 0)) + bytes.fromhex("090000000100e00f")
    for body, found in ((answer + name + file, ["815"]), (answer + name, []), (answer, []), (answer + file[:-1], [])):
        assert list(listeners.of_file([body], 9, 0xFE00001, "little")) == found
    assert not list(listeners.of_file([answer + file], 8, 0xFE00001, "little"))
    assert not list(listeners.of_file([answer + file], 9, 0xFE00002, "little"))


def test_a_wildcard_takes_every_address_of_its_family() -> None:
    """That of IPv6 takes IPv4 too; an address takes itself alone."""
    for address, wanted, takes in (
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("0.0.0.0", "127.0.0.2", True),
        ("0.0.0.0", "::1", False),
        ("::", "127.0.0.1", True),
        ("::", "::1", True),
        ("::1", "::2", False),
    ):
        assert listeners.Listener(packed(address), 1, "").takes(packed(wanted)) is takes, (address, wanted)
        assert listeners.Listener(packed(address), 1, "").takes(b"")
