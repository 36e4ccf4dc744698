"""How one service is to be kept, in the parts that actions take. Nothing here knows about options or checks."""

from __future__ import annotations

from watchdog_tools.core.struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal


class StartOptions(Struct, frozen=True):
    """What the user wrote about the start: strings as given, `None` where nothing was said.

    env_files: a leading `-` stands for one that need not be there. log_max: bytes. nofile: (soft, hard).
    """

    argv: tuple[str, ...]
    clean: bool = False
    cwd: str = "/"
    env: tuple[tuple[str, str], ...] = ()
    env_files: tuple[str, ...] = ()
    user: str | None = None
    group: str | None = None
    log: str | None = None
    log_max: int | None = None
    nice: int | None = None
    nofile: tuple[int, int] | None = None
    oneshot: bool = False
    trust_any: bool = False
    umask: int = 0o022


class Limits(Struct, frozen=True):
    """--backoff FIRST:LONGEST, --limit COUNT/WINDOW (count 0: none), --hold, --stable; spans in milliseconds."""

    first: int = 1_000
    longest: int = 300_000
    count: int = 5
    window: int = 600_000
    hold: int = 900_000
    stable: int = 600_000


class Patience(Struct, frozen=True):
    """How long an instance that lives may fail.

    retries: checks more before it counts, the first after `delay` seconds, doubled each time.
    fail_after, recover_after: checks in a row. start_period: seconds from its start, and from the boot.
    """

    retries: int
    delay: float
    fail_after: int
    recover_after: int
    start_period: float


class Stopping(Struct, frozen=True):
    """How an instance that fails is stopped, and the hooks: command lines as words, empty where there is none.

    before_restart: before one that fails is stopped. before_stop: before each stop. command: in place of TERM.
    timeout: seconds until KILL. hooks: `restart`, `hold`, `recover` -> words. hook_timeout: seconds for each command
    line here. restart: with --oneshot, for one that lives, in the place of the start command. kill_mode: all that came
    from an instance ends with it, or before the next start (group), or lives on beside that (process).
    containment: whether it gets a control group of its own where it can have one (auto). reload, reload_signal: the
    command line, or the number of the signal, that has it read its configuration anew; empty or 0 where there is none.
    """

    before_restart: tuple[str, ...]
    before_stop: tuple[str, ...]
    command: tuple[str, ...]
    timeout: float
    hooks: dict[str, tuple[str, ...]]
    hook_timeout: float
    restart: tuple[str, ...]
    reload: tuple[str, ...]
    reload_signal: int
    kill_mode: Literal["group", "process"]
    containment: Literal["auto", "none"]


class ServiceConfig(Struct, frozen=True):
    """How one service is to be kept.

    state_dir: the directory that was said; None for our default place, all levels of which may be created.
    words: the command line that said all this. has_checks: whether any check is asked for; has_requirements: the same
    for what it requires. check_seconds bounds one run of all checks; watch (0: none), every and the other spans are as
    the options of those names, in seconds. operator: an operator's order (`decision.OPERATOR_…`), or empty.
    command_sum: a checksum of the start command and of what the child gets with it, empty where the service is another
    keeper's. files: those that an instance is compared with; optional: those of them that may be missing; restart_on:
    those for which it is restarted.
    """

    name: str
    state_dir: str | None
    words: tuple[str, ...]
    start_options: StartOptions
    limits: Limits
    patience: Patience
    stopping: Stopping
    has_checks: bool
    has_requirements: bool
    check_seconds: float
    lock_wait: float
    start_seconds: float
    startup_timeout: float
    syslog: bool
    watch: float
    every: float
    command_sum: str
    files: tuple[str, ...]
    optional: tuple[str, ...]
    restart_on: tuple[str, ...]
    operator: str = ""
