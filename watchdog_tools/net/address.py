"""What to connect to: HOST:PORT, [v6]:PORT, :PORT (the loopback), or the path of a unix socket."""

# ruff: noqa: PLR2004 -- how many parts, letters and bits an address has
from __future__ import annotations

from watchdog_tools.core.text import quoted

MAX_TARGETS = 100  # targets of one check, which may need a worker for each
_ACCEPTED = "accepted: HOST:PORT, [IPv6]:PORT, :PORT or /path/of/a/socket"
_LONGEST_PATH = 107  # bytes that a unix socket's address has room for
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_HEX = frozenset("0123456789abcdefABCDEF")


class Target:
    """One thing that listens: `host` and `port`, or `path`. An empty host is the loopback of both families."""

    __slots__ = ("host", "path", "port")

    def __init__(self, host: str = "", port: int = 0, path: str = "") -> None:
        """Take parts that were checked."""
        self.host = host
        self.port = port
        self.path = path

    def __str__(self) -> str:
        """Return it as it may stand in a line."""
        return quoted(self.path) if self.path else f"{bracketed(self.host)}:{self.port}"


def parse_target(text: str) -> Target:
    """Parse a command line's word. Raise ValueError with a sentence that says what is accepted."""
    if text.startswith("/"):
        return Target(path=parse_path(text))
    if "@" in text:  # a part of it would be quoted, and may be one of a password
        raise ValueError(f"{shown(text)} holds an @; {_ACCEPTED}")
    name, colon, digits = text.rpartition(":")
    if not colon:
        near = f"; did you mean :{text}?" if text.isascii() and text.isdigit() else ""
        raise ValueError(f"{shown(text)} names no port; {_ACCEPTED}{near}")
    if name.startswith("[") and name.endswith("]"):
        if not is_ipv6(name[1:-1]):
            raise ValueError(f"{shown(text)} is not an IPv6 address; {_ACCEPTED}")
        name = name[1:-1]
    elif ":" in name:
        raise ValueError(f"{shown(text)} has too many colons; {_ACCEPTED}")
    return Target(parse_host(name) if name else "", parse_port(digits))


def parse_path(text: str) -> str:
    """Return the path of a unix socket. Raise ValueError with a sentence."""
    if not text.startswith("/") or len(text.encode("utf-8", "surrogateescape")) > _LONGEST_PATH:
        raise ValueError(f"{shown(text)} is not an absolute path of at most {_LONGEST_PATH} bytes")
    return text


def parse_port(text: str) -> int:
    """Return a TCP port, plain digits alone. Raise ValueError with a sentence."""
    # int() would take "1_0", " 80" and digits of other scripts
    if text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 1 << 16:
        return int(text)
    raise ValueError(f"{shown(text)} is not a port; accepted: 1 to 65535")


def parse_host(text: str) -> str:
    """Return a host in ASCII: a name, an IPv4 or an IPv6 address. Raise ValueError with a sentence."""
    if is_ipv6(text) or is_ipv4(text):
        return text
    name = text
    if not text.isascii():  # off the healthy path: the codec costs a third of Python's own start
        try:
            name = text.encode("idna").decode("ascii")
        except UnicodeError:
            raise ValueError(_no_host(text)) from None
    labels = name.removesuffix(".").split(".")
    # getaddrinfo reads 127.1, 010.0.0.1 and 0x7f000001 as addresses that nobody meant
    numeric = labels[-1].isdigit() or labels[-1][:2].lower() == "0x"
    if numeric or len(name) > 253 or not all(_is_label(label) for label in labels):
        raise ValueError(_no_host(text))
    return name


def shown(word: str) -> str:
    """Return a word of a command line as an error may quote it: what holds an @ may hold a password."""
    return "what was given" if "@" in word else repr(word[:80])


def bracketed(name: str) -> str:
    """Return a host as it stands in front of a port: an IPv6 address in brackets."""
    return f"[{name}]" if ":" in name else name


def is_literal(name: str) -> bool:
    """Whether `name` is an address, so that no name server has to be asked."""
    return is_ipv4(name) or is_ipv6(name)


def is_ipv4(text: str) -> bool:
    """Whether `text` is a dotted quad: four plain numbers to 255, none with a leading zero (octal)."""
    parts = text.split(".")
    return text.isascii() and len(parts) == 4 and all(_is_octet(part) for part in parts)


def is_ipv6(text: str) -> bool:
    """Whether `text` is an IPv6 address, maybe with a zone: `fe80::1%eth0`."""
    if ":" not in text:
        return False
    address, percent, zone = text.partition("%")
    if percent and not (zone and _NAME.issuperset(zone.replace(".", "-"))):
        return False
    head, gap, tail = address.partition("::")
    groups = [group for part in (head, tail) if part for group in part.split(":")]
    count = len(groups)
    if groups and "." in groups[-1] and address.endswith(groups[-1]):
        if not is_ipv4(groups.pop()):
            return False
        count += 1
    if not all(0 < len(group) <= 4 and _HEX.issuperset(group) for group in groups):
        return False
    return count <= 7 if gap else count == 8


def _is_octet(part: str) -> bool:
    return part.isdigit() and len(part) <= 3 and int(part) <= 255 and str(int(part)) == part


def _is_label(label: str) -> bool:
    whole = 0 < len(label) <= 63 and _NAME.issuperset(label)
    return whole and label[0] != "-" and label[-1] != "-"


def _no_host(text: str) -> str:
    return f"{shown(text)} is not a host; accepted: a name, 192.0.2.1, an IPv6 address"
