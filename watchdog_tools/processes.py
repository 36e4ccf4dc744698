"""Words: which processes are wanted, and whether a process is one of them: no, maybe, or yes."""

from __future__ import annotations

from watchdog_tools.text import quoted
from watchdog_tools.who import base, named, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.facts import Process

NO, MAYBE, YES = 0, 1, 2  # filters combine with min(); MAYBE is a criterion that we may not read

COMM = 15  # bytes of the name that the kernel keeps


class Wanted:
    """What was asked for; the filters combine with AND, and None is no filter.

    name: a whole basename; needle: its bytes. args: a part of the arguments joined by blanks;
    pattern: a regular expression, searched there. exe: paths that the executable may have. uid: effective; user: how it
    was written. vsz, rss: at least so many KiB. states: letters. kernel: kernel threads too.
    """

    __slots__ = (
        "args", "exe", "kernel", "name", "needle", "parent", "pattern", "pidfile", "rss", "states",
        "uid", "user", "vsz",
    )  # fmt: skip

    def __init__(self) -> None:
        self.name: str | None = None
        self.needle = b""
        self.args: bytes | None = None
        self.pattern: str | None = None
        self.exe: tuple[str, ...] = ()
        self.user: str | None = None
        self.uid: int | None = None
        self.parent: int | None = None
        self.states: str | None = None
        self.vsz: int | None = None
        self.rss: int | None = None
        self.pidfile: str | None = None
        self.kernel = True

    def by_name(self) -> bool:
        """Whether it was asked for by name or executable."""
        return bool(self.name or self.exe)

    def by_words(self) -> bool:
        """Whether it was asked for by its arguments."""
        return bool(self.args or self.pattern)

    def one(self) -> bool:
        """Whether a certain program was asked for, not just any process of a kind."""
        return self.by_name() or self.by_words() or self.pidfile is not None

    def filters(self) -> bool:
        """Whether anything at all narrows the choice."""
        some = (self.user, self.parent, self.states, self.vsz, self.rss)
        return self.one() or any(each is not None for each in some)

    def __str__(self) -> str:
        """Return the words behind "2 processes", `nginx of user root`, escaped."""
        said = [quoted(self.name, 80)] if self.name else []
        for lead, what in (
            ("running", self.exe[0] if self.exe else None),
            ("with arguments", self.args),
            ("with arguments like", self.pattern),
            ("of user", self.user),
            ("with parent", self.parent),
            ("in state", self.states),
            ("with VSZ from", self.vsz),
            ("with RSS from", self.rss),
            ("of pidfile", self.pidfile),
        ):
            if what is not None:
                said.append(f"{lead} {quoted(what if isinstance(what, bytes) else str(what), 80)}")
        return " ".join(said)


def match(wanted: Wanted, process: Process) -> int:
    """Return NO, MAYBE or YES for all filters but the pattern, the cheapest first.

    A process reads its facts when asked for them: what is not asked makes a scan fast.
    """
    sure = YES
    if wanted.args is not None and wanted.args not in process.joined():
        return NO
    if wanted.name:
        sure = _by_name(wanted, wanted.name, process)
    if sure and wanted.exe:
        sure = min(sure, _by_exe(wanted.exe, process))
    if sure and not (_by_stat(wanted, process) and _by_status(wanted, process)):
        return NO
    return sure


def _by_name(wanted: Wanted, name: str, process: Process) -> int:
    in_words = wanted.needle in process.line
    if in_words and named(name, process.argv):
        return YES
    if not process.line:
        if process.stat.kernel:  # nobody else can take such a name
            return YES if process.stat.comm == wanted.needle else NO
        if not process.stat.running:  # a zombie has nothing left but the kernel's 15 bytes
            return YES if process.stat.comm == wanted.needle[:COMM] else NO
    exe = process.exe
    if exe is None:  # another user's: the kernel's 15 bytes are a hint, not a proof
        return MAYBE if process.stat.comm == wanted.needle[:COMM] else NO
    if named(name, process.argv if in_words else [], exe):
        return YES
    return NO


def _by_exe(paths: tuple[str, ...], process: Process) -> int:
    exe = process.exe
    if exe is not None:
        return YES if exe in paths and process.has_its_exe() else NO
    if not process.line:  # neither a kernel thread nor a zombie has one
        return MAYBE if process.stat.running and not process.stat.kernel else NO
    # We may not know. Where the kernel's name and its own tell the same, and another than the one
    # asked for, it is not that; who rewrites one of them stays a maybe.
    told = {name.encode("utf-8", "surrogateescape")[:COMM] for name in names(process.argv)}
    asked = {base(path).encode("utf-8", "surrogateescape")[:COMM] for path in paths}
    return NO if process.stat.comm in told and not told & asked else MAYBE


def _by_stat(wanted: Wanted, process: Process) -> bool:
    if not wanted.kernel and process.stat.kernel:
        return False
    if wanted.parent is not None and process.stat.parent != wanted.parent:
        return False
    return wanted.states is None or process.stat.state.upper() in wanted.states


def _by_status(wanted: Wanted, process: Process) -> bool:
    if wanted.uid is not None and process.uid != wanted.uid:
        return False
    if wanted.vsz is not None and process.kib("VmSize") < wanted.vsz:
        return False
    return wanted.rss is None or process.kib("VmRSS") >= wanted.rss
