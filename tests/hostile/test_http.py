"""Hostile cases 52-84: replies that drip, flood, lie and inject, and URLs that are none."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers.commands import Ran, command, oracle, run
from helpers.components import need
from helpers.servers import HOST, OK, Authority, Peer, Server, closed_port, ok, replying, sealed, serving

HEAD = b"HTTP/1.1 200 OK\r\n"


def check(*words: object, timeout: float = 1, **popen: object) -> tuple[int, str, Ran]:
    """Run check-http within `timeout`, hold it to the oracle; return its code, its line and all of it."""
    ran = run("check-http", *words, "-t", timeout, **popen)
    return ran.code, oracle(ran, timeout), ran


def dripping(at_once: bytes, data: bytes) -> object:
    """Return a handler that sends `at_once` at once, and then a byte of `data` each 0.1 s."""

    def handler(peer: Peer) -> None:
        peer.request()
        peer.send(at_once)
        peer.drip(data)

    return handler


def flooding(at_once: bytes, data: bytes) -> object:
    """Return a handler that sends `at_once`, and then `data` for ever."""

    def handler(peer: Peer) -> None:
        peer.request()
        peer.send(at_once)
        peer.flood(data)

    return handler


def judged(handler: object, *words: object) -> tuple[int, str]:
    """Return (code, line) of a check of a server with `handler`."""
    with serving(handler) as server:  # type: ignore[arg-type]
        return check(server.url, *words)[:2]


def replied(*parts: bytes, words: tuple[str, ...] = ()) -> tuple[int, str]:
    """Return (code, line) of a check of a server that answers `parts`."""
    with replying(*parts) as server:
        return check(server.url, *words)[:2]


def test_case_52_a_dripped_status_line_ends_at_the_timeout() -> None:
    """A byte each 0.1 s restarts no clock: CRITICAL at the timeout."""
    code, line = judged(dripping(b"", HEAD * 9))
    assert code == 2
    assert "timed out after 1 s while waiting for the reply of" in line


def test_case_53_dripped_headers_end_at_the_timeout() -> None:
    """The status was there, the headers never end: CRITICAL at the timeout."""
    code, line = judged(dripping(HEAD, b"X: y\r\n" * 99))
    assert code == 2
    assert "timed out" in line


def test_case_54_a_dripped_body_is_not_waited_for() -> None:
    """Where only the status was asked for the body is not read; where it matters it is cut by the deadline."""
    handler = dripping(HEAD + b"Content-Length: 999\r\n\r\n", b"x" * 999)
    assert judged(handler)[0] == 0
    code, line = judged(handler, "-s", "never")
    assert code == 2
    assert "timed out after 1 s while reading the body of" in line


@pytest.mark.parametrize("head", [b"\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
def test_case_55_an_endless_body_is_read_to_64_kib(head: bytes) -> None:
    """No more than 64 KiB are kept, in any framing; what is not in them was not found."""
    data = b"a" * 4096 if head == b"\r\n" else b"1000\r\n" + b"a" * 4096 + b"\r\n"
    words = ["sh", "-c", 'ulimit -v 204800; exec "$@"', "sh", command("check-http"), "-t", "1", "-s", "needle"]
    with serving(flooding(HEAD + head, data)) as server:  # type: ignore[arg-type]
        ran = run(*words, server.url)  # 200 MiB of address space have room for the interpreter, and for no flood
    code, line = ran.code, oracle(ran, 1)
    assert code == 2
    assert "the body does not hold needle; only the first 64 KiB were looked at" in line
    assert "size=65536B" in line
    assert judged(flooding(HEAD + head, data), "-s", "aaaa")[0] == 0


def test_case_55_endless_extensions_of_chunks_are_bounded() -> None:
    """What is around the body is bounded as well."""
    code, line = judged(flooding(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x=y;" * 999), "-s", "needle")
    assert code == 2
    assert "malformed" in line


@pytest.mark.parametrize("head", [b"\r\n", b"Content-Length: 70011\r\n\r\n"])
def test_case_55_what_must_not_be_there_may_be_in_the_rest(head: bytes) -> None:
    """--invert-regex on a body that was cut is not OK; a match in the part that was read is CRITICAL all the same."""
    parts = (HEAD + head, b"a" * 70000, b"FATAL ERROR")
    code, line = replied(*parts, words=("-r", "FATAL ERROR", "--invert-regex"))
    assert code == 3
    assert "only the first 64 KiB were looked at, so a match may be missed" in line
    assert replied(*parts, words=("-r", "aaa", "--invert-regex"))[0] == 2
    assert replied(*parts, words=("-r", "aaa"))[0] == 0


def test_case_55_a_body_of_exactly_64_kib_is_whole() -> None:
    """Where the reply says that it ends there, nothing was cut."""
    head = HEAD + b"Content-Length: 65536\r\n\r\n"
    assert replied(head, b"a" * 65536, words=("-r", "FATAL", "--invert-regex"))[0] == 0


def test_case_57_endless_interim_replies_are_bounded() -> None:
    """102 for ever is no reply; a few of them, and then the reply, are."""
    interim = b"HTTP/1.1 102 Processing\r\n\r\n"
    code, line = judged(flooding(b"", interim))
    assert code == 2
    assert "interim replies (HTTP 102) without an end" in line
    assert replied(interim * 3 + OK)[0] == 0
    assert replied(interim * 3 + OK, words=("-s", "ok"))[0] == 0


@pytest.mark.parametrize(
    "handler",
    [
        flooding(HEAD, b"X: y\r\n"),
        flooding(HEAD + b"X: ", b"y" * 999),
        flooding(b"HTTP/1.1 200 ", b"O" * 999),
        dripping(HEAD + b"X: " + b"y" * 200_000 + b"\r\n\r\n", b""),
    ],
    ids=["endless headers", "endless header", "endless reason", "200 KB header"],
)
def test_case_58_headers_are_read_to_64_kib(handler: object) -> None:
    """Endless headers, a 200 KB header, a 200 KB reason: CRITICAL, one line."""
    code, line = judged(handler)
    assert code == 2
    assert "headers of more than 64 KiB" in line


def test_case_59_a_reason_is_escaped() -> None:
    """Terminal sequences, bells, perfdata and markup in the reason come out as text."""
    code, line = replied(b"HTTP/1.1 500 \x1b[2J\x07|x=1 <script>`$(id)`\xff\r\n\r\n")
    assert code == 2
    assert "HTTP 500 \\x1b[2J\\x07/x=1 (script)'?(id)'\\xff in" in line
    assert line.count("|") == 1  # our own perfdata's


MALFORMED = {
    "60 negative length": HEAD + b"Content-Length: -5\r\n\r\n",
    "60 no number": HEAD + b"Content-Length: 1e3\r\n\r\n",
    "64 length and chunks": HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "64 two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk",
    "64 bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "64 folded": HEAD + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
    "no colon": HEAD + b"nonsense\r\n\r\nok",
    "blank in a name": HEAD + b"Content Length: 2\r\n\r\nok",
    "NUL": HEAD + b"X: a\0b\r\n\r\nok",
}


@pytest.mark.parametrize("case", MALFORMED)
def test_case_60_64_a_malformed_reply_is_judged_by_its_status_if_that_was_all(case: str) -> None:
    """The status line was parsed: 0 where only the status was asked for, 2 where the rest matters."""
    assert replied(MALFORMED[case])[0] == 0
    if case != "64 folded":  # obsolete, but one meaning: the parser may take it
        code, line = replied(MALFORMED[case], words=("-s", "ok"))
        assert code == 2, line
        assert "malformed reply" in line
    assert replied(MALFORMED[case].replace(b"200", b"500", 1))[0] == 2


def test_case_60_without_a_length_the_connections_end_is_the_bodys() -> None:
    """No Content-Length is not malformed: the body is read to the end."""
    assert replied(HEAD + b"\r\n", b"so ", b"far", words=("-s", "so far"))[0] == 0


@pytest.mark.parametrize("framing", [b"Content-Length: 99\r\n\r\nok", b"Transfer-Encoding: chunked\r\n\r\n5\r\nok"])
def test_case_62_a_short_body_is_not_taken_for_a_whole_one(framing: bytes) -> None:
    """The connection ends before the body does: 2 if the body is needed, else the status decides."""
    code, line = replied(HEAD + framing, words=("-s", "ok"))
    assert code == 2
    assert "closed the connection in the middle of the body" in line
    assert replied(HEAD + framing)[0] == 0


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        (b"Location: file:///etc/passwd\r\n", "redirects to file:///etc/passwd, not followed"),
        (b"Location: ftp://127.0.0.1:1/\r\n", "redirects to ftp://127.0.0.1:1/, not followed"),
        (b"", "redirects to nowhere, not followed"),
        (b"Location: http://u:pw@169.254.169.254/a?token=s#f\r\n", "to http://169.254.169.254/a?..., not followed"),
        (b"Location: //u:pw@h/|x=1<b>\xff\r\n", "redirects to //h//x=1(b)\\xff, not followed"),
        (b"Location: http://h/\x1b[2J\r\n", "redirects, where to is malformed; not followed"),
    ],
)
def test_case_65_68_a_redirect_is_named_and_not_followed(location: bytes, shown: str) -> None:
    """Wherever it leads: the status decides (0), and the line names the place without its secrets."""
    code, line = replied(b"HTTP/1.1 302 Found\r\n" + location + b"Content-Length: 0\r\n\r\n")
    assert code == 0, line
    assert shown in line
    assert "pw" not in line


def test_case_67_a_redirect_that_is_not_fine_is_named_too() -> None:
    """With -e 200 it is CRITICAL, and the line still says where it leads; 304 leads nowhere and says nothing."""
    code, line = replied(b"HTTP/1.1 301 Moved\r\nLocation: /new\r\n\r\n", words=("-e", "200"))
    assert code == 2
    assert "HTTP 301 Moved, not 200, in" in line
    assert "redirects to /new, not followed" in line
    assert "redirects" not in replied(b"HTTP/1.1 304 Not Modified\r\n\r\n")[1]


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"hello\n\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 000 OK\r\n\r\n",
        b"HTTP/1.1 -200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 \uff12\uff10\uff10 OK\r\n\r\n".encode(),
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1200 OK\r\n\r\n",
        b"\0\0\0\r\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_case_71_what_is_not_http_is_critical(reply: bytes) -> None:
    """Another protocol, or a status line that is none: 2, one line."""
    code, line = replied(reply)
    assert code == 2
    assert "malformed reply" in line


def test_case_73_nothing_compressed_is_asked_for() -> None:
    """No Accept-Encoding is sent, so that no bomb is asked for; one that comes is looked at as it is."""
    with replying(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08") as server:
        code, line, _ = check(server.url, "-s", "bomb")
        assert code == 2
        assert "the body is compressed (gzip) though nobody asked for that" in line
        assert check(server.url, "-r", "bomb", "--invert-regex")[0] == 3
        assert b"accept-encoding" not in server.requests[0].lower()


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (Peer.reset, "reset the connection"),
        (Peer.request, "closed the connection without a reply"),
        (Peer.silence, "timed out after 1 s while waiting for the reply of"),
        (dripping(HEAD, b""), "closed the connection in the middle of the headers"),
    ],
    ids=["RST", "close", "silent", "cut"],
)
def test_case_74_no_reply_is_critical(handler: object, words: str) -> None:
    """RST, close, silence, half a head: 2, and the line tells which."""
    code, line = judged(handler)
    assert code == 2
    assert words in line


@pytest.fixture
def proxied() -> Iterator[tuple[Server, dict[str, str]]]:
    """A live proxy that answers 200 to everything, and an environment that names it in every way."""
    with replying(OK) as proxy:
        names = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        yield proxy, dict.fromkeys(names, proxy.url) | {"PATH": "/usr/bin:/bin"}


def test_case_75_a_live_proxy_does_not_answer_for_a_dead_target(proxied: tuple[Server, dict[str, str]]) -> None:
    """The proxies of the environment are ignored: the target is dead, 2."""
    proxy, environment = proxied
    code, line, _ = check(f"http://{HOST}:{closed_port()}/", env=environment)
    assert code == 2
    assert "refused the connection" in line
    assert not proxy.requests


def test_case_76_a_dead_proxy_hides_no_live_target() -> None:
    """The other way round: the target is alive, 0."""
    dead = f"http://{HOST}:{closed_port()}/"
    with replying(OK) as server:
        assert check(server.url, env={"http_proxy": dead, "HTTP_PROXY": dead, "PATH": "/bin"})[0] == 0


def test_case_77_http_proxy_in_a_cgi_is_ignored(proxied: tuple[Server, dict[str, str]]) -> None:
    """With REQUEST_METHOD set, HTTP_PROXY is a header that anybody sent: ignored as all of them."""
    proxy, environment = proxied
    assert check(f"http://{HOST}:{closed_port()}/", env=environment | {"REQUEST_METHOD": "GET"})[0] == 2
    assert not proxy.requests


@pytest.mark.parametrize(
    "url",
    ["file:///etc/hostname", "FILE:///etc/hostname", "file:/etc/hostname", "data:,ok", "ftp://127.0.0.1/", "unix:///x",
     "javascript:1", "//127.0.0.1/", "/etc/hostname", "127.0.0.1", "http:/127.0.0.1", "http:127.0.0.1", "http://", ""],
)  # fmt: skip
def test_case_78_only_http_and_https_are_fetched(url: str) -> None:
    """Any other scheme, and what is no URL, is wrong usage: 3."""
    ran = run("check-http", url)
    assert ran.code == 3
    line = oracle(ran, 0)
    assert "usage:" in line
    assert "http" in line


def test_case_80_userinfo_is_used_and_never_shown() -> None:
    """`user:pw@` is taken for basic authentication, and no line, format or target has it, nor a query."""
    with replying(OK) as server:
        url = f"http://us%65r:p%40w-secret@{server.at}/a?key=secret-too#fragment"
        for words in (("-vvv",), ("-o", "json"), ("-e", "201"), ("-t", "9", "-s", "nope")):
            ran = run("check-http", url, *words)
            assert "secret" not in ran.out + ran.err
            assert f"http://{server.at}/a?..." in ran.out
        assert b"\r\nAuthorization: Basic dXNlcjpwQHctc2VjcmV0\r\n" in server.requests[0]
        assert b"GET /a?key=secret-too HTTP/1.1\r\n" in server.requests[0]


@pytest.mark.parametrize(
    "url",
    ["http://u:secret@h:99999/", "http://u:secret/x@h/", "http://u:sec ret@h/", "http://u:secret@/", "u:secret@h",
     "http://u:secret@h/ x", "ftp://u:secret@h/", "https:u:secret@h", "http://u:secret@h:x/", "u:secret@://h"],
)  # fmt: skip
def test_case_80_no_error_quotes_a_password(url: str) -> None:
    """Also a URL that is refused, or that nobody answers, keeps its secret."""
    ran = run("check-http", url, "-t", "1")
    assert ran.code in (2, 3)
    for word in ("secret", "ret@", "sec"):
        assert word not in oracle(ran, 1).replace("1 sec", "")


@pytest.mark.parametrize("port", ["65536", "99999999999", "abc", "\uff18\uff10", "-1", "0", "", "80 ", "+80", "8_0"])
def test_case_81_a_port_is_checked_before_any_io(port: str) -> None:
    """What is no port is wrong usage: 3, although the name would not resolve."""
    ran = run("check-http", f"http://black.hole.example:{port}/")
    assert ran.code == 3
    assert "usage:" in oracle(ran, 0)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that signs what the tests' servers show."""
    return Authority(tmp_path_factory.mktemp("authority"))


