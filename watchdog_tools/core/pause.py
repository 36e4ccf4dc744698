"""A pause, an operator's order that ends by itself. `key=value` lines with the version first.

Within one boot it is counted on the boot clock, which no jump of the wall clock moves; the wall clock counts after a
reboot, and then never for longer than the pause was asked for, from that boot's start.
"""

from __future__ import annotations

from watchdog_tools.core.record import Corrupt
from watchdog_tools.core.struct import Struct
from watchdog_tools.core.text import quoted

VERSION = 1
LARGEST = 1024  # bytes of a pause's file
LONGEST = 366 * 86_400_000  # milliseconds
_REASON = 200  # bytes of what the operator said
_NUMBERS = ("length", "since", "wall")
_TEXTS = ("name", "boot", "reason")


class Pause(Struct, frozen=True):
    """NAME is not started, stopped or restarted by a run, for a while; it is checked as ever.

    length: milliseconds that were asked for. boot, since: when, as a boot id and milliseconds on its boot clock.
    wall: when, in seconds since the epoch; 0 for one that ends with the next boot, so that an older release, too, finds
    it over then. reason: the operator's words, as `escaped` returns them.
    """

    name: str
    length: int
    boot: str
    since: int
    wall: int
    reason: str = ""

    @property
    def until_boot(self) -> bool:
        """Whether it ends with the next boot, whenever that is."""
        return not self.wall

    def dump(self) -> bytes:
        """Return the file's bytes."""
        lines = [f"version={VERSION}"]
        lines += [f"{key}={getattr(self, key)}" for key in (*_NUMBERS, *_TEXTS)]
        return ("\n".join(lines) + "\n").encode("ascii", "backslashreplace")


def escaped(reason: str) -> str:
    """Return what an operator typed as a pause has it."""
    return quoted(reason, _REASON)


def parse(data: bytes) -> Pause:
    """Return the pause. Raise Corrupt for anything that `dump` would not have written."""
    if not data:
        raise Corrupt("it is empty")
    if not data.isascii() or b"\0" in data or len(data) >= LARGEST or not data.endswith(b"\n"):
        raise Corrupt("it is torn, or not text")
    fields = dict(line.partition("=")[::2] for line in data.decode("ascii").split("\n")[:-1])
    version = fields.pop("version", "")
    if version != str(VERSION):
        raise Corrupt(f"it has version {quoted(version, 20)!r}, this program writes {VERSION}")
    if set(fields) != {*_NUMBERS, *_TEXTS}:
        raise Corrupt("its lines are not those of a pause")
    length, since, wall = (_number(fields[key]) for key in _NUMBERS)
    if not 0 < length <= LONGEST:
        raise Corrupt("no pause is that long")
    pause = Pause(
        name=fields["name"], length=length, boot=fields["boot"], since=since, wall=wall,
        reason=escaped(fields["reason"]),
    )  # fmt: skip
    if pause.dump() != data:
        raise Corrupt("it is not as this program writes it")
    return pause


def remaining(pause: Pause, now: int, boot: str, wall: float) -> int:
    """Return the milliseconds that it still holds, 0 once it is over; never more than were asked for.

    now: milliseconds on the boot clock of `boot`. wall: seconds since the epoch.
    """
    if _same(pause, boot):
        rest = 0 if begins_in_future(pause, now, boot) else pause.since + pause.length - now
    elif pause.until_boot:
        rest = 0
    else:
        # a host without a clock boots in the past, or in the future: it may end early, but not late
        rest = min(int((pause.wall - wall) * 1000) + pause.length, pause.length - now)
    return max(min(rest, pause.length), 0)


def begins_in_future(pause: Pause, now: int, boot: str) -> bool:
    """Whether it begins in the future: it is of another time namespace, or wrong."""
    return _same(pause, boot) and pause.since > now


def _same(pause: Pause, boot: str) -> bool:
    return bool(boot) and pause.boot == boot


def _number(text: str) -> int:
    if not (text.isdigit() and len(text) <= 16):  # noqa: PLR2004 -- more digits than any of them needs
        raise Corrupt(f"{quoted(text, 20)!r} is not a number")
    return int(text)
