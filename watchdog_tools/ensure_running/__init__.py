"""ensure-running: exactly one instance of a program, started only when a check says that it is down."""

from __future__ import annotations

from watchdog_tools.cli.command import Command, Option
from watchdog_tools.cli.common_options import OUTPUT, common, remind_option
from watchdog_tools.core.health import Health, lines
from watchdog_tools.ensure_running.before_lock import run_checks, verdict_without_lock, write_seen
from watchdog_tools.ensure_running.config import configure, remembers
from watchdog_tools.workers import Check, run_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core import Result
    from watchdog_tools.ensure_running.before_lock import InstanceFacts
    from watchdog_tools.ensure_running.config import Config

_HEALTH, _OTHER = "Health checks (all must pass)", "Services of another supervisor (no start command after --)"
_START, _SICK, _POLICY = "Start", "Failure, restart and stop", "Start limits"
_HOOKS, _WATCH = "Hooks (CMD is split into words and run without a shell)", "Watching"
_STATE, _TIME = "State", "Time"

_SEEN_LIMIT = 0.5  # seconds: the verdict is there, and waits for it
# Of a run that did not complete, or had nowhere to write; who was forgotten is not made known again.
_UNWRITTEN = ("internal", "memory", "crashed", "no-state", "forgotten")

_OPTIONS = (
    Option("--check", "'LINE'", "a check as typed in a shell: check-* or any Nagios plugin; may be repeated", many=True,
           group=_HEALTH),
    Option("--process", "NAME", "short for check-process NAME, of --user or the caller's uid", group=_HEALTH),
    Option("--pidfile", "FILE", "short for check-process --pidfile FILE; the process must run the start command",
           group=_HEALTH),
    Option("--port", "HOST:PORT", "short for check-port; may be repeated", many=True, group=_HEALTH),
    Option("--url", "URL", "short for check-http; may be repeated", many=True, group=_HEALTH),
    Option("--systemd", "UNIT", "keep this unit of systemd running, by systemctl", group=_OTHER),
    Option("--supervisor", "PROGRAM", "keep this program of supervisord running, by supervisorctl", group=_OTHER),
    Option("--supervisor-config", "FILE", "supervisord's configuration, if it is not in the usual place", group=_OTHER),
    Option("--oneshot", "", "the start command returns (systemctl restart x); the checks tell whether it worked",
           group=_START),
    Option("--log", "FILE", "append its output to FILE, opened as its user [default: /dev/null]", group=_START),
    Option("--log-max", "SIZE", "with --log: at its start and under --watch, keep what is beyond SIZE as FILE.1",
           "log_size", group=_START),
    Option("--cwd", "DIR", "working directory", default="/", group=_START),
    Option("--env", "NAME=VALUE", "set an environment variable; may be repeated", many=True, group=_START),
    Option("--env-file", "FILE", "set those of a file of NAME=VALUE lines (-FILE: if it is there); may be repeated",
           many=True, group=_START),
    Option("--clean-env", "", "pass only PATH, LANG, LC_ALL, TZ, and what --env, --env-file and --user set",
           group=_START),
    Option("--umask", "OCTAL", "umask", default="022", group=_START),
    Option("--user", "USER", "run as USER, with that user's groups", group=_START),
    Option("--group", "GROUP", "run with GROUP as the only group", group=_START),
    Option("--nofile", "N[:HARD]", "limit of open files", "nofile", group=_START),
    Option("--nice", "N", "nice value, -20 to 19", "nice", group=_START),
    Option("--allow-unsafe-path", "", "let root execute and read files that other users could replace", group=_START),
    Option("--retries", "N", "retry up to N times before it counts as failing", "tries", "3", group=_SICK),
    Option("--retry-delay", "D", "delay before the first retry; doubled for each further one", "duration", "1s",
           group=_SICK),
    Option("--fail-after", "N", "restart after N failing runs (with --watch: checks) in a row", "count", "1",
           group=_SICK),
    Option("--recover-after", "N", "recovered after N healthy checks in a row", "count", "1", group=_SICK),
    Option("--start-period", "D", "for D after its start and after the boot, failing is `pending`", "duration", "0",
           group=_SICK),
    Option("--restart-on", "FILE", "restart it when FILE is another than at its start (configuration, binary); may be"
           " repeated", many=True, group=_SICK),
    Option("--before-restart", "CMD", "run before a live service is restarted, for example to take a dump of it",
           group=_SICK),
    Option("--before-stop", "CMD", "run before each stop or restart, for example to take it out of a load balancer",
           group=_SICK),
    Option("--stop", "CMD", "stop it by CMD instead of SIGTERM", group=_SICK),
    Option("--stop-timeout", "D", "time to exit after SIGTERM, then SIGKILL", "duration", "10s", group=_SICK),
    Option("--reload", "CMD", "what watchdog-tools reload does: CMD, or a signal to it: HUP, USR1, USR2, WINCH",
           group=_SICK),
    Option("--kill-mode", "MODE", "what is ended with it, or before the next start if it died alone: everything that"
           " came from it (group), or only itself (process)", "group|process", "group", group=_SICK),
    Option("--containment", "MODE", "start it in a control group of its own where root can create one (auto), or not"
           " (none)", "auto|none", "auto", group=_SICK),
    Option("--requires", "'LINE'", "a check of something it depends on: while that is CRITICAL, wait; may be repeated",
           many=True, group=_POLICY),
    Option("--backoff", "MIN:MAX", "delay between starts, doubled each time", "backoff", "1s:5m", group=_POLICY),
    Option("--limit", "N/D", "at most N starts within any D, then hold; none: no limit", "limit", "5/10m",
           group=_POLICY),
    Option("--hold", "D", "after reaching --limit, make no start for at least D", "duration", "15m", group=_POLICY),
    Option("--stable", "D", "after D of healthy running, earlier failures are forgotten", "duration", "10m",
           group=_POLICY),
    Option("--on-restart", "CMD", "run after a restart", group=_HOOKS),
    Option("--on-hold", "CMD", "run when a hold begins", group=_HOOKS),
    Option("--on-recover", "CMD", "run when it is healthy again", group=_HOOKS),
    Option("--hook-timeout", "D", "time limit of each CMD", "duration", "10s", group=_HOOKS),
    Option("--watch", "D", "keep checking for D (cron: 60s), and act at once when it dies", "duration", group=_WATCH),
    Option("--every", "D", "with --watch: interval between checks", "duration", "5s", group=_WATCH),
    Option("--state-dir", "DIR", "directory of records and locks [default: /run/watchdog-tools for root, else "
           "~/.local/state/watchdog-tools]", group=_STATE),
    Option("--dry-run", "", "print what would be done, and do nothing", group=_STATE),
    Option("--syslog", "", "also log what was done to /dev/log", group=_STATE),
    Option("--lock-wait", "D", "wait up to D for another run's lock", "duration", "1s", group=_TIME),
    Option("--start-seconds", "D", "it must live for D to count as running", "duration", "1s", group=_TIME),
    Option("--startup-timeout", "D", "it must be healthy within D after its start", "duration", "30s", group=_TIME),
    Option("--pending-ok", "", "with bool: exit 0 while `pending`", group=OUTPUT),
    remind_option(),
    *common(limit_of="one run of all checks"),
)  # fmt: skip