def tls(context: ssl.SSLContext, *words: object, name: str = HOST) -> tuple[int, str]:
    """Return (code, line) of both commands on a TLS server; they must agree on the code."""
    with serving(sealed(context, ok)) as server:
        code, line, _ = check(f"https://{name}:{server.port}/", *words, timeout=2)
        ran = run("check-port", f"{name}:{server.port}", "-S", *words, "-t", 2)
        oracle(ran, 2)
        assert ran.code == code, ran
        return code, line


def test_case_83_a_good_certificate_is_accepted(authority: Authority) -> None:
    """By name and by address; the very same line refuses an authority that we do not know."""
    context = authority.context("localhost", HOST)
    assert tls(context, "--ca-cert", authority.path)[0] == 0
    assert tls(context, "--ca-cert", authority.path, name="localhost")[0] == 0
    stranger = Authority(Path(authority.path).parent / "..")  # another one with the same name
    code, line = tls(stranger.context("localhost", HOST), "--ca-cert", authority.path)
    assert code == 2
    assert "has a certificate that is not accepted" in line


def test_case_83_the_systems_store_does_not_know_our_authority(authority: Authority) -> None:
    """Without --ca-cert the system's store decides; with --no-verify nobody does, and the line says so."""
    context = authority.context(HOST)
    code, line = tls(context)
    assert code == 2
    assert "not accepted" in line
    code, line = tls(context, "--no-verify")
    assert code == 0
    assert "(certificate not verified)" in line


