"""TOUCH: append events to NAME.events, bounded in size; LOOK what they say. What one line holds is in event_line.

A side channel that fails changes words, never a verdict: it returns a sentence, or nothing.
"""

from __future__ import annotations

import errno
import os
import stat

from watchdog_tools.core.events import NOBODY, Orderer, parse, words
from watchdog_tools.core.struct import Struct
from watchdog_tools.state import event_line
from watchdog_tools.state.event_line import LARGEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EVENTS, EVIDENCE = "events", "evidence"
_MODES = {EVENTS: 0o640, EVIDENCE: 0o600}  # the evidence quotes a log that others may not read
_WHAT = {EVENTS: "event log", EVIDENCE: "evidence"}
_FULL = 256 * 1024  # bytes, then the file becomes NAME.events.1, of which one is kept
_EVIDENCE_LARGEST = 4 * LARGEST  # bytes of a line with the end of a log
_TAIL = 2 * LARGEST  # bytes that are sure to hold the last event
_MOST = 2 * _FULL  # bytes of a file that are read
_OPENINGS = 5


class Line(Struct, frozen=True):
    """The line of an event, and the file that it belongs to, EVENTS or EVIDENCE."""

    text: str
    file: str


def line(name: str, event: str, facts: Mapping[str, object], by: Orderer = NOBODY, *, evidence: bool = False) -> Line:
    """Return the line of an event that happens now.

    evidence: for a file for the keeper's eyes alone, since it quotes a log that others may not read.
    """
    most = _EVIDENCE_LARGEST if evidence else LARGEST
    text = event_line.line(name, event, facts, by, most=most)
    return Line(text=text, file=EVIDENCE if evidence else EVENTS)


def orderer() -> Orderer:
    """Return who runs this command. SUDO_USER is text from outside, believed only where root says it."""
    uid = os.getuid()
    return Orderer(uid=uid, sudo_user=None if uid else os.environ.get("SUDO_USER"))


def append(directory: int, name: str, made: Line) -> str:
    """Append one event of NAME to its file in the open directory of the memory. Return what hindered that, or nothing.

    Who writes it waits for no lock: a line is appended whole, and where two find the file full one of them moves it.
    """
    try:
        _append(directory, f"{name}.{made.file}", made.text.encode("ascii"), _MODES[made.file])
    except OSError as error:
        return f"the {_WHAT[made.file]} cannot be written: {error.strerror}"
    return ""


def _append(directory: int, file: str, data: bytes, mode: int) -> None:
    descriptor, length = _opened(directory, file, mode)
    try:
        if length > _FULL and _moved_aside(directory, file, descriptor):
            full = descriptor
            descriptor, length = _opened(directory, file, mode)
            os.close(full)
        if length and os.pread(descriptor, 1, length - 1) != b"\n":  # the last one was torn by a full disk
            data = b"\n" + data
        if os.write(descriptor, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)


def _moved_aside(directory: int, file: str, descriptor: int) -> bool:
    """Make the full file, open, the older one. Return whether there is another one, or none, under its name.

    Once for each file, whoever else finds it full: a second rename would put a file of few lines over that full one.
    """
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno == errno.EWOULDBLOCK:  # another one moves it: the line may go with it
            return False  # and where a file system has no locks the second rename is what it costs
    try:
        if os.path.samestat(os.stat(file, dir_fd=directory, follow_symlinks=False), os.fstat(descriptor)):
            os.rename(file, f"{file}.1", src_dir_fd=directory, dst_dir_fd=directory)
    except FileNotFoundError:
        pass
    return True


def _opened(directory: int, file: str, mode: int) -> tuple[int, int]:
    """Return a descriptor to append to a file of ours, created if need be, and its length. Raise OSError."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    for _ in range(_OPENINGS):
        descriptor = os.open(file, flags, mode, dir_fd=directory)
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1:
            if found.st_mode & 0o777 & ~mode:  # an earlier release let everybody read it
                os.fchmod(descriptor, mode)
            return descriptor, found.st_size
        os.close(descriptor)
        if found.st_nlink:
            break  # with none, others have moved it aside, and the next one over it, since it was opened
    raise OSError(errno.EPERM, "it is not a regular file of ours alone")


def last(directory: int, name: str, owner: int) -> tuple[float, str]:
    """Return when the last event of NAME was, in seconds since the epoch, and its words; (0, "") where none is.

    directory: where its events are, open. owner: whose log is believed.
    """
    for each in reversed(_tail(directory, f"{name}.{EVENTS}", owner, _TAIL).splitlines()):
        event = parse(each)
        if event:
            return _when(event), words(event)
    return 0.0, ""


def read(directory: int, name: str, owner: int, file: str = EVENTS) -> Iterator[dict[str, object] | None]:
    """Yield each event, None for a line that is torn or none of ours; the oldest first. Arguments as for `last`."""
    for each in (f"{name}.{file}.1", f"{name}.{file}"):
        for raw in _tail(directory, each, owner, _MOST).splitlines():
            if raw.strip(b" \0"):
                yield parse(raw)


def _when(event: Mapping[str, object]) -> float:
    epoch = event["epoch"]
    return epoch if isinstance(epoch, float) else 0.0


def _tail(directory: int, file: str, owner: int, most: int) -> bytes:
    """Return the last bytes of a file from the beginning of a line; none of one that is not to be believed."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    except OSError:
        return b""
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != owner or found.st_mode & 0o022:
            return b""
        begin = max(found.st_size - most, 0)
        data = os.pread(descriptor, most, begin)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
    return data.partition(b"\n")[2] if begin else data
