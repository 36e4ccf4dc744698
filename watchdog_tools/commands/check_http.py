"""check-http: does a URL answer as it should, and how long does that take?"""

from __future__ import annotations

from watchdog_tools import requests
from watchdog_tools.cli.common import common, judging
from watchdog_tools.cli.options import Command, Option
from watchdog_tools.commands.asking import settle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.requests import Ask
    from watchdog_tools.result import Result
    from watchdog_tools.system.looker import Say

ASK, EXPECT, TLS = "What to ask", "What to expect", "TLS"

OPTIONS = (
    Option("-H --hostname", "HOST[:PORT]", "host to ask for, where no URL is given", group=ASK),
    Option("-I --IP-address --address", "ADDRESS", "connect here, whatever the host's name says", group=ASK),
    Option("-p --port", "PORT", "connect to this port [default: 80, 443]", "port", group=ASK),
    Option("-u --url", "PATH", "path to ask for [default: /]", group=ASK),
    Option("-S --ssl", "", "https", group=ASK),
    Option("-4 --use-ipv4", "", "IPv4 addresses only", group=ASK),
    Option("-6 --use-ipv6", "", "IPv6 addresses only", group=ASK),
    Option("-j --method", "METHOD", "method [default: GET, POST with -P]", group=ASK),
    Option("-P --post", "DATA", "what to send as body", "any", group=ASK),
    Option("-T --content-type", "TYPE", "media type of it", "text", requests.FORM, group=ASK),
    Option("-k --header", "HEADER", "`Name: value` to send; may be repeated", many=True, group=ASK),
    Option("-A --useragent", "TEXT", "how we introduce ourselves", "text", requests.AGENT, group=ASK),
    Option("-a --authorization", "USER:PASS", "basic authentication", group=ASK),
    Option("-e --expect", "STATUS", "statuses that are fine, 200,301 or 2xx, or parts of the status line"
           " [default: 200 to 399]", group=EXPECT),
    Option("-s --string", "TEXT", "the body must hold it; may be repeated", many=True, group=EXPECT),
    Option("-r --ereg --regex", "RE", "the body must match it", group=EXPECT),
    Option("-R --eregi", "RE", "the same, small and capital letters alike", group=EXPECT),
    Option("-l --linespan", "", "a dot matches line ends too, ^ and $ only the whole body's ends", group=EXPECT),
    Option("--invert-regex", "", "the body must not match", group=EXPECT),
    Option("-d --header-string", "TEXT", "the headers must hold it, `Name: value`; may be repeated", many=True,
           group=EXPECT),
    Option("--json", "PATH=VALUE", "the JSON body must hold VALUE at a dotted PATH; may be repeated", many=True,
           group=EXPECT),
    Option("--health-json", "", "judge the status in the JSON body: pass, warn or fail", group=EXPECT),
    Option("-N --no-body", "", "never read the body: close behind the headers", group=EXPECT),
    Option("--ca-cert", "PATH", "authorities: a PEM file or a hashed directory [default: the system's]", group=TLS),
    Option("--no-verify", "", "accept any certificate; the line says so", group=TLS),
    Option("--sni", "", "accepted: the host is always named", group=TLS),
    Option("-D --verify-cert", "", "accepted: the certificate is always verified", group=TLS),
    *judging("the time in seconds"),
    *common(of_look="the whole look"),
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
    **dict.fromkeys(("-M", "--max-age"), "not yet; -d looks at a header's text"),
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


def look(asks: tuple[Ask, ...], say: Say) -> Result:
    """Look at all URLs, side by side."""
    if len(asks) == 1:
        return _bound(asks[0])(say)
    from watchdog_tools.system.abreast import abreast

    return abreast([(str(ask.url), _bound(ask)) for ask in asks], asks[0].timing.on_timeout, say)


def _bound(ask: Ask) -> Callable[[Say], Result]:
    from watchdog_tools.probes import http

    return lambda say: http.look(ask, say)


COMMAND = Command(
    name="check-http",
    label="HTTP",
    summary="Check that URLs answer as they should: status, time, headers, body, certificate.",
    arguments=("[URL]...", (0, -1), "http://HOST[:PORT][/PATH] or https://..., or none with -H or -I"),
    options=OPTIONS,
    settle=settle,
    look=look,
    target=lambda asks: " ".join(str(ask.url) for ask in asks),
    examples=(
        ("check-http http://127.0.0.1:8080/health", "does the service say that it is well?"),
        ("check-http https://example.com/ -e 200 -s Welcome -w 1 -c 5", "status, text, certificate and time"),
    ),
    notes="A redirect is named and not followed; proxies of the environment are ignored. The body is looked at only"
    " where an option asks for it, and 64 KiB of it at most. Behind the verdict the rest of a reply is taken, for"
    " 0.25 s and 64 KiB at most, so that the server can end in order. A secret need not stand here for everybody to"
    " read: what -a, -P and -k take may be file:PATH or env:NAME, for -k as a whole or behind the name.",
    refused=REFUSED,
    down=0.0,
    timed=True,
)
