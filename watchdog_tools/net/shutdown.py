"""Whether the machine is shutting down: systemd is asked over its own socket; where there is none, utmp tells.

It is asked right before a start, so it has 0.2 s; whatever is odd means no.
"""

from __future__ import annotations

import os
import select
import time

from watchdog_tools.system.shutdown import logins_ended, runlevel_ends

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchdog_tools.net.connection import socket

BOOTED = "/run/systemd/system"  # sd_booted(3)
PRIVATE, BUS = "/run/systemd/private", "/run/dbus/system_bus_socket"  # the first is root's, and outlives the bus
_SECONDS = 0.2
_LARGEST = 64 << 10  # bytes of all replies
_METHOD_CALL, _METHOD_RETURN, _ERROR = 1, 2, 3  # the D-Bus specification, "Message Protocol"
_NO_AUTO_START = 2
_HEAD = 16  # bytes in front of a message's header fields
_TEXT = b"\x01s\0\0"  # a variant that holds a string, as the body of the property's reply begins


def is_shutting_down() -> bool:
    """Whether it is, for certain."""
    if not os.path.isdir(BOOTED):
        return runlevel_ends()
    until = time.monotonic() + _SECONDS
    places = ((PRIVATE, False), (BUS, True)) if os.geteuid() == 0 else ((BUS, True),)
    for path, is_bus in places:
        said = system_state(path, is_bus=is_bus, until=until)
        if said:
            return said == b"stopping"
    return logins_ended()  # the bus ends early, and another user than root has nobody else to ask


def system_state(path: str, *, is_bus: bool, until: float) -> bytes:
    """Return systemd's SystemState by the socket at `path`, empty where none came by `until` (monotonic clock).

    is_bus: it is a bus, which wants to be greeted first.
    """
    from watchdog_tools.net.connection import socket  # where there is no systemd, a watcher does without

    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        end.connect(path)
        return _asked_for(end, is_bus=is_bus, until=until)
    except (OSError, ValueError, IndexError):
        return b""
    finally:
        end.close()


def _asked_for(end: socket.socket, *, is_bus: bool, until: float) -> bytes:
    uid = str(os.geteuid()).encode().hex()
    # as systemd's own clients do: what comes in one piece with BEGIN would lie there until more comes
    end.send(f"\0AUTH EXTERNAL {uid}\r\nBEGIN\r\n".encode())
    received = _chunks(end, until)
    said = b""
    while not said.endswith(b"\r\n"):
        said += next(received, b"\r\n")
    if not said.startswith(b"OK "):
        return b""
    bus = "org.freedesktop.DBus"
    hello = _call(1, bus, "/org/freedesktop/DBus", bus, "Hello") if is_bus else b""
    end.send(hello + _QUESTION)
    for kind, body in _messages(received):
        if kind == _ERROR:
            return b""
        if kind == _METHOD_RETURN and body[:4] == _TEXT:
            return body[8:].rstrip(b"\0")
    return b""


def _chunks(end: socket.socket, until: float) -> Iterator[bytes]:
    """Yield what comes until `until`, or the end."""
    poll = select.poll()
    poll.register(end.fileno(), select.POLLIN)
    size = 0
    while size < _LARGEST and poll.poll(max(until - time.monotonic(), 0) * 1000):
        chunk = end.recv(4096)
        if not chunk:
            return
        size += len(chunk)
        yield chunk


def _messages(received: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the kind and the body of each message."""
    data = b""
    for chunk in received:
        data += chunk
        while len(data) >= _HEAD:
            order = "little" if data[:1] == b"l" else "big"
            body, fields = (int.from_bytes(data[at : at + 4], order) for at in (4, 12))  # type: ignore[arg-type]
            begin = _HEAD + (fields + 7 & ~7)
            if len(data) < begin + body:
                break
            yield data[1], data[begin : begin + body]
            data = data[begin + body :]


def _call(serial: int, to: str, path: str, interface: str, member: str, *arguments: str) -> bytes:
    """Return the message that calls a method whose arguments are strings."""
    body = b""
    for argument in arguments:
        body = _padded(body, 4) + _string(argument)
    fields = b""
    texts = ((1, "o", path), (2, "s", interface), (3, "s", member), (6, "s", to))
    for code, kind, value in texts:
        fields = _padded(fields, 8) + bytes((code, 1)) + kind.encode() + b"\0" + _string(value)
    if arguments:
        signature = b"s" * len(arguments)
        fields = _padded(fields, 8) + b"\x08\x01g\0" + bytes((len(signature),)) + signature + b"\0"
    head = bytes((ord("l"), _METHOD_CALL, _NO_AUTO_START, 1))
    numbers = (len(body), serial, len(fields))
    return _padded(head + b"".join(number.to_bytes(4, "little") for number in numbers) + fields, 8) + body


def _string(text: str) -> bytes:
    return len(text).to_bytes(4, "little") + text.encode() + b"\0"


def _padded(data: bytes, size: int) -> bytes:
    return data + b"\0" * (-len(data) % size)


_SYSTEMD = "org.freedesktop.systemd1"
_QUESTION = _call(
    2, _SYSTEMD, "/org/freedesktop/systemd1", "org.freedesktop.DBus.Properties", "Get",
    f"{_SYSTEMD}.Manager", "SystemState",
)  # fmt: skip
