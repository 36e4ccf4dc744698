"""What a file is now, as one word: another inode, size or time of change is another word. Only forks call it."""

from __future__ import annotations

import os

from watchdog_tools.core.baseline import MISSING
from watchdog_tools.core.text import checksum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SECONDS = 2.0  # for asking; a dead network disk can hold it for ever


def states(paths: Iterable[str]) -> dict[str, str]:
    """Return each path's state. Links are followed: one that leads elsewhere now is another file."""
    return {path: _state(path) for path in paths}


def _state(path: str) -> str:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return MISSING
    return checksum((found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size))
