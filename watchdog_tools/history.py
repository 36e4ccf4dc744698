"""Words: what the policy knows of a service's past. Milliseconds of the boot clock; 0 is never."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 100  # starts that are remembered; the largest N of --limit


class History:
    """The past of one service.

    starts: when each start was made, oldest first; they leave by age alone. attempts: starts in a row
    of which none has been stable. ended: when the last instance was first seen failing or dead.
    held: until when no start is made. good: since when it has been healthy without a break.
    """

    __slots__ = ("attempts", "ended", "good", "held", "starts")

    def __init__(
        self, starts: tuple[int, ...] = (), *, attempts: int = 0, ended: int = 0, held: int = 0, good: int = 0
    ) -> None:
        """Take the fields as the class describes them."""
        self.starts = starts
        self.attempts = attempts
        self.ended = ended
        self.held = held
        self.good = good

    def __repr__(self) -> str:
        """Show all fields, for a test that fails."""
        return (
            f"History({self.starts}, "
            + ", ".join(f"{key}={getattr(self, key)}" for key in ("attempts", "ended", "held", "good"))
            + ")"
        )

    @property
    def last(self) -> int:
        """When the last start was made."""
        return self.starts[-1] if self.starts else 0

    @property
    def over(self) -> bool:
        """Whether the last instance was seen failing or dead."""
        return bool(self.ended) and self.ended >= self.last

    def but(self, **changed: Any) -> History:
        """Return a copy with some fields changed."""
        fields: dict[str, Any] = {key: getattr(self, key) for key in self.__slots__}
        return History(**(fields | changed))


def started(past: History, now: int) -> History:
    """Return the history with a start that is about to be made."""
    return past.but(starts=(*past.starts, now)[-MOST:], held=0, good=0, ended=0)


def counted(past: History) -> History:
    """Return it with that start counted as an attempt: it was let go."""
    return past.but(attempts=past.attempts + 1)


def failed(past: History, at: int) -> History:
    """Return it with the first sign, at `at`, that the instance is failing or dead; later ones change nothing."""
    return past if past.over else past.but(ended=max(at, past.last), good=0)


def healthy(past: History, now: int) -> History:
    """Return it with a look that found the service healthy."""
    return past.but(good=past.good or now, ended=0)
