"""Programs of supervisord: their names, what `supervisorctl status` says, the verdict, and the repair."""

from __future__ import annotations

from watchdog_tools.core import CRITICAL, NAMES, OK, UNKNOWN, WARNING, Result, worst
from watchdog_tools.core.struct import Struct
from watchdog_tools.core.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

STARTING = "starting"  # the reason of what is neither up nor down

_STATES = {
    "RUNNING": OK,
    "STARTING": WARNING,
    "STOPPING": WARNING,  # a start is refused until it has ended
    "BACKOFF": CRITICAL,  # died before startsecs, and waits for another try: nothing runs
    "FATAL": CRITICAL,
    "EXITED": CRITICAL,
    "STOPPED": CRITICAL,
    "UNKNOWN": UNKNOWN,  # supervisord's own word for a fault in itself
}
_MOVING = {"STARTING": "is being started", "STOPPING": "is being stopped"}
_LONGEST = 200
_SHOWN = 5  # programs of a group


class Program(Struct):
    """A line of `supervisorctl status`: NAME or GROUP:NAME, its state word, and what follows it, from outside."""

    name: str
    state: str
    words: str

    @property
    def verdict(self) -> int:
        """The state of a check."""
        return _STATES[self.state]

    @property
    def sentence(self) -> str:
        """What it does, without its name."""
        words = quoted(self.words, 160)
        if self.state in _MOVING:
            return _MOVING[self.state]
        if self.state == "RUNNING":
            return f"is running ({words})" if words else "is running"
        return f"is {self.state}" + (f": {words}" if words else "")


def program_name(word: str) -> str:
    """Return NAME, GROUP:NAME or GROUP:*, as supervisorctl takes it. Raise ValueError with a sentence."""
    group, colon, name = word.partition(":")
    if word == "all":
        raise ValueError("'all' is every program of a supervisord: name one, or a group as GROUP:*")
    sound = group and group.isprintable() and word.isprintable() and len(word) <= _LONGEST
    if not sound or word.startswith("-") or any(each in word for each in " /") or ":" in name or "*" in group:
        raise ValueError(f"{quoted(word, 80)!r} is not the name of a program: NAME, GROUP:NAME or GROUP:*")
    if "*" in name and name != "*":
        raise ValueError(f"supervisorctl knows no patterns: {quoted(group, 80)}:* is the whole group")
    return f"{group}:*" if colon and not name else word


def is_group(program: str) -> bool:
    """Whether the name stands for all programs of a group."""
    return program.endswith(":*")


def command(verb: str, program: str, config: str | None, tool: str = "supervisorctl") -> tuple[str, ...]:
    """Return the argv of supervisorctl, whose path is `tool`."""
    return (tool, *(("-c", config) if config else ()), verb, program)


def start_command(program: str, config: str | None, tool: str = "supervisorctl") -> tuple[str, ...]:
    """Return what brings up a program that is down.

    That is `restart` for a single one: in BACKOFF, `start` does nothing, says "already started", and exits
    with 0; stopping what does not run does no harm. Its exit code is 0 only if the program then ran for its
    startsecs. A group gets `start`, which leaves the programs alone that run.
    """
    return command("start" if is_group(program) else "restart", program, config, tool)


def restart_command(program: str, config: str | None, tool: str = "supervisorctl") -> tuple[str, ...]:
    """Return what stops the program, or every one of the group, and starts it again."""
    return command("restart", program, config, tool)


def parse(output: bytes) -> list[Program]:
    """Return the programs in the output of `supervisorctl status`; other lines are left out."""
    found = []
    for line in output.decode("utf-8", "backslashreplace").split("\n"):
        words = line.split(None, 2)
        if len(words) > 1 and words[1] in _STATES:
            name, state, *more = words
            found.append(Program(name=name, state=state, words=more[0].strip() if more else ""))
    return found


def verdict(program: str, found: Sequence[Program], ends: str = "") -> Result:
    """Return the verdict on the program or group: of several the worst. `ends`: what `last_end` found."""
    state = worst(each.verdict for each in found)
    failing = [each for each in found if each.verdict != OK]
    if len(found) == 1:
        summary = f"{quoted(found[0].name, 120)} {found[0].sentence}"
    else:
        summary = f"{len(found) - len(failing)} of {len(found)} programs of {quoted(program, 120)} are running"
        shown = [f"{quoted(each.name, 80)} {each.sentence}" for each in failing[:_SHOWN]]
        summary = "; ".join([summary, *shown, *(["..."] if len(failing) > _SHOWN else [])])
    reasons = [each.state.lower() for each in found if each.verdict == state != OK]
    return Result(
        state,
        f"{summary}; {ends}" if ends else summary,
        reason=STARTING if state == WARNING else (reasons or [""])[0],
        target=program,
        details={"programs": {each.name: each.state for each in found}},
        lines=[f"{NAMES[each.verdict]} - {quoted(each.name, 120)} {each.sentence}" for each in found]
        * (len(found) > 1),
    )


def refusal(program: str, code: int, out: bytes, err: bytes) -> Result:
    """Return the verdict where supervisorctl showed no program: UNKNOWN, as nothing is known about any.

    A supervisord that is gone is no exception: its programs may live on without it, supervisorctl
    could start nothing, and each vain try would count against the policy's limit.
    """
    said = [line for line in (out + b"\n" + err).decode("utf-8", "backslashreplace").split("\n") if line.strip()]
    first = quoted(said[0].strip()) if said else ""
    reason, words = "supervisor", first or f"supervisorctl said nothing (exit {code})"
    if "ERROR (no such" in first:
        reason = "not-found"
        words = f"supervisord knows no such program ({first}); one of several is GROUP:NAME, all of them GROUP:*"
    elif "SHUTDOWN_STATE" in first:
        words = "supervisord is shutting down"
    elif first.endswith(("no such file", "refused connection")):
        words = f"supervisord itself is not running ({first})"
    elif "requires authentication" in first:
        words = "supervisord wants another user name or password than the [supervisorctl] section has"
    elif "Permission denied" in first:
        words = "no permission to talk to supervisord"
    elif first.startswith("Traceback"):
        words = f"supervisorctl failed: {quoted(said[-1].strip())}"
    return Result(UNKNOWN, f"cannot ask about {quoted(program, 120)}: {words}", reason=reason, target=program)


def last_end(log: bytes, name: str) -> str:
    """Return how supervisord's log says that the process `name` ended last; empty if it does not."""
    mark = f" exited: {name.rpartition(':')[2]} ("
    for line in reversed(log.decode("utf-8", "backslashreplace").split("\n")):
        _, found, rest = line.partition(mark)
        if found:
            return f"its last end: {quoted(rest.rstrip().removesuffix(')'), 80)}"
    return ""
