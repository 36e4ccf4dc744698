"""ensure-running: exactly one instance of a program, started only when a look says that it is down."""

from __future__ import annotations

from watchdog_tools.cli.common import OUTPUT, common
from watchdog_tools.cli.options import Command, Option, Wrong
from watchdog_tools.cli.values import directory, service
from watchdog_tools.commands.asked import checks, required
from watchdog_tools.commands.asked import command as asked_command
from watchdog_tools.commands.keeping import COMMANDS, Config, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.options import Values

_HEALTH, _OTHER = "What health means (all must hold)", "Another supervisor's service (nothing stands behind --)"
_START, _SICK, _POLICY = "How it is started", "When it lives but fails", "When it may be started, and how often"
_HOOKS, _WATCH = "Who is told (a CMD is words, no shell reads it)", "Below the minute"
_STATE, _TIME = "State and acting", "Time"

_OPTIONS = (
    Option("--check", "'LINE'", "a check as on the shell: one of ours, or any Nagios plugin", many=True, group=_HEALTH),
    Option("--process", "NAME", "short for check-process NAME, of --user or of our own uid", group=_HEALTH),
    Option("--pidfile", "FILE", "short for check-process --pidfile FILE, and that it runs the start command",
           group=_HEALTH),
    Option("--port", "HOST:PORT", "short for check-port", many=True, group=_HEALTH),
    Option("--url", "URL", "short for check-http", many=True, group=_HEALTH),
    Option("--systemd", "UNIT", "keep this unit: systemctl says whether it runs, starts and restarts it", group=_OTHER),
    Option("--supervisor", "PROGRAM", "keep this program of supervisord: the same by supervisorctl", group=_OTHER),
    Option("--supervisor-config", "FILE", "supervisord's configuration, where that is not the usual one", group=_OTHER),
    Option("--oneshot", "", "the start command returns (systemctl restart x); health tells whether it worked",
           group=_START),
    Option("--log", "FILE", "append its output to FILE, opened as its user (default: /dev/null)", group=_START),
    Option("--cwd", "DIR", "its working directory", default="/", group=_START),
    Option("--env", "NAME=VALUE", "set a variable for it", many=True, group=_START),
    Option("--clean-env", "", "give it only PATH, LANG, LC_ALL, TZ, and what --env and --user say", group=_START),
    Option("--umask", "OCTAL", "its umask", default="022", group=_START),
    Option("--user", "USER", "run it as USER, with that user's groups", group=_START),
    Option("--group", "GROUP", "run it with GROUP alone", group=_START),
    Option("--allow-unsafe-path", "", "let root execute what others could replace", group=_START),
    Option("--retries", "N", "look up to N times more before it counts as failing", "tries", "3", group=_SICK),
    Option("--retry-delay", "D", "before the first of them; doubled each time", "duration", "1s", group=_SICK),
    Option("--fail-after", "N", "restart after N failing runs (with --watch: looks) in a row", "count", "1",
           group=_SICK),
    Option("--recover-after", "N", "recovered after N healthy looks in a row", "count", "1", group=_SICK),
    Option("--start-period", "D", "failing is `pending` for D from its start, and from the boot", "duration", "0",
           group=_SICK),
    Option("--before-restart", "CMD", "run before a sick instance is stopped, for a dump of it", group=_SICK),
    Option("--stop", "CMD", "stop it by CMD in the place of SIGTERM", group=_SICK),
    Option("--stop-timeout", "D", "so long it has to end; then SIGKILL", "duration", "10s", group=_SICK),
    Option("--kill-mode", "MODE", "what an instance that died alone left behind: end it before the next start (group),"
           " or start beside it (process)", "group|process", "group", group=_SICK),
    Option("--requires", "'LINE'", "a check of something else: while it is CRITICAL, wait", many=True, group=_POLICY),
    Option("--backoff", "MIN:MAX", "delay between starts, doubled each time", "backoff", "1s:5m", group=_POLICY),
    Option("--limit", "N/D", "at most N starts within any D, then hold; or none", "limit", "5/10m", group=_POLICY),
    Option("--hold", "D", "start nothing for so long, at least; then go on", "duration", "15m", group=_POLICY),
    Option("--stable", "D", "so long in health forgives what was before", "duration", "10m", group=_POLICY),
    Option("--on-restart", "CMD", "run after a restart", group=_HOOKS),
    Option("--on-hold", "CMD", "run when a hold begins", group=_HOOKS),
    Option("--on-recover", "CMD", "run when it is healthy after trouble", group=_HOOKS),
    Option("--hook-timeout", "D", "limit of each CMD", "duration", "10s", group=_HOOKS),
    Option("--watch", "D", "stay for D (cron: 60s), and act at once on its death", "duration", group=_WATCH),
    Option("--every", "D", "with --watch: look so often", "duration", "5s", group=_WATCH),
    Option("--state-dir", "DIR", "where record and lock live (default: /run/watchdog-tools for root, else "
           "~/.local/state/watchdog-tools)", group=_STATE),
    Option("--dry-run", "", "say what would be done, and do nothing", group=_STATE),
    Option("--syslog", "", "send what was done to /dev/log too", group=_STATE),
    Option("--lock-wait", "D", "wait for another run's lock", "duration", "1s", group=_TIME),
    Option("--start-seconds", "D", "it must live this long to count as running", "duration", "1s", group=_TIME),
    Option("--startup-timeout", "D", "it must be healthy this long after its start", "duration", "30s", group=_TIME),
    Option("--pending-ok", "", "with bool: `pending` exits 0", group=OUTPUT),
    *common(of_look="one look at all checks"),
)  # fmt: skip

