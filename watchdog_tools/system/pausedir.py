"""Where an operator's pauses live, and the cheap question whether there may be one at all."""

from __future__ import annotations

import os

_ROOTS = "/run/watchdog-tools", "/var/lib/watchdog-tools/pause"


def place(directory: str, uid: int) -> str:
    """Return the directory of the pauses of a state directory that `uid` owns.

    Root's default state is gone after a reboot, and an order is not: it lives elsewhere.
    """
    return _ROOTS[1] if uid == 0 and directory == _ROOTS[0] else f"{directory}/pause"


def levels(path: str, *, default: bool) -> bool:
    """Whether all levels of the pause directory `path` may be created: in a default place. default: of the state."""
    return default or path == _ROOTS[1]


def present(path: str, name: str) -> bool:
    """Whether a file in the pause directory `path` may pause NAME: one system call for the healthy minute."""
    try:
        os.stat(f"{path}/{name}", follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # who reads it has the words
        return True
    return True
