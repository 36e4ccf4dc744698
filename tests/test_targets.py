"""Targets: what is read as one, and that nothing else is."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchdog_tools import targets


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("db.example:5432", "db.example", 5432),
        (":80", "", 80),
        ("127.0.0.1:1", "127.0.0.1", 1),
        ("[::1]:65535", "::1", 65535),
        ("[fe80::1%eth0]:80", "fe80::1%eth0", 80),
        ("a_b-c.example.:80", "a_b-c.example.", 80),
        ("b\u00fccher.example:80", "xn--bcher-kva.example", 80),
    ],
)
def test_a_target_is_read_and_shown(text: str, host: str, port: int) -> None:
    """Host and port; a name of another script is asked for in ASCII."""
    found = targets.target(text)
    assert (found.host, found.port) == (host, port)
    assert str(found) == (text if text.isascii() else f"{host}:{port}")


@pytest.mark.parametrize(
    "text",
    ["", ":", "a", "80", "a:", "a:b", ":0", ":65536", "a:80:90", "::1:80", "[::1]", "[]:80", "[a]:80", "-a:80", "a-:80",
     "a..b:80", ".a:80", "a b:80", "1.2.3:80", "1.2.3.4.5:80", "1.2.3.256:80", "0x1:80", "a.0x1:80", "a\n:80",
     "\udcff:80", "\u2028:80", "a" * 64 + ":80", "a." * 127 + "a:80", "[fe80::1%]:80", "[1::2::3]:80", "[:::]:80"],
)  # fmt: skip
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    """ValueError, and nothing but it; the sentence says what is accepted."""
    with pytest.raises(ValueError, match="accepted:"):
        targets.target(text)


@given(st.text())
@example("\ud800:80")
@example("\u3002:80")
def test_no_text_raises_anything_else(text: str) -> None:
    """Whatever stands there: a target, whose host is ASCII and whose port is one, or ValueError."""
    try:
        found = targets.target(text)
    except ValueError:
        return
    assert found.path.startswith("/") or (found.host.isascii() and 0 < found.port < 65536)
    assert str(found).isprintable()


@given(st.ip_addresses())
def test_every_address_is_one(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """Against the standard library's own idea of an address."""
    check = targets.is_ipv6 if address.version == 6 else targets.is_ipv4
    assert check(str(address))
    assert check(address.exploded)
    assert targets.host(str(address)) == str(address)


@given(st.text("0123456789abcdef:.", max_size=40))
@example("::ffff:1.2.3.4")
@example("1:2:3:4:5:6:1.2.3.4")
@example("1:2:3:4:5:6:7:1.2.3.4")
@example("::1.2.3.4:1")
@example("1::2:3:4:5:6:7:8")
def test_what_is_an_address_is_decided_as_by_the_c_library(text: str) -> None:
    """inet_pton takes just what we take."""
    for family, ours in ((socket.AF_INET, targets.is_ipv4), (socket.AF_INET6, targets.is_ipv6)):
        try:
            socket.inet_pton(family, text)
            theirs = True
        except OSError:
            theirs = False
        assert ours(text) is theirs, text


def test_the_path_of_a_socket_is_absolute_and_short() -> None:
    """107 bytes is what an address has room for."""
    assert str(targets.target("/run/a.sock")) == "/run/a.sock"
    assert targets.path("/" + "x" * 106)
    for wrong in ("run/a.sock", "", "/" + "x" * 107, "/" + "\u00fc" * 54):
        with pytest.raises(ValueError, match="absolute path"):
            targets.path(wrong)


@given(st.text(max_size=8))
def test_a_port_is_plain_digits(text: str) -> None:
    """int() would take blanks, signs, underscores and digits of other scripts."""
    try:
        port = targets.port(text)
    except ValueError:
        return
    assert text.lstrip("0") == str(port)
