"""How long an action worker may need: the sum of the phases that it may enter."""

from __future__ import annotations

from watchdog_tools.actions.spawn import EXEC_SECONDS
from watchdog_tools.core.decision import OPERATOR_RELOAD
from watchdog_tools.system.file_states import SECONDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core.config import Patience, ServiceConfig, Stopping

PATIENCE = 5.0  # seconds of backoff that a run waits out itself
LINGER = 15.0  # seconds that a watcher stays past its period for the next run to come
SETTLING = 1.0  # seconds for which a file of --restart-on must stay as it is
_FORKS = 15.0  # seconds that reading --env-file and shortening --log may take
_UNKILLABLE = 3.0  # seconds past --stop-timeout until what outlives KILL is given up


def run_limit(config: ServiceConfig) -> float:
    """Return the seconds that an action worker may need."""
    whole = config.lock_wait + round_limit(config)
    return whole + config.watch + LINGER if config.watch else whole


def round_limit(config: ServiceConfig) -> float:
    """Return the seconds that one round under the lock may take."""
    stopping, oneshot = config.stopping, config.start_options.oneshot
    # a check can find it failing, a file be newer, or an operator wants that
    may_stop = config.has_checks or bool(config.operator or config.restart_on)
    checks = 2 * config.check_seconds  # under the lock, and the last one of the verification
    stop = _stop(stopping) + _retries(config.patience, config.check_seconds) if may_stop else 0.0
    remains = stopping.timeout + _UNKILLABLE if stopping.kill_mode == "group" and not oneshot else 0.0
    requirements = config.check_seconds if config.has_requirements else 0.0
    hooks = (len(stopping.hooks) + (config.operator == OPERATOR_RELOAD)) * (stopping.hook_timeout + _UNKILLABLE)
    files = SETTLING + 3 * SECONDS if config.restart_on else SECONDS if config.files else 0.0
    files += _FORKS if config.start_options.env_files or config.start_options.log_max else 0.0
    start = files + PATIENCE + EXEC_SECONDS + config.start_seconds + (2 if oneshot else 1) * config.startup_timeout
    return checks + stop + remains + requirements + hooks + start


def _retries(patience: Patience, check_seconds: float) -> float:
    """Return the seconds that all tries may take, when one of them takes `check_seconds`."""
    return patience.delay * ((1 << patience.retries) - 1) + patience.retries * check_seconds


def _stop(stopping: Stopping) -> float:
    """Return the seconds that stopping may take."""
    commands = [words for words in (stopping.before_restart, stopping.before_stop, stopping.command) if words]
    return len(commands) * (stopping.hook_timeout + _UNKILLABLE) + stopping.timeout + _UNKILLABLE
