"""What was last said for a NAME, and what is not said yet. `key=value` lines with the version first.

Within one boot it ages on the boot clock, which no jump of the wall clock moves; after a reboot by the wall clock, but
by no less than the time since that boot, and by no more than a year.
"""

from __future__ import annotations

from watchdog_tools.core.events import DEEDS
from watchdog_tools.core.record import Corrupt
from watchdog_tools.core.struct import Struct, replace
from watchdog_tools.core.text import quoted

VERSION = 1
LARGEST = 2048  # bytes of its file
_LONGEST = 366 * 86_400_000  # milliseconds
_TEXTS = ("key", "boot", "said", "seen")
_NUMBERS = ("up", "wall", "debt", "restarts", "owed")
_AGES = ("since", "lasted", "line")  # each may be missing
_PARTS = 3  # of a deed's line


class Deed(Struct, frozen=True):
    """Something that is done again and again. count: how often since it was last said.

    first: age of the first of these. said: age of the line that last told of it, None for none.
    """

    word: str
    count: int = 0
    first: int = 0
    said: int | None = None


class Said(Struct, frozen=True):
    """What is remembered for a NAME. Ages and spans are milliseconds.

    key: the command and its NAME. boot, up, wall: the moment that ages count from: boot id, milliseconds on its boot
    clock, seconds since the epoch.
    said: the condition last said (`speaking.condition`); seen: the one last found. since: age of the trouble's
    begin, None where there is none to tell of. lasted: how long it was, where its end is yet to be said. restarts:
    deeds within it. owed: 1 where stdout did not take a line about it. line: age of the last line. debt: what lines
    about changes have used up of what is allowed, less what time has given back.
    """

    key: str
    boot: str = ""
    up: int = 0
    wall: int = 0
    said: str = "ok"
    seen: str = "ok"
    since: int | None = None
    lasted: int | None = None
    restarts: int = 0
    owed: int = 0
    line: int | None = None
    debt: int = 0
    deeds: tuple[Deed, ...] = ()

    def dump(self) -> bytes:
        """Return the file's bytes."""
        lines = [f"version={VERSION}"]
        lines += [f"{key}={_shown(getattr(self, key))}" for key in (*_TEXTS, *_NUMBERS, *_AGES)]
        lines += [f"{deed.word}={deed.count} {deed.first} {_shown(deed.said)}" for deed in self.deeds]
        return ("\n".join(lines) + "\n").encode("ascii", "backslashreplace")


def _shown(value: str | int | None) -> str:
    return "-" if value is None else str(value)


def parse(data: bytes, key: str) -> Said:
    """Return what is remembered for `key`. Raise Corrupt for anything that `dump` would not have written."""
    if not data.isascii() or b"\0" in data or len(data) >= LARGEST or not data.endswith(b"\n"):
        raise Corrupt("it is torn, or not text")
    fields = dict(line.partition("=")[::2] for line in data.decode("ascii").split("\n")[:-1])
    version = fields.pop("version", "")
    if version != str(VERSION):
        raise Corrupt(f"it has version {quoted(version, 20)!r}, this program writes {VERSION}")
    if not {*_TEXTS, *_NUMBERS, *_AGES} <= {*fields}:
        raise Corrupt("lines are missing")
    texts = {name: fields.pop(name) for name in _TEXTS}
    numbers = {name: _number(fields.pop(name)) for name in _NUMBERS}
    ages = {name: _age(fields.pop(name)) for name in _AGES}
    deeds = tuple(_deed(word, text) for word, text in fields.items())
    said = Said(**texts, **numbers, **ages, deeds=deeds)  # type: ignore[arg-type]
    if said.dump() != data or said.key != key:
        raise Corrupt("it is not as this program writes it, or of another NAME")
    return said


def _deed(word: str, text: str) -> Deed:
    parts = text.split(" ")
    if word not in DEEDS or len(parts) != _PARTS:
        raise Corrupt(f"{quoted(word, 20)!r} is not known")
    count, first, said = parts
    return Deed(word=word, count=_number(count), first=_number(first), said=_age(said))


def _age(text: str) -> int | None:
    return None if text == "-" else _number(text)


def _number(text: str) -> int:
    if not (text.isdigit() and len(text) <= 16):  # noqa: PLR2004 -- more digits than any of them needs
        raise Corrupt(f"{quoted(text, 20)!r} is not a number")
    return int(text)


def aged(said: Said, boot: str, up: int, wall: int) -> Said:
    """Return what is remembered as of this moment: `boot`, `up` and `wall` as the fields of those names are."""
    span = _elapsed(said, boot, up, wall)
    return replace(
        said, boot=boot, up=up, wall=wall, since=_older(said.since, span),
        # how long trouble was does not grow
        line=_older(said.line, span), debt=max(said.debt - span, 0),
        deeds=tuple(
            replace(deed, first=min(deed.first + span, _LONGEST) if deed.count else 0, said=_older(deed.said, span))
            for deed in said.deeds
        ),
    )  # fmt: skip


def _older(age: int | None, span: int) -> int | None:
    return None if age is None else min(age + span, _LONGEST)


def _elapsed(said: Said, boot: str, up: int, wall: int) -> int:
    same = bool(boot) and boot == said.boot
    if same and up >= said.up:
        return up - said.up
    # a host without a clock boots in the past: since then at least this boot has passed. Where the boot clock of one
    # boot is behind what it was, a container was made anew with a clock of its own, or the file is wrong
    return min(max((wall - said.wall) * 1000, 0 if same else up, 0), _LONGEST)