def test_case_83_expired_wrong_name_and_self_signed_are_refused(authority: Authority, tmp_path: Path) -> None:
    """Each is CRITICAL, and the line says which it was."""
    past = {"not_before": datetime(2020, 1, 1, tzinfo=UTC), "not_after": datetime(2021, 1, 1, tzinfo=UTC)}
    code, line = tls(authority.context(HOST, **past), "--ca-cert", authority.path)
    assert (code, "certificate has expired" in line) == (2, True)
    code, line = tls(authority.context("other.example"), "--ca-cert", authority.path)
    assert (code, "mismatch" in line) == (2, True)
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (tmp_path / "key").write_bytes(authority.ca.private_key_pem.bytes())
    own.load_cert_chain(authority.path, tmp_path / "key")
    code, line = tls(own)
    assert (code, "self-signed" in line) == (2, True)


def test_case_83_tls_1_1_is_refused(authority: Authority) -> None:
    """A server that speaks only TLS 1.0 or 1.1 has no secure connection to offer."""
    context = authority.context(HOST)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    for words in ((), ("--no-verify",)):
        code, line = tls(context, *(words or ("--ca-cert", authority.path)))
        assert code == 2
        assert "broke off TLS" in line


def test_case_83_a_stalled_handshake_ends_at_the_timeout(authority: Authority) -> None:
    """The server accepts and says nothing, or closes, or is not TLS at all."""
    with serving(Peer.silence) as server:
        code, line, _ = check(f"https://{server.at}/", "--ca-cert", authority.path)
        assert code == 2
        assert f"timed out after 1 s while shaking hands (TLS) with {server.at}" in line
    for handler in (Peer.reset, ok):
        with serving(handler) as server:
            assert check(f"https://{server.at}/", "--ca-cert", authority.path)[0] == 2


