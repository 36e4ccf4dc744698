"""TOUCH: run a command that a run needs done (a hook, a dump, --stop): bounded, and nothing of it is left behind."""

from __future__ import annotations

import os

from watchdog_tools.actions.end import end_own
from watchdog_tools.actions.plan import CannotStart, Wish, resolve
from watchdog_tools.actions.spawn import EXEC_SECONDS, Born, spawn
from watchdog_tools.names import COMMAND
from watchdog_tools.system.proc import Unseen
from watchdog_tools.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_GRACE = 1.0  # seconds between TERM and KILL
_GOOD = "exited with 0"
NO_LOCK = -1


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
        wish = Wish(argv, env=tuple(facts.items()), trust_any=trust_any)
        born = spawn(resolve(wish, os.environ), NO_LOCK, None, _nothing, min(seconds, EXEC_SECONDS))
    except CannotStart as error:
        return f"cannot run {what}: {error}"
    except OSError as error:
        return f"cannot run {words}: {error.strerror}"
    try:
        return _bounded(born, seconds, words)
    finally:
        os.close(born.handle)


def _bounded(born: Born, seconds: float, words: str) -> str:
    ended = born.ended(seconds)
    # one that returned may have started something on purpose: what has a session of its own is not ours to end
    survivors = _ended(born, frozenset() if ended else frozenset({os.geteuid()}))
    fate = born.fate()  # reaped last: until then the number of its session is its own
    left = f"; not ended: {', '.join(survivors)}" if survivors else ""
    if not ended:
        return f"{words} did not end within {seconds:g} s and was ended{left}"
    return "" if fate == _GOOD and not left else f"{words} {fate}{left}"


def _ended(born: Born, uids: frozenset[int]) -> list[str]:
    try:
        return end_own(born, uids, _GRACE, kind=COMMAND)
    except Unseen as error:
        return [str(error)]


def _nothing(_identity: object) -> None:
    """No record tells of a command: whoever finds it again must not take it for an instance."""
