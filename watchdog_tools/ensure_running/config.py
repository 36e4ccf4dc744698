"""One invocation of ensure-running, configured."""

from __future__ import annotations

import os

from watchdog_tools.cli.command import UsageError
from watchdog_tools.cli.converters import directory, service
from watchdog_tools.core.owner import Owner
from watchdog_tools.core.text import checksum
from watchdog_tools.ensure_running.checks import checks, command, command_lines, reload_by, required
from watchdog_tools.state import default, is_own_file, memory_directory, place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from watchdog_tools.core.config import ServiceConfig
    from watchdog_tools.ensure_running.values import Checks, Values


class Config:
    """One invocation of ensure-running, configured.

    checks, requires: (name, Check) of the service, and of what it requires. check_seconds: the limit of one run of all
    checks; on_timeout: the state of a check that was not done in time, None for its own. watch: seconds, 0 for none.
    containment: as the option says; tells_containment: the verdict says how the instance is contained.
    operator: an operator's order, or empty. remind: seconds, where it speaks on change; else 0.
    start: the start command and what the child gets with it, as plain data, empty where that is another keeper's.
    files, optional, restart_on: as in `ServiceConfig`.
    """

    __slots__ = (
        "_make_service", "_service", "check_seconds", "checks", "containment", "dry_run", "files", "name", "on_timeout",
        "oneshot", "operator", "optional", "remind", "requires", "restart_on", "start", "state_dir",
        "tells_containment", "watch",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 -- a record, built by keyword; a Struct would cost each healthy run two modules
        self,
        *,
        name: str, state_dir: str | None, checks: Checks, requires: Checks, check_seconds: float,
        on_timeout: int | None, oneshot: bool, watch: float, dry_run: bool, containment: Literal["auto", "none"],
        tells_containment: bool, remind: float, start: tuple[object, ...], files: tuple[str, ...],
        optional: tuple[str, ...], restart_on: tuple[str, ...],
        make_service: Callable[[Config], ServiceConfig],
    ) -> None:  # fmt: skip
        """Take the fields as the class describes them. make_service: returns `service`."""
        self.name = name
        self.state_dir = state_dir
        self.checks = checks
        self.requires = requires
        self.check_seconds = check_seconds
        self.on_timeout = on_timeout
        self.oneshot = oneshot
        self.watch = watch
        self.dry_run = dry_run
        self.containment = containment
        self.tells_containment = tells_containment
        self.remind = remind
        self.start = start
        self.files = files
        self.optional = optional
        self.restart_on = restart_on
        self.operator = ""
        self._make_service = make_service
        self._service: ServiceConfig | None = None

    @property
    def service(self) -> ServiceConfig:
        """How the service is kept, in the parts that actions take; a healthy run needs none of them."""
        if self._service is None:
            self._service = self._make_service(self)
        return self._service

    @property
    def command_sum(self) -> str:
        """A checksum of the start command; empty where that is another keeper's."""
        return checksum(self.start) if self.start else ""

    @property
    def path(self) -> str:
        """The state directory. Raise StateDirError. It may ask NSS, so only forks call it."""
        return self.state_dir or default(os.geteuid())

    @property
    def owner(self) -> Owner:
        """Whose the instance is. Raise StateDirError; only forks call it."""
        path = self.path
        return Owner(name=self.name, uid=os.geteuid(), directory=path, place=place(path))


def configure(values: Values) -> Config:
    """Return what the options say. Raise UsageError; nothing is opened, asked or started."""
    name, *words = values["args"]
    try:
        name = service(name)
    except ValueError as error:
        raise UsageError(str(error)) from None
    start, restart, stop = _commands(values, tuple(words))
    values = _plain(values, preset=bool(restart))
    _agree(values)
    umask, env = _umask(values["umask"]), _pairs(values)

    def make_service(config: Config) -> ServiceConfig:
        from watchdog_tools.ensure_running.service import service_config

        return service_config(
            values, (start, restart, stop), umask=umask, env=env, operator=config.operator,
            has_checks=bool(config.checks), has_requirements=bool(config.requires), command_sum=config.command_sum,
            files=config.files, optional=config.optional,
        )  # fmt: skip

    return Config(
        name=name,
        state_dir=values["state_dir"],
        checks=checks(name, start[0], values),
        requires=required(values),
        check_seconds=values["timeout"][0],
        on_timeout=values["timeout"][1],
        oneshot=values["oneshot"],
        watch=values["watch"] or 0.0,
        dry_run=values["dry_run"],
        containment=values["containment"],
        tells_containment=bool(values["verbose"]) or values["format"] == "json",
        remind=values["remind"] or 0.0,
        start=() if values["oneshot"] else _start(values, start),
        files=(*values["restart_on"], *(word.removeprefix("-") for word in values["env_file"])),
        optional=tuple(word[1:] for word in values["env_file"] if word[0] == "-"),
        restart_on=values["restart_on"],
        make_service=make_service,
    )


