"""TOUCH, prepared: what the child would fail of before it is the service, found out while nothing is stopped for it.

What exec alone can tell (a foreign format, a program that is being written) is left to it.
"""

from __future__ import annotations

import errno
import os
import stat

from watchdog_tools.core.struct import Struct
from watchdog_tools.system.executables import DEEPEST, interpreter, located


class Start(Struct, frozen=True):
    """What a start needs: the word that names the program, its file, the PATH it gets, its directory and its log."""

    word: str
    executable: str
    path: str
    cwd: str
    log: str | None


def impediment(start: Start) -> str:
    """Return what stands in the way of a start with our own rights, in the child's words; empty where nothing does."""
    step = f"changing to {start.cwd}"
    try:
        _can_be_entered(start.cwd)
        step = f"opening {start.log}"
        if start.log:
            _can_be_written(start.log)
        step = f"executing {start.word}"
        _can_be_executed(start)
    except OSError as error:
        return f"{step}: {error.strerror}"
    return ""


def _can_be_entered(directory: str) -> None:
    if not stat.S_ISDIR(os.stat(directory).st_mode):
        raise _error(errno.ENOTDIR)
    _allowed(directory, os.X_OK)


def _can_be_written(log: str) -> None:
    """Raise OSError where a log can be neither appended to nor made. Nothing is opened: a FIFO would hang us."""
    try:
        mode = os.lstat(log).st_mode
    except FileNotFoundError:
        _allowed(os.path.dirname(log) or ".", os.W_OK | os.X_OK)
        return
    if stat.S_ISLNK(mode):
        raise OSError(errno.ELOOP, "it is a symbolic link")
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    _allowed(log, os.W_OK)


def _can_be_executed(start: Start) -> None:
    """Raise OSError where the file, or what interprets it, is not there or may not be executed."""
    file = start.executable
    for _ in range(DEEPEST + 1):
        _is_program(file)
        try:
            words = interpreter(file)
        except OSError:  # what may be executed need not be readable
            return
        if not words:
            return
        file = os.path.join(start.cwd, words[0])
        if os.path.basename(file) == "env" and _is_plain(words[1:]):
            _is_program(file)
            file = _found_by_env(words[1], start)


def _is_program(file: str) -> None:
    found = os.stat(file)
    if not stat.S_ISREG(found.st_mode):
        raise _error(errno.EACCES)  # as exec has it, of a directory too
    _allowed(file, os.X_OK)
    if not found.st_size:  # a copy that was broken off
        raise _error(errno.ENOEXEC)


def _is_plain(words: list[str]) -> bool:
    """Whether env is given one word, a program's: no option of its own, no variable."""
    return len(words) == 1 and not words[0].startswith("-") and "=" not in words[0]


def _found_by_env(word: str, start: Start) -> str:
    """Return what `#!/usr/bin/env WORD` leads to; `env` itself where that cannot be said."""
    if "/" in word:
        return os.path.join(start.cwd, word)
    found = located(word, start.path)
    if found:
        return found
    if all(place.startswith("/") for place in start.path.split(":")):
        raise OSError(errno.ENOENT, f"{word} is not in PATH ({start.path})")
    return "/usr/bin/env"


def _allowed(path: str, mode: int) -> None:
    """Raise OSError where neither our real nor our effective rights allow it.

    access(2) drops the capabilities of who is not root; faccessat2 keeps them, but old seccomp profiles refuse it.
    """
    if not os.access(path, mode) and not os.access(path, mode, effective_ids=True):
        os.stat(path)
        raise _error(errno.EACCES)


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
