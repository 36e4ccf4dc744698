"""check-http, as a user runs it: what it asks, what it expects, what it says, and what it refuses by name."""

from __future__ import annotations

import json
import re

import pytest
from helpers.commands import Ran, oracle, run
from helpers.components import need
from helpers.servers import HOST, OK, Authority, closed_port, ok, replying, sealed, serving


def check(*words: object, **popen: object) -> tuple[int, str, Ran]:
    """Run check-http, hold it to the oracle; return its code, its line and all of it."""
    ran = run("check-http", *words, "-t", 2, **popen)
    return ran.code, oracle(ran, 2), ran


def answered(status: str, *words: object, body: bytes = b"", headers: bytes = b"") -> tuple[int, str]:
    """Return (code, line) of a check of a server that answers `status` with `body`."""
    with replying(f"HTTP/1.1 {status}\r\n".encode() + headers + b"\r\n" + body) as server:
        return check(server.url, *words)[:2]


def test_the_line_has_status_time_and_url() -> None:
    """And perfdata, with the size where the body was read."""
    with replying(OK) as server:
        line = check(server.url)[1]
        assert re.fullmatch(rf"HTTP OK - HTTP 200 in [\d.]+ ms - {server.url} \| time=0\.\d+s;;;0;2", line)
        assert check(server.url, "-s", "ok")[1].endswith(" size=2B;;;0")


@pytest.mark.parametrize(
    ("status", "code"),
    [("200 OK", 0), ("204 None", 0), ("304 Not Modified", 0), ("399 X", 0), ("400 Bad", 2), ("404 Not Found", 2),
     ("500 Oops", 2), ("503 Busy", 2), ("999 X", 2), ("101 Switching", 2), ("200", 0), ("200 ", 0)],
)  # fmt: skip
def test_without_expect_200_to_399_are_ok(status: str, code: int) -> None:
    """As `curl -f`: check_http's WARNING for 4xx would be healthy in a container."""
    assert answered(status)[0] == code


@pytest.mark.parametrize(
    ("expect", "fine"),
    [("200", False), ("503", True), ("200,503", True), ("5xx", True), ("4xx", False), ("HTTP/1.1 5", True),
     ("HTTP/1.0", False), ("Busy", True), ("200, 503", True)],
)  # fmt: skip
def test_expect_is_a_list_or_a_part_of_the_status_line(expect: str, fine: bool) -> None:
    """-e as check_http has it; three digits are the code, and not any digits of the line."""
    code, line = answered("503 Busy 200", "-e", expect)
    assert code == (0 if fine else 2)
    assert fine or f"not {expect}," in line


def test_the_body_is_searched() -> None:
    """-s, -r, -R, -l and --invert-regex; what is missing is CRITICAL and named."""
    body = b"All systems\nare GO"
    for words, code in (
        (("-s", "systems"), 0),
        (("-s", "systems", "-s", "GO"), 0),
        (("-s", "systems", "-s", "STOP"), 2),
        (("-r", r"^are \w+$"), 0),
        (("-r", "go$"), 2),
        (("-R", "go$"), 0),
        (("-r", "systems.are"), 2),
        (("-l", "-r", "systems.are"), 0),
        (("-r", "ERROR", "--invert-regex"), 0),
        (("-r", "GO", "--invert-regex"), 2),
    ):
        assert answered("200 OK", *words, body=body)[0] == code, words


def test_headers_are_searched() -> None:
    """-d: a part of a header's line; the name has no case."""
    headers = b"Content-Type: text/plain; charset=utf-8\r\nX-Up: yes\r\n"
    for text in ("text/plain", "X-Up: yes", "x-up: yes", "x-up:yes", "Content-Type"):
        assert answered("200 OK", "-d", text, headers=headers)[0] == 0, text
    code, line = answered("200 OK", "-d", "X-Up: no", headers=headers)
    assert code == 2
    assert "no header holds X-Up: no" in line


@pytest.mark.parametrize(
    ("pair", "code"),
    [("status=up", 0), ("db.ok=true", 0), ("db.lag=1.5", 0), ("db.lag=1.50", 0), ("nodes.1.name=b", 0), ("no=null", 0),
     ("status=down", 2), ("db.ok=True", 2), ("nodes.2.name=b", 2), ("nodes.-1.name=b", 2), ("gone=1", 2)],
)  # fmt: skip
def test_json_values_are_compared(pair: str, code: int) -> None:
    """--json PATH=VALUE: strings as they are, anything else as JSON writes it."""
    body = b'{"status": "up", "db": {"ok": true, "lag": 1.5}, "nodes": [{"name": "a"}, {"name": "b"}], "no": null}'
    assert answered("200 OK", "--json", pair, body=body)[0] == code


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        ("200 OK", b'{"status": "pass"}', 0),
        ("200 OK", b'{"status": "UP"}', 0),
        ("200 OK", b'{"status": "ok"}', 0),
        ("200 OK", b'{"status": "warn", "output": "disk is filling"}', 1),
        ("200 OK", b'{"status": "fail"}', 2),
        ("503 X", b'{"status": "pass"}', 2),
        ("200 OK", b'{"status": 1}', 2),
        ("200 OK", b"[]", 2),
        ("200 OK", b"<html>", 2),
        ("200 OK", b"", 2),
        ("200 OK", b"[" * 60000, 2),
        ("200 OK", b'{"status": NaN}', 2),
        ("200 OK", b"\xff\xfe", 2),
        ("200 OK", b'{"a": ' + b"9" * 5000 + b"}", 2),
    ],
)
def test_health_json_is_judged_by_its_status(status: str, body: bytes, code: int) -> None:
    """pass, warn, fail of application/health+json; what is none is CRITICAL, and never a traceback."""
    found, line = answered(status, "--health-json", body=body)
    assert found == code
    assert ("disk is filling" in line) == (code == 1)


