"""The marks by which what we started is found again: an instance, or a command that a run needs done."""

from __future__ import annotations

from watchdog_tools.core.owner import Owner
from watchdog_tools.core.record import PIDS

MARK = "WATCHDOG_TOOLS_INSTANCE"
PLACE = "WATCHDOG_TOOLS_PLACE"  # beside the mark, since releases without it compare the mark as a whole
COMMAND = "WATCHDOG_TOOLS_COMMAND"  # of a hook and its like, which must never be taken for an instance
_DIGITS = 19  # of a number that fits in 63 bits
_MARK = 4200  # bytes of a mark at most; Python refuses to read longer numbers, loudly


class Mark:
    """What a process's environment says: pid and start ticks of the instance that it is, or comes from; and whose."""

    __slots__ = ("owner", "pid", "ticks")

    def __init__(self, pid: int, ticks: int, owner: Owner) -> None:
        """Take the fields as the class describes them."""
        self.pid = pid
        self.ticks = ticks
        self.owner = owner


def user_words(uid: int) -> str:
    """Return whose a process is, in words; `uid` as `system.memory.owner` returns it."""
    return f"uid {uid}" if uid >= 0 else "whoever ran a setuid program"


def mark_variables(pid: int, ticks: int, owner: Owner) -> dict[str, str]:
    """Return the variables of a mark. PID and TICKS are the instance's own: its children inherit the text."""
    text = f"{pid}:{ticks}:{owner.uid}:{owner.name}:{owner.directory}"
    return {MARK: text, PLACE: owner.place} if owner.place else {MARK: text}


def command_mark(pid: int, ticks: int) -> str:
    """Return the value of a command's mark: it only tells what came from it."""
    return f"{pid}:{ticks}:"


def parse(environ: bytes) -> Mark | None:
    """Return the mark in a process's environment, None for none. Anybody can write one into an environment of theirs.

    The first of several counts. A mark without a place is of an older release.
    """
    value = place = ""
    for line in environ.split(b"\0"):
        key, equals, raw = line.partition(b"=")
        if not equals:
            continue
        if key == MARK.encode() and not value:
            value = raw.decode("utf-8", "surrogateescape")
        elif key == PLACE.encode() and not place:
            place = raw.decode("utf-8", "surrogateescape")
    return _parsed(value, place)


def _parsed(value: str, place: str) -> Mark | None:
    pid, ticks, uid, name, directory = (value.split(":", 4) + [""] * 5)[:5]
    numbers = all(word.isascii() and word.isdigit() and len(word) <= _DIGITS for word in (pid, ticks, uid))
    if not numbers or len(value) >= _MARK or not name or not directory.startswith("/"):
        return None
    if not 1 <= int(pid) <= PIDS:  # the kernel refuses to hear of another number
        return None
    return Mark(int(pid), int(ticks), Owner(name=name, uid=int(uid), directory=directory, place=place))


def group_name(owner: Owner, pidns: str) -> str:
    """Return the name of a service's control group: two services never share one, nor a host and its container.

    pidns: the inode of the pid namespace in which pids are meant.
    """
    import binascii

    scope = f"{owner.place} {pidns} {owner.uid} {owner.directory}".encode("utf-8", "surrogateescape")
    return f"{binascii.crc32(scope):08x}{binascii.crc32(scope[::-1]):08x}.{owner.name}"
