"""TOUCH: why an instance died: what the kernel says about its memory, and the last lines that it wrote to --log."""

from __future__ import annotations

import os
import time

from watchdog_tools.actions import child
from watchdog_tools.actions.start_plan import CannotStart, ids
from watchdog_tools.core.struct import Struct
from watchdog_tools.core.text import quoted, shortened
from watchdog_tools.state.event_line import size
from watchdog_tools.system import oom, tail, ticks_to_seconds, uptime
from watchdog_tools.system.mounts import is_local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core.config import StartOptions
    from watchdog_tools.system.identity import Identity
    from watchdog_tools.system.tail import Ids

CERTAIN, PROBABLY = "killed by the kernel for memory", "probably killed by the kernel for memory"
HINT = "its output went to /dev/null; --log FILE keeps it"
_KILLED, _UNKNOWN = "was killed by SIGKILL", "ended"
_LINES, _BYTES = 20, 4096  # of a log that are kept, and as many again are read for that
_QUOTED, _BRIEFLY = 200, 80  # characters of the last line in a verdict, and where a watch tells of several exits
_BLANK = b" \t\r\0"  # a file that was emptied under its writer begins with NULs
_SECONDS = 0.5  # for reading a log on a network disk


class Clues:
    """What a run remembers of an instance from when it attached to it.

    log: a descriptor of --log, or -1. begin: its size before the start, None where nobody saw that. local: it lies on a
    disk of this machine, so that reading it hangs nobody. toll: what the kernel had killed by then.
    """

    __slots__ = ("begin", "identity", "local", "log", "toll")

    def __init__(self, identity: Identity | None = None) -> None:
        """Remember nothing yet. identity: None for an instance that is about to be started."""
        self.identity = identity
        self.log = -1
        self.begin: int | None = None
        self.local = False
        self.toll: oom.Toll | None = None

    def open(self, path: str, user: Ids | None) -> None:
        """Open the log. Raise OSError."""
        self.close()
        self.log = tail.opened(path, user)

    def close(self) -> None:
        """Forget the log."""
        if self.log >= 0:
            os.close(self.log)
            self.log = -1


class Evidence(Struct):
    """how: it ended, in words, with the kernel's reason. reason: CERTAIN, PROBABLY or empty. lines: of its log."""

    how: str
    reason: str
    lines: list[str]

    def last(self, limit: int) -> str:
        """Return the last line of its log, quoted, empty where there is none."""
        return f'"{quoted(self.lines[-1], limit)}"' if self.lines else ""

    def sentence(self, log: str | None) -> str:
        """Return a sentence of what its log says last, or how to have one."""
        if self.lines:
            return f"the last line of its log: {self.last(_QUOTED)}"
        return "" if log else HINT

    def brief(self, *, watch: bool) -> str:
        """Return the last line of the log as it follows the words of a death, empty where there is none."""
        return f": {self.last(_BRIEFLY if watch else _QUOTED)}" if self.lines else ""


def prepare(known: Clues | None, options: StartOptions, user: Ids | None) -> Clues:
    """Return what is to be remembered of an instance that is about to be started: how long its log is.

    known: what the run has of an earlier one. user: whose rights count (`StartPlan.identity`).
    """
    clues = Clues()
    if known:
        known.close()
    if not options.log or options.oneshot:
        return clues
    clues.local = known.local if known and known.local else _is_local(options.log)
    if clues.local:
        try:
            clues.open(options.log, user)
            clues.begin = os.fstat(clues.log).st_size
        except FileNotFoundError:
            clues.begin = 0
        except OSError:
            pass
    return clues


def clues_for(clues: Clues | None, identity: Identity) -> Clues:
    """Return what is remembered of an instance that a run attaches to; it may have been started just now.

    clues: what the run has, of this instance, of an earlier one, or of one that was about to be started.
    """
    if clues and clues.identity == identity:
        return clues
    if clues is None or clues.identity:
        if clues:
            clues.close()
        clues = Clues()
    clues.identity = identity
    clues.toll = oom.Toll(identity[0])
    return clues


