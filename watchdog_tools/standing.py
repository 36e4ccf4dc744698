"""Words: how a service stands, read from its record and its pause: one word, since when, and what it adds up to."""

from __future__ import annotations

from watchdog_tools.record import COMMAND, ENDED, FOUND, RUNNING
from watchdog_tools.result import CRITICAL, OK, UNKNOWN, WARNING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.record import Record

STATES = {
    "running": OK, "up": OK, "paused": OK, "starting": WARNING,
    "down": CRITICAL, "failing": CRITICAL, "backoff": CRITICAL, "held": CRITICAL, "unknown": UNKNOWN,
}  # fmt: skip


class Standing:
    """How a service stands.

    word: a key of STATES. alive: an instance lives, whatever the word. since: milliseconds for which it is so (of
    one that runs: how long its process lives), None where nobody knows. restarts: starts in a row of which none has
    been stable, None where there is no record. starts: those that the policy remembers, None likewise.
    wait: milliseconds until a start is allowed (a backoff's, a hold's).
    """

    __slots__ = ("alive", "restarts", "since", "starts", "wait", "word")

    def __init__(  # noqa: PLR0913 -- a record, built by keyword
        self, word: str, *, alive: bool = False, since: int | None = None, restarts: int | None = None,
        starts: int | None = None, wait: int = 0,
    ) -> None:  # fmt: skip
        """Take the fields as the class describes them."""
        self.word = word
        self.alive = alive
        self.since = since
        self.restarts = restarts
        self.starts = starts
        self.wait = wait


def standing(record: Record | None, *, alive: bool, paused: bool, now: int, boot: str) -> Standing:
    """Return how it stands at `now`, milliseconds on the boot clock of `boot`. alive: the record's process is."""
    if record is None:
        return Standing("paused" if paused else "unknown")
    same = record.boot == boot and record.since <= now
    up = alive and record.phase != COMMAND
    word, wait = _word(record, now, boot, alive=alive)
    return Standing(
        "paused" if paused else word,
        alive=up or word == "up",
        since=now - record.since if same and (up or word in ("backoff", "starting", "up")) else None,
        restarts=record.history.attempts,
        starts=len(record.history.starts),
        wait=wait,
    )


def _word(record: Record, now: int, boot: str, *, alive: bool) -> tuple[str, int]:
    """Return the word of one that is not paused, and the milliseconds that a start has to wait."""
    wait = max(record.until - now, 0) if record.boot == boot else 0
    held = wait > 0 and record.history.held > 0
    if alive:
        running = "failing" if record.failures or record.history.over else "running"
        return running if record.phase in (RUNNING, FOUND) else "starting", wait if held else 0
    if record.boot != boot:
        return "down", 0
    if record.phase == RUNNING and not record.pid:  # --oneshot: healthy when it was last looked at
        return "up", 0
    if record.phase in (COMMAND, ENDED):
        return "starting", 0
    return ("held" if held else "backoff", wait) if wait else ("down", 0)
