"""The command line by which a service is kept, `key=value` lines, so that an operator's verb can repeat it."""

from __future__ import annotations

from watchdog_tools.core.record import Corrupt
from watchdog_tools.core.struct import Struct

VERSION = 1
LARGEST = 64 << 10  # bytes of the file
TOO_LONG = f"version={VERSION}\ntoo-long\n".encode()  # what stands there for a command line that does not fit
_HEX = "0123456789ABCDEF"


class SavedCommand(Struct, frozen=True):
    """One run of ensure-running that started or adopted an instance.

    argv: its words behind the program's own name, as Python has them (surrogates for bytes that are no UTF-8).
    cwd: its working directory, empty if it had none. wall: when, in seconds since the epoch.
    """

    argv: tuple[str, ...]
    cwd: str
    wall: int

    def dump(self) -> bytes:
        """Return the file's bytes; `parse` refuses them from LARGEST on."""
        lines = [f"version={VERSION}", f"wall={self.wall}", f"cwd={_escaped(self.cwd)}"]
        lines += [f"word={_escaped(word)}" for word in self.argv]
        return ("\n".join(lines) + "\n").encode("ascii")


def parse(data: bytes) -> SavedCommand:
    """Return the command line. Raise Corrupt for anything that `dump` would not have written."""
    if not data:
        raise Corrupt("it is empty")
    if data == TOO_LONG:
        raise Corrupt("it was too long to be kept")
    if not data.isascii() or len(data) >= LARGEST or not data.endswith(b"\n"):
        raise Corrupt("it is torn, too long, or not text")
    fields = [line.partition("=")[::2] for line in data.decode("ascii").split("\n")[:-1]]
    if fields[0] != ("version", str(VERSION)):
        raise Corrupt(f"it is not of version {VERSION}, which this program writes")
    if [key for key, _ in fields] != ["version", "wall", "cwd", *["word"] * (len(fields) - 3)]:
        raise Corrupt("its lines are not those of a command line")
    wall = fields[1][1]
    if not (wall.isdigit() and len(wall) <= 16):  # noqa: PLR2004 -- more digits than it needs
        raise Corrupt("its time is not a number")
    argv = tuple(_plain(value) for _, value in fields[3:])
    saved = SavedCommand(argv=argv, cwd=_plain(fields[2][1]), wall=int(wall))
    if saved.dump() != data or any("\0" in word for word in (saved.cwd, *saved.argv)):
        raise Corrupt("it is not as this program writes it")
    return saved


def _escaped(word: str) -> str:
    """Return `word` in printable ASCII, each other byte, and the percent sign, as %XX."""
    raw = word.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if 0x20 <= byte < 0x7F and byte != 0x25 else f"%{byte:02X}" for byte in raw)  # noqa: PLR2004 -- ASCII


def _plain(text: str) -> str:
    head, *parts = text.split("%")
    raw = head.encode("ascii")
    for part in parts:
        if len(part) < 2 or part[0] not in _HEX or part[1] not in _HEX:  # noqa: PLR2004 -- two digits
            raise Corrupt("a word in it is not escaped as this program does")
        raw += bytes((int(part[:2], 16),)) + part[2:].encode("ascii")
    return raw.decode("utf-8", "surrogateescape")
