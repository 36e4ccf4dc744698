"""What to ask of one URL, and the bytes of the request."""

from __future__ import annotations

from watchdog_tools import __version__
from watchdog_tools.net.address import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.checks.http.expect import Expect
    from watchdog_tools.checks.http.url import Url
    from watchdog_tools.core.thresholds import Timing
    from watchdog_tools.net.address import Target
    from watchdog_tools.net.certificates import TlsVerify

_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
FORM = "application/x-www-form-urlencoded"
AGENT = f"watchdog-tools/{__version__}"


class HttpRequest:
    """What to ask of one URL, and what to make of the reply.

    target: where to connect to. auth, headers, data: as they were given, so that what they refer to
    (`file:`, `env:`) is read by the worker alone. statuses: those that are fine. tls_verify: None for http.
    no_body: close as soon as the headers are there.
    """

    __slots__ = (
        "agent",
        "auth",
        "content_type",
        "data",
        "expect",
        "family",
        "headers",
        "method",
        "no_body",
        "statuses",
        "target",
        "timing",
        "tls_verify",
        "url",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 -- a record, built by keyword
        self,
        url: Url,
        target: Target,
        timing: Timing,
        expect: Expect,
        *,
        tls_verify: TlsVerify | None = None,
        family: int = 0,
        method: str = "GET",
        statuses: tuple[str, ...] = (),
        headers: tuple[str, ...] = (),
        auth: str = "",
        data: str | None = None,
        content_type: str = FORM,
        agent: str = AGENT,
        no_body: bool = False,
    ) -> None:
        """Take the fields as the class describes them."""
        self.url = url
        self.target = target
        self.timing = timing
        self.expect = expect
        self.tls_verify = tls_verify
        self.family = family
        self.method = method
        self.statuses = statuses
        self.headers = headers
        self.auth = auth
        self.data = data
        self.content_type = content_type
        self.agent = agent
        self.no_body = no_body


def encoded(request: HttpRequest, headers: list[str], auth: str, data: bytes | None) -> bytes:
    """Return the bytes to send; what was referred to is read by now. Raise ValueError, without a secret in it."""
    fields = {
        "host": f"Host: {request.url.authority()}",
        "user-agent": f"User-Agent: {request.agent}",
        "accept": "Accept: */*",
        "connection": "Connection: close",
    }
    if data is not None:
        fields["content-type"] = f"Content-Type: {request.content_type}"
        fields["content-length"] = f"Content-Length: {len(data)}"
    if auth:
        fields["authorization"] = f"Authorization: Basic {_base64(auth)}"
    own = [parse_header(each) for each in headers]
    for each in own:
        fields.pop(each.partition(":")[0].lower(), None)
    lines = [f"{request.method} {request.url.path} HTTP/1.1", *fields.values(), *own, "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + (data or b"")


def parse_header(text: str) -> str:
    """Return `Name: value`. Raise ValueError for what is no header, or would be more than one."""
    name, colon, value = text.partition(":")
    if not colon or not name or not _TOKEN.issuperset(name):
        raise ValueError("a header is not `Name: value`")
    value = value.strip(" \t")
    if any(char < " " and char != "\t" for char in value) or "\x7f" in value:
        raise ValueError(f"the header {name[:80]} holds a line end or another control character")
    return f"{name}: {value}"


def parse_method(text: str) -> str:
    """Return a method. Raise ValueError with a sentence."""
    if text == "CONNECT" or text.startswith("CONNECT:"):
        raise ValueError("CONNECT needs a proxy, which is not taken yet")
    if not text.isascii() or not text.isalpha() or len(text) > 20:  # noqa: PLR2004 -- none is longer
        raise ValueError(f"{shown(text)} is not a method; accepted: GET, HEAD, POST, PUT, OPTIONS ...")
    return text


def _base64(text: str) -> str:
    import binascii

    return binascii.b2a_base64(text.encode("utf-8", "surrogateescape"), newline=False).decode("ascii")
