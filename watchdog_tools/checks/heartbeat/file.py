"""A file's beat: the time of the last change of what is in it. It is never opened."""

from __future__ import annotations

import os
import stat
import time

from watchdog_tools.checks.heartbeat.judge import judged
from watchdog_tools.core import CRITICAL, UNKNOWN, Metric, Result
from watchdog_tools.core.text import human_duration, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.checks.heartbeat.config import Config

_AHEAD = 5.0  # seconds that a file server's clock may be ahead of ours
_KINDS = {
    stat.S_IFDIR: "a directory", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}  # fmt: skip


def verdict(config: Config, path: str) -> Result:
    """Return the verdict on a file. It may hang, on a network disk."""
    name = quoted(path)
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return Result(CRITICAL, f"there is no {name}", reason="absent")
    except OSError as error:
        return Result(UNKNOWN, f"{name} cannot be read: {error.strerror}", reason="unreadable")
    if not stat.S_ISREG(found.st_mode):
        what = _KINDS.get(stat.S_IFMT(found.st_mode), "no file")
        return Result(UNKNOWN, f"{name} is {what}, not a regular file", reason="no-file")
    age = time.time() - found.st_mtime
    result = _judged(config, name, age)
    result.details = {**result.details, "modified": round(found.st_mtime, 3)}
    return result


def _judged(config: Config, name: str, age: float) -> Result:
    ahead = f"{human_duration(-age)} in the future"
    if age < -_AHEAD:
        why = f"{name} has a time {ahead}: its age is not known until the clock has been set"
        result = Result(UNKNOWN, why, reason="future", details={"age": round(age, 3)}, value=age)
        result.metrics = (Metric("age", age, "s", config.warning, config.critical),)
        return result
    changed = f"{name} was changed {human_duration(age)} ago" if age >= 0 else f"{name} was changed just now ({ahead})"
    return judged(config, changed, changed, age)
