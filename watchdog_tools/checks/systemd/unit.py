"""A systemd unit: its name, what `systemctl show` says of it, the verdict, and the commands that repair it."""

from __future__ import annotations

from watchdog_tools.checks.systemd.failures import failure
from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING, Result
from watchdog_tools.core.text import human_duration, quoted

PROPERTIES = (
    "LoadState", "LoadError", "ActiveState", "SubState", "Type", "Result", "Job", "MainPID", "NRestarts", "StatusText",
    "ExecMainCode", "ExecMainStatus", "ActiveEnterTimestampMonotonic", "InactiveEnterTimestampMonotonic",
    "ConditionResult", "ConditionTimestampMonotonic",
)  # fmt: skip
STARTING = "starting"  # the reason of what is neither up nor down

_SUFFIXES = (
    ".service", ".socket", ".timer", ".mount", ".automount", ".swap", ".path", ".target", ".slice", ".scope", ".device",
)  # fmt: skip
_LONGEST = 255
_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\@")
# A unit at its start limit refuses `start`, and `restart` even *stops* a running one before it refuses (systemd 252):
# the limit of a keeper's own policy is the outer one, so the unit's is reset first. Where there is nothing to reset
# that fails, and does not matter.
_SCRIPT = '"$1" reset-failed -- "$3" >/dev/null 2>&1; exec "$1" "$2" --no-ask-password -- "$3"'


def unit_name(word: str) -> str:
    """Return the unit's whole name, `.service` unless it has a suffix. Raise ValueError with a sentence."""
    name = word if word.endswith(_SUFFIXES) else f"{word}.service"
    stem = name.rpartition(".")[0]
    if not stem or word.startswith("-") or not _ALLOWED.issuperset(word):
        raise ValueError(f"{quoted(word, 80)!r} is not the name of a unit (letters, digits and : - _ . \\ @)")
    if len(name) > _LONGEST:
        raise ValueError(f"the name of a unit has at most {_LONGEST} characters")
    if stem.startswith("@") or stem.endswith("@"):
        raise ValueError(f"{word!r} is a template: name one of its instances, {stem.rstrip('@') or 'web'}@NAME")
    return name


def start_command(unit: str, tool: str = "systemctl") -> tuple[str, ...]:
    """Return what starts the unit, also one at its start limit. `tool` is the path of systemctl.

    Its exit code is not to be believed: it is 0 too for a service that dies at once, and for one whose
    Condition is not met. It waits for a unit that says when it is ready (TimeoutStartSec=).
    """
    return ("/bin/sh", "-c", _SCRIPT, "sh", tool, "start", unit)


def restart_command(unit: str, tool: str = "systemctl") -> tuple[str, ...]:
    """Return what stops the unit if it runs, and starts it. As `start_command`."""
    return ("/bin/sh", "-c", _SCRIPT, "sh", tool, "restart", unit)


def parse(output: bytes) -> dict[str, str]:
    """Return the properties that were asked for, as `systemctl show` prints them."""
    facts: dict[str, str] = {}
    for line in output.decode("utf-8", "backslashreplace").split("\n"):
        key, equals, value = line.partition("=")
        if equals and key in PROPERTIES:
            facts.setdefault(key, value)
    return facts


def verdict(unit: str, facts: dict[str, str], now: float) -> Result:
    """Return the verdict. `now`: seconds of the monotonic clock, as systemd's own time stamps."""
    state, sub = facts.get("ActiveState", ""), facts.get("SubState", "")
    unusable = _unusable(unit, facts)
    if state in ("active", "reloading", "refreshing"):
        result = _active(unit, facts, state, now)
    elif state in ("activating", "deactivating"):
        result = Result(WARNING, f"{unit} {_changing(facts, state, sub)}", reason=STARTING)
    elif unusable:
        result = unusable
    elif state in ("inactive", "failed") and facts.get("Job"):
        result = Result(WARNING, f"{unit} waits for its start (job {quoted(facts['Job'], 20)})", reason=STARTING)
    elif state in ("inactive", "failed"):
        result = Result(CRITICAL, f"{unit} {_inactive(facts, state, now)}", reason=state)
    else:
        result = Result(UNKNOWN, f"{unit} is in a state that we do not know: {quoted(state, 40)}", reason="state")
    result.target = unit
    result.details = _details(unit, facts)
    if unusable and result is not unusable:  # masked while it runs: no restart of it would succeed
        result.keeper.unstartable = unusable.summary
    return result


