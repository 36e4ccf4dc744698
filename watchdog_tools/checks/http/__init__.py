"""check-http: does a URL answer as it should, and how long does that take?"""

from __future__ import annotations

from watchdog_tools.checks import run
from watchdog_tools.checks.http.config import configure
from watchdog_tools.checks.http.request import AGENT, FORM
from watchdog_tools.cli.command import Command, Option
from watchdog_tools.cli.common_options import check_options, common

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.checks.http.request import HttpRequest
    from watchdog_tools.core import Result
    from watchdog_tools.workers import Waits
    from watchdog_tools.workers.worker import Progress

ASK, EXPECT, TLS = "Request", "Expected response", "TLS"

OPTIONS = (
    Option("-H --hostname", "HOST[:PORT]", "host to send the request to, if no URL is given", group=ASK),
    Option("-I --IP-address --address", "ADDRESS", "connect to ADDRESS instead of the host's own", group=ASK),
    Option("-p --port", "PORT", "port to connect to [default: 80, or 443 for https]", "port", group=ASK),
    Option("-u --url", "/PATH", "path to request [default: /]", group=ASK),
    Option("-S --ssl", "", "use https", group=ASK),
    Option("-4 --use-ipv4", "", "use IPv4 addresses only", group=ASK),
    Option("-6 --use-ipv6", "", "use IPv6 addresses only", group=ASK),
    Option("-j --method", "METHOD", "request method [default: GET, or POST with -P]", group=ASK),
    Option("-P --post", "DATA", "send DATA as the request body", "any", group=ASK),
    Option("-T --content-type", "TYPE", "media type of the request body", "text", FORM, group=ASK),
    Option("-k --header", "HEADER", "send the header `Name: value`; may be repeated", many=True, group=ASK),
    Option("-A --useragent", "TEXT", "User-Agent header to send", "text", AGENT, group=ASK),
    Option("-a --authorization", "USER:PASS", "basic authentication", group=ASK),
    Option("-e --expect", "STATUS", "accepted statuses, such as 200,301 or 2xx, or parts of the status line"
           " [default: 200 to 399]", group=EXPECT),
    Option("-s --string", "TEXT", "the body must contain TEXT; may be repeated", many=True, group=EXPECT),
    Option("-r --ereg --regex", "RE", "the body must match the regular expression RE", group=EXPECT),
    Option("-R --eregi", "RE", "the same, ignoring case", group=EXPECT),
    Option("-l --linespan", "", "in RE, . also matches a line end, and ^ and $ only the ends of the body",
           group=EXPECT),
    Option("--invert-regex", "", "the body must not match RE", group=EXPECT),
    Option("-d --header-string", "TEXT", "the headers must contain TEXT, `Name: value`; may be repeated",
           many=True, group=EXPECT),
    Option("--json", "PATH=VALUE", "the JSON body must have VALUE at the dotted PATH; may be repeated", many=True,
           group=EXPECT),
    Option("--health-json", "", "take the state from `status` in the JSON body: pass, warn or fail", group=EXPECT),
    Option("-N --no-body", "", "do not read the body; close the connection after the headers", group=EXPECT),
    Option("--ca-cert", "PATH", "trusted authorities: a PEM file or a hashed directory [default: the system's]",
           group=TLS),
    Option("--no-verify", "", "accept any certificate; the output says so", group=TLS),
    Option("--sni", "", "accepted for check_http; the host name is always sent", group=TLS),
    Option("-D --verify-cert", "", "accepted for check_http; the certificate is always verified", group=TLS),
    *check_options("the time in seconds"),
    *common(),
)  # fmt: skip

_CERTIFICATE = "not yet; https fails once the certificate has expired"
_REDIRECT = "not yet; a redirect is named, and -e decides whether it is fine"
_CLIENT = "client certificates are not taken yet"
_PROXY = "proxies are not taken yet"
REFUSED = {
    **dict.fromkeys(("-C", "--certificate", "--continue-after-certificate"), _CERTIFICATE),
    **dict.fromkeys(("-J", "--client-cert", "-K", "--private-key"), _CLIENT),
    **dict.fromkeys(("-f", "--onredirect", "--max-redirs"), _REDIRECT),
    **dict.fromkeys(("-b", "--proxy-authorization", "-x", "--proxy", "--haproxy-protocol"), _PROXY),
    **dict.fromkeys(("-m", "--pagesize"), "not yet; -s names text near the end"),
    **dict.fromkeys(("-M", "--max-age"), "not yet; -d checks a header's text"),
    **dict.fromkeys(("-E", "--extended-perfdata"), "use --format json"),
    **dict.fromkeys(("-B", "--show-body"), "a check never shows the body; use curl"),
    **dict.fromkeys(("-L", "--link"), "use urlize"),
    **dict.fromkeys(("-1", "-2", "-3"), "TLS 1.2 and newer are always accepted, so -S takes no version"),
    "--unix-socket": "not yet; check-port takes a socket's path",
    "--http-version": "HTTP/1.1 is asked for",
    "--cookie-jar": "cookies are not kept",
    "--enable-automatic-decompression": "nothing compressed is asked for",
    "--state-regex": "use --invert-regex",
    "--extra-opts": "options come from the command line alone",
}


def probe_all(requests: tuple[HttpRequest, ...], progress: Progress) -> Waits[Result]:
    """Probe all URLs, side by side."""
    if len(requests) == 1:
        return _probe_of(requests[0])(progress)
    from watchdog_tools.workers.parallel import run_parallel

    return run_parallel(
        [(str(request.url), _probe_of(request)) for request in requests], requests[0].timing.on_timeout, progress
    )


def _probe_of(request: HttpRequest) -> Callable[[Progress], Waits[Result]]:
    from watchdog_tools.checks.http.probe import probe_url

    return lambda progress: probe_url(request, progress)


COMMAND: Command = Command(
    name="check-http",
    label="HTTP",
    summary="Check that URLs answer as they should: status, time, headers, body, certificate.",
    arguments=("[URL]...", (0, -1), "http://HOST[:PORT][/PATH] or https://..., or none with -H or -I"),
    options=OPTIONS,
    configure=configure,
    probe=probe_all,
    run=lambda *given: run(COMMAND, *given),
    target=lambda requests: " ".join(str(request.url) for request in requests),
    examples=(
        ("check-http http://127.0.0.1:8080/health", "the service answers with a status from 200 to 399"),
        ("check-http https://example.com/ -e 200 -s Welcome -w 1 -c 5", "check status, text, certificate and time"),
    ),
    notes="A redirect is reported, not followed. Proxies set in the environment are ignored. The body is read only if"
    " an option needs it, and at most 64 KiB of it. After the verdict the rest of the reply is read, for at most 0.25 s"
    " and 64 KiB, so that the server can finish cleanly. Secrets need not be on the command line, where every user can"
    " read them: the values of -a, -P and -k may be file:PATH or env:NAME, for -k as a whole or after the header's"
    " name.",
    refused=REFUSED,
    down=0.0,
    timed=True,
)
