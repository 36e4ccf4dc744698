"""Whose an instance is, the scope of "exactly one"."""

from __future__ import annotations

from watchdog_tools.core.text import printable

_PATH = 1000  # characters of a path in a record, which is to stay small


class Owner:
    """Whose an instance is, the scope of "exactly one".

    uid: the keeper's. directory: the state directory's path. place: DEVICE.INODE of what that path leads through
    (`state.place`): a chroot and a container have another. Empty where it is not known: then it says nothing.
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
