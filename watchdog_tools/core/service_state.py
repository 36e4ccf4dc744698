"""The state of a service, read from its record and its pause: one word, since when, and what it adds up to."""

from __future__ import annotations

from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING
from watchdog_tools.core.record import COMMAND, ENDED, FOUND, RUNNING
from watchdog_tools.core.struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core.record import Record

STATES = {
    "running": OK, "up": OK, "paused": OK, "starting": WARNING,
    "down": CRITICAL, "failing": CRITICAL, "backoff": CRITICAL, "held": CRITICAL, "unknown": UNKNOWN,
}  # fmt: skip


_OF_A_RUN: dict[int | None, str] = {OK: "up", WARNING: "up", CRITICAL: "down"}


class ServiceState(Struct, frozen=True):
    """The state of a service.

    word: a key of STATES. alive: an instance lives, whatever the word; None where there is no record, so that nobody
    knows. since: milliseconds for which it is so (of
    one that runs: how long its process lives), None where nobody knows. restarts: starts in a row of which none has
    been stable, None where there is no record. starts: those that the policy remembers, None likewise.
    wait: milliseconds until a start is allowed (a backoff's, a hold's).
    """

    word: str
    alive: bool | None = None
    since: int | None = None
    restarts: int | None = None
    starts: int | None = None
    wait: int = 0


def service_state(  # noqa: PLR0913 -- what a record does not say, by keyword
    record: Record | None, *, alive: bool, paused: bool, now: int, boot: str, verdict: int | None = None
) -> ServiceState:
    """Return its state at `now`, milliseconds on the boot clock of `boot`. alive: the record's process is.

    verdict: the state of the last run's in this boot, None for none. It counts where there is no record: nothing was
    done for the service yet.
    """
    if record is None:
        return ServiceState(word="paused" if paused else _OF_A_RUN.get(verdict, "unknown"))
    same = record.boot == boot and record.since <= now
    up = alive and record.phase != COMMAND
    word, wait = _word(record, now, boot, alive=alive)
    return ServiceState(
        word="paused" if paused else word,
        alive=up or word == "up",
        since=now - record.since if same and (up or word in ("backoff", "starting", "up")) else None,
        restarts=record.history.attempts,
        starts=len(record.history.starts),
        wait=wait,
    )


def _word(record: Record, now: int, boot: str, *, alive: bool) -> tuple[str, int]:
    """Return the word of one that is not paused, and the milliseconds that a start has to wait."""
    wait = max(record.until - now, 0) if record.boot == boot else 0
    held = bool(wait and record.history.held_until)
    if alive:
        running = "failing" if record.failures or record.history.failed else "running"
        return running if record.phase in (RUNNING, FOUND) else "starting", wait if held else 0
    if record.boot != boot:
        return "down", 0
    if record.phase == RUNNING and not record.pid:  # --oneshot: healthy when it was last checked
        return "up", 0
    if record.phase in (COMMAND, ENDED):
        return "starting", 0
    return ("held" if held else "backoff", wait) if wait else ("down", 0)