_EXITS = (
    ("0", "healthy; started or restarted now, and healthy; paused and up; pending"),
    ("1", "degraded; or not up, and another run or supervisor is at it"),
    ("2", "down or failing: not startable, backing off, held, paused, or waiting for what it requires"),
    ("3", "could not look, so nothing was done; or wrong usage"),
    ("bool", "0 works, 1 does not, is not up yet, or is pending (docker, k8s, cron)"),
)

_NOTES = (
    "NAME and the state directory say which service it is: runs with the same two never start it twice. The"
    " command must stay in the foreground, unless --oneshot. Without a check, health is that the instance started"
    " here is alive. Only CRITICAL acts; an UNKNOWN about processes stops every start and stop. What is gone is"
    " started at once; what lives and fails gets --retries, and is then stopped and started again. A CMD is words, no"
    " shell reads it; it finds HOOK_NAME, HOOK_STATE, HOOK_REASON, HOOK_ATTEMPT and HOOK_PID in its environment."
)

_EXAMPLES = (
    ("ensure-running web --port :8080 -- /opt/web/bin/server --listen 8080",
     "start the server when its port does not answer and no instance lives"),
    ("ensure-running sup --for cron --process supervisord -- supervisord -n",
     "from cron: silent while it runs, one line when something was done"),
    ("ensure-running db --oneshot --port :5432 -- systemctl restart postgresql",
     "leave the work to another supervisor, and verify that it was done"),
    ("ensure-running agent --for cron --watch 60s --port :8080 -- /opt/agent/agent",
     "from cron, with repair in milliseconds: this run watches until the next one takes over"),
    ("ensure-running web --for cron --systemd nginx --url http://127.0.0.1/",
     "a unit that runs but does not answer is restarted, which systemd alone would not do"),
)  # fmt: skip


def _settle(values: Values) -> Config:
    name, *command = values["args"]
    try:
        name = service(name)
    except ValueError as error:
        raise Wrong(str(error)) from None
    command = _command(values, command)
    if values["state_dir"] is not None:
        try:
            values["state_dir"] = directory(values["state_dir"])  # one spelling: the mark of an instance holds it
        except ValueError as error:
            raise Wrong(f"--state-dir: {error}") from None
    if not str(values["cwd"]).startswith("/"):
        raise Wrong("--cwd: an absolute path is accepted")
    if values["log"] == "/dev/null":
        values["log"] = None
    if values["log"] and not str(values["log"]).startswith("/"):
        raise Wrong("--log: an absolute path is accepted")
    asked = any(values[key] for key in ("check", "process", "pidfile", "port", "url", "systemd", "supervisor"))
    if values["oneshot"] and not asked:
        raise Wrong("--oneshot needs a --check, or a short form of one: its command says nothing about the service")
    if values["watch"] is not None and not 0 < values["every"] <= values["watch"]:
        raise Wrong("--every: longer than 0 and not longer than --watch is accepted")
    for key in COMMANDS:
        asked_command(f"--{key.replace('_', '-')}", values[key])
    umask, pairs = _umask(str(values["umask"])), _pairs(values)
    looks = checks(name, command[0], values)
    return Config(name, tuple(command), values, umask, pairs, looks, required(values))


def _command(values: Values, command: list[str]) -> list[str]:
    """Return the start command: as given, or as a preset knows it."""
    if values["systemd"] or values["supervisor"] or values["supervisor_config"]:
        from watchdog_tools.commands import presets

        return presets.settle(values, command)
    if not command:
        raise Wrong("missing argument: the start command stands behind --, ensure-running NAME -- START COMMAND")
    if not command[0]:
        raise Wrong("the start command is empty")
    return command


def _umask(word: str) -> int:
    if not (word and len(word) <= 4 and set(word) <= set("01234567") and int(word, 8) <= 0o777):  # noqa: PLR2004
        raise Wrong(f"--umask: {word[:80]!r} is not octal; accepted: 022, 0027, 077")
    return int(word, 8)


def _pairs(values: Values) -> tuple[tuple[str, str], ...]:
    pairs = tuple(word.partition("=")[::2] for word in values["env"])
    for word, (key, _) in zip(values["env"], pairs, strict=True):
        if "=" not in word or not key or "\0" in word:
            raise Wrong(f"--env: {key[:80]!r} is not a pair; accepted: NAME=VALUE")
        if key.startswith("WATCHDOG_TOOLS_"):
            raise Wrong(f"--env: {key[:80]} is ours to set")
    return pairs


COMMAND = Command(
    name="ensure-running",
    label="SERVICE",
    summary="Keep exactly one instance of a program running: look, start it if it is down, restart it if it lives but"
    " fails.",
    arguments=(
        "NAME -- START COMMAND",
        (1, 1),
        "the service's own name; behind --, the command that starts it (none with --systemd, --supervisor)",
    ),
    tail=True,
    options=_OPTIONS,
    settle=_settle,
    run=run,
    target=lambda config: config.name,
    examples=_EXAMPLES,
    exits=_EXITS,
    notes=_NOTES,
)
