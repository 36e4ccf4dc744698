"""A state directory that status looks into, opened once: whose it is, and which NAMEs it holds."""

from __future__ import annotations

import os

from watchdog_tools.cli.converters import is_service
from watchdog_tools.core.owner import Owner
from watchdog_tools.core.record import Corrupt
from watchdog_tools.state import StateDirError, enter, events, memory_directory, pause, pause_directory, seen
from watchdog_tools.state import names as files_in
from watchdog_tools.state import place as statedir_place
from watchdog_tools.state.events import EVENTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class StateDir:
    """A state directory to look into. uid: whose it is, and whose files in it are believed.

    directory, memory: it, and that of its memory, open; -1 where there is none.
    """

    __slots__ = ("directory", "memory", "note", "path", "uid")

    def __init__(self, path: str, uid: int) -> None:
        """Open it; `directory` is -1 where there is none, and `note` says why if that is not plain."""
        self.path = path
        self.uid = uid
        self.directory, self.note = -1, ""
        try:
            self.directory = enter(path, reading=True)
            self.uid = os.fstat(self.directory).st_uid
        except StateDirError as error:
            self.note = "" if error.missing else str(error)
        self.memory = self._memory()

    def _memory(self) -> int:
        path = memory_directory(self.path, self.uid)
        if path == self.path:
            return self.directory
        try:
            return enter(path, reading=True)
        except StateDirError:  # the verdict is on what runs; without its memory only the last event is missing
            return -1

    @property
    def pauses(self) -> str:
        """The directory of the pauses."""
        return pause_directory(self.path, self.uid)

    @property
    def keeper(self) -> str:
        """The name of the user who keeps what is in it."""
        import pwd

        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    def owner(self, name: str) -> Owner:
        """Return whose the instance called `name` in it is."""
        return Owner(name=name, uid=self.uid, directory=self.path, place=statedir_place(self.path))

    def is_known(self, name: str) -> bool:
        """Whether anything of NAME was ever kept here, also before the boot; True where we may not look."""
        return seen.is_known(self.path, self.directory, name, self.uid) or bool(self.note)

    def last_event(self, name: str) -> tuple[float, str]:
        """Return as `events.last` does; what a release before the memory left, too."""
        places = {self.memory, self.directory} - {-1}
        return max((events.last(each, name, self.uid) for each in places), default=(0.0, ""))

    def events(self, name: str, file: str = EVENTS) -> Iterator[dict[str, object] | None]:
        """Yield the events of NAME, the oldest first, None for a line that is none; an earlier release's come first."""
        for directory in dict.fromkeys((self.directory, self.memory)):
            if directory >= 0:
                yield from events.read(directory, name, self.uid, file)

    def may_read(self, name: str) -> bool:
        """Whether the events of NAME are ours to read; True where there are none."""
        for directory in {self.memory, self.directory} - {-1}:
            try:
                os.close(os.open(f"{name}.{EVENTS}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory))
            except PermissionError:
                return False
            except OSError:
                continue
        return True

    def last_run(self, name: str) -> tuple[seen.LastSeen | None, str]:
        """Return when a run for NAME was last complete, None where that cannot be known, and why, or nothing."""
        try:
            return seen.last_seen(self.directory, name, self.uid), ""
        except Corrupt as error:
            return None, str(error)

    def names(self, *, remembered: bool = False) -> list[str]:
        """Return the NAMEs that have a record, a run or a pause; `note` says what cannot be listed.

        remembered: also those that were only ever kept, as before the boot.
        """
        found = set()
        if self.directory >= 0:
            found = {*self._listed(self.directory, ".record"), *self._listed(self.directory, ".seen")}
        if remembered:
            found |= self._remembered()
        try:
            orders = enter(self.pauses, reading=True)
        except StateDirError:
            return sorted(found)
        found.update(name for name in self._listed(orders) if pause.read(self.pauses, name, self.uid)[0])
        os.close(orders)
        return sorted(found)

    def _remembered(self) -> set[str]:
        """Return the NAMEs whose saved command lines are there."""
        found: set[str] = set()
        memory = memory_directory(self.path, self.uid)
        for path, suffix in (
            (memory, ".command"),
            (memory, ".known"),
            (f"{memory}/kept", ""),
            (f"{self.path}/lock", ".command"),
        ):
            try:
                directory = enter(path, reading=True)
            except StateDirError:
                continue
            try:
                found.update(filter(is_service, files_in(directory, suffix)))
            except OSError:  # the locks are for the keeper alone
                continue
            finally:
                os.close(directory)
        return found

    def _listed(self, directory: int, suffix: str = "") -> list[str]:
        try:
            return list(filter(is_service, files_in(directory, suffix)))
        except OSError as error:
            self.note = f"{self.path} cannot be listed: {error.strerror}"
            return []
