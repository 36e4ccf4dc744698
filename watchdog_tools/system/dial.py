"""Connecting: a name becomes addresses, all are tried side by side, and the first that answers counts.

The only file with sockets, by `_socket`: (m) that costs 1.5 M instructions to import, `socket`
33 M, nearly as much as Python itself. It is private, so `socket` stands in where it is missing.
"""

from __future__ import annotations

import errno
import os
import select
import sys

from watchdog_tools.system.failures import DNS, LOCAL, REFUSED, TIMEOUT, Failed, decisive, failed
from watchdog_tools.system.looker import TALK
from watchdog_tools.system.wire import Place, Wire
from watchdog_tools.targets import is_literal

try:
    import _socket as socket

    class Stream(socket.socket):
        """A socket that TLS can refer to weakly."""

        __slots__ = ("__weakref__",)

except ImportError:  # pragma: no cover -- a Python that keeps its C module elsewhere
    import socket  # type: ignore[no-redef]

    Stream = socket.socket  # type: ignore[misc,assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchdog_tools.system.looker import Say
    from watchdog_tools.targets import Target

_MOST = 32  # addresses of one name that are tried
_DIAGNOSIS, _BY_FAMILY, _DUMP, _ERROR, _DONE = 4, 20, 0x301, 2, 3  # netlink(7), sock_diag(7)
_FAMILIES = {0: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}
# Not every libc has all of them.
_NAMELESS = {getattr(socket, f"EAI_{each}", None) for each in ("NONAME", "NODATA", "ADDRFAMILY", "FAIL")}


def connect(target: Target, family: int, seconds: float | None, say: Say) -> Wire:
    """Return a connection to whichever address of `target` answers first. Raise Failed.

    family: 4, 6, or 0 for both. seconds: what bounds each step from now on, None leaves it to the guard.
    """
    if target.path:
        say(TALK, f"connecting to {target}")
        return _unix(Place(socket.AF_UNIX, target.path), seconds)
    if target.host and not is_literal(target.host):
        say(TALK, f"resolving {target.host}")
    found = places(target, family)
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    say(TALK, f"connecting to {found[0]}{more}")
    return _first(found, seconds)


def places(target: Target, family: int = 0) -> list[Place]:
    """Return the addresses of a host. Raise Failed, of kind DNS or LOCAL."""
    if not target.host:
        both = (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")
        wanted = [each for each in both if _FAMILIES[family] in (socket.AF_UNSPEC, each[0])]
        return [Place(kind, (address, target.port)) for kind, address in wanted]
    flags = socket.AI_NUMERICHOST if is_literal(target.host) else 0
    # as bytes: a str imports encodings.idna, (m) a third of Python's own start
    name = target.host.encode("ascii")
    try:
        found = socket.getaddrinfo(name, target.port, _FAMILIES[family], socket.SOCK_STREAM, 0, flags)
    except socket.gaierror as error:
        if flags:  # there is nothing to resolve in an address but its zone
            raise Failed(LOCAL, f"cannot be reached: this machine has no such interface ({error.strerror})") from None
        raise _nameless(error) from None
    unique = dict.fromkeys((each[0], each[4]) for each in found)
    return [Place(kind, address) for kind, address in list(unique)[:_MOST]]


def packed(address: str) -> bytes:
    """Return an IPv4 address as 4 bytes, an IPv6 address as 16."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_pton(family, address.partition("%")[0])


def _nameless(error: OSError) -> Failed:
    try:  # a resolver without a free descriptor says "no such name"
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except OSError as own:
        return failed(own)
    said = error.strerror or str(error)
    if error.errno == socket.EAI_AGAIN:
        return Failed(DNS, f"cannot be resolved: the name servers do not answer ({said})")
    kind = DNS if error.errno in _NAMELESS else LOCAL
    return Failed(kind, f"cannot be resolved: {said}")


def _first(targets: list[Place], seconds: float | None) -> Wire:
    tried: dict[int, Wire] = {}
    failures: list[Failed] = []
    poll = select.poll()
    for place in targets:
        try:
            wire = _begun(place)
        except OSError as error:
            failures.append(failed(error))
            continue
        tried[wire.sock.fileno()] = wire
        poll.register(wire.sock.fileno(), select.POLLOUT)
    answered = None
    while tried and not answered:
        events = poll.poll(None if seconds is None else seconds * 1000)
        if not events:
            failures.append(Failed(TIMEOUT, f"did not answer within {seconds:g} s"))
            break
        for descriptor, _ in events:
            poll.unregister(descriptor)
            wire = tried.pop(descriptor)
            failure = _outcome(wire)
            if failure is None and answered is None:
                answered = wire
                continue
            wire.close()
            if failure is not None:
                failures.append(failure)
    for wire in tried.values():
        wire.close()
    if not answered:
        raise decisive(failures)
    answered.sock.settimeout(seconds)
    return answered


def _begun(place: Place) -> Wire:
    sock = Stream(place.family, socket.SOCK_STREAM)
    sock.settimeout(0)
    code = sock.connect_ex(place.address)
    if code in (0, errno.EINPROGRESS):
        return Wire(sock, place)
    sock.close()
    raise OSError(code, "")


def _outcome(wire: Wire) -> Failed | None:
    code = wire.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        return failed(OSError(code, ""))
    try:
        # where nobody listens, the kernel may draw the very port for our own end, and connect the two
        alone = wire.sock.getsockname() == wire.sock.getpeername()
    except OSError as error:
        return failed(error)
    return Failed(REFUSED, "refused the connection (only we ourselves answered)") if alone else None


def _unix(place: Place, seconds: float | None) -> Wire:
    sock = Stream(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if seconds is not None:
            # the kernel's own limit: a unix socket that does not block never waits for the backlog
            span = [int(part).to_bytes(8, sys.byteorder) for part in (seconds, seconds % 1 * 1e6)]
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, b"".join(span))
        sock.connect(place.address)
        sock.settimeout(seconds)
    except OSError as error:
        sock.close()
        raise failed(error) from None
    return Wire(sock, place)


def datagram(path: str, data: bytes) -> None:
    """Send one datagram to a unix socket, never waiting for room. Raise OSError."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        end.sendto(data, path)
    finally:
        end.close()


def diagnosed(question: bytes) -> Iterator[bytes]:
    """Yield what the kernel's socket diagnosis, sock_diag(7), answers. Raise OSError where it has none."""
    order = sys.byteorder
    numbers = ((len(question) + 16, 4), (_BY_FAMILY, 2), (_DUMP, 2), (1, 4), (0, 4))
    end = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _DIAGNOSIS)
    try:
        end.send(b"".join(number.to_bytes(size, order) for number, size in numbers) + question)
        while True:
            data = end.recv(1 << 16)
            while data:
                length, kind = (int.from_bytes(data[at : at + size], order) for at, size in ((0, 4), (4, 2)))
                if kind in (_ERROR, _DONE):
                    code = int.from_bytes(data[16:20], order, signed=True)
                    if code:
                        raise OSError(-code, os.strerror(-code))
                    return
                yield data[16:length]
                data = data[length + 3 & ~3 :]
    finally:
        end.close()
