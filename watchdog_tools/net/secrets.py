"""Secrets that need not stand in argv, where everybody reads them: `file:PATH` and `env:NAME`."""

from __future__ import annotations

import os

from watchdog_tools.core.text import quoted
from watchdog_tools.net.errors import LOCAL, ConnectionFailed

_LARGEST = 1 << 20  # bytes


def is_reference(word: str) -> bool:
    """Whether `word` says where the secret is, and is not the secret."""
    return word.startswith(("file:", "env:"))


def has_callers_rights() -> bool:
    """Whether we run with our caller's rights: with others' we would read for him what he may not."""
    return os.geteuid() == os.getuid() and os.getegid() == os.getgid()


def read_text(word: str) -> str:
    """Return what `word` refers to, one line end less; any other word as it is.

    Raise ConnectionFailed, of kind LOCAL.
    """
    return read(word).decode("utf-8", "surrogateescape").removesuffix("\n").removesuffix("\r")


def read(word: str) -> bytes:
    """Return the bytes that `word` refers to; those of any other word. Raise ConnectionFailed, of kind LOCAL."""
    kind, _, name = word.partition(":")
    if not is_reference(word):
        return os.fsencode(word)
    try:
        return os.environb[os.fsencode(name)] if kind == "env" else _file(name)
    except KeyError:
        raise ConnectionFailed(LOCAL, f"cannot be asked: the environment has no {quoted(name, 80)}") from None
    except OSError as error:
        raise ConnectionFailed(LOCAL, f"cannot be asked: {quoted(name, 120)}: {error.strerror}") from None


def _file(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # a FIFO may hang here: the guard has the deadline
    try:
        data = chunk = os.read(descriptor, _LARGEST)
        while chunk and len(data) <= _LARGEST:
            chunk = os.read(descriptor, _LARGEST)
            data += chunk
    finally:
        os.close(descriptor)
    if len(data) > _LARGEST:
        raise OSError(27, f"larger than {_LARGEST} bytes")
    return data
