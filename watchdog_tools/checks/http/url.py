"""The URLs that are asked: http and https alone, read strictly, shown without user and query."""

from __future__ import annotations

from watchdog_tools.core.text import quoted
from watchdog_tools.net import address as targets

_ACCEPTED = "accepted: http://HOST[:PORT][/PATH] or https://HOST[:PORT][/PATH]"
PORTS = {"http": 80, "https": 443}


class Url:
    """One URL. `path` is what is sent, with its query; `user` is `name:password`, decoded, or empty."""

    __slots__ = ("host", "path", "port", "scheme", "user")

    def __init__(self, scheme: str, host: str, port: int, path: str = "/", user: str = "") -> None:
        """Take parts that were checked."""
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path
        self.user = user

    def __str__(self) -> str:
        """Return it as it may stand in a line: secrets are in user and query, so those are left out."""
        path, mark, _ = self.path.partition("?")
        return quoted(f"{self.scheme}://{self.authority()}{path}{mark and '?...'}")

    def authority(self) -> str:
        """Return what the Host header says."""
        name = targets.bracketed(self.host.partition("%")[0])
        return name if self.port == PORTS[self.scheme] else f"{name}:{self.port}"


def parse_url(text: str) -> Url:
    """Parse a URL. Raise ValueError with a sentence, which quotes nothing that may be a password."""
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator:
        scheme, separator, _ = text.partition(":")
        if not scheme.isalpha() or scheme.lower() in PORTS:
            separator = ""
    if not separator:
        raise ValueError(f"{_part(text, text)} is not a URL; {_ACCEPTED}")
    if scheme not in PORTS:
        raise ValueError(f"the scheme {_part(scheme, text)} is not fetched; {_ACCEPTED}")
    authority, tail = _split_path(rest.partition("#")[0])
    user, _, host_part = authority.rpartition("@")
    host, port = _host_and_port(host_part, text)
    if tail[:1] != "/":
        tail = f"/{tail}"
    return Url(scheme, host, port or PORTS[scheme], parse_path(tail, text), decoded(user))


def parse_path(tail: str, whole: str = "") -> str:
    """Return what is sent: a path, maybe with a query. Raise ValueError with a sentence."""
    if tail[:1] != "/":
        raise ValueError(f"{_part(tail, tail)} is not a path; accepted: /PATH; a whole URL is an argument of its own")
    if not all("!" <= char <= "~" for char in tail):
        raise ValueError(f"{_part(tail, whole or tail)} holds what a URL cannot; accepted: printable ASCII, %20")
    return tail


def parse_authority(text: str) -> tuple[str, int]:
    """Return (host, port) of HOST[:PORT]; the port is 0 if there is none. Raise ValueError."""
    return _host_and_port(text, text)


def decoded(text: str) -> str:
    """Return `text` with each %41 as its letter."""
    head, *rest = text.split("%")
    for part in rest:
        digits = part[:2]
        whole = len(digits) == 2 and all(each in "0123456789abcdefABCDEF" for each in digits)  # noqa: PLR2004
        head += chr(int(digits, 16)) + part[2:] if whole else f"%{part}"
    return head


def redacted(location: str) -> str:
    """Return any URL, such as where a redirect leads, without user and query, as it may stand in a line."""
    text, mark, _ = location.partition("#")[0].partition("?")
    scheme, separator, rest = text.partition("//")
    if separator:
        authority, tail = _split_path(rest)
        text = f"{scheme}//{authority.rpartition('@')[2]}{tail}"
    return quoted(f"{text}{mark and '?...'}")


def _split_path(rest: str) -> tuple[str, str]:
    ends = [rest.index(each) for each in "/?" if each in rest]
    end = min(ends, default=len(rest))
    return rest[:end], rest[end:]


def _host_and_port(text: str, whole: str) -> tuple[str, int]:
    name, port = text, 0
    bare, colon, digits = text.rpartition(":")
    try:
        if colon and not text.endswith("]") and not targets.is_ipv6(text):
            name, port = bare, targets.parse_port(digits)
        if name.startswith("[") and name.endswith("]"):
            address, percent, zone = name[1:-1].partition("%")
            # RFC 6874 writes the percent sign in front of a zone as %25, people and other tools as it is
            bare = f"{address}{percent}{zone.removeprefix('25') or zone}"
            if targets.is_ipv6(bare):
                return bare, port
        return targets.parse_host(name), port
    except ValueError as error:
        # the rest of a password with a slash in it may look like a port, and one with a blank like a host
        raise ValueError(f"no valid host and port in the URL; {_ACCEPTED}" if "@" in whole else str(error)) from None


def _part(piece: str, whole: str) -> str:
    return "what was given" if "@" in whole or "?" in whole else repr(piece[:80])
