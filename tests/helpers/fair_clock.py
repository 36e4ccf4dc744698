"""A clock for upper bounds: it stands still while somebody waits for a CPU. A loaded machine is not slow code.

On an idle machine it is the monotonic clock. Where the kernel does not tell (no /proc/pressure), it always is.
"""

from __future__ import annotations

import time
from pathlib import Path

_PRESSURE = Path("/proc/pressure/cpu")  # `some … total=MICROSECONDS`: in which at least one task had to wait
MERCY = 60.0  # seconds that an overloaded machine may add to any wait
_TOLD = _PRESSURE.exists()


def now() -> float:
    """Return its time in seconds; only differences mean something."""
    return time.monotonic() - overload()


def overload() -> float:
    """Return the seconds since the boot in which there was more to run than CPUs."""
    if not _TOLD:
        return 0.0
    try:
        some = _PRESSURE.read_text().split("\n", 1)[0]
    except OSError:  # a kernel with psi=0 has the file, but it cannot be read
        return 0.0
    return int(some.rpartition("total=")[2]) / 1e6


class Deadline:
    """The end of a wait: so many seconds of this clock, but at most a minute more of any other."""

    def __init__(self, seconds: float) -> None:
        """Begin now."""
        self._fair = now() + seconds
        self._hard = time.monotonic() + seconds + MERCY

    def left(self) -> float:
        """Return the seconds that are left, negative afterwards."""
        return min(self._fair - now(), self._hard - time.monotonic())
