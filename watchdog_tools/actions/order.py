"""What `ensure-running` was asked to keep: the facts that an actor works from, and nothing about options."""

from __future__ import annotations

from watchdog_tools.actions.spawn import EXEC_SECONDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.actions.plan import Wish
    from watchdog_tools.health import Health
    from watchdog_tools.record import Seen
    from watchdog_tools.system.identity import Identity

PATIENCE = 5.0  # seconds of backoff that a run waits out itself


class Order:
    """One service to keep.

    path: the state directory. levels: it is our default place, so all its levels may be created.
    look: ask all checks, side by side; None if the descriptor given to it told of the guard's end.
    seen: read the record (an open state directory, NAME). marked: find instances by their mark.
    look_seconds bounds one look; the other spans are as the options of the same names.
    """

    __slots__ = (
        "levels", "lock_wait", "look", "look_seconds", "marked", "name", "path", "seen", "start_seconds",
        "startup_timeout", "syslog", "wish",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 -- a record, built by keyword
        self,
        *,
        name: str,
        path: str,
        levels: bool,
        wish: Wish,
        look: Callable[[int], Health | None],
        seen: Callable[[int, str], Seen],
        marked: Callable[[tuple[str, ...], int], list[Identity]],
        look_seconds: float,
        lock_wait: float,
        start_seconds: float,
        startup_timeout: float,
        syslog: bool,
    ) -> None:
        """Take the fields as the class describes them."""
        self.name = name
        self.path = path
        self.levels = levels
        self.wish = wish
        self.look = look
        self.seen = seen
        self.marked = marked
        self.look_seconds = look_seconds
        self.lock_wait = lock_wait
        self.start_seconds = start_seconds
        self.startup_timeout = startup_timeout
        self.syslog = syslog

    @property
    def limit(self) -> float:
        """Seconds that an actor may need: the sum of the phases that it may enter."""
        looks = 2 * self.look_seconds  # under the lock, and the last one of the verification
        oneshot = self.startup_timeout if self.wish.oneshot else 0.0
        return self.lock_wait + looks + PATIENCE + EXEC_SECONDS + self.start_seconds + self.startup_timeout + oneshot