def gather(known: Clues | None, options: StartOptions, identity: Identity, how: str) -> Evidence:
    """Return what tells why an instance ended. how: `Child.exit_status`, or `ended` where nobody saw it.

    Between an exit and the next start under a watch there is no time to lose: (m) 0.1 ms with a log.
    """
    clues = known if known and known.identity == identity else Clues(identity)
    reason = _killed_for_memory(clues, identity, how)
    if reason:
        how = f"was {CERTAIN}" if reason == CERTAIN else f"{how}, {PROBABLY.replace(' killed', '')}"
    return Evidence(how=how, reason=reason, lines=_log_lines(options, clues, identity))


def _killed_for_memory(clues: Clues, identity: Identity, how: str) -> str:
    """Return whether the kernel killed it for memory. Its log is long: it is read only where there was such a kill."""
    if how not in (_KILLED, _UNKNOWN):
        return ""
    toll = clues.toll
    if (toll.risen_anywhere() or toll.machine < 0 if toll else oom.any_kill()) and oom.logged(identity):
        return CERTAIN
    return PROBABLY if toll and how == _KILLED and toll.risen() else ""


def _log_lines(options: StartOptions, clues: Clues, identity: Identity) -> list[str]:
    """Return the last lines that it wrote to its log, bounded, and escaped so that a terminal may show them."""
    path = options.log
    if not path:
        return []
    since = time.time() - (uptime() - ticks_to_seconds(identity[1]))
    try:
        if clues.log < 0 and not clues.local and not _is_local(path):
            data, cut = _read_in_fork(path, ids(options), since)
        else:
            if clues.log < 0:
                clues.open(path, ids(options))
            data, cut = _since(clues.log, clues.begin, since)
            clues.close()
    except (OSError, CannotStart):
        return []
    return last_lines(data, cut=cut)


def _since(log: int, begin: int | None, since: float) -> tuple[bytes, bool]:
    """Return the end of an open log: what is behind `begin`, or where that is None all if it was written to `since`."""
    if begin is None and os.fstat(log).st_mtime < since:
        return b"", False
    return tail.end_of(log, begin or 0, 2 * _BYTES)


def _read_in_fork(path: str, user: Ids | None, since: float) -> tuple[bytes, bool]:
    """Do the same in a fork, which is left alone where a dead network disk holds it. Raise OSError."""
    from watchdog_tools.workers import Check, run_all

    def read(_progress: object) -> tuple[bytes, bool]:
        if user:
            child.switch_user(*user)
        log = tail.opened(path, None)
        return _since(log, None, since)

    found = run_all([Check(read)], _SECONDS) or []
    return next((end for end in found if isinstance(end, tuple)), (b"", False))


def _is_local(path: str) -> bool:
    try:
        return is_local(path)
    except OSError:
        return False


def last_lines(data: bytes, *, cut: bool) -> list[str]:
    """Return the last lines of a log that are not blank, at most 20 and 4 KiB. cut: the first lacks its beginning."""
    cut = cut and not data.startswith(b"\0")  # of a hole in a file nothing is lost
    lines = data.split(b"\n")
    if cut and len(lines) > 1 and any(line.strip(_BLANK) for line in lines[1:]):
        lines, cut = lines[1:], False
    found: list[str] = []
    left = _BYTES
    for raw in reversed([line.strip(_BLANK) for line in lines][-10 * _LINES :]):
        line = _printable(raw.decode("utf-8", "backslashreplace"))
        if not line:
            continue
        length = size(line)  # as it is written: a letter beyond ASCII takes six bytes
        if cut and raw == lines[0].strip(_BLANK):
            line = f"...{line[-(left * len(line) // length) :]}"
        elif length > left:
            line = shortened(line, left * len(line) // length)
        left -= length
        found.append(line)
        if len(found) == _LINES or left < _QUOTED:
            break
    return found[::-1]


def _printable(text: str) -> str:
    """Return `text` with what moves a cursor or turns the direction of writing as escapes; letters stay letters."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