_EXITS = (
    ("0", "healthy; started or restarted, and now healthy; paused but up; pending"),
    ("1", "degraded; or not up, while another run or supervisor is working on it"),
    ("2", "down or failing: cannot be started, in backoff, held, paused, or waiting for --requires"),
    ("3", "could not check, so nothing was done; or wrong usage"),
    ("bool", "0 works; 1 does not, is not up yet, or is pending (docker, k8s, cron)"),
)

_NOTES = (
    "NAME and the state directory identify the service: runs with the same two never start it twice. The command must"
    " stay in the foreground, unless --oneshot is given. Without a check, the service is healthy while the instance"
    " that was started here is alive. Only CRITICAL leads to a start or restart; UNKNOWN about processes prevents every"
    " start and stop. A service that is gone is started at once; one that is alive but failing is retried as --retries"
    " says, then stopped and started again. A CMD has HOOK_NAME, HOOK_STATE, HOOK_REASON, HOOK_ATTEMPT and HOOK_PID in"
    " its environment."
)

_EXAMPLES = (
    ("ensure-running web --port :8080 -- /opt/web/bin/server --listen 8080",
     "start the server when its port does not answer and no instance is alive"),
    ("ensure-running sup --for cron --process supervisord -- supervisord -n",
     "from cron: silent while it runs, one line when something was done"),
    ("ensure-running db --oneshot --port :5432 -- systemctl restart postgresql",
     "let another supervisor start it, and verify that it did"),
    ("ensure-running agent --for cron --watch 60s --port :8080 -- /opt/agent/agent",
     "from cron, restarted within milliseconds: this run watches until the next one takes over"),
    ("ensure-running web --for cron --systemd nginx --url http://127.0.0.1/",
     "restart a unit that runs but does not answer, which systemd alone would not do"),
)  # fmt: skip


