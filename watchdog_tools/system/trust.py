"""May root execute this file? Each component of its path must be root's alone."""

from __future__ import annotations

import os
import stat

_LINKS = 40  # as many as the kernel follows


def untrusted(path: str) -> str:
    """Return a sentence that names the component which others can change, or an empty string.

    path: absolute. Links are followed, and what they lead through is verified too. Raise OSError.
    """
    if not path.startswith("/"):
        return f"{path} is not absolute"
    left = [part for part in path.split("/") if part]
    here = "/"
    links = 0
    while True:
        found = os.lstat(here)
        if stat.S_ISLNK(found.st_mode):
            links += 1
            if links > _LINKS:
                return f"{here}: too many links"
            if found.st_uid:
                return _said(here, found)
            target = os.readlink(here)
            left = [part for part in target.split("/") if part] + left
            here = "/" if target.startswith("/") else os.path.dirname(here)
            continue
        sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
        if found.st_uid or (found.st_mode & 0o022 and not sticky):
            return _said(here, found)
        if not left:
            return ""
        here = os.path.normpath(os.path.join(here, left.pop(0)))


def _said(path: str, found: os.stat_result) -> str:
    if found.st_uid:
        return f"{path} belongs to uid {found.st_uid}, who could replace what root executes"
    return f"{path} is writable by others, who could replace what root executes"
