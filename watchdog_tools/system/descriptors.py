"""The standard descriptors: never closed, and not the caller's where a fork outlives the line."""

from __future__ import annotations

import os


def null_standard(*, replace: bool = False) -> None:
    """Open /dev/null on each closed one of 0-2; with `replace` on all of them.

    A closed standard descriptor would be taken by the next file or pipe that we open, and a
    stray write would land there.
    """
    null = -1
    for number in range(3):
        if not replace and _is_open(number):
            continue
        if null < 0:
            null = os.open("/dev/null", os.O_RDWR)
        if null == number:
            os.set_inheritable(null, True)  # noqa: FBT003 -- the standard library's own
        else:
            os.dup2(null, number)
    if null > 2:  # noqa: PLR2004 -- above the standard three it was only the source
        os.close(null)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
