"""check-http's options become what to ask of each URL; whatever contradicts itself is refused here."""

from __future__ import annotations

from watchdog_tools.checks.http import url as urls
from watchdog_tools.checks.http.expect import Expect
from watchdog_tools.checks.http.request import HttpRequest, parse_header, parse_method
from watchdog_tools.checks.http.response import parse_statuses
from watchdog_tools.checks.http.url import Url
from watchdog_tools.cli.command import UsageError
from watchdog_tools.core.thresholds import Timing
from watchdog_tools.net.address import MAX_TARGETS, Target, is_ipv4, is_ipv6, parse_host
from watchdog_tools.net.certificates import TlsVerify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.checks.http.values import Values


def configure(values: Values) -> tuple[HttpRequest, ...]:
    """Return what to ask. Raise UsageError; nothing is resolved, read or connected."""
    try:
        _refuse_contradictions(values)
        _refuse_unsafe(values)
        requests = tuple(_request(values, each, at) for each, at in _urls_and_targets(values))
    except ValueError as error:
        raise UsageError(str(error)) from None
    if not 0 < len(requests) <= MAX_TARGETS:
        raise UsageError(f"{len(requests) or 'no'} URLs; accepted: 1 to {MAX_TARGETS}, or -H HOST")
    return requests


def _urls_and_targets(values: Values) -> list[tuple[Url, Target]]:
    """Return each URL with where to connect to for it. Raise ValueError."""
    address = parse_host(values["address"].removeprefix("[").removesuffix("]")) if values["address"] else ""
    found = [urls.parse_url(word) for word in values["args"]]
    if found:
        return [(each, Target(address or each.host, each.port)) for each in found]
    if not (values["hostname"] or address):
        return []
    each = _url_from_options(values)
    return [(each, Target(address or each.host, values["port"] or each.port))]


def _url_from_options(values: Values) -> Url:
    """Return the URL of -H, -I, -p, -u and -S, as check_http puts it together."""
    scheme = "https" if values["ssl"] else "http"
    name, number = urls.parse_authority(values["hostname"] or values["address"] or "")
    return Url(scheme, name, number or values["port"] or urls.PORTS[scheme], urls.parse_path(values["url"] or "/"))


def _refuse_contradictions(values: Values) -> None:
    """Refuse options that contradict each other, or that would be ignored."""
    if values["use_ipv4"] and values["use_ipv6"]:
        raise UsageError("-4 and -6 exclude each other; without both, both are tried")
    for name in ("hostname", "port", "url", "ssl"):
        if values["args"] and values[name]:
            raise UsageError(f"--{name} stands in the URL; it is for a command line without one")
    if values["no_verify"] and (values["ca_cert"] or values["verify_cert"]):
        raise UsageError(f"--no-verify and {'--ca-cert' if values['ca_cert'] else '--verify-cert'} exclude each other")
    if values["invert_regex"] and values["regex"] is None and values["eregi"] is None:
        raise UsageError("--invert-regex needs --regex or --eregi")


def _request(values: Values, url: Url, target: Target) -> HttpRequest:
    wrong = is_ipv6 if values["use_ipv4"] else is_ipv4 if values["use_ipv6"] else None
    if wrong and wrong(target.host):
        raise UsageError(f"{target.host} is not an address of the family that was asked for")
    if url.user and values["authorization"]:
        raise UsageError("--authorization and a user in the URL exclude each other")
    tls_verify = None
    if url.scheme == "https":
        tls_verify = TlsVerify(url.host, values["ca_cert"], verify=not values["no_verify"])
    elif values["ca_cert"] or values["no_verify"]:
        raise UsageError(f"{url} is not https, so --ca-cert and --no-verify have nothing to say")
    return HttpRequest(
        url,
        target,
        Timing(*values["timeout"], values["warning"], values["critical"]),
        _expect(values),
        tls_verify=tls_verify,
        family=4 if values["use_ipv4"] else 6 if values["use_ipv6"] else 0,
        method=_method(values),
        statuses=parse_statuses(values["expect"]) if values["expect"] else (),
        headers=values["header"],
        auth=url.user or values["authorization"] or "",
        data=values["post"],
        content_type=values["content_type"],
        agent=values["useragent"],
        no_body=values["no_body"],
    )


def _method(values: Values) -> str:
    given = values["method"] or ("GET" if values["post"] is None else "POST")
    return parse_method(given)


def _expect(values: Values) -> Expect:
    pairs: tuple[tuple[str, str], ...] = ()
    if values["json"]:
        from watchdog_tools.checks.http.json_body import parse_pair

        pairs = tuple(parse_pair(word) for word in values["json"])
    expect = Expect(
        strings=values["string"],
        headers=values["header_string"],
        regex=values["regex"],
        iregex=values["eregi"],
        linespan=values["linespan"],
        invert=values["invert_regex"],
        json_values=pairs,
        health_json=values["health_json"],
    )
    if expect.needs_body() and (values["no_body"] or values["method"] == "HEAD"):
        raise UsageError("the body is not read with --no-body or HEAD, so nothing can be looked for in it")
    return expect


def _refuse_unsafe(values: Values) -> None:
    """Refuse what would break the request, or be read with rights that are not the caller's. Raise ValueError."""
    from watchdog_tools.net.secrets import has_callers_rights, is_reference

    auth = values["authorization"] or ""
    if auth and ":" not in auth:
        raise UsageError("--authorization: accepted: USER:PASS, file:PATH, env:NAME")
    parse_header(f"Content-Type: {values['content_type']}")
    parse_header(f"User-Agent: {values['useragent']}")
    words = [auth, values["post"] or ""]
    for word in values["header"]:
        words += [word, word.partition(":")[2].strip()]
        if not is_reference(word):
            parse_header(word)
    if any(is_reference(word) for word in words) and not has_callers_rights():
        raise UsageError("file: and env: are not read with rights that are not the caller's")
