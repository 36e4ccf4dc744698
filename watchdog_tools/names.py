"""Words: the marks by which what we started is found again: an instance, or a command that a run needs done."""

from __future__ import annotations

from watchdog_tools.text import printable

MARK = "WATCHDOG_TOOLS_INSTANCE"
PLACE = "WATCHDOG_TOOLS_PLACE"  # beside the mark, since releases without it compare the mark as a whole
COMMAND = "WATCHDOG_TOOLS_COMMAND"  # of a hook and its like, which must never be taken for an instance
_PATH = 1000  # characters of a path in a record, which is to stay small
_MARK = 4200  # bytes of a mark at most; Python refuses to read longer numbers, loudly


class Owner:
    """Whose an instance is, the scope of "exactly one".

    uid: the keeper's. directory: the state directory's path. place: DEVICE.INODE of what that path leads through
    (`statedir.place`): a chroot and a container have another. Empty where it is not known: then it says nothing.
    """

    __slots__ = ("directory", "name", "place", "uid")

    def __init__(self, *, name: str, uid: int, directory: str, place: str = "") -> None:
        """Take the fields as the class describes them."""
        self.name = name
        self.uid = uid
        self.directory = directory
        self.place = place

    def is_same(self, other: Owner) -> bool:
        """Whether both are one service."""
        same = (self.uid, self.name, self.directory) == (other.uid, other.name, other.directory)
        return same and (self.place == other.place or not (self.place and other.place))

    @property
    def text(self) -> str:
        """The owner as a record has it, in printable ASCII."""
        return f"{self.name} {self.place or '-'} {self.path}"

    @property
    def path(self) -> str:
        """The directory in printable ASCII; of one too long for a record, its beginning and a checksum."""
        path = printable(self.directory.replace("\\", "\\\\"))
        if len(path) <= _PATH:
            return path
        import binascii

        return f"{path[:_PATH]}... ({binascii.crc32(path.encode()):08x})"

    def __str__(self) -> str:
        """Return the service as a person would name it who keeps another one."""
        return f"{self.name} (uid {self.uid}, {self.directory})"


class Mark:
    """What a process's environment says: pid and start ticks of the instance that it is, or comes from; and whose."""

    __slots__ = ("owner", "pid", "ticks")

    def __init__(self, pid: int, ticks: int, owner: Owner) -> None:
        """Take the fields as the class describes them."""
        self.pid = pid
        self.ticks = ticks
        self.owner = owner


class Marked:
    """What a search for the marks of one owner found.

    instances: identities of ours. remains: pids that inherited the mark of an instance that is gone.
    strays: identities of such of other uids, where we are root. claimed: (pid, uid) of processes with our mark as their
    own that are of a uid we would not start: any local user can write one, so that proves nothing.
    """

    __slots__ = ("claimed", "instances", "remains", "strays")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.instances: list[tuple[int, int, str, str, str]] = []
        self.remains: list[int] = []
        self.strays: list[tuple[int, int, str, str, str]] = []
        self.claimed: list[tuple[int, int]] = []


def whose(uid: int) -> str:
    """Return whose a process is, in words; `uid` as `system.memory.owner` returns it."""
    return f"uid {uid}" if uid >= 0 else "whoever ran a setuid program"


def mark(pid: int, ticks: int, owner: Owner) -> dict[str, str]:
    """Return the variables of a mark. PID and TICKS are the instance's own: its children inherit the text."""
    text = f"{pid}:{ticks}:{owner.uid}:{owner.name}:{owner.directory}"
    return {MARK: text, PLACE: owner.place} if owner.place else {MARK: text}


def trace(pid: int, ticks: int) -> str:
    """Return the value of a command's mark: it only tells what came from it."""
    return f"{pid}:{ticks}:"


def read(environ: bytes) -> Mark | None:
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
    numbers = all(word.isascii() and word.isdigit() for word in (pid, ticks, uid))
    if not numbers or len(value) >= _MARK or not name or not directory.startswith("/"):
        return None
    return Mark(int(pid), int(ticks), Owner(name=name, uid=int(uid), directory=directory, place=place))
