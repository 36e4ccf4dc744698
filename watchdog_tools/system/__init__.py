"""Reading the machine, each room a part of it. Here: our own standard descriptors, and the clocks.

The descriptors are never closed, and not the caller's where a fork outlives the line. Ages are those of the boot clock,
which counts suspended time and no jump of the wall clock moves.
"""

from __future__ import annotations

import os
import time


def null_standard(*, replace: bool = False) -> None:
    """Open /dev/null on each closed one of 0-2; with `replace` on all of them.

    A closed standard descriptor would be taken by the next file or pipe that we open, and a
    stray write would land there. What is written to one that was closed fails still: a line that nobody can have got
    is not taken for said.
    """
    null = -1
    for number in range(3):
        if not replace and _is_open(number):
            continue
        if null < 0:
            null = os.open("/dev/null", os.O_RDWR if replace else os.O_RDONLY)
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


def uptime() -> float:
    """Return seconds since the boot, as this time namespace counts them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """Return the id of this boot; empty where the kernel does not say."""
    try:
        descriptor = os.open("/proc/sys/kernel/random/boot_id", os.O_RDONLY)
    except OSError:
        return ""
    try:
        return os.read(descriptor, 64).decode("ascii", "replace").strip()
    finally:
        os.close(descriptor)


def ticks_to_seconds(ticks: int) -> float:
    """Return a process's start in seconds on the boot clock, from its ticks."""
    return ticks / os.sysconf("SC_CLK_TCK")


def local_time(wall: float) -> str:
    """Return a moment as the clock on the wall shows it: `2026-11-24 15:30:00`."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(wall))
    except (OverflowError, ValueError, OSError):
        return "a time beyond the calendar"
