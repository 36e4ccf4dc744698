"""Hostile case 193: what a service sees of our leaving. No broken pipe, no reset, TLS that ends as TLS does."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
import time
from pathlib import Path

import pytest
from helpers.commands import Ran, oracle, run
from helpers.servers import Authority, Handler, Peer, Server, serving

HEAD = b"HTTP/1.1 200 OK\r\n"
BODY = b"b" * 60_000
ORDERLY = "end"  # what a service that is left in order sees


class Service:
    """A handler that does `work` and then notes in `ends` how the other side went, in `held` after how many seconds."""

    def __init__(self, work: Handler) -> None:
        """Nobody has come yet."""
        self.work = work
        self.ends: list[str] = []
        self.held: list[float] = []

    def __call__(self, peer: Peer) -> None:
        """Serve one connection."""
        begun, end = time.monotonic(), ORDERLY
        try:
            self.work(peer)
            begun = time.monotonic()
            while peer.sock.recv(65536):
                pass
        except OSError as error:
            end = f"{type(error).__name__}: {error}"
        self.ends.append(end)
        self.held.append(time.monotonic() - begun)


def answering(*parts: bytes) -> Service:
    """Return a service that answers `parts`, and then waits for the other side to go."""

    def work(peer: Peer) -> None:
        peer.request()
        for part in parts:
            peer.send(part)

    return Service(work)


def answering_nothing(peer: Peer) -> None:
    """Wait for the other side to go."""
    while peer.sock.recv(65536):
        pass


def streaming(event: bytes, gap: float = 0.02) -> Service:
    """Return a service whose body never ends; each `gap` seconds it sends `event` until the other side has gone."""

    def work(peer: Peer) -> None:
        peer.request()
        peer.send(HEAD + b"Content-Type: text/event-stream\r\n\r\n")
        begun = time.monotonic()
        while not select.select([peer.sock], [], [], gap)[0]:
            peer.send(event)
        service.held.append(time.monotonic() - begun)

    service = Service(work)
    return service


def strict(context: ssl.SSLContext, handler: Handler) -> Handler:
    """Return `handler` behind TLS to which an end without close_notify is an error."""
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # which Python sets

    def inside(peer: Peer) -> None:
        peer.sock = context.wrap_socket(
            peer.sock, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
        peer.sock.do_handshake()
        handler(peer)

    return inside


def check(server: Server, *words: object, timeout: float = 5) -> tuple[Ran, str]:
    """Run check-http on the server's root; return how it ran and its line."""
    ran = run("check-http", server.url, *words, "-t", timeout)
    return ran, oracle(ran, timeout)


def seconds(line: str) -> float:
    """Return the time in the line's perfdata."""
    found = re.search(r"time=([0-9.]+)s", line)
    assert found, line
    return float(found[1])


LENGTH = (HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY), BODY)
CHUNKS = (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"ea60;x=y\r\n" + BODY + b"\r\n", b"0\r\n")
WHOLE = {
    "length": LENGTH,
    "chunks": (*CHUNKS, b"\r\n"),
    "chunks with trailers": (*CHUNKS, b"X-Sum: 1\r\nX-More: 2\r\n", b"\r\n"),
    "an error": (LENGTH[0].replace(b"200 OK", b"503 Busy"), BODY),
    "a redirect": (HEAD.replace(b"200 OK", b"302 Found") + b"Location: /a\r\nContent-Length: 60000\r\n\r\n", BODY),
    "malformed headers": (HEAD + b"nonsense\r\nContent-Length: 60000\r\n\r\n", BODY),
}  # fmt: skip
BARE = {
    "nothing": (HEAD + b"Content-Length: 0\r\n\r\n",),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n",),
    "304": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n",),
    "interim": (b"HTTP/1.1 102 Processing\r\n\r\n" * 2, *LENGTH),
}


