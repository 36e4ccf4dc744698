"""TLS on a connection: verified against the system's certificates or the given ones, 1.2 or newer.

The only file with TLS, by `_ssl`: (m) 12 M instructions to import, `ssl` 68 M, 1.8 x of Python itself.
What `ssl.create_default_context()` would set is set here by name; it is also 8 x Python because it
parses the bundle of all authorities, where a hashed directory is only looked up ((m) 0.2 x).
"""

from __future__ import annotations

import os
import select
import time

from watchdog_tools.core.text import quoted
from watchdog_tools.net.certificates import days_left
from watchdog_tools.net.connection import Connection, deadline
from watchdog_tools.net.errors import CLOSED, LOCAL, TIMEOUT, ConnectionFailed, from_os_error
from watchdog_tools.net.errors import TLS as TLS_FAILED
from watchdog_tools.net.secrets import has_callers_rights

try:
    import _ssl as ssl
    from _ssl import _SSLContext as Context
except ImportError:  # pragma: no cover -- a Python that keeps its C module elsewhere
    import ssl  # type: ignore[no-redef]
    from ssl import SSLContext as Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar

    from watchdog_tools.net.certificates import TlsVerify
    from watchdog_tools.workers import Waits

    T = TypeVar("T")

_VERIFIED = 2  # CERT_REQUIRED
_TLS_1_2 = 0x0303
# Where systems keep their authorities, if OpenSSL was built for another place.
_DIRECTORIES = ("/etc/ssl/certs",)
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


class TlsConnection(Connection):
    """A connection with TLS on it."""

    __slots__ = ("_tls",)

    def __init__(self, connection: Connection, tls: Any) -> None:
        """Take `connection` and what is to shake hands on it."""
        super().__init__(connection.sock, connection.address, connection.seconds)
        self._tls = tls

    def shake_hands(self) -> Waits[None]:
        """Shake hands. Raise ConnectionFailed."""
        try:
            yield from self._until_done(self._tls.do_handshake, deadline(self.seconds))
        except OSError as error:
            raise _tls_failure(error) from None

    def version(self) -> str:
        """Return `TLSv1.3`."""
        return str(self._tls.version())

    def days_left(self) -> int | None:
        """Return the days that the certificate is good for; None where it was not verified."""
        found = self._tls.getpeercert(False) or {}  # noqa: FBT003 -- the C function's own form
        return days_left(str(found.get("notAfter", "")), time.time())

    def _close_notify(self) -> None:
        try:
            self._tls.shutdown()  # the answer to it is not waited for
        except OSError:
            return

    def _write(self, data: bytes) -> Waits[None]:
        until = deadline(self.seconds)
        while data:
            written = yield from self._until_done(self._tls.write, until, data)
            data = data[written:]

    def _read(self, limit: int, until: float | None) -> Waits[bytes]:
        try:
            return bytes((yield from self._until_done(self._tls.read, until, limit)))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except ssl.SSLError as error:
            raise _tls_failure(error) from None

    def _until_done(self, step: Callable[..., T], until: float | None, *given: object) -> Waits[T]:
        """Call `step` whenever the socket may let it, and return what it returns in the end. Raise TimeoutError."""
        while True:
            try:
                return step(*given)
            except ssl.SSLWantReadError:
                mask = select.POLLIN
            except ssl.SSLWantWriteError:
                mask = select.POLLOUT
            yield from self._wait(mask, until)


def wrap_tls(connection: Connection, tls_verify: TlsVerify, facts: dict[str, object]) -> Waits[TlsConnection]:
    """Return `connection` with TLS on it; `facts` gets its version, and the days that the certificate is good for.

    Raise ConnectionFailed, of kind LOCAL where there are no authorities.
    """
    made: Any = yield lambda: _context(tls_verify)
    name = tls_verify.name.partition("%")[0]  # a zone is not part of an address's name
    tls = made._wrap_socket(connection.sock, False, server_hostname=name or None)  # noqa: FBT003, SLF001
    tls_connection = TlsConnection(connection, tls)
    yield from tls_connection.shake_hands()
    facts["tls"] = tls_connection.version()
    facts["days_left"] = tls_connection.days_left()
    return tls_connection


def _context(tls_verify: TlsVerify) -> Any:
    """Return what to shake hands by. Reading many authorities takes long, and a disk may hang."""
    made: Any = Context(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = _TLS_1_2
    made.check_hostname = tls_verify.verify
    made.verify_mode = _VERIFIED if tls_verify.verify else 0
    if tls_verify.verify:
        _load_authorities(made, tls_verify.authorities or _system_authorities(os.environ))
    return made


def _load_authorities(made: Context, path: str) -> None:
    said = f"cannot be verified: {quoted(path)}"
    try:
        if os.path.isdir(path):
            if not _is_hashed_directory(path):
                raise ConnectionFailed(LOCAL, f"{said} holds no hashed certificates; openssl rehash makes them")
            made.load_verify_locations(None, path, None)
        else:
            made.load_verify_locations(path, None, None)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else "no certificate in it"
        raise ConnectionFailed(LOCAL, f"{said}: {why}") from None


def _system_authorities(environment: Mapping[str, str]) -> str:
    """Return the system's authorities: what the environment names, else a hashed directory, else the bundle.

    OpenSSL's own two variables are believed unless we run with rights that are not the caller's.
    """
    file_name, default_file, directory_name, default_directory = ssl.get_default_verify_paths()
    said = environment if has_callers_rights() else {}
    paths = (said.get(directory_name), default_directory, *_DIRECTORIES)
    directory = next((path for path in paths if path and _is_hashed_directory(path)), "")
    file = said.get(file_name)
    # the system's bundle in a hashed directory holds what that directory holds, and costs 6 x of Python itself to read
    known = os.path.realpath(file) in map(os.path.realpath, (default_file, *_BUNDLES)) if file else False
    if file and not (known and directory and os.path.realpath(os.path.dirname(file)) == os.path.realpath(directory)):
        return file
    found = [path for path in (directory, default_file, *_BUNDLES) if path and os.path.exists(path)]
    if not found:
        raise ConnectionFailed(LOCAL, "cannot be verified: this system has no certificate authorities; use --ca-cert")
    return found[0]


def _is_hashed_directory(path: str) -> bool:
    # the names that `openssl rehash` gives: 8 hex digits, a dot, a number
    try:
        return any(name[8:9] == "." and name[9:].isdigit() for name in os.listdir(path))
    except OSError:
        return False


def _tls_failure(error: OSError) -> ConnectionFailed:
    if isinstance(error, TimeoutError):
        return ConnectionFailed(TIMEOUT, "does not finish the TLS handshake")
    said = getattr(error, "verify_message", None)
    if said:
        try:  # a certificate that could not be opened is "not there" to OpenSSL
            os.close(os.open("/dev/null", os.O_RDONLY))
        except OSError as own:
            return from_os_error(own)
        return ConnectionFailed(TLS_FAILED, f"has a certificate that is not accepted: {said}")
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return ConnectionFailed(CLOSED, "closed the connection in the TLS handshake")
    if not isinstance(error, ssl.SSLError):
        return from_os_error(error)
    reason = getattr(error, "reason", None) or "failed"
    return ConnectionFailed(TLS_FAILED, f"broke off TLS: {reason.replace('_', ' ').lower()}")
