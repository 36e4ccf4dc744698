"""Why there is no connection: each system error as the target's doing, or as our own machine's."""

from __future__ import annotations

import errno
import os

LOCAL, TIMEOUT, REFUSED, UNREACHABLE, ABSENT = "local", "timeout", "refused", "unreachable", "absent"
DNS, RESET, CLOSED, TLS = "dns", "reset", "closed", "tls"

_KINDS = {
    errno.ECONNREFUSED: REFUSED,
    errno.ETIMEDOUT: TIMEOUT,
    errno.EAGAIN: TIMEOUT,  # a unix socket with a full backlog
    errno.ECONNRESET: RESET,
    errno.EPIPE: RESET,
    # our own limits and rights: nothing is known about the target
    **dict.fromkeys((errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS), LOCAL),
    **dict.fromkeys((errno.EACCES, errno.EPERM), LOCAL),
    # this machine has no such address family, which says nothing as long as another one answers
    **dict.fromkeys((errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT), ABSENT),
    errno.EINVAL: ABSENT,  # fe80::1 without its interface: nothing was asked
}

# Of several addresses of one name the first of these kinds that occurs decides.
_ORDER = (LOCAL, TIMEOUT, REFUSED, RESET, UNREACHABLE, ABSENT)


class ConnectionFailed(Exception):  # noqa: N818 -- it is the outcome that a check looks for
    """No connection, or no more of it: a kind of this module, and words that follow the target's name."""

    def __init__(self, kind: str, words: str) -> None:
        """Take the kind and the words."""
        super().__init__(words)
        self.kind = kind
        self.words = words

    @property
    def local(self) -> bool:
        """Whether it is our own machine that failed, so that nothing is known of the target."""
        return self.kind in (LOCAL, ABSENT)


def from_os_error(error: OSError) -> ConnectionFailed:
    """Return what `error` of a socket says about its peer."""
    kind = _KINDS.get(error.errno or 0, UNREACHABLE)
    if kind == REFUSED:
        return ConnectionFailed(kind, "refused the connection")
    if kind == RESET:
        return ConnectionFailed(kind, "reset the connection")
    said = os.strerror(error.errno) if error.errno else str(error)
    if error.errno == errno.EINVAL:
        said += " (a link-local address needs its interface: fe80::1%eth0)"
    return ConnectionFailed(kind, f"cannot be reached: {said}")


def decisive(failures: list[ConnectionFailed]) -> ConnectionFailed:
    """Return the one of several addresses' failures that decides."""
    return min(failures, key=lambda failure: _ORDER.index(failure.kind))
