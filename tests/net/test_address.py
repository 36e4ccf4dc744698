"""Targets: what is read as one, and that nothing else is."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchdog_tools.net import address as targets


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("db.example:5432", "db.example", 5432),
        (":80", "", 80),
        ("127.0.0.1:1", "127.0.0.1", 1),
        ("[::1]:65535", "::1", 65535),
        ("[::]:80", "::", 80),
        ("[fe80::1%eth0]:80", "fe80::1%eth0", 80),
        ("a_b-c.example.:80", "a_b-c.example.", 80),
        ("b\u00fccher.example:80", "xn--bcher-kva.example", 80),
    ],
)
def test_a_target_is_read_and_shown(text: str, host: str, port: int) -> None:
    """Host and port; a name of another script is asked for in ASCII."""
    found = targets.parse_target(text)
    assert (found.host, found.port) == (host, port)
    assert str(found) == (text if text.isascii() else f"{host}:{port}")


@pytest.mark.parametrize(
    "text",
    ["", ":", "a", "80", "a:", "a:b", ":0", ":65536", "a:80:90", "::1:80", "[::1]", "[]:80", "[a]:80", "-a:80", "a-:80",
     "a..b:80", ".a:80", "a b:80", "1.2.3:80", "1.2.3.4.5:80", "1.2.3.256:80", "0x1:80", "a.0x1:80", "a\n:80",
     "\udcff:80", "\u2028:80", "a" * 64 + ":80", "a." * 127 + "a:80", "[fe80::1%]:80", "[1::2::3]:80", "[:::]:80",
     "[::1:80", "::1]:80"],
)  # fmt: skip
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    """ValueError, and nothing but it; the sentence says what is accepted."""
    with pytest.raises(ValueError, match="accepted:"):
        targets.parse_target(text)


@given(st.text())
@example("\ud800:80")
@example("\u3002:80")
def test_no_text_raises_anything_else(text: str) -> None:
    """Whatever stands there: a target, whose host is ASCII and whose port is one, or ValueError."""
    try:
        found = targets.parse_target(text)
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
    assert targets.parse_host(str(address)) == str(address)


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
    assert str(targets.parse_target("/run/a.sock")) == "/run/a.sock"
    assert targets.parse_path("/" + "x" * 106)
    for wrong in ("run/a.sock", "", "/" + "x" * 107, "/" + "\u00fc" * 54):
        with pytest.raises(ValueError, match="absolute path"):
            targets.parse_path(wrong)


@given(st.text(max_size=8))
def test_a_port_is_plain_digits(text: str) -> None:
    """int() would take blanks, signs, underscores and digits of other scripts."""
    try:
        port = targets.parse_port(text)
    except ValueError:
        return
    assert text.lstrip("0") == str(port)


@pytest.mark.parametrize(("text", "port"), [("1", 1), ("65535", 65535), ("00080", 80), ("080", 80)])
def test_the_bounds_of_a_port(text: str, port: int) -> None:
    """1 to 65535, in at most five digits."""
    assert targets.parse_port(text) == port
    for wrong in ("0", "65536", "000080", "99999"):
        with pytest.raises(ValueError, match="is not a port; accepted: 1 to 65535"):
            targets.parse_port(wrong)


@pytest.mark.parametrize(
    "text",
    [
        *("a", "a" * 63, "1a", "a1.b2", "a.b.", "_a", "a--b", "x0", "1.a", "0x.a", "127.0.0.1.a"),
        *(".".join(["a" * 63] * 3 + ["a" * 61]), "255.255.255.255", "0.0.0.0", "::", "1:2:3:4:5:6:7:8"),
    ],
)
def test_a_host_is_taken_as_it_is(text: str) -> None:
    """A name of at most 253 bytes, of labels of at most 63; an address."""
    assert targets.parse_host(text) == text
    assert targets.is_literal(text) is (text[0] in "0125:" and not text.endswith(("a", "b2")))


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "a..", "a" * 64, ".".join(["a" * 63] * 3 + ["a" * 62]), "a.-b", "a-.b", "1", "a.1", "0x7f", "a.0X1"),
        *("1.2.3.04", "256.1.1.1", "1.2.3", "+1.2.3.4", "a%b", "::1%", "::1%a/b", "12345::", "1:2:3:4:5:6:7", "::1::"),
        *("1:2:3:4:5:6:7:8:9", "1::2:3:4:5:6:7:8", "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4"),
    ],
)
def test_what_is_no_host_is_refused(text: str) -> None:
    """With what is accepted."""
    with pytest.raises(ValueError, match="is not a host; accepted: a name"):
        targets.parse_host(text)


@pytest.mark.parametrize(
    "text", ["1::2:3:4:5:6:7", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:1.2.3.4", "::1.2.3.4", "fe80::1%a.b"]
)
def test_the_longest_addresses_of_each_form(text: str) -> None:
    """Eight groups; with a gap at most seven; an IPv4 address counts for two."""
    assert targets.is_ipv6(text)


def test_a_refusal_says_what_was_meant() -> None:
    """A bare port, a missing one, brackets around no address; nothing of a password."""
    for text, words in (
        ("80", "'80' names no port; .*; did you mean :80\\?"),
        ("a", "'a' names no port; [^?]*$"),
        ("a@b:80", "what was given holds an @"),
        ("[a]:80", "'.a.:80' is not an IPv6 address"),
        ("a:b:80", "'a:b:80' has too many colons"),
        ("x" * 90, "'x{80}' names no port"),
    ):
        with pytest.raises(ValueError, match=f"^{words}"):
            targets.parse_target(text)


def test_a_target_has_parts() -> None:
    """What is not said is empty; an IPv6 address stands in brackets in front of a port."""
    nothing = targets.Target()
    assert (nothing.host, nothing.port, nothing.path, str(nothing)) == ("", 0, "", ":0")
    assert str(targets.Target("::1", 80)) == "[::1]:80"
    assert (targets.bracketed("a"), targets.bracketed("::1")) == ("a", "[::1]")
    assert targets.parse_path("/" + "\u00fc" * 53) == "/" + "\u00fc" * 53
    assert (targets.shown("a@b"), targets.shown("x" * 90)) == ("what was given", "'" + "x" * 80 + "'")
    assert targets.MAX_TARGETS == 100