def _run(config: Config, _values: object, cancel_fd: int) -> Result | None:
    """Check; if that is not the end of it, have an action worker do what is needed. None if `cancel_fd` came first."""
    found = run_checks(config, cancel_fd)
    if found is None:
        return None
    first, named = found
    health = Health(named)
    verdict = verdict_without_lock(config, first, health)
    touched = verdict is None or first.corrupt or _watches(config, first)
    if touched:
        acted = _acted(config, cancel_fd, health.summary or first.summary)
        verdict = _of_both(verdict, acted, watches=_watches(config, first))
    if verdict:
        verdict.target = config.name
        verdict.keeper.no_news, verdict.keeper.hangs = first.no_news, first.hangs
        verdict.lines = (*lines(named, "at first, " if touched else ""), *verdict.lines)
        verdict.details = {"name": config.name, **verdict.details}
        if config.tells_containment:
            from watchdog_tools.ensure_running import containment

            containment.add(verdict, config, cancel_fd)
        if not (config.dry_run or first.hangs):
            _leave_word(config, verdict, cancel_fd, make=not touched)
    return verdict


def _leave_word(config: Config, verdict: Result, cancel_fd: int, *, make: bool) -> None:
    """Have a fork leave word that this run is complete: the disk may hang. What fails is said with -v alone.

    make: the state directory, where it is missing.
    """
    if verdict.reason in _UNWRITTEN:
        return
    said = run_all([Check(lambda _progress: write_seen(config, verdict.state, make=make))], _SEEN_LIMIT, cancel_fd)
    words = said[0] if said else ""
    if not isinstance(words, str):
        if words.reason == "timeout":
            from watchdog_tools.system import waiting

            waiting.leave_hint(config.name)
        words = f"{config.name}.seen is not written: {words.summary}"
    if words:
        verdict.lines = (*verdict.lines, words)


def _of_both(found: Result | None, acted: Result | None, *, watches: bool) -> Result | None:
    """Return the verdict, from what was seen without the lock and what an action worker said."""
    if watches:
        return acted or found  # ended while it stood in line: what it saw is its last verdict
    # a record that cannot be set aside is no reason to call a healthy service down
    return found if found and acted and acted.reason == "no-state" else acted


def _watches(config: Config, seen: InstanceFacts) -> bool:
    return bool(config.watch) and not seen.paused


def _acted(config: Config, cancel_fd: int, cause: str) -> Result | None:
    if config.dry_run:
        from watchdog_tools.ensure_running.dry_run import dry_run

        return dry_run(config, cancel_fd)
    from watchdog_tools.ensure_running.act import act

    return act(config, cancel_fd, cause)


COMMAND = Command(
    name="ensure-running",
    label="SERVICE",
    summary="Keep exactly one instance of a program running: check it, start it if it is down, restart it if it is"
    " alive but failing.",
    arguments=(
        "NAME -- START COMMAND",
        (1, 1),
        "name of the service; after --, the command that starts it (none with --systemd or --supervisor)",
    ),
    tail=True,
    options=_OPTIONS,
    configure=configure,
    run=_run,
    remembers=remembers,
    target=lambda config: config.name,
    examples=_EXAMPLES,
    exits=_EXITS,
    notes=_NOTES,
)