@pytest.mark.parametrize("shape", WHOLE)
@pytest.mark.parametrize("words", [(), ("-d", "Content"), ("-s", "bbb"), ("-r", "b")], ids=str)
def test_193_a_reply_is_taken_to_its_end(shape: str, words: tuple[str, ...]) -> None:
    """All of it is read, whatever of it was asked for, and then the connection ends: no reset, no broken pipe."""
    service = answering(*WHOLE[shape])
    with serving(service) as server:
        check(server, *words)
    assert service.ends == [ORDERLY]


@pytest.mark.parametrize("shape", WHOLE | BARE)
def test_193_a_server_that_keeps_the_connection_is_left_at_the_bodys_end(shape: str) -> None:
    """Where the reply says where it ends, nobody waits for the server to close."""
    service = answering(*(WHOLE | BARE)[shape])
    with serving(service) as server:
        for _ in range(3):
            check(server)
    assert service.ends == [ORDERLY] * 3
    assert min(service.held) < 0.2


def test_193_head_has_no_body() -> None:
    """The length in the reply to HEAD is that of a body which does not come: nobody waits for it."""
    service = answering(LENGTH[0])
    with serving(service) as server:
        for _ in range(3):
            assert check(server, "-j", "HEAD")[0].code == 0
    assert service.ends == [ORDERLY] * 3
    assert min(service.held) < 0.2


def test_193_a_body_that_ends_with_the_connection_is_read_to_there() -> None:
    """The server writes piece by piece, and closes: every piece is taken."""

    def work(peer: Peer) -> None:
        peer.request()
        for part in (HEAD + b"\r\n", *[b"b" * 4096] * 15):
            peer.send(part)
        peer.sock.shutdown(socket.SHUT_WR)

    service = Service(work)
    with serving(service) as server:
        assert check(server)[0].code == 0
    assert service.ends == [ORDERLY]


def test_193_what_is_behind_the_part_that_was_looked_at_is_taken_too() -> None:
    """-s looks at 64 KiB; as much again is read so that the server can end."""
    service = answering(HEAD + b"Content-Length: 120000\r\n\r\n", BODY, BODY)
    with serving(service) as server:
        ran, line = check(server, "-s", "bbb")
    assert ran.code == 0
    assert "size=65536B" in line
    assert service.ends == [ORDERLY]


def test_193_an_event_stream_costs_under_300_ms() -> None:
    """A body that never ends is taken for a quarter of a second; the verdict and the time are those of the headers."""
    service, other = streaming(b"data: tick\n\n"), answering(*LENGTH)
    with serving(service) as stream, serving(other) as plain:
        pairs = [(check(stream), check(plain)) for _ in range(4)]
    assert {ran.code for pair in pairs for ran, _ in pair} == {0}
    assert min(ran.fair - its.fair for (ran, _), (its, _) in pairs) < 0.3
    assert min(seconds(line) for (_, line), _ in pairs) < 0.1
    assert max(service.held) > 0.2


