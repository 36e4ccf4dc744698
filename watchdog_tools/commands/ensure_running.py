"""ensure-running: exactly one instance of a program, started only when a look says that it is down."""

from __future__ import annotations

from watchdog_tools.cli.common import common
from watchdog_tools.cli.options import Command, Option, Wrong
from watchdog_tools.cli.values import service
from watchdog_tools.commands.asked import checks
from watchdog_tools.commands.keeping import Config, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.cli.options import Values

_HEALTH, _START, _STATE, _TIME = ("What health means (all must hold)", "How it is started", "State and acting", "Time")

_OPTIONS = (
    Option("--check", "'LINE'", "a check as on the shell: one of ours, or any Nagios plugin", many=True, group=_HEALTH),
    Option("--process", "NAME", "short for check-process NAME, of --user or of our own uid", group=_HEALTH),
    Option("--pidfile", "FILE", "short for check-process --pidfile FILE, and that it runs the start command",
           group=_HEALTH),
    Option("--port", "HOST:PORT", "short for check-port", many=True, group=_HEALTH),
    Option("--url", "URL", "short for check-http", many=True, group=_HEALTH),
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
    Option("--state-dir", "DIR", "where record and lock live (default: /run/watchdog-tools for root, else "
           "~/.local/state/watchdog-tools)", group=_STATE),
    Option("--dry-run", "", "say what would be done, and do nothing", group=_STATE),
    Option("--syslog", "", "send what was done to /dev/log too", group=_STATE),
    Option("--lock-wait", "D", "wait for another run's lock", "duration", "1s", group=_TIME),
    Option("--start-seconds", "D", "it must live this long to count as running", "duration", "1s", group=_TIME),
    Option("--startup-timeout", "D", "it must be healthy this long after its start", "duration", "30s", group=_TIME),
    *common(of_look="one look at all checks"),
)  # fmt: skip

_EXITS = (
    ("0", "healthy; or started now, and healthy"),
    ("1", "degraded; or down, and another run is repairing it"),
    ("2", "down: not started, not startable, or alive but failing"),
    ("3", "could not look, so nothing was done; or wrong usage"),
    ("bool", "0 works, 1 does not (docker, k8s, cron)"),
)

_NOTES = (
    "NAME and the state directory say which service it is: runs with the same two never start it twice. The"
    " command must stay in the foreground, unless --oneshot. Without a check, health is that the instance started"
    " here is alive. Only CRITICAL starts anything; an UNKNOWN about processes stops every start."
)

_EXAMPLES = (
    ("ensure-running web --port :8080 -- /opt/web/bin/server --listen 8080",
     "start the server when its port does not answer and no instance lives"),
    ("ensure-running sup --for cron --process supervisord -- supervisord -n",
     "from cron: silent while it runs, one line when something was done"),
    ("ensure-running db --oneshot --port :5432 -- systemctl restart postgresql",
     "leave the work to another supervisor, and verify that it was done"),
)  # fmt: skip


def _settle(values: Values) -> Config:
    name, *command = values["args"]
    try:
        name = service(name)
    except ValueError as error:
        raise Wrong(str(error)) from None
    if not command[0]:
        raise Wrong("the start command is empty")
    if values["state_dir"] is not None:
        values["state_dir"] = _plain(values["state_dir"])
    if not str(values["cwd"]).startswith("/"):
        raise Wrong("--cwd: an absolute path is accepted")
    if values["log"] == "/dev/null":
        values["log"] = None
    if values["log"] and not str(values["log"]).startswith("/"):
        raise Wrong("--log: an absolute path is accepted")
    asked = any(values[key] for key in ("check", "process", "pidfile", "port", "url"))
    if values["oneshot"] and not asked:
        raise Wrong("--oneshot needs a --check, or a short form of one: its command says nothing about the service")
    return Config(
        name, tuple(command), values, _umask(str(values["umask"])), _pairs(values), checks(name, command[0], values)
    )


def _plain(path: str) -> str:
    """Return the one spelling of an absolute path: the mark of an instance holds it."""
    parts = [part for part in path.split("/") if part]
    if not path.startswith("/") or not parts or {".", ".."} & set(parts):
        raise Wrong(f"--state-dir: {path[:80]!r} is not an absolute path without . or ..")
    return "/" + "/".join(parts)


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
    summary="Keep exactly one instance of a program running: look, and start it only if it is down.",
    arguments=("NAME -- START COMMAND", (1, 1), "the service's own name; behind --, the command that starts it"),
    tail=True,
    options=_OPTIONS,
    settle=_settle,
    run=run,
    target=lambda config: config.name,
    examples=_EXAMPLES,
    exits=_EXITS,
    notes=_NOTES,
)
