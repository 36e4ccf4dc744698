"""TLS on a connection: verified against the system's certificates or the given ones, 1.2 or newer.

The only file with TLS, by `_ssl`: (m) 12 M instructions to import, `ssl` 68 M, 1.8 x of Python itself.
What `ssl.create_default_context()` would set is set here by name; it is also 8 x Python because it
parses the bundle of all authorities, where a hashed directory is only looked up ((m) 0.2 x).
"""

from __future__ import annotations

import os
import time

from watchdog_tools.certificates import days_left
from watchdog_tools.system.failures import CLOSED, LOCAL, TIMEOUT, Failed, failed
from watchdog_tools.system.failures import TLS as BROKEN
from watchdog_tools.system.secrets import own_rights
from watchdog_tools.system.wire import Wire
from watchdog_tools.text import quoted

try:
    import _ssl as ssl
    from _ssl import _SSLContext as Context
except ImportError:  # pragma: no cover -- a Python that keeps its C module elsewhere
    import ssl  # type: ignore[no-redef]
    from ssl import SSLContext as Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from watchdog_tools.certificates import Trust

_VERIFIED = 2  # CERT_REQUIRED
_TLS_1_2 = 0x0303
# Where systems keep their authorities, if OpenSSL was built for another place.
_DIRECTORIES = ("/etc/ssl/certs",)
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


class Sealed(Wire):
    """A connection with TLS on it."""

    __slots__ = ("_tls",)

    def __init__(self, wire: Wire, tls: Any) -> None:
        """Shake hands on `wire`. Raise Failed."""
        super().__init__(wire.sock, wire.place)
        self._tls = tls
        try:
            tls.do_handshake()
        except OSError as error:
            raise _broken(error) from None

    def version(self) -> str:
        """Return `TLSv1.3`."""
        return str(self._tls.version())

    def days_left(self) -> int | None:
        """Return the days that the certificate is good for; None where it was not verified."""
        found = self._tls.getpeercert(False) or {}  # noqa: FBT003 -- the C function's own form
        return days_left(str(found.get("notAfter", "")), time.time())

    def _farewell(self) -> None:
        self.sock.settimeout(0)  # the answer to it is not waited for
        try:
            self._tls.shutdown()
        except OSError:
            return

    def _write(self, data: bytes) -> None:
        while data:
            data = data[self._tls.write(data) :]

    def _read(self, limit: int) -> bytes:
        try:
            return bytes(self._tls.read(limit))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except ssl.SSLError as error:
            raise _broken(error) from None


def seal(wire: Wire, trust: Trust, facts: dict[str, object]) -> Sealed:
    """Return `wire` with TLS on it; `facts` gets its version, and the days that the certificate is good for.

    Raise Failed, of kind LOCAL where there are no authorities.
    """
    made: Any = Context(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = _TLS_1_2
    made.check_hostname = trust.verify
    made.verify_mode = _VERIFIED if trust.verify else 0
    if trust.verify:
        _load(made, trust.authorities or _store(os.environ))
    name = trust.name.partition("%")[0]  # a zone is not part of an address's name
    tls = made._wrap_socket(wire.sock, False, server_hostname=name or None)  # noqa: FBT003, SLF001
    sealed = Sealed(wire, tls)
    facts["tls"] = sealed.version()
    facts["days_left"] = sealed.days_left()
    return sealed


def _load(made: Context, path: str) -> None:
    said = f"cannot be verified: {quoted(path)}"
    try:
        if os.path.isdir(path):
            if not _hashed(path):
                raise Failed(LOCAL, f"{said} holds no hashed certificates; openssl rehash makes them")
            made.load_verify_locations(None, path, None)
        else:
            made.load_verify_locations(path, None, None)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else "no certificate in it"
        raise Failed(LOCAL, f"{said}: {why}") from None


def _store(environment: Mapping[str, str]) -> str:
    """Return the system's authorities: what the environment names, else a hashed directory, else the bundle.

    OpenSSL's own two variables are believed unless we run with rights that are not the caller's.
    """
    file_name, default_file, directory_name, default_directory = ssl.get_default_verify_paths()
    said = environment if own_rights() else {}
    places = (said.get(directory_name), default_directory, *_DIRECTORIES)
    directory = next((place for place in places if place and _hashed(place)), "")
    file = said.get(file_name)
    # the system's bundle in a hashed directory holds what that directory holds, and costs 6 x of Python itself to read
    known = os.path.realpath(file) in map(os.path.realpath, (default_file, *_BUNDLES)) if file else False
    if file and not (known and directory and os.path.realpath(os.path.dirname(file)) == os.path.realpath(directory)):
        return file
    found = [place for place in (directory, default_file, *_BUNDLES) if place and os.path.exists(place)]
    if not found:
        raise Failed(LOCAL, "cannot be verified: this system has no certificate authorities; use --ca-cert")
    return found[0]


def _hashed(path: str) -> bool:
    # the names that `openssl rehash` gives: 8 hex digits, a dot, a number
    try:
        return any(name[8:9] == "." and name[9:].isdigit() for name in os.listdir(path))
    except OSError:
        return False


def _broken(error: OSError) -> Failed:
    if isinstance(error, TimeoutError):
        return Failed(TIMEOUT, "does not finish the TLS handshake")
    said = getattr(error, "verify_message", None)
    if said:
        try:  # a certificate that could not be opened is "not there" to OpenSSL
            os.close(os.open("/dev/null", os.O_RDONLY))
        except OSError as own:
            return failed(own)
        return Failed(BROKEN, f"has a certificate that is not accepted: {said}")
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return Failed(CLOSED, "closed the connection in the TLS handshake")
    if not isinstance(error, ssl.SSLError):
        return failed(error)
    reason = getattr(error, "reason", None) or "failed"
    return Failed(BROKEN, f"broke off TLS: {reason.replace('_', ' ').lower()}")