@pytest.mark.parametrize("limit", range(3, 16))
def test_case_50_no_descriptor_left_is_no_bad_certificate(authority: Authority, tmp_path: Path, limit: int) -> None:
    """A certificate that cannot be opened is "not there" to OpenSSL; to us it is our own failure."""
    shutil.copy(authority.path, tmp_path / "ours.pem")
    assert run(need("openssl"), "rehash", tmp_path).code == 0
    with serving(sealed(authority.context(HOST), ok)) as server:
        words = ("prlimit", f"--nofile={limit}", command("check-http"), f"https://{server.at}/", "--ca-cert", tmp_path)
        ran = run(*words)
        if ran.code in (1, 127) and "HTTP" not in ran.out:
            return  # case 146: Python itself did not start
        assert ran.code in (0, 3), oracle(ran, 10)


def test_a_hashed_directory_is_an_authority_too(authority: Authority, tmp_path: Path) -> None:
    """--ca-cert takes what `openssl rehash` makes; one without hashes knows nobody."""
    openssl = need("openssl")
    context = authority.context(HOST)
    shutil.copy(authority.path, tmp_path / "ours.pem")
    code, line = tls(context, "--ca-cert", tmp_path)
    assert (code, "openssl rehash" in line) == (3, True)
    assert run(openssl, "rehash", tmp_path).code == 0
    assert tls(context, "--ca-cert", tmp_path)[0] == 0


