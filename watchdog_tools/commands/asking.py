"""check-http's options become what to ask of each URL; whatever contradicts itself is refused here."""

from __future__ import annotations

from watchdog_tools import replies, requests, urls
from watchdog_tools.certificates import Trust
from watchdog_tools.cli.options import Wrong
from watchdog_tools.requests import Ask
from watchdog_tools.targets import MOST, Target, host, is_ipv4, is_ipv6
from watchdog_tools.timing import timing
from watchdog_tools.urls import Url
from watchdog_tools.wants import Wants

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.options import Values


def settle(values: Values) -> tuple[Ask, ...]:
    """Return what to ask. Raise Wrong; nothing is resolved, read or connected."""
    try:
        _agree(values)
        _harmless(values)
        asks = tuple(_ask(values, each, at) for each, at in _places(values))
    except ValueError as error:
        raise Wrong(str(error)) from None
    if not 0 < len(asks) <= MOST:
        raise Wrong(f"{len(asks) or 'no'} URLs; accepted: 1 to {MOST}, or -H HOST")
    return asks


def _places(values: Values) -> list[tuple[Url, Target]]:
    """Return each URL with where to connect to for it. Raise ValueError."""
    address = host(values["address"].removeprefix("[").removesuffix("]")) if values["address"] else ""
    found = [urls.url(word) for word in values["args"]]
    if found:
        return [(each, Target(address or each.host, each.port)) for each in found]
    if not (values["hostname"] or address):
        return []
    each = _composed(values)
    return [(each, Target(address or each.host, values["port"] or each.port))]


def _composed(values: Values) -> Url:
    """Return the URL of -H, -I, -p, -u and -S, as check_http puts it together."""
    scheme = "https" if values["ssl"] else "http"
    name, number = urls.authority(values["hostname"] or values["address"])
    return Url(scheme, name, number or values["port"] or urls.PORTS[scheme], urls.path(values["url"] or "/"))


def _agree(values: Values) -> None:
    """Refuse options that contradict each other, or that would be ignored."""
    if values["use_ipv4"] and values["use_ipv6"]:
        raise Wrong("-4 and -6 exclude each other; without both, both are tried")
    for name in ("hostname", "port", "url", "ssl"):
        if values["args"] and values[name]:
            raise Wrong(f"--{name} stands in the URL; it is for a command line without one")
    if values["no_verify"] and (values["ca_cert"] or values["verify_cert"]):
        raise Wrong(f"--no-verify and {'--ca-cert' if values['ca_cert'] else '--verify-cert'} exclude each other")
    if values["invert_regex"] and values["regex"] is None and values["eregi"] is None:
        raise Wrong("--invert-regex needs --regex or --eregi")


def _ask(values: Values, url: Url, target: Target) -> Ask:
    wrong = is_ipv6 if values["use_ipv4"] else is_ipv4 if values["use_ipv6"] else None
    if wrong and wrong(target.host):
        raise Wrong(f"{target.host} is not an address of the family that was asked for")
    if url.user and values["authorization"]:
        raise Wrong("--authorization and a user in the URL exclude each other")
    trust = None
    if url.scheme == "https":
        trust = Trust(url.host, values["ca_cert"], verify=not values["no_verify"])
    elif values["ca_cert"] or values["no_verify"]:
        raise Wrong(f"{url} is not https, so --ca-cert and --no-verify have nothing to say")
    return Ask(
        url,
        target,
        timing(values),
        _wants(values),
        trust=trust,
        family=4 if values["use_ipv4"] else 6 if values["use_ipv6"] else 0,
        method=_method(values),
        expected=replies.expectations(values["expect"]) if values["expect"] else (),
        headers=values["header"],
        auth=url.user or values["authorization"] or "",
        data=values["post"],
        content_type=values["content_type"],
        agent=values["useragent"],
        no_body=values["no_body"],
    )


def _method(values: Values) -> str:
    given = values["method"] or ("GET" if values["post"] is None else "POST")
    return requests.method(given)


def _wants(values: Values) -> Wants:
    pairs: tuple[tuple[str, str], ...] = ()
    if values["json"]:
        from watchdog_tools.documents import pair

        pairs = tuple(pair(word) for word in values["json"])
    wants = Wants(
        strings=values["string"],
        headers=values["header_string"],
        regex=values["regex"],
        iregex=values["eregi"],
        linespan=values["linespan"],
        invert=values["invert_regex"],
        values=pairs,
        health=values["health_json"],
    )
    if wants.body() and (values["no_body"] or values["method"] == "HEAD"):
        raise Wrong("the body is not read with --no-body or HEAD, so nothing can be looked for in it")
    return wants


def _harmless(values: Values) -> None:
    """Refuse what would break the request, or be read with rights that are not the caller's. Raise ValueError."""
    from watchdog_tools.system.secrets import is_reference, own_rights

    auth = values["authorization"] or ""
    if auth and ":" not in auth:
        raise Wrong("--authorization: accepted: USER:PASS, file:PATH, env:NAME")
    requests.header(f"Content-Type: {values['content_type']}")
    requests.header(f"User-Agent: {values['useragent']}")
    words = [auth, values["post"] or ""]
    for word in values["header"]:
        words += [word, word.partition(":")[2].strip()]
        if not is_reference(word):
            requests.header(word)
    if any(is_reference(word) for word in words) and not own_rights():
        raise Wrong("file: and env: are not read with rights that are not the caller's")