def test_the_request_is_what_was_asked_for() -> None:
    """Method, body, type, headers, agent; HTTP/1.1, one Host, closed after the reply."""
    with replying(OK) as server:
        check(server.url + "a/b?c=d#e", "-j", "PUT", "-P", "x=1", "-T", "text/plain", "-k", "X-A: 1", "-A", "me/1")
        check(server.url, "-P", "x=1", "-k", "Host: other.example")
        check(server.url, "-j", "HEAD")
        put, post, head = (request.decode().split("\r\n") for request in server.requests)
    assert put[0] == "PUT /a/b?c=d HTTP/1.1"
    assert put[1] == f"Host: {server.at}"
    assert {"User-Agent: me/1", "Connection: close", "Content-Type: text/plain", "X-A: 1"} < set(put)
    assert put[-2:] == ["", "x=1"]
    assert post[0] == "POST / HTTP/1.1"
    assert [line for line in post if line.startswith("Host")] == ["Host: other.example"]
    assert "Content-Type: application/x-www-form-urlencoded" in post
    assert head[0] == "HEAD / HTTP/1.1"


def test_the_plugins_form_without_a_url() -> None:
    """-H, -I, -p, -u as check_http: the host is asked for, the address is connected to."""
    with replying(OK) as server:
        assert check("-I", HOST, "-p", server.port, "-u", "/x")[0] == 0
        assert check("-H", "shop.example", "-I", HOST, "-p", server.port)[0] == 0
        assert check("-H", "shop.example:8080", "-I", HOST, "-p", server.port)[0] == 0
        assert check("-H", server.at)[0] == 0
        assert check(f"http://shop.example:{server.port}/", "-I", HOST)[0] == 0
        asked = [request.decode().split("\r\n")[:2] for request in server.requests]
    assert asked == [
        ["GET /x HTTP/1.1", f"Host: {server.at}"],
        ["GET / HTTP/1.1", f"Host: shop.example:{server.port}"],
        ["GET / HTTP/1.1", "Host: shop.example:8080"],
        ["GET / HTTP/1.1", f"Host: {server.at}"],
        ["GET / HTTP/1.1", f"Host: shop.example:{server.port}"],
    ]


def test_ssl_is_https(tmp_path_factory: pytest.TempPathFactory) -> None:
    """-S with -H and -I: the certificate is verified for the host, not for the address."""
    authority = Authority(tmp_path_factory.mktemp("ca"))
    with serving(sealed(authority.context("shop.example"), ok)) as server:
        words = ("-S", "-I", HOST, "-p", server.port, "--ca-cert", authority.path)
        assert check("-H", "shop.example", *words)[0] == 0
        assert check("-H", "other.example", *words)[0] == 2
        found = json.loads(check("-H", "shop.example", *words, "-o", "json", "-s", "ok")[1])
    assert found["details"]["tls"] == "TLSv1.3"
    assert found["details"]["days_left"] > 0
    assert found["details"]["size"] == 2


def test_several_urls_are_one_verdict() -> None:
    """Side by side; the worst decides and is named."""
    gone = f"http://{HOST}:{closed_port()}/"
    with replying(OK) as server:
        code, line, _ = check(server.url, gone, server.url + "b")
        assert code == 2
        assert line.startswith(f"HTTP CRITICAL - 2 of 3 are OK; {gone} refused the connection")
        assert check(server.url, server.url + "b")[1].startswith("HTTP OK - all 2 are OK; the slowest: ")
        assert check(server.url, gone, "--for", "zabbix")[1] == "0"


