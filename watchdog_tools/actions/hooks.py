"""TOUCH: run a command that a run needs done (a hook, a dump, --stop): bounded, and nothing of it is left behind.

One that fails changes words, never a verdict.
"""

from __future__ import annotations

import os

from watchdog_tools.actions.kill import end_own
from watchdog_tools.actions.spawn import EXEC_SECONDS, Child, spawn
from watchdog_tools.actions.start_plan import CannotStart, resolve
from watchdog_tools.core import NAMES
from watchdog_tools.core.config import StartOptions
from watchdog_tools.core.marks import COMMAND
from watchdog_tools.core.text import quoted
from watchdog_tools.system.proc import ProcUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from watchdog_tools.actions.context import Run
    from watchdog_tools.core import Result

_GRACE = 1.0  # seconds between TERM and KILL
_GOOD = "exited with 0"
NO_LOCK = -1


def run_hook(run: Run, kind: str, result: Result, pid: int = 0) -> None:
    """Run the hook of a kind (`restart`, `hold`, `recover`), if there is one and our guard still is."""
    words = run.config.stopping.hooks.get(kind)
    if words and not run.guard_gone():
        run_option(run, words, f"--on-{kind}", (NAMES[result.state], result.reason), pid)


def run_option(run: Run, words: tuple[str, ...], option: str, verdict: tuple[str, str], pid: int) -> str:
    """Run the command line of an option, with what it may want to know. verdict: (state, reason).

    Return what went wrong, which is a note of the run, too; or nothing.
    """
    run.begin_step(f"running {option}")
    state, reason = verdict
    facts = {
        "HOOK_NAME": run.name,
        "HOOK_STATE": state,
        "HOOK_REASON": reason,
        "HOOK_ATTEMPT": str(run.history.attempts),
        "HOOK_PID": str(pid or ""),
    }
    how = run.config.stopping
    failure = run_command(words, facts, how.hook_timeout, what=option, trust_any=run.config.start_options.trust_any)
    run.note(failure)
    return failure


def run_command(
    argv: tuple[str, ...], facts: Mapping[str, str], seconds: float, *, what: str = "the hook", trust_any: bool = False
) -> str:
    """Run `argv`, never through a shell, for up to `seconds`. Return "" if it exited with 0, else one sentence.

    It has a session of its own, the caller's variables without those about us, and `facts` (HOOK_NAME …) besides;
    descriptors 0-2 on /dev/null and no other, the working directory `/`, umask 022. What it left in its session
    is ended when it has ended, by TERM and a second later KILL; past its time so is all that came from it.

    what: `the hook`, as the sentence begins. trust_any: root executes it though others could replace it.
    """
    words = f"{what} {quoted(os.path.basename(argv[0]), 60)}"
    try:
        start_options = StartOptions(argv=argv, env=tuple(facts.items()), trust_any=trust_any)
        child = spawn(resolve(start_options, os.environ), NO_LOCK, None, _nothing, min(seconds, EXEC_SECONDS))
    except CannotStart as error:
        return f"cannot run {what}: {error}"
    except OSError as error:
        return f"cannot run {words}: {error.strerror}"
    try:
        return _bounded(child, seconds, words)
    finally:
        os.close(child.handle)


def _bounded(child: Child, seconds: float, words: str) -> str:
    ended = child.ended(seconds)
    # one that returned may have started something on purpose: what has a session of its own is not ours to end
    survivors = _ended(child, frozenset() if ended else frozenset({os.geteuid()}))
    exit_status = child.exit_status()  # reaped last: until then the number of its session is its own
    rest = f"; not ended: {', '.join(survivors)}" if survivors else ""
    if not ended:
        return f"{words} did not end within {seconds:g} s and was ended{rest}"
    return "" if exit_status == _GOOD and not rest else f"{words} {exit_status}{rest}"


def _ended(child: Child, uids: frozenset[int]) -> Sequence[str]:
    try:
        return end_own(child, uids, _GRACE, kind=COMMAND)
    except ProcUnavailable as error:
        return [str(error)]


def _nothing(_identity: object) -> None:
    """No record tells of a command: whoever finds it again must not take it for an instance."""
