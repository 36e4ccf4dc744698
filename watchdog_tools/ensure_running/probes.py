"""What an action worker asks about the service that it is given."""

from __future__ import annotations

import os

from watchdog_tools.core.health import Health
from watchdog_tools.ensure_running.before_lock import as_keeper, pause, unclaimed
from watchdog_tools.state import StateDirError, instance, pause_directory
from watchdog_tools.system.proc import ProcUnavailable
from watchdog_tools.workers import run_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core import Result
    from watchdog_tools.ensure_running.config import Config


class Probes:
    """What an action worker asks about the service of a command line: see `actions.context.Probes`."""

    __slots__ = ("_config",)

    def __init__(self, config: Config) -> None:
        """Ask about `config`."""
        self._config = config

    def check(self, parent_fd: int) -> Health | None:
        """Run all checks, side by side."""
        config = self._config
        results = run_all([check for _, check in config.checks], config.check_seconds, parent_fd)
        if results is None:
            return None
        named = [(name, as_keeper(result)) for (name, _), result in zip(config.checks, results, strict=True)]
        ours = unclaimed(config, named, _own(config), parent_fd)
        return None if ours is None else Health(ours)

    def requirements(self, parent_fd: int) -> list[tuple[str, Result]] | None:
        """Run the checks of --requires, side by side."""
        requires = self._config.requires
        results = run_all([check for _, check in requires], self._config.check_seconds, parent_fd)
        if results is None:
            return None
        return [(name, result) for (name, _), result in zip(requires, results, strict=True)]

    def paused(self) -> str:
        """Return words about the pause that is in force; none holds for an operator's order."""
        return "" if self._config.operator else pause(self._config)[0]

    def resume(self) -> str:
        """End the pause."""
        from watchdog_tools.state import pause as paused

        try:
            removed = paused.remove(pause_directory(self._config.path, os.geteuid()), self._config.name)
        except (StateDirError, OSError) as error:
            return f"its pause cannot be ended: {getattr(error, 'strerror', None) or error}"
        return "its pause is ended" if removed else ""

    def others(self) -> frozenset[int]:
        """Return the pids of the live instances of other NAMEs."""
        from watchdog_tools.ensure_running.claims import leaders  # a watcher would carry it all the time

        return frozenset(leaders(self._config.owner))

    def inside(self) -> bool:
        """Whether this run comes from an instance of the service."""
        from watchdog_tools.system import process_tree

        return process_tree.comes_from_instance(self._config.name, self._config.state_dir)


def _own(config: Config) -> int:
    """Return the pid of our instance that lives, 0 for none that we know of."""
    try:
        seen = instance.read(config.owner)
    except (StateDirError, ProcUnavailable):
        return 0
    return seen.record.pid if seen.alive and seen.record else 0
