"""TOUCH: become the user that a start command runs as."""

from __future__ import annotations

import os


def become(uid: int, gid: int, groups: list[int]) -> None:
    """Take on these ids, for good. Raise OSError."""
    if os.geteuid() == 0:
        os.setgroups(groups)
    os.setgid(gid)
    os.setuid(uid)
