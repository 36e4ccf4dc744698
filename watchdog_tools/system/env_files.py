"""LOOK: the variables of --env-file, read with our own rights. Only forks call it: disks hang."""

from __future__ import annotations

import errno
import os
import stat

from watchdog_tools.core.env_file import LARGEST, Malformed, parse
from watchdog_tools.core.text import quoted
from watchdog_tools.system.path_trust import untrusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def variables(files: Iterable[str], *, trust_any: bool) -> dict[str, str] | str:
    """Return the variables, or a sentence why they cannot be had. files: `-` in front of one that may be missing.

    trust_any: root reads what other users could replace.
    """
    found: dict[str, str] = {}
    for word in files:
        path = word.removeprefix("-")
        try:
            found |= _of(path, trust_any=trust_any or os.geteuid() != 0)
        except FileNotFoundError as error:
            if path == word:
                return f"--env-file {quoted(path)}: {error.strerror}"
        except (OSError, Malformed) as error:
            return f"--env-file {quoted(path)}: {getattr(error, 'strerror', None) or error}"
    return found


def _of(path: str, *, trust_any: bool) -> dict[str, str]:
    """Return the variables of one file, as `os.environ` has them. Raise OSError, Malformed."""
    doubt = "" if trust_any else untrusted(path, "reads")
    if doubt:
        raise Malformed(f"refused: {quoted(doubt)} (--allow-unsafe-path)")
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        data = b""
        while len(data) <= LARGEST and (chunk := os.read(descriptor, LARGEST + 1 - len(data))):
            data += chunk
    finally:
        os.close(descriptor)
    if len(data) > LARGEST:
        raise OSError(errno.EFBIG, f"it has more than {LARGEST >> 10} KiB")
    # the child gets the file's very bytes, whatever the locale makes of text: cron's may know no such character
    return {key: os.fsdecode(value.encode()) for key, value in parse(data).items()}
