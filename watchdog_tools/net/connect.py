"""Connecting: a name becomes addresses, all are tried side by side, and the first that answers counts."""

from __future__ import annotations

import errno
import select
import sys

from watchdog_tools.net.address import is_literal
from watchdog_tools.net.connection import Address, Connection, Stream, socket
from watchdog_tools.net.errors import DNS, LOCAL, REFUSED, TIMEOUT, ConnectionFailed, decisive, from_os_error
from watchdog_tools.workers.worker import TALK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.net.address import Target
    from watchdog_tools.net.certificates import TlsVerify
    from watchdog_tools.workers import Waits
    from watchdog_tools.workers.worker import Progress

_MAX_ADDRESSES = 32  # addresses of one name that are tried
_FAMILIES = {0: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}
# Not every libc has all of them.
_NO_SUCH_NAME = {getattr(socket, f"EAI_{each}", None) for each in ("NONAME", "NODATA", "ADDRFAMILY", "FAIL")}


def connect(target: Target, family: int, seconds: float | None, progress: Progress) -> Waits[Connection]:
    """Return a connection to whichever address of `target` answers first. Raise ConnectionFailed.

    family: 4, 6, or 0 for both. seconds: what bounds each step from now on, None leaves it to the guard.
    """
    if target.path:
        progress(TALK, f"connecting to {target}")
        return (yield from _connect_unix(Address(socket.AF_UNIX, target.path), seconds))
    if target.host and not is_literal(target.host):
        progress(TALK, f"resolving {target.host}")
        found: list[Address] = yield lambda: addresses(target, family)
    else:
        found = addresses(target, family)
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    progress(TALK, f"connecting to {found[0]}{more}")
    return (yield from _first_to_answer(found, seconds))


def load_tls() -> None:
    """Load what `with_tls` needs, before a clock starts: it takes longer than a handshake."""
    import watchdog_tools.net.tls  # noqa: F401


def with_tls(
    connection: Connection, tls_verify: TlsVerify, progress: Progress, facts: dict[str, object]
) -> Waits[Connection]:
    """Return the connection with TLS on it; `facts` gets what `tls.wrap_tls` says. Raise ConnectionFailed."""
    from watchdog_tools.net.tls import wrap_tls

    progress(TALK, f"shaking hands (TLS) with {connection.address}")
    return (yield from wrap_tls(connection, tls_verify, facts))


def addresses(target: Target, family: int = 0) -> list[Address]:
    """Return the addresses of a host. Raise ConnectionFailed, of kind DNS or LOCAL."""
    if not target.host:
        both = (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")
        wanted = [each for each in both if _FAMILIES[family] in (socket.AF_UNSPEC, each[0])]
        return [Address(kind, (address, target.port)) for kind, address in wanted]
    flags = socket.AI_NUMERICHOST if is_literal(target.host) else 0
    # as bytes: a str imports encodings.idna, (m) a third of Python's own start
    name = target.host.encode("ascii")
    try:
        found = socket.getaddrinfo(name, target.port, _FAMILIES[family], socket.SOCK_STREAM, 0, flags)
    except socket.gaierror as error:
        if flags:  # there is nothing to resolve in an address but its zone
            raise ConnectionFailed(
                LOCAL, f"cannot be reached: this machine has no such interface ({error.strerror})"
            ) from None
        raise _resolve_failure(error) from None
    unique = dict.fromkeys((each[0], each[4]) for each in found)
    return [Address(kind, address) for kind, address in list(unique)[:_MAX_ADDRESSES]]


def _resolve_failure(error: OSError) -> ConnectionFailed:
    try:  # a resolver without a free descriptor says "no such name"
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except OSError as own:
        return from_os_error(own)
    said = error.strerror or str(error)
    if error.errno == socket.EAI_AGAIN:
        return ConnectionFailed(DNS, f"cannot be resolved: the name servers do not answer ({said})")
    kind = DNS if error.errno in _NO_SUCH_NAME else LOCAL
    return ConnectionFailed(kind, f"cannot be resolved: {said}")


def _first_to_answer(targets: list[Address], seconds: float | None) -> Waits[Connection]:
    """Connect to all, and return the connection that is there first. Raise the failure that decides."""
    failures: list[ConnectionFailed] = []
    tried = _start_all(targets, seconds, failures)
    try:
        while tried:
            events = yield dict.fromkeys(tried, select.POLLOUT), seconds
            if not events:
                failures.append(ConnectionFailed(TIMEOUT, f"did not answer within {seconds:g} s"))
                break
            for descriptor, _ in events:
                failure = _connect_failure(tried[descriptor])
                if failure is None:
                    return tried.pop(descriptor)
                failures.append(failure)
                tried.pop(descriptor).close()
    finally:
        for connection in tried.values():
            connection.close()
    raise decisive(failures)


def _start_all(
    targets: list[Address], seconds: float | None, failures: list[ConnectionFailed]
) -> dict[int, Connection]:
    """Begin to connect to each. Return descriptor -> connection, and add to `failures` those that fail at once."""
    tried: dict[int, Connection] = {}
    for address in targets:
        try:
            connection = _start_connect(address, seconds)
        except OSError as error:
            failures.append(from_os_error(error))
        else:
            tried[connection.sock.fileno()] = connection
    return tried


def _start_connect(address: Address, seconds: float | None) -> Connection:
    connection = Connection(Stream(address.family, socket.SOCK_STREAM), address, seconds)
    code = connection.sock.connect_ex(address.sockaddr)
    if code in (0, errno.EINPROGRESS):
        return connection
    connection.close()
    raise OSError(code, "")


def _connect_failure(connection: Connection) -> ConnectionFailed | None:
    code = connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        return from_os_error(OSError(code, ""))
    try:
        # where nobody listens, the kernel may draw the very port for our own end, and connect the two
        alone = connection.sock.getsockname() == connection.sock.getpeername()
    except OSError as error:
        return from_os_error(error)
    return ConnectionFailed(REFUSED, "refused the connection (only we ourselves answered)") if alone else None


def _connect_unix(address: Address, seconds: float | None) -> Waits[Connection]:
    try:
        return _start_connect(address, seconds)
    except OSError as error:
        if error.errno != errno.EAGAIN:
            raise from_os_error(error) from None
    waited: Connection = yield lambda: _wait_for_backlog(address, seconds)
    return waited


def _wait_for_backlog(address: Address, seconds: float | None) -> Connection:
    """Connect to a unix socket whose backlog is full: one that does not block never waits for that."""
    sock = Stream(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if seconds is not None:  # the kernel's own limit
            span = [int(part).to_bytes(8, sys.byteorder) for part in (seconds, seconds % 1 * 1e6)]
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, b"".join(span))
        sock.connect(address.sockaddr)
    except OSError as error:
        sock.close()
        raise from_os_error(error) from None
    return Connection(sock, address, seconds)
