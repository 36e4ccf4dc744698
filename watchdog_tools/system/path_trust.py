"""May root execute or write this file, and may a pidfile choose whom we signal? Each component of the path answers."""

from __future__ import annotations

import errno
import os
import stat

from watchdog_tools.core.text import quoted
from watchdog_tools.system.executables import chain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_LINKS = 40  # as many as the kernel follows


def untrusted(path: str, what: str = "executes") -> str:
    """Return a sentence that names the component which others can change, or an empty string.

    path: absolute. Links are followed, and what they lead through is verified too. what: root does with it.
    Raise OSError.
    """
    if not path.startswith("/"):
        return f"{path} is not absolute"
    for here, found in _components(path):
        if found.st_uid:
            return f"{here} belongs to uid {found.st_uid}, who could replace what root {what}"
        if _writable(found, 0o022):
            return f"{here} is writable by others, who could replace what root {what}"
    return ""


def untrusted_program(executable: str, path: str) -> str:
    """Do as `untrusted` for a program and the interpreters of its `#!` lines. path: PATH, for env. Raise OSError."""
    return next(filter(None, (untrusted(each) for each in chain(executable, path))), "")


def untrusted_log(path: str) -> str:
    """Return a sentence that says who could lead what root writes to the log elsewhere, or an empty string.

    Its directory may be sticky, as /tmp is; then the file must be root's own, under that one name. Raise OSError.
    """
    why = untrusted(os.path.dirname(path), "writes")
    try:
        return why or doubtful_log(path, os.lstat(path))
    except FileNotFoundError:
        return ""


def doubtful_log(path: str, found: os.stat_result) -> str:
    """Return a sentence why root does not write to this file that is at `path`, or an empty string. Raise OSError."""
    if found.st_uid:
        return f"{path} belongs to uid {found.st_uid}"
    if found.st_nlink > 1 and os.stat(os.path.dirname(path)).st_mode & 0o022:
        return f"{path} is a hard link: it may be another file of root's"
    return ""


def insecure(path: str, pid_uid: int | None) -> str:
    """Return a sentence why nobody may be signalled on the word of this pidfile, or an empty string.

    Each component must belong to root, to us, or to the user of the very process that it names, who can choose but
    among processes of their own; and others must not be able to write it, or to have given it another name.

    pid_uid: the effective uid of that process, None if there is none.
    """
    own = os.geteuid()
    absolute = path if path.startswith("/") else f"{os.getcwd()}/{path}"
    try:
        for here, found in _components(absolute):
            why = _doubtful(found, own, pid_uid)
            if why:
                return f"insecure pidfile {quoted(path)}: {quoted(here)} {why}"
    except OSError as error:
        return f"pidfile {quoted(path)} cannot be judged: {error.strerror}"
    return ""


def _doubtful(found: os.stat_result, own: int, pid_uid: int | None) -> str:
    if found.st_uid not in (0, own, pid_uid):
        return f"belongs to uid {found.st_uid}"
    # a user's private group (gid = uid) is no "others": umask 002 is the default of some systems
    private = own and found.st_uid == found.st_gid == own
    if _writable(found, 0o002 if private else 0o022):
        return "is writable by others"
    if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
        return "is a hard link: it may be another service's"
    return ""


def _components(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield each component of an absolute path, a link before what it leads through. Raise OSError."""
    left = [part for part in path.split("/") if part]
    here = "/"
    links = 0
    while True:
        found = os.lstat(here)
        yield here, found
        if stat.S_ISLNK(found.st_mode):
            links += 1
            if links > _LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), here)
            target = os.readlink(here)
            left = [part for part in target.split("/") if part] + left
            here = "/" if target.startswith("/") else os.path.dirname(here)
            continue
        if not left:
            return
        here = os.path.normpath(os.path.join(here, left.pop(0)))


def _writable(found: os.stat_result, others: int) -> bool:
    """Whether others can change it. A link cannot be; in a sticky directory each owner's files are their own."""
    sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
    return bool(found.st_mode & others) and not sticky and not stat.S_ISLNK(found.st_mode)
