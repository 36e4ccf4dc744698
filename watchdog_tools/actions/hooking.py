"""TOUCH: tell who asked to be told. A hook that fails changes words, never a verdict."""

from __future__ import annotations

from watchdog_tools.actions.hooks import run_command
from watchdog_tools.result import NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.run import Run
    from watchdog_tools.result import Result


def hook(run: Run, kind: str, result: Result, pid: int = 0) -> None:
    """Run the hook of a kind (`restart`, `hold`, `recover`), if there is one and our guard still is."""
    words = run.order.stopping.hooks.get(kind)
    if words and not run.alone():
        tell(run, words, f"--on-{kind}", (NAMES[result.state], result.reason), pid)


def tell(run: Run, words: tuple[str, ...], option: str, verdict: tuple[str, str], pid: int) -> None:
    """Run the command line of an option, with what it may want to know. verdict: (state, reason)."""
    run.tell(f"running {option}")
    state, reason = verdict
    facts = {
        "HOOK_NAME": run.name,
        "HOOK_STATE": state,
        "HOOK_REASON": reason,
        "HOOK_ATTEMPT": str(run.past.attempts),
        "HOOK_PID": str(pid or ""),
    }
    how = run.order.stopping
    run.note(run_command(words, facts, how.hook_timeout, what=option, trust_any=run.order.wish.trust_any))