@pytest.mark.parametrize("head", [b"\r\n", b"Content-Length: 99999999\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
def test_193_a_flood_is_not_swallowed(head: bytes) -> None:
    """64 KiB are taken and no more, in any framing: what the server could send is what the kernels hold."""
    sent: list[int] = []

    def work(peer: Peer) -> None:
        peer.request()
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        peer.send(HEAD + head)
        sent.append(0)
        with contextlib.suppress(OSError):
            while True:
                peer.send(b"1000\r\n" + b"a" * 4096 + b"\r\n")
                sent[-1] += 4096

    with serving(work) as server:
        pairs = [check(server) for _ in range(3)]
    assert {ran.code for ran, _ in pairs} == {0}
    assert min(sent) < 16 << 20  # the most that the kernel's buffers ever are
    assert min(ran.fair for ran, _ in pairs) < 0.5


def test_193_the_deadline_is_not_passed_for_it() -> None:
    """A reply that comes just in time is OK: the rest of it waits for nothing, nor does the verdict turn."""

    def work(peer: Peer) -> None:
        peer.request()
        select.select([peer.sock], [], [], 1.75)
        peer.send(HEAD + b"\r\n")
        peer.drip(b"b" * 99, 0.02)

    with serving(work) as server:
        ran, line = check(server, timeout=2)
    assert ran.code == 0, line
    assert ran.fair < 2.3


def test_193_without_body_the_stop_is_on_purpose() -> None:
    """-N closes behind the headers, whatever comes."""
    service = streaming(b"data: tick\n\n")
    with serving(service) as server:
        for _ in range(3):
            assert check(server, "-N")[0].code == 0
    assert min(service.held) < 0.15


SHAPES = ["length", "chunks", "an error", "malformed headers", "no HTTP", "endless"]
TOO_LONG = (("-s", "bbb"), "endless")  # ended by the deadline, where it stands


@pytest.mark.parametrize(
    ("words", "shape"),
    [(words, shape) for words in ((), ("-N",), ("-s", "bbb")) for shape in SHAPES if (words, shape) != TOO_LONG],
    ids=str,
)
def test_193_tls_says_goodbye(tmp_path: Path, shape: str, words: tuple[str, ...]) -> None:
    """A connection with TLS ends with close_notify: without it an end may be an attacker's, and is an error."""
    authority = Authority(tmp_path)
    parts = WHOLE.get(shape, (b"220 hello\r\n\r\n" if shape == "no HTTP" else HEAD + b"\r\n", BODY))
    service = answering(*(parts[:1] if "-N" in words else parts))  # what is sent to one who stops is lost on purpose
    with serving(strict(authority.context("localhost"), service)) as server:
        run("check-http", f"https://localhost:{server.port}/", "--ca-cert", authority.path, "-t", "5", *words)
    assert service.ends == [ORDERLY]


def greeting(peer: Peer) -> None:
    """Say hello to whoever comes, and goodbye in two pieces to who goes."""
    peer.send(b"220 hello\r\n")
    while peer.sock.recv(4096):
        pass
    peer.send(b"421 you said nothing\r\n")
    select.select([], [], [], 0.01)  # time for an answer to the first
    peer.send(b"421 goodbye\r\n")


@pytest.mark.parametrize("words", [(), ("-e", "220"), ("-e", "never", "-M", "ok")], ids=str)
def test_193_a_server_that_speaks_first_can_finish(words: tuple[str, ...]) -> None:
    """check-port ends its own side, and takes what is still said until the other has ended as well."""
    service = Service(greeting)
    with serving(service) as server:
        ran = run("check-port", server.at, *words, "-t", "5")
    oracle(ran, 5)
    assert service.ends == [ORDERLY]


@pytest.mark.parametrize("words", [(), ("-e", "220"), ("-e", "never")], ids=str)
def test_193_a_port_with_tls_is_left_with_close_notify(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Behind the handshake, a banner, or another one: the last that the server reads is close_notify."""
    authority = Authority(tmp_path)
    service = Service(lambda peer: peer.send(b"220 hello\r\n"))
    with serving(strict(authority.context("localhost"), service)) as server:
        ran = run("check-port", "-S", f"localhost:{server.port}", "--ca-cert", authority.path, "-t", "5", *words)
    oracle(ran, 1)
    assert service.ends == [ORDERLY]


def test_193_a_silent_port_costs_under_300_ms() -> None:
    """A listener that never accepts does not answer our end: a quarter of a second, and not in the time."""
    with socket.create_server(("127.0.0.1", 0)) as deaf, serving(answering_nothing) as live:
        at = f"127.0.0.1:{deaf.getsockname()[1]}"
        pairs = [(run("check-port", at), run("check-port", live.at)) for _ in range(4)]
    assert {ran.code for pair in pairs for ran in pair} == {0}
    assert min(ran.fair - its.fair for ran, its in pairs) < 0.3
    assert min(seconds(ran.out) for ran, _ in pairs) < 0.1
