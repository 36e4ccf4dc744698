"""The record of an instance, `key=value` lines with the version first. A cache, never believed blindly.

Times are whole milliseconds on the boot clock, which the boot id voids; `wall` is for display only.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypedDict, Unpack

    class _Changes(TypedDict, total=False):
        starts: tuple[int, ...]
        attempts: int
        failed_at: int
        held_until: int
        healthy_since: int


VERSION = 2
LONGEST = 4096  # bytes of a record's file
MOST = 100  # starts that are remembered; the largest N of --limit

STARTING, RUNNING, FAILED, COMMAND, ENDED, FOUND = "starting", "running", "failed", "command", "ended", "found"
_PHASES = (STARTING, RUNNING, FAILED, COMMAND, ENDED, FOUND)

PIDS = 1 << 22  # as many as a kernel can have
_HISTORY = ("attempts", "ended", "held", "good")
_NUMBERS = ("pid", "ticks", "since", "wall", "failures", "successes", "trouble", "until")
_TEXTS = ("boot", "pidns", "timens")
_FIELDS = {"trouble": "in_trouble", "good": "healthy_since", "ended": "failed_at", "held": "held_until"}  # by key

DAEMON = "daemon"  # why a start failed: the program turned itself into a daemon
_OWNER = "of "  # in front of the owner, on the line `why=`


class Corrupt(ValueError):  # noqa: N818 -- a fact about a file, said in one sentence
    """The bytes are not a record of ours; the sentence says how."""


class History:
    """The past of one service, in milliseconds of the boot clock; 0 is never.

    starts: when each start was made, oldest first; they leave by age alone. attempts: starts in a row
    of which none has been stable. failed_at: when the last instance was first seen failing or dead.
    held_until: until when no start is made. healthy_since: since when it has been healthy without a break.
    """

    __slots__ = ("attempts", "failed_at", "healthy_since", "held_until", "starts")

    def __init__(
        self,
        starts: tuple[int, ...] = (),
        *,
        attempts: int = 0,
        failed_at: int = 0,
        held_until: int = 0,
        healthy_since: int = 0,
    ) -> None:
        """Take the fields as the class describes them."""
        self.starts = starts
        self.attempts = attempts
        self.failed_at = failed_at
        self.held_until = held_until
        self.healthy_since = healthy_since

    def __repr__(self) -> str:
        """Show all fields, for a test that fails."""
        return f"History({', '.join(f'{field}={getattr(self, field)}' for field in self.__slots__)})"

    @property
    def last(self) -> int:
        """When the last start was made."""
        return self.starts[-1] if self.starts else 0

    @property
    def failed(self) -> bool:
        """Whether the last instance was seen failing or dead."""
        return bool(self.failed_at) and self.failed_at >= self.last

    def replace(self, **changed: Unpack[_Changes]) -> History:
        """Return a copy with some fields changed."""
        fields: dict[str, Any] = {field: getattr(self, field) for field in self.__slots__}
        fields.update(changed)
        return History(**fields)


class Record:
    """One instance, or the last one, and what the policy remembers.

    phase: `starting` (its child may never have run), `running` (verified alive for --start-seconds),
    `failed` (could not start, or died at once), `found` (somebody else started it), for --oneshot
    `command` (in flight) and `ended`.
    since: when the phase's clock began: the instance's start; for failed and ended, that moment.
    failures: checks in a row that found it failing. successes: checks in a row that found it healthy
    after trouble. in_trouble: 1 from its death, or the decision to restart it, until it has recovered.
    until: when the policy lets the next start be made, for display alone; 0 for at once.
    reason: of a failed one a word for the next run, or empty. owner: whose it is (`Owner.text`), empty where it does
    not say. Readers of version 2 refuse a line that they do not know, and pass over the text behind `why=`: there it
    stands.
    """

    __slots__ = (
        "boot", "failures", "history", "in_trouble", "owner", "phase", "pid", "pidns", "reason", "since", "successes",
        "ticks", "timens", "until", "wall",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 -- the lines of the file
        self, phase: str, *, pid: int = 0, ticks: int = 0, boot: str = "", pidns: str = "", timens: str = "",
        since: int = 0, wall: int = 0, reason: str = "", owner: str = "", failures: int = 0, successes: int = 0,
        in_trouble: int = 0, until: int = 0, history: History | None = None,
    ) -> None:  # fmt: skip
        """Take the fields as the class describes them."""
        self.phase = phase
        self.pid = pid
        self.ticks = ticks
        self.boot = boot
        self.pidns = pidns
        self.timens = timens
        self.since = since
        self.wall = wall
        self.reason = reason
        self.owner = owner
        self.failures = failures
        self.successes = successes
        self.in_trouble = in_trouble
        self.until = until
        self.history = history or History()

    @property
    def identity(self) -> tuple[int, int, str, str, str]:
        """Return pid, ticks, boot id, and the inodes of the pid and time namespaces."""
        return self.pid, self.ticks, self.boot, self.pidns, self.timens

    @property
    def up_to_date(self) -> bool:
        """Whether a healthy check has nothing to write down: it was healthy before, and not in trouble since."""
        return self.phase == RUNNING and bool(self.history.healthy_since) and not (self.failures or self.in_trouble)

    @property
    def without_process(self) -> bool:
        """Whether a healthy check says something about what it tells of, though no process of ours lives."""
        return self.phase == FOUND or (self.phase == RUNNING and not self.pid)

    @property
    def unproven(self) -> bool:
        """Whether it tells of a start of which nobody knows that it helped."""
        return self.phase in (COMMAND, ENDED, FAILED)

    def dump(self) -> bytes:
        """Return the file's bytes."""
        lines = [f"version={VERSION}", f"phase={self.phase}"]
        lines += [f"{key}={getattr(self, _FIELDS.get(key, key))}" for key in (*_NUMBERS, *_TEXTS)]
        lines.append(f"why={self.reason or (_OWNER + self.owner if self.owner else '')}")
        lines += [f"{key}={getattr(self.history, _FIELDS.get(key, key))}" for key in _HISTORY]
        lines.append("starts=" + ",".join(map(str, self.history.starts)))
        return ("\n".join(lines) + "\n").encode("ascii", "backslashreplace")


