"""Whose certificate is accepted, and how long it lasts."""

# ruff: noqa: PLR2004 -- the calendar's own numbers
from __future__ import annotations

_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_DAY = 86400


class TlsVerify:
    """How a server proves itself: by `name`, to `authorities` (None: the system's), unless not `verify`."""

    __slots__ = ("authorities", "name", "verify")

    def __init__(self, name: str, authorities: str | None = None, *, verify: bool = True) -> None:
        """Take the server's name, and the path of a PEM file or of a hashed directory."""
        self.name = name
        self.authorities = authorities
        self.verify = verify


def days_left(end: str, now: float) -> int | None:
    """Return whole days from `now` (seconds since the epoch) to `Jun  1 12:00:00 2030 GMT`.

    Negative when it is past; None if `end` is not such a date. (`time.strptime` and `datetime`
    would cost as much as the rest of the check.)
    """
    parts = end.split()
    if len(parts) != 5 or _MONTHS.find(parts[0]) % 3:
        return None
    month, clock = _MONTHS.index(parts[0]) // 3 + 1, parts[2].split(":")
    if len(clock) != 3 or not all(each.isdigit() for each in (parts[1], parts[3], *clock)):
        return None
    hours, minutes, seconds = (int(each) for each in clock)
    at = _days(int(parts[3]), month, int(parts[1])) * _DAY + hours * 3600 + minutes * 60 + seconds
    return int((at - now) // _DAY)


def _days(year: int, month: int, day: int) -> int:
    """Return the days since 1970-01-01, years taken from March so that a leap day is the last."""
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    return year * 365 + year // 4 - year // 100 + year // 400 + (month * 153 + 2) // 5 + day - 719469
