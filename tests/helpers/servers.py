"""Real servers for tests, on loopback and port 0: well-behaved, and hostile in every way that a peer can be."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

HOST = "127.0.0.1"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Peer:
    """The server's end of one connection, as a handler gets it."""

    def __init__(self, sock: socket.socket, server: Server) -> None:
        """Take the connected socket."""
        self.sock = sock
        self._server = server

    def request(self) -> bytes:
        """Read to the end of a request's head (and of a body that came along), and keep it."""
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = self.sock.recv(65536)
            if not chunk:
                break
            data += chunk
        self._server.requests.append(data)
        return data

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        self.sock.sendall(data)

    def drip(self, data: bytes, gap: float = 0.1) -> None:
        """Send `data` byte by byte, `gap` seconds apart."""
        for byte in data:
            if self._server.over.wait(gap):
                return
            self.send(bytes([byte]))

    def flood(self, data: bytes) -> None:
        """Send `data` again and again until the other side goes away."""
        while not self._server.over.is_set():
            self.send(data)

    def silence(self) -> None:
        """Say nothing until the test is over."""
        self._server.over.wait(60)

    def reset(self) -> None:
        """Close with an RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Handler = Callable[[Peer], None]


class Server:
    """A listener with a thread a connection; `port` is where, `requests` holds what was asked."""

    def __init__(self, handler: Handler, listener: socket.socket) -> None:
        """Serve each connection to `listener` with `handler`."""
        self.over = threading.Event()
        self.requests: list[bytes] = []
        self.port = int(listener.getsockname()[1])  # the one that the kernel chose
        self._handler = handler
        self._listener = listener
        self._peers: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def at(self) -> str:
        """HOST:PORT."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """The URL of its root."""
        return f"http://{self.at}/"

    def close(self) -> None:
        """End every connection and thread."""
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(10)
        self._listener.close()
        for peer in self._peers:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive(), "a server's thread does not end"
        for peer in self._peers:
            peer.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self.over.is_set():
                sock = self._listener.accept()[0]
                self._peers.append(sock)
                thread = threading.Thread(target=self._handle, args=(sock,))
                self._threads.append(thread)
                thread.start()

    def _handle(self, sock: socket.socket) -> None:
        peer = Peer(sock, self)
        with contextlib.suppress(OSError):  # the other side may go away at any time
            self._handler(peer)
        with contextlib.suppress(OSError):
            peer.sock.shutdown(socket.SHUT_RDWR)
        peer.sock.close()


@contextlib.contextmanager
def serving(handler: Handler, listener: socket.socket | None = None) -> Iterator[Server]:
    """Serve with `handler` while the block runs; unasked, on a free port of the loopback."""
    server = Server(handler, listener or socket.create_server((HOST, 0)))
    try:
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def replying(*parts: bytes) -> Iterator[Server]:
    """Answer every request with `parts`, and close."""

    def handler(peer: Peer) -> None:
        peer.request()
        for part in parts:
            peer.send(part)

    with serving(handler) as server:
        yield server


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """Yield a port whose queue is full, so that a further connection is not even answered."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((HOST, 0), backlog=0))
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.settimeout(0)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def closed_port() -> int:
    """Return a port where nobody listens, outside the range that the kernel draws from.

    Each process begins elsewhere: what one worker found free, another's server may take.
    """
    first = os.getpid() * 131
    for port in (20000 + (first + step) % 10000 for step in range(10000)):
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind((HOST, port))
            return port
    raise AssertionError("every port is taken")


def sealed(context: ssl.SSLContext, handler: Handler) -> Handler:
    """Return `handler` behind TLS; a handshake that fails ends the connection."""

    def inside(peer: Peer) -> None:
        peer.sock = context.wrap_socket(peer.sock, server_side=True, do_handshake_on_connect=False)
        peer.sock.do_handshake()
        handler(peer)

    return inside


def ok(peer: Peer) -> None:
    """Answer 200 with the body `ok`."""
    peer.request()
    peer.send(OK)


class Authority:
    """A certificate authority of this test alone; `path` is its certificate."""

    def __init__(self, directory: Path) -> None:
        """Make it."""
        import trustme

        self.ca = trustme.CA()
        self.path = str(directory / "ca.pem")
        self.ca.cert_pem.write_to_path(self.path)

    def context(self, *names: str, **issue: object) -> ssl.SSLContext:
        """Return what a server with a certificate for `names` uses; `issue` goes to trustme."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names, **issue).configure_cert(made)  # type: ignore[arg-type]
        return made