@pytest.mark.parametrize(("flag", "code"), [("-w", 1), ("-c", 2)])
def test_thresholds_judge_the_seconds(flag: str, code: int) -> None:
    """A range of Nagios on the time."""
    assert answered("200 OK", flag, "1:")[0] == code


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no URLs"),
        (("http://h/", "-H", "h"), "--hostname stands in the URL"),
        (("http://h/", "-4", "-6"), "exclude each other"),
        (("http://[::1]/", "-4"), "not an address of the family"),
        (("http://h/ x",), "printable ASCII"),
        (("http://h/\x1b",), "printable ASCII"),
        (("http://h/", "-k", "no header"), "`Name: value`"),
        (("http://h/", "-k", "X: a\r\nY: b"), "line end"),
        (("http://h/", "-A", "a\nb"), "line end"),
        (("http://h/", "-a", "user"), "USER:PASS"),
        (("http://u:p@h/", "-a", "u:p"), "exclude each other"),
        (("http://h/", "-j", "G T"), "is not a method"),
        (("http://h/", "-j", "CONNECT:POST"), "proxy"),
        (("http://h/", "-j", "HEAD", "-s", "x"), "--no-body or HEAD"),
        (("http://h/", "-N", "-r", "x"), "--no-body or HEAD"),
        (("http://h/", "-e", "20"), "no list of statuses"),
        (("http://h/", "-e", "200,,"), "no list of statuses"),
        (("http://h/", "--json", "a"), "not PATH=VALUE"),
        (("http://h/", "--json", "a..b=1"), "not PATH=VALUE"),
        (("http://h/", "-r", "("), "is not a pattern"),
        (("http://h/", "-r", "[[:alpha:]]"), "POSIX class"),
        (("http://h/", "--invert-regex"), "needs --regex"),
        (("http://h/", "--no-verify"), "is not https"),
        (("https://h/", "--no-verify", "--ca-cert", "/x"), "exclude each other"),
        (("-H", "h", "-u", "http://h/"), "a whole URL is an argument"),
        (("-H", "h", "-p", "65536"), "not a port"),
        (("-H", "h", "-S1.2"), "-S takes no version"),
    ],
)
def test_wrong_usage_is_one_line_that_teaches(words: tuple[str, ...], said: str) -> None:
    """3, the mistake, and what is accepted; nothing was connected, and in `zabbix` it is 3 too."""
    ran = run("check-http", *words)
    assert ran.code == 3
    line = oracle(ran, 0)
    assert line.startswith("HTTP UNKNOWN - usage: ")
    assert said in line
    assert run("check-http", *words, "--exit-style", "zabbix").code == 3


def test_a_refusal_is_bounded_in_every_format() -> None:
    """What a pattern holds comes back shortened, also in JSON."""
    for pattern in ("(?P=" + "x" * 99999, "[[:" + "x" * 99999):
        ran = run("check-http", "http://h/", "-r", pattern, "-o", "json")
        assert ran.code == 3
        assert len(ran.out) < 2000


@pytest.mark.parametrize("words", [("-I", "u:secret@host"), ("-H", "u:secret@h"), ("http://h/", "--json", "secret@"),
                                   ("http://h/", "-e", "2000,secret@"), ("http://h/", "-j", "secret@")])  # fmt: skip
def test_no_refusal_quotes_a_password(words: tuple[str, ...]) -> None:
    """No usage error quotes a word with an @."""
    ran = run("check-http", *words)
    assert ran.code == 3
    assert "secret" not in oracle(ran, 0)


def test_no_option_of_the_plugin_is_without_an_answer() -> None:
    """Every flag of the real `check_http --help` is taken, or refused by name with what to use instead."""
    from watchdog_tools.checks.http import COMMAND

    page = run(need("check_http"), "--help").out
    flags = set(re.findall(r"^ (-\w|--[\w-]+)", page, re.MULTILINE))
    flags |= set(re.findall(r"^ .*?, (--[\w-]+)", page, re.MULTILINE))
    assert len(flags) > 70
    for flag in sorted(flags):
        if flag not in COMMAND.by_flag():
            ran = run("check-http", "http://h/", flag)
            assert ran.code == 3
            assert f"{flag} is not taken here: " in oracle(ran, 0), flag


def test_it_agrees_with_the_plugin_on_what_is_expected() -> None:
    """check_http itself, side by side, on the same server: both find it, or both do not."""
    plugin = need("check_http")
    reply = b"HTTP/1.1 200 Fine\r\nX-Up: yes\r\nContent-Length: 11\r\nConnection: close\r\n\r\nall\nis well"
    with replying(reply) as server:
        for words in (
            (),
            ("-e", "200"),
            ("-e", "404"),
            ("-e", "HTTP/1.1 2"),
            ("-e", "301,200"),
            ("-s", "well"),
            ("-s", "bad"),
            ("-d", "X-Up: yes"),
            ("-d", "X-Up: no"),
            ("-r", "^is"),
            ("-r", "all.is"),
            ("-l", "-r", "all.is"),
            ("-R", "WELL"),
            ("-r", "well", "--invert-regex"),
        ):
            argv = ("-I", HOST, "-p", server.port, *words)
            assert (run(plugin, *argv).code == 0) == (run("check-http", *argv).code == 0), words