def test_a_file_in_a_hashed_directory_is_an_authority_of_its_own(authority: Authority, tmp_path: Path) -> None:
    """SSL_CERT_FILE counts though it lies in SSL_CERT_DIR, for that has no hash for it: as to curl and openssl."""
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(Authority(other).path, tmp_path / "other.pem")
    assert run(need("openssl"), "rehash", tmp_path).code == 0
    shutil.copy(authority.path, tmp_path / "ours.pem")
    environment = {"SSL_CERT_DIR": str(tmp_path), "SSL_CERT_FILE": str(tmp_path / "ours.pem"), "PATH": "/usr/bin:/bin"}
    with serving(sealed(authority.context(HOST), ok)) as server:
        assert check(f"https://{server.at}/", env=environment)[0] == 0
        assert check(f"https://{server.at}/", env=environment | {"SSL_CERT_FILE": ""})[0] == 2


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_an_authority_that_cannot_be_read_is_our_own_failure(tmp_path: Path, content: str | None) -> None:
    """A missing or empty file says nothing about the target: UNKNOWN."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with serving(Peer.silence) as server:
        code, line, _ = check(f"https://{server.at}/", "--ca-cert", path)
    assert code == 3
    assert "ca.pem" in line


def test_case_84_a_catastrophic_pattern_is_cut_while_matching() -> None:
    """It holds the interpreter for hours: UNKNOWN at the timeout, for the target has answered."""
    with replying(HEAD + b"\r\n" + b"a" * 40 + b"b") as server:
        code, line, _ = check(server.url, "-r", "(a+)+$")
    assert code == 3
    assert "pattern too slow" in line


def test_case_84_a_pattern_that_is_slow_to_compile_is_cut_too() -> None:
    """Before anything was sent; the guard compiles nothing itself."""
    ran = run("check-http", f"http://{HOST}:{closed_port()}/", "-r", "((((a{1000}){1000}){1000}){1000})" * 9, "-t", "1")
    assert ran.code in (2, 3)
    oracle(ran, 1)


def test_case_171_what_a_server_says_is_text() -> None:
    """A pattern, a JSON value, a body: nothing that others interpret comes through."""
    body = b'{"status": "fail", "output": "`id` $(id) |x=1; <b>\\u001b[2J\\n\\ud800"}'
    code, line = replied(HEAD + b"\r\n" + body, words=("--health-json", "--json", "status=<up>|"))
    assert code == 2
    assert not set("`$<>") & set(line)
    assert line.count("|") == 1


@pytest.mark.parametrize("words", [("-a", "file:{}"), ("-k", "X-Token: file:{}"), ("-k", "file:{}"), ("-P", "file:{}")])
def test_case_173_secrets_come_from_files(tmp_path: Path, words: tuple[str, str]) -> None:
    """What must not stand in argv is read by the looker, sent, and never shown."""
    secret = tmp_path / "secret"
    secret.write_text("X-Key: name:hush\n" if words[1] == "file:{}" else "hush\n")
    with replying(OK) as server:
        ran = run("check-http", server.url, words[0], words[1].format(secret), "-vvv", "-e", "299")
        assert ran.code == 2
        assert "hush" not in ran.out
        assert b"hush" in server.requests[0] or b"WC1LZXk6IG5hbWU6aHVzaA==" in server.requests[0]


def test_case_173_secrets_come_from_the_environment(tmp_path: Path) -> None:
    """So do those of the environment; what is not there is our own failure, and nothing was sent."""
    with replying(OK) as server:
        assert check(server.url, "-a", "env:PAIR", env={"PAIR": "a:b", "PATH": "/bin"})[0] == 0
        assert b"Basic YTpi\r\n" in server.requests.pop()
        for missing in ("env:PAIR", f"file:{tmp_path}/none", f"file:{tmp_path}"):
            code, line, _ = check(server.url, "-a", missing, env={"PATH": "/bin"})
            assert code == 3
            assert "cannot be asked" in line
        assert not server.requests


def test_case_173_a_secret_that_would_be_two_headers_is_refused(tmp_path: Path) -> None:
    """A line end in a secret is not sent, and not shown either."""
    (tmp_path / "secret").write_text("a\r\nX-Evil: hush\n")
    with replying(OK) as server:
        code, line, _ = check(server.url, "-k", f"X-A: file:{tmp_path}/secret")
        assert code == 3
        assert "hush" not in line
        assert not server.requests


def test_case_173_a_secret_that_never_comes_is_our_own_failure(tmp_path: Path) -> None:
    """A FIFO that nobody writes to: UNKNOWN at the timeout, for the target was not asked."""
    import os

    os.mkfifo(tmp_path / "fifo")
    code, line, _ = check(f"http://{HOST}:{closed_port()}/", "-a", f"file:{tmp_path}/fifo")
    assert code == 3
    assert "while reading what file: refers to" in line


def test_the_whole_command_is_installed() -> None:
    """These tests run the installed command, not a module."""
    assert command("check-http").endswith("/bin/check-http")
