"""One datagram to syslog. One that does not arrive changes words, never a verdict."""

from __future__ import annotations

import os

from watchdog_tools.net.connection import socket

_DAEMON_NOTICE = 3 * 8 + 5  # syslog priority: facility daemon, severity notice
_DAEMON_ERROR = 3 * 8 + 3


def syslog(name: str, words: str, *, bad: bool, path: str = "/dev/log") -> str:
    """Send it, never waiting. Return a sentence where it was not taken, or nothing."""
    priority = _DAEMON_ERROR if bad else _DAEMON_NOTICE
    text = f"<{priority}>watchdog-tools[{os.getpid()}]: {name}: {words}"
    try:
        _send(path, text.encode("ascii", "backslashreplace"))
    except OSError as error:
        return f"syslog did not take it: {error.strerror}"
    return ""


def _send(path: str, data: bytes) -> None:
    """Send one datagram to a unix socket, never waiting for room. Raise OSError."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        end.sendto(data, path)
    finally:
        end.close()