def remembers(config: Config) -> tuple[str, Callable[[], str]]:
    """Return by which NAME it speaks on change, none in a dry run; and what returns its state directory, in a fork."""
    return "" if config.dry_run else config.name, lambda: config.path


def is_no_news(config: Config) -> bool:
    """Whether, from cron, a healthy verdict adds nothing to what was last said: two system calls where nothing was."""
    key = f"ensure-running.{config.name}"
    places = {memory_directory(config.path, os.geteuid()), config.path}
    if not (config.remind and any(os.access(f"{place}/said/{key}", os.F_OK) for place in places)):
        return bool(config.remind)
    from watchdog_tools.state import said

    return said.is_no_news(config.path, key, config.remind)


def _start(values: Values, command: tuple[str, ...]) -> tuple[object, ...]:
    """Return what makes an instance: the command, and what the child gets with it. Its order is that of baselines."""
    return (
        command, values["cwd"], values["user"], values["group"], values["env"], values["env_file"],
        values["clean_env"], values["umask"], values["log"], values["nofile"], values["nice"],
    )  # fmt: skip


def _commands(values: Values, start: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the commands that start, restart and stop it; but for a preset's service only the first."""
    if values["systemd"] or values["supervisor"] or values["supervisor_config"]:
        from watchdog_tools.ensure_running import presets

        return presets.commands(values, start)
    if not start:
        raise UsageError("missing argument: the start command stands behind --, ensure-running NAME -- START COMMAND")
    if not start[0]:
        raise UsageError("the start command is empty")
    return start, (), ()


def _plain(values: Values, *, preset: bool) -> Values:
    """Return the values in one spelling: the mark of an instance holds the state directory's."""
    state_dir, log = values["state_dir"], values["log"]
    try:
        state_dir = directory(state_dir) if state_dir is not None else None
    except ValueError as error:
        raise UsageError(f"--state-dir: {error}") from None
    log = None if log == "/dev/null" else log
    return {**values, "state_dir": state_dir, "log": log, "oneshot": values["oneshot"] or preset}


def _agree(values: Values) -> None:
    """Refuse options that contradict each other, or that nobody could follow."""
    paths = [("--cwd", values["cwd"]), ("--log", values["log"] or "/")]
    paths += [("--env-file", path.removeprefix("-")) for path in values["env_file"]]
    paths += [("--restart-on", path) for path in values["restart_on"]]
    for option, path in paths:
        if not path.startswith("/"):
            raise UsageError(f"{option}: an absolute path is accepted")
    if values["restart_on"] and values["oneshot"]:
        raise UsageError("--restart-on: what --oneshot starts is another keeper's, who restarts it")
    if values["log_max"] and not values["log"]:
        raise UsageError("--log-max: it is for --log FILE")
    asked = (values["check"], values["process"], values["pidfile"], values["port"], values["url"], values["systemd"],
             values["supervisor"])  # fmt: skip
    if values["oneshot"] and not any(asked):
        raise UsageError(
            "--oneshot needs a --check, or a short form of one: its command says nothing about the service"
        )
    if values["watch"] is not None and not 0 < values["every"] <= values["watch"]:
        raise UsageError("--every, which is 5s by default: longer than 0 and not longer than --watch is accepted")
    for option, line in command_lines(values):
        command(option, line)
    if reload_by(values["reload"])[1] and values["oneshot"]:
        raise UsageError("--reload with a signal: no process is known of what another one starts; accepted: a command")


def _umask(word: str) -> int:
    if not (word and len(word) <= 4 and set(word) <= set("01234567") and int(word, 8) <= 0o777):  # noqa: PLR2004
        raise UsageError(f"--umask: {word[:80]!r} is not octal; accepted: 022, 0027, 077")
    return int(word, 8)


def _pairs(values: Values) -> tuple[tuple[str, str], ...]:
    pairs = tuple(word.partition("=")[::2] for word in values["env"])
    for word, (key, _) in zip(values["env"], pairs, strict=True):
        if "=" not in word or not key or "\0" in word:
            raise UsageError(f"--env: {key[:80]!r} is not a pair; accepted: NAME=VALUE")
        if key.startswith("WATCHDOG_TOOLS_"):
            raise UsageError(f"--env: {key[:80]} is ours to set")
    return pairs


def stuck_runs(config: Config) -> str:
    """Return why the state directory must not be touched: earlier runs hang on it. One system call while none does."""
    if not is_own_file(f"/dev/shm/watchdog-tools-{os.geteuid()}-{config.name}"):  # noqa: S108 -- a hint, no more
        return ""
    from watchdog_tools.system import waiting

    return waiting.hinted(config.name, config.state_dir or waiting.home())