def refusal(unit: str, code: int, said: bytes) -> Result:
    """Return the verdict where systemctl could not tell: there is nothing that may be concluded about the unit."""
    lines = [line for line in said.decode("utf-8", "backslashreplace").split("\n") if line.strip()]
    words = quoted(lines[0].strip()) if lines else f"exit {code}"
    if "not been booted with systemd" in words:
        words = "this machine was not booted with systemd"
    return Result(UNKNOWN, f"cannot ask systemd about {unit}: {words}", reason="systemd", target=unit)


def _unusable(unit: str, facts: dict[str, str]) -> Result | None:
    """Return the verdict on a unit that cannot be started, None for one that can."""
    load = facts.get("LoadState", "")
    words = {
        "loaded": "",
        "not-found": "there is no unit of that name",
        "masked": f"it is masked (systemctl unmask {unit})",
        "bad-setting": "its file has a setting that systemd refuses (systemctl status)",
    }.get(load)
    if words is None:
        words = f"it could not be loaded ({quoted(load, 40) or 'systemd says nothing of it'})"
    return Result(UNKNOWN, f"{unit}: {words}", reason=load or "state") if words else None


def _active(unit: str, facts: dict[str, str], state: str, now: float) -> Result:
    pid, sub = facts.get("MainPID", "0"), facts.get("SubState", "")
    status = quoted(facts.get("StatusText", ""), 120)
    since = _age(facts, "ActiveEnterTimestampMonotonic", now)
    inside = ", ".join(
        filter(None, (f"pid {pid}" if pid.isdigit() and pid != "0" else "", f"up {since}" * bool(since)))
    )
    facts_of = f" ({inside})" if inside else ""
    says = f": {status}" if status else ""
    if state != "active":
        return Result(WARNING, f"{unit} is {state}{facts_of}{says}", reason=state)
    if sub == "exited" and facts.get("Type") != "oneshot":
        # RemainAfterExit=yes, as every converted SysV script has it: systemd says active whatever became of the daemon
        return Result(WARNING, f"{unit} is active, but none of its processes is left{facts_of}", reason="exited")
    doing = "is active (exited, RemainAfterExit=yes)" if sub == "exited" else f"is {quoted(sub, 40) or 'active'}"
    return Result(OK, f"{unit} {doing}{facts_of}{says}")


def _changing(facts: dict[str, str], state: str, sub: str) -> str:
    if sub.startswith("auto-restart"):
        times = facts.get("NRestarts", "0")
        return f"{failure(facts) or 'ended'}; systemd is about to restart it (restarts so far: {quoted(times, 10)})"
    status = quoted(facts.get("StatusText", ""), 120)
    doing = "is being started" if state == "activating" else "is being stopped"
    return f"{doing} ({quoted(sub, 40)})" + (f": {status}" if status else "")


def _inactive(facts: dict[str, str], state: str, now: float) -> str:
    ago = _age(facts, "InactiveEnterTimestampMonotonic", now)
    when = f", {ago} ago" if ago else ""
    if state == "failed":
        restarts = facts.get("NRestarts", "0")
        gave_up = f", after {restarts} restarts by systemd" if restarts.isdigit() and restarts != "0" else ""
        return f"failed: {failure(facts) or 'systemd does not say why'}{gave_up}{when}"
    if facts.get("ConditionResult") == "no" and facts.get("ConditionTimestampMonotonic", "0") != "0":
        return "is not running: a Condition of the unit is not met"
    # a unit that ended well or was stopped is soon forgotten, with all that it ever did
    return (
        f"is not running: it ended or was stopped{when}" if ago else "is not running, and systemd knows of no run of it"
    )


def _age(facts: dict[str, str], name: str, now: float) -> str:
    """Return how long ago a time stamp (microseconds, 0 for never) is, in words; empty if never."""
    stamp = facts.get(name, "")
    if not (stamp.isdigit() and 0 < len(stamp) < 20 and int(stamp)):  # noqa: PLR2004 -- more digits than it needs
        return ""
    return human_duration(max(now - int(stamp) / 1e6, 0))


def _details(unit: str, facts: dict[str, str]) -> dict[str, object]:
    pid, restarts = facts.get("MainPID", ""), facts.get("NRestarts", "")
    return {
        "unit": unit,
        **{key: quoted(facts.get(name, ""), 80) for key, name in
           (("load", "LoadState"), ("active", "ActiveState"), ("sub", "SubState"), ("result", "Result"))},
        "pid": int(pid) if pid.isdigit() and len(pid) < 10 and int(pid) else None,  # noqa: PLR2004
        "restarts": int(restarts) if restarts.isdigit() and len(restarts) < 12 else None,  # noqa: PLR2004
    }  # fmt: skip
