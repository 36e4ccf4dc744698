"""Systemd's side of its own socket, as far as one question goes: whoever asks for SystemState is told what is set.

It speaks the D-Bus protocol from its specification, and nothing of ours is used for that.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

GUID = b"0" * 32


def header(order: str, kind: int, serial: int, reply_to: int, signature: str, size: int) -> bytes:
    """Return the head of a message of `kind` (2 a reply, 3 an error, 4 a signal), with its padding."""
    fields = bytes((5, 1)) + b"u\0" + struct.pack(f"{order}I", reply_to)
    fields += bytes((8, 1)) + b"g\0" + bytes((len(signature),)) + signature.encode() + b"\0"
    head = (
        (b"l" if order == "<" else b"B") + bytes((kind, 1, 1)) + struct.pack(f"{order}III", size, serial, len(fields))
    )
    whole = head + fields
    return whole + b"\0" * (-len(whole) % 8)


def text(order: str, word: str) -> bytes:
    """Return a string as a message has it."""
    return struct.pack(f"{order}I", len(word)) + word.encode() + b"\0"


def state_reply(word: str, order: str = "<", serial: int = 2) -> bytes:
    """Return the reply to message `serial` whose body is a variant with a string."""
    body = b"\x01s\0\0" + text(order, word)
    return header(order, 2, 9, serial, "v", len(body)) + body


def error_reply(serial: int = 2) -> bytes:
    """Return an error in the place of a reply."""
    body = text("<", "no")
    return header("<", 3, 9, serial, "s", len(body)) + body


def greeting(order: str = "<") -> bytes:
    """Return what a bus says to Hello: a name, and the signal that the name is owned now."""
    body = text(order, ":1.7")
    signal = text(order, ":1.7")
    return (
        header(order, 2, 1, 1, "s", len(body)) + body + header(order, 4, 2, 0, "s", len(signal)) + signal
    )  # fmt: skip


class Systemd:
    """It, while it listens. reply: what it says to the question, bytes; `asked` has each question's bytes."""

    def __init__(self, path: Path, reply: bytes) -> None:
        """Listen at `path`."""
        self.reply = reply
        self.asked: list[bytes] = []
        self._end = socket.socket(socket.AF_UNIX)
        self._end.bind(str(path))
        path.chmod(0o777)
        self._end.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        with contextlib.suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
        self._end.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                other, _ = self._end.accept()
            except OSError:
                return
            with other, contextlib.suppress(OSError):
                other.settimeout(10)
                self._answer(other)

    def _answer(self, other: socket.socket) -> None:
        said = other.recv(4096)
        wanted = f"\0AUTH EXTERNAL {str(os.geteuid()).encode().hex()}\r\nBEGIN\r\n".encode()
        other.sendall(b"OK " + GUID + b"\r\n" if said == wanted else b"REJECTED EXTERNAL\r\n")
        said = other.recv(4096)
        self.asked.append(said)
        other.sendall(self.reply)
        other.recv(1)  # until who asked has gone


@contextlib.contextmanager
def systemd(path: Path, reply: bytes) -> Iterator[Systemd]:
    """Yield one."""
    made = Systemd(path, reply)
    try:
        yield made
    finally:
        made.close()
