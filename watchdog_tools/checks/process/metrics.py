"""Figures of one process, through psutil, which is loaded here and nowhere else."""

from __future__ import annotations

from watchdog_tools.system import ticks_to_seconds, uptime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from watchdog_tools.system.process import Process


def figure(process: Process, metric: str) -> float | None:
    """Return the figure, None if the process is gone: RSS and VSZ in KiB, CPU in %, ELAPSED in s, else a count.

    Raise PermissionError where we may not know it (FDS of other users' processes).
    """
    import psutil

    if metric == "ELAPSED":  # no jump of the wall clock moves it
        return round(uptime() - ticks_to_seconds(process.stat.ticks), 2)
    try:
        return _measured(psutil.Process(process.pid), metric, process)
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return None
    except psutil.AccessDenied:
        raise PermissionError(f"cannot read {metric} of pid {process.pid}") from None


def _measured(shown: Any, metric: str, process: Process) -> float:
    if metric == "RSS":
        return float(shown.memory_info().rss / 1024)
    if metric == "VSZ":
        return float(shown.memory_info().vms / 1024)
    if metric == "THREADS":
        return float(shown.num_threads())
    if metric == "FDS":
        return float(shown.num_fds())
    times = shown.cpu_times()  # over its whole life, as ps has it: a probe does not wait for a sample
    lived = uptime() - ticks_to_seconds(process.stat.ticks)
    return round(float(100 * (times.user + times.system) / max(lived, 0.01)), 2)
