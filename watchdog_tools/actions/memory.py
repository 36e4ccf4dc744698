"""TOUCH: what a run remembers of NAME beyond a reboot, written when there is time for it, and never waited for long."""

from __future__ import annotations

import os
import stat

from watchdog_tools.core.events import HAPPENED, NOBODY, Orderer
from watchdog_tools.state import events, memory, saved_command
from watchdog_tools.workers import Check, run_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from watchdog_tools.actions.lock import Lock
    from watchdog_tools.core.owner import Owner

_SECONDS = 1.0  # for a disk; a fork that it holds longer is left alone with it
_MOST = 50  # events that wait for a disk


class Memory:
    """The events, the evidence and the command line of one NAME.

    Beside the record they are written at once. Elsewhere a fork writes them when `flush` is called, so that a dead disk
    holds no run, and no time passes between a death and the next start.
    """

    __slots__ = ("_apart", "_by", "_command", "_lines", "_owner")

    def __init__(self, owner: Owner, *, ordered: bool) -> None:
        """Begin with nothing to write. ordered: by an operator, who is named in each event."""
        self._owner = owner
        self._apart = memory.is_apart(owner)
        self._by: Orderer = events.orderer() if ordered else NOBODY
        self._lines: list[events.Line] = []
        self._command = b""

    def event(self, state: int, event: str, facts: Mapping[str, object], *, evidence: bool = False) -> list[str]:
        """Remember an event. Return sentences about what hindered that. state: the state directory, open."""
        by = NOBODY if event in HAPPENED else self._by
        line = events.line(self._owner.name, event, facts, by, evidence=evidence)
        if not self._apart:
            return memory.write_in(state, self._owner.name, memory.Entry(lines=(line,)))
        self._lines = [*self._lines[1 - _MOST :], line]
        return []

    def command(self, state: int, lock: Lock, argv: Sequence[str]) -> list[str]:
        """Remember the command line; beside the locks, too, where an earlier release looks. Return as `event` does."""
        data = saved_command.dump(argv)
        said = [saved_command.write(lock.directory, self._owner.name, data)]
        if self._apart:
            self._command = data
        else:
            said += memory.write_in(state, self._owner.name, memory.Entry(command=data))
        return list(filter(None, said))

    @property
    def waits(self) -> bool:
        """Whether anything waits for `flush`."""
        return bool(self._lines or self._command)

    def flush(self, state: int, lock: Lock) -> list[str]:
        """Write what waits for that. Return as `event` does. lock: NAME.lock, which we hold."""
        entry = memory.Entry(lines=tuple(self._lines), command=self._command)
        self._lines, self._command = [], b""
        if lock.is_held(memory.KIND):  # a fork that hangs there; one is enough
            return [f"{memory.FAILED}: {memory.BUSY}"]

        def write(_progress: object) -> list[str]:
            _close_locks()
            return memory.write(self._owner, state, entry)

        found = run_all([Check(write)], _SECONDS) or []
        said = found[0] if found else []
        return said if isinstance(said, list) else [f"{memory.FAILED}: {said.summary}"]


def _close_locks() -> None:
    """Close all files: a fork that hangs on a dead disk for ever must not hold the service's lock as long."""
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            if stat.S_ISREG(os.fstat(number).st_mode):
                os.close(number)
        except OSError:  # the listing's own descriptor
            continue
