"""The types of ensure-running's options as converted. Loaded by type checkers only; a test holds the names."""

from __future__ import annotations

from typing import Literal

from watchdog_tools.cli.values import CommonValues
from watchdog_tools.core import Result
from watchdog_tools.workers import Check

Checks = tuple[tuple[str, Check[Result]], ...]  # (first word, check)


class Values(CommonValues):
    """Spans are seconds."""

    check: tuple[str, ...]
    process: str | None
    pidfile: str | None
    port: tuple[str, ...]
    url: tuple[str, ...]
    systemd: str | None
    supervisor: str | None
    supervisor_config: str | None
    oneshot: bool
    log: str | None
    log_max: int | None
    cwd: str
    env: tuple[str, ...]
    env_file: tuple[str, ...]
    clean_env: bool
    umask: str
    user: str | None
    group: str | None
    nofile: tuple[int, int] | None
    nice: int | None
    allow_unsafe_path: bool
    retries: int
    retry_delay: float
    fail_after: int
    recover_after: int
    start_period: float
    restart_on: tuple[str, ...]
    before_restart: str | None
    before_stop: str | None
    stop: str | None
    stop_timeout: float
    reload: str | None
    kill_mode: Literal["group", "process"]
    containment: Literal["auto", "none"]
    requires: tuple[str, ...]
    backoff: tuple[float, float]
    limit: tuple[int, float]
    hold: float
    stable: float
    on_restart: str | None
    on_hold: str | None
    on_recover: str | None
    hook_timeout: float
    watch: float | None
    every: float
    state_dir: str | None
    remind: float | None
    dry_run: bool
    syslog: bool
    lock_wait: float
    start_seconds: float
    startup_timeout: float
    pending_ok: bool
