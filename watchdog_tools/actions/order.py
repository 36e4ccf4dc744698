"""What `ensure-running` was asked to keep: the facts that an actor works from, and nothing about options."""

from __future__ import annotations

from watchdog_tools.actions.spawn import EXEC_SECONDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from watchdog_tools.actions.plan import Wish
    from watchdog_tools.health import Health
    from watchdog_tools.names import Marked, Owner
    from watchdog_tools.policy import Limits
    from watchdog_tools.record import Seen
    from watchdog_tools.result import Result

    Checks = list[tuple[str, Result]]

PATIENCE = 5.0  # seconds of backoff that a run waits out itself
LINGER = 15.0  # seconds that a watcher stays past its period for the next run to come
_UNKILLABLE = 3.0  # seconds past --stop-timeout until what outlives KILL is given up


class Patience:
    """How long an instance that lives may fail.

    retries: looks more before it counts, the first after `delay` seconds, doubled each time.
    fail_after, recover_after: looks in a row. start_period: seconds from its start, and from the boot.
    """

    __slots__ = ("delay", "fail_after", "recover_after", "retries", "start_period")

    def __init__(self, *, retries: int, delay: float, fail_after: int, recover_after: int, start_period: float) -> None:
        """Take the fields as the class describes them."""
        self.retries = retries
        self.delay = delay
        self.fail_after = fail_after
        self.recover_after = recover_after
        self.start_period = start_period

    def limit(self, look: float) -> float:
        """Return the seconds that all tries may take, when one look takes `look`."""
        return self.delay * ((1 << self.retries) - 1) + self.retries * look


class Stopping:
    """How a sick instance is stopped, and the hooks: command lines as words, empty where there is none.

    before: for a dump of it. command: in place of TERM. timeout: seconds until KILL. hooks: `restart`,
    `hold`, `recover` -> words. hook_timeout: seconds for each command line here. restart: with
    --oneshot, for one that lives, in the place of the start command. remains: what an instance left behind when it
    died alone is ended before the next start (--kill-mode group), or lives on beside that.
    """

    __slots__ = ("before", "command", "hook_timeout", "hooks", "remains", "restart", "timeout")

    def __init__(  # noqa: PLR0913 -- a record, built by keyword
        self,
        *,
        before: tuple[str, ...] = (),
        command: tuple[str, ...] = (),
        timeout: float = 10.0,
        hooks: dict[str, tuple[str, ...]] | None = None,
        hook_timeout: float = 10.0,
        restart: tuple[str, ...] = (),
        remains: bool = True,
    ) -> None:
        """Take the fields as the class describes them."""
        self.before = before
        self.command = command
        self.timeout = timeout
        self.hooks = hooks or {}
        self.hook_timeout = hook_timeout
        self.restart = restart
        self.remains = remains

    @property
    def limit(self) -> float:
        """Seconds that stopping may take."""
        commands = [words for words in (self.before, self.command) if words]
        return len(commands) * (self.hook_timeout + _UNKILLABLE) + self.timeout + _UNKILLABLE


class Order:
    """One service to keep.

    owner: whose the instance is: NAME, state directory and keeper. levels: the directory is our default place, so all
    its levels may be created.
    words: the command line that said all this. checks: how many looks there are.
    look: ask all checks, side by side; None if the descriptor given to it told of the guard's end.
    requires: the same for the dependencies, each with its name. seen: read the record (an open state
    directory, the owner). marked: find what carries the owner's mark, given the uid of its instances. paused: words
    about a pause, or empty; resume: end it.
    look_seconds bounds one look; watch, every and the other spans are as the options of those names.
    hand: an operator's order (`decision.HAND_…`), or empty.
    """

    __slots__ = (
        "checks", "every", "hand", "levels", "limits", "lock_wait", "look", "look_seconds", "marked", "owner",
        "patience", "paused", "requires", "resume", "seen", "start_seconds", "startup_timeout", "stopping", "syslog",
        "watch", "wish", "words",
    )  # fmt: skip

    owner: Owner
    levels: bool
    words: Sequence[str]
    wish: Wish
    checks: int
    look: Callable[[int], Health | None]
    requires: Callable[[int], Checks | None] | None
    seen: Callable[[int, Owner], Seen]
    marked: Callable[[Owner, int], Marked]
    paused: Callable[[], str]
    resume: Callable[[], str]
    limits: Limits
    patience: Patience
    stopping: Stopping
    look_seconds: float
    lock_wait: float
    start_seconds: float
    startup_timeout: float
    syslog: bool
    watch: float
    every: float
    hand: str

    def __init__(self, **fields: Any) -> None:
        """Take all fields as the class describes them."""
        for key in self.__slots__:
            setattr(self, key, fields.pop(key))
        if fields:
            raise TypeError(f"an order has no {', '.join(fields)}")

    @property
    def name(self) -> str:
        """The service's NAME."""
        return self.owner.name

    @property
    def path(self) -> str:
        """The state directory."""
        return self.owner.directory

    @property
    def limit(self) -> float:
        """Seconds that an actor may need: the sum of the phases that it may enter."""
        whole = self.lock_wait + self.act_limit
        return whole + self.watch + LINGER if self.watch else whole

    @property
    def act_limit(self) -> float:
        """Seconds that one round under the lock may take."""
        looks = 2 * self.look_seconds  # under the lock, and the last one of the verification
        sick = self.stopping.limit + self.patience.limit(self.look_seconds) if self._may_stop else 0.0
        remains = self.stopping.timeout + _UNKILLABLE if self.stopping.remains and not self.wish.oneshot else 0.0
        asked = self.look_seconds if self.requires else 0.0
        hooks = len(self.stopping.hooks) * (self.stopping.hook_timeout + _UNKILLABLE)
        oneshot = self.startup_timeout if self.wish.oneshot else 0.0
        start = PATIENCE + EXEC_SECONDS + self.start_seconds + self.startup_timeout + oneshot
        return looks + sick + remains + asked + hooks + start

    @property
    def _may_stop(self) -> bool:
        """Whether a look can find an instance sick, or an operator wants it stopped."""
        return bool(self.checks or self.hand)
