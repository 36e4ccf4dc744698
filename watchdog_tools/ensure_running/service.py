"""ensure-running's options become the parts that actions take: how the service is kept. Loaded where one may be due."""

from __future__ import annotations

import sys

from watchdog_tools.core.config import Limits, Patience, ServiceConfig, StartOptions, Stopping
from watchdog_tools.ensure_running.checks import command, command_lines, reload_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.ensure_running.values import Values

    Words = tuple[str, ...]


def service_config(  # noqa: PLR0913 -- what `configure` found, by keyword
    values: Values, commands: tuple[Words, Words, Words], *, umask: int, env: tuple[tuple[str, str], ...],
    has_checks: bool, has_requirements: bool, operator: str, command_sum: str, files: Words, optional: Words,
) -> ServiceConfig:  # fmt: skip
    """Return how the service is kept. commands: those that start, restart and stop it."""
    start, restart, stop = commands
    return ServiceConfig(
        name=values["args"][0],
        state_dir=values["state_dir"],
        words=tuple(sys.argv[1:]),
        start_options=_start_options(values, start, umask, env),
        limits=_limits(values),
        patience=_patience(values),
        stopping=_stopping(values, restart, stop),
        has_checks=has_checks,
        has_requirements=has_requirements,
        check_seconds=values["timeout"][0],
        lock_wait=values["lock_wait"],
        start_seconds=values["start_seconds"],
        startup_timeout=values["startup_timeout"],
        syslog=values["syslog"],
        watch=values["watch"] or 0.0,
        every=values["every"],
        operator=operator,
        command_sum=command_sum,
        files=files,
        optional=optional,
        restart_on=values["restart_on"],
    )


def _start_options(
    values: Values, start: tuple[str, ...], umask: int, env: tuple[tuple[str, str], ...]
) -> StartOptions:
    return StartOptions(
        argv=start,
        umask=umask,
        env=env,
        env_files=values["env_file"],
        clean=values["clean_env"],
        cwd=values["cwd"],
        user=values["user"],
        group=values["group"],
        log=values["log"],
        log_max=values["log_max"],
        nice=values["nice"],
        nofile=values["nofile"],
        oneshot=values["oneshot"],
        trust_any=values["allow_unsafe_path"],
    )


def _limits(values: Values) -> Limits:
    (first, longest), (count, window) = values["backoff"], values["limit"]
    return Limits(
        first=int(first * 1000),
        longest=int(longest * 1000),
        count=count,
        window=int(window * 1000),
        hold=int(values["hold"] * 1000),
        stable=int(values["stable"] * 1000),
    )


def _patience(values: Values) -> Patience:
    return Patience(
        retries=values["retries"],
        delay=values["retry_delay"],
        fail_after=values["fail_after"],
        recover_after=values["recover_after"],
        start_period=values["start_period"],
    )


def _stopping(values: Values, restart: tuple[str, ...], stop: tuple[str, ...]) -> Stopping:
    """Return how it is stopped. restart, stop: the commands of the other supervisor, empty for our own service."""
    words = [(option, command(option, line)) for option, line in command_lines(values)]
    reload, reload_signal = reload_by(values["reload"])
    (_, before_restart), (_, before_stop), (_, ours), *hooks = words
    return Stopping(
        before_restart=before_restart,
        before_stop=before_stop,
        command=ours or stop,
        restart=restart,
        reload=reload,
        reload_signal=reload_signal,
        timeout=values["stop_timeout"],
        hooks={option.removeprefix("--on-"): each for option, each in hooks if each},
        hook_timeout=values["hook_timeout"],
        kill_mode=values["kill_mode"],
        containment=values["containment"],
    )
