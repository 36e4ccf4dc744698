"""What is another than when the instance was started, as a run without the lock sees it. Loaded where it may be so."""

from __future__ import annotations

from watchdog_tools.core.baseline import Baseline, compare, parse
from watchdog_tools.core.text import human_duration
from watchdog_tools.system import uptime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core import Result
    from watchdog_tools.core.baseline import Then
    from watchdog_tools.core.record import Seen
    from watchdog_tools.ensure_running.config import Config


def plain(seen: Seen) -> Then | None:
    """Return the age of the instance, in words, and what it was started with as far as that is known."""
    if seen.record is None:
        return None
    age = human_duration(max(uptime() - seen.record.since / 1000, 0))
    found = parse(seen.baseline, seen.record)
    return age, (found.command, found.latest, dict(found.files)) if found else None


def words(config: Config, said: Then, files: Result | dict[str, object]) -> tuple[str, bool]:
    """Return what has changed, in words, and whether that calls for more. files: path -> state, as a worker sent it."""
    age, then = said
    baseline = Baseline(*then) if then else None
    states = {path: str(state) for path, state in files.items()} if isinstance(files, dict) else None
    found = compare(baseline, config.command_sum, states, config.optional)
    return found.words(age), found.to_write or any(path in config.restart_on for path in found.newer)
