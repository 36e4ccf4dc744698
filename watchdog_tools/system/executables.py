"""What a command line runs: the file that a word names, and the interpreters that stand between it and the kernel."""

from __future__ import annotations

import os

from watchdog_tools.core.text import shortened

DEEPEST = 5  # interpreters of interpreters; the kernel gives up there, too


def located(word: str, path: str) -> str | None:
    """Return the absolute path of the file that `word` runs, None if PATH has none. Raise OSError.

    A path is taken as it stands; but one with blanks in it that is no file is a whole command line in quotes.
    """
    if "/" in word:
        found = word if word.startswith("/") else f"{os.getcwd()}/{word}"
        return found if len(word.split()) == 1 or os.path.exists(found) else None
    for place in path.split(":"):
        candidate = f"{place}/{word}"
        if place.startswith("/") and os.access(candidate, os.X_OK) and os.path.isfile(candidate):
            return candidate
    return None


def absent(word: str, path: str) -> str:
    """Return why `word` runs nothing, where `located` found no file."""
    words = len(word.split())
    if words > 1:
        hint = f"one word; without the quotes these are {words} words"
        return f"there is no program named {shortened(word, 80)!r} ({hint})"
    return f"{word} is not in PATH ({path})"


def chain(executable: str, path: str) -> list[str]:
    """Return the file and its interpreters, each one's own too; `env` leads on to the word that it runs.

    Raise OSError for a file that cannot be read.
    """
    found = [executable]
    while len(found) <= DEEPEST:
        words = interpreter(found[-1])
        if not words:
            break
        found.append(words[0])
        if not words[0].startswith("/"):
            break
        if os.path.basename(words[0]) == "env":
            named = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
            runs = located(named[0], path) if named else None
            if runs:
                found.append(runs)
    return found


def interpreter(path: str) -> list[str]:
    """Return the words behind `#!` in the first line of a script, none for what is not one. Raise OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a FIFO in its place must not hang us
    try:
        head = os.read(descriptor, 256)
    finally:
        os.close(descriptor)
    # only these two part words for the kernel: behind a CR it looks for `sh\r`
    line = head[2:].split(b"\n")[0].replace(b"\t", b" ") if head[:2] == b"#!" else b""
    return [os.fsdecode(word) for word in line.split(b" ") if word]