class Seen:
    """What the state directory says.

    alive: the very process of the record lives. until: milliseconds of the boot clock at which it lived for certain.
    note: why it says less than it could, one sentence or empty; `corrupt` if that is the record's fault.
    baseline: what it was started with (`core.baseline`), of an instance that lives; or empty.
    """

    __slots__ = ("alive", "baseline", "corrupt", "note", "record", "until")

    def __init__(self, record: Record | None, *, alive: bool, note: str = "", corrupt: bool = False) -> None:
        """Take the fields as the class describes them."""
        self.baseline = b""
        self.corrupt = corrupt
        self.record = record
        self.alive = alive
        self.until = record.since if record else 0
        self.note = note

    def has_changed(self, command: str) -> bool:
        """Whether an instance that lives was started with another command line, by its checksum, or none is known."""
        if self.record is None or not self.alive:
            return False
        return not self.baseline.startswith(baseline_line(self.record, command, command).encode())

    def lived(self, start_seconds: float) -> None:
        """Take into account that a record says `running` only of an instance that has lived for --start-seconds."""
        if self.record and self.record.phase == RUNNING:
            self.until = max(self.until, self.record.since + int(start_seconds * 1000))


def baseline_line(record: Record, command: str, latest: str) -> str:
    """Return the first line of an instance's baseline: whose it is, and the checksums of its command lines."""
    return f"1 {record.pid} {record.ticks} {record.boot} {command} {latest}\n"


def parse(data: bytes) -> Record:
    """Return the record. Raise Corrupt for anything that `dump` would not have written."""
    if not data:
        raise Corrupt("it is empty")
    if not data.isascii() or b"\0" in data or len(data) >= LONGEST or not data.endswith(b"\n"):
        raise Corrupt("it is torn, or not text")
    fields = dict(line.partition("=")[::2] for line in data.decode("ascii").split("\n")[:-1])
    version = fields.pop("version", "")
    if version != str(VERSION):
        raise Corrupt(f"it has version {version[:20]!r}, this program writes {VERSION}")
    if set(fields) != {"phase", "why", "starts", *_NUMBERS, *_TEXTS, *_HISTORY} or fields["phase"] not in _PHASES:
        raise Corrupt("its lines are not those of a record")
    record = _record(fields)
    if record.pid > PIDS:
        raise Corrupt(f"there is no pid {record.pid}")
    if record.dump() != data:
        raise Corrupt("it is not as this program writes it")
    return record


def _record(fields: dict[str, str]) -> Record:
    record = Record(fields["phase"], history=_history(fields))
    for key in _NUMBERS:
        setattr(record, _FIELDS.get(key, key), _number(fields[key]))
    for key in _TEXTS:
        setattr(record, key, fields[key])
    if fields["why"].startswith(_OWNER):
        record.owner = fields["why"].removeprefix(_OWNER)
    else:
        record.reason = fields["why"]
    return record


def _history(fields: dict[str, str]) -> History:
    starts = tuple(_number(word) for word in fields["starts"].split(",")) if fields["starts"] else ()
    if len(starts) > MOST or starts != tuple(sorted(starts)):
        raise Corrupt("its starts are not in order")
    return History(starts, **{_FIELDS.get(key, key): _number(fields[key]) for key in _HISTORY})


def _number(text: str) -> int:
    if not (text.isdigit() and len(text) <= 16):  # noqa: PLR2004 -- more digits than any of them needs
        raise Corrupt(f"{text[:20]!r} is not a number")
    return int(text)
