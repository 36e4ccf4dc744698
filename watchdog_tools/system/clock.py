"""Clocks: ages on the boot clock, which counts suspended time and no jump of the wall clock moves."""

from __future__ import annotations

import os
import time


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


def seconds(ticks: int) -> float:
    """Return a process's start in seconds on the boot clock, from its ticks."""
    return ticks / os.sysconf("SC_CLK_TCK")
