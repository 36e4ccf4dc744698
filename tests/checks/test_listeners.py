"""Listeners: the kernel's tables, and which connection a listener takes."""

from __future__ import annotations

import socket
from typing import Literal

import pytest

from watchdog_tools.checks.port import listeners

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
    (one,) = listeners.parse_tcp(TCP, "little")
    assert (one.address, one.port, one.inode) == (packed("127.0.0.1"), 8080, "4711")
    (six,) = listeners.parse_tcp(TCP6, "little")
    assert (six.address, six.port, six.inode) == (packed("::1"), 22, "99")
    (big,) = listeners.parse_tcp(TCP.replace(b"0100007F:1F90", b"7F000001:1F90"), "big")
    assert big.address == packed("127.0.0.1")
    mapped = TCP6.replace(b"00000000000000000000000001000000", b"0000000000000000FFFF00000100007F")
    assert [each.address for each in listeners.parse_tcp(mapped, "little")] == [packed("127.0.0.1")]


def test_answers_of_the_kernel_are_matched_by_inode_and_device() -> None:
    """Of a unix socket the file's inode and device; no byte of a name has a say."""
    answer = bytes((1, 1, 10, 0)) + bytes.fromhex("2f030000") + bytes(8)  # inode 815
    name = bytes((13, 0, 0, 0)) + b"/run/x.so" + bytes(3)  # a kind, its length, and room to a multiple of four
    file = bytes((12, 0, 1, 0)) + bytes.fromhex("090000000100e00f")
    for body, found in ((answer + name + file, ["815"]), (answer + name, []), (answer, []), (answer + file[:-1], [])):
        assert list(listeners.bound_to_file([body], 9, 0xFE00001, "little")) == found
    assert not list(listeners.bound_to_file([answer + file], 8, 0xFE00001, "little"))
    assert not list(listeners.bound_to_file([answer + file], 9, 0xFE00002, "little"))


def test_a_wildcard_takes_every_address_of_its_family() -> None:
    """That of IPv6 takes IPv4 too; an address takes itself alone."""
    for address, wanted, accepts in (
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("0.0.0.0", "127.0.0.2", True),
        ("0.0.0.0", "::1", False),
        ("::", "127.0.0.1", True),
        ("::", "::1", True),
        ("::1", "::2", False),
    ):
        assert listeners.Listener(packed(address), 1, "").accepts(packed(wanted)) is accepts, (address, wanted)
        assert listeners.Listener(packed(address), 1, "").accepts(b"")


def test_who_serves_a_family() -> None:
    """The wildcard of IPv6 serves both, an address its own, and no family asks for any."""
    four, six, wide, none = (listeners.Listener(packed(text), 1, "") for text in ("127.0.0.1", "::1", "::", "0.0.0.0"))
    assert [[each.serves(family) for family in (0, 4, 6)] for each in (four, six, wide, none)] == [
        [True, True, False], [True, False, True], [True, True, True], [True, True, False],
    ]  # fmt: skip
    assert [each.is_ipv6_wildcard() for each in (four, six, wide, none)] == [False, False, True, False]


@pytest.mark.parametrize(
    ("order", "unix", "tcp6"),
    [
        ("little", "01000000000400000000000002000000ffffffffffffffff", "0a06000000040000"),
        ("big", "01000000000004000000000000000002ffffffffffffffff", "0a06000000000400"),
    ],
)
def test_the_questions_are_those_of_the_kernel(order: Literal["little", "big"], unix: str, tcp6: str) -> None:
    """unix_diag_req and inet_diag_req_v2, byte by byte: a wrong one is answered with nothing, which looks like none."""
    assert listeners.unix_query(order).hex() == unix
    assert listeners.tcp6_query(order).hex() == tcp6 + "00" * 48


def test_a_wildcard_that_takes_no_ipv4_is_told_by_its_attribute() -> None:
    """Kind 11, behind 72 bytes of fixed fields; where it is 0 or missing the wildcard takes IPv4."""
    fixed = bytes(68) + (4711).to_bytes(4, "little")
    only, other = (b"\x05\0\x0b\0" + flag + bytes(3) for flag in (b"\1", b"\0"))
    short = b"\x04\0\x09\0"  # an attribute without a value stands in front
    for body, found in ((only, ["4711"]), (short + only, ["4711"]), (other, []), (b"", []), (only[:3], [])):
        assert list(listeners.ipv6_only([fixed + body], "little")) == found, body
    assert list(listeners.ipv6_only([fixed + b"\x05\0\x0a\0\1\0\0\0"], "little")) == []
    assert list(listeners.ipv6_only([fixed + only, fixed + only], "little")) == ["4711", "4711"]
    assert listeners._attributes(only + short, "little") == {11: b"\1", 9: b""}  # the last one, too


def test_a_torn_table_is_read_as_far_as_it_goes() -> None:
    """A line that breaks off in front of its inode is none; the head is none either."""
    line = TCP.splitlines()[1].split()
    head = TCP.splitlines()[0]
    for count, found in ((9, []), (10, ["4711"])):
        table = head + b"\n" + b" ".join(line[:count])
        assert [each.inode for each in listeners.parse_tcp(table, "little")] == found
    assert list(listeners.parse_tcp(TCP.splitlines()[1], "little")) == []


def test_an_inode_has_four_bytes() -> None:
    """The last of them counts as well as the first; of a file's own inode the kernel tells the lower half."""
    file = bytes((12, 0, 1, 0)) + bytes.fromhex("090000000100e00f")
    answer = bytes(4) + bytes.fromhex("01020304") + b"\7" * 8 + file  # a cookie stands behind it
    assert list(listeners.bound_to_file([answer], 9 + (1 << 32), 0xFE00001, "little")) == [str(0x04030201)]
    fixed = bytes(68) + bytes.fromhex("01020304")
    assert list(listeners.ipv6_only([fixed + b"\x05\0\x0b\0\1"], "little")) == [str(0x04030201)]
