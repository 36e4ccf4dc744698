"""Which processes are asked for, and whether a process is one of them: no, maybe, or yes."""

from __future__ import annotations

from watchdog_tools.core.text import quoted
from watchdog_tools.system.process_names import all_names, basename, is_named, mentions_own_command, own_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container

    from watchdog_tools.system.process import Process

NO, MAYBE, YES = 0, 1, 2  # filters combine with min(); MAYBE is a criterion that we may not read

COMM = 15  # bytes of the name that the kernel keeps


class ProcessQuery:
    """Which processes are asked for: the filters combine with AND, and None is no filter.

    name: a whole basename; name_bytes: its bytes. args: a part of the arguments joined by blanks;
    pattern: a regular expression, searched there. exe: paths that the executable may have. uid: effective; user: how it
    was written. vsz, rss: at least so many KiB. states: letters. kernel_threads: kernel threads too.
    """

    __slots__ = (
        "args", "exe", "kernel_threads", "name", "name_bytes", "parent", "pattern", "pidfile", "rss", "states",
        "uid", "user", "vsz",
    )  # fmt: skip

    def __init__(self) -> None:
        self.name: str | None = None
        self.name_bytes = b""
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
        self.kernel_threads = True

    def by_name(self) -> bool:
        """Whether it was asked for by name or executable."""
        return bool(self.name or self.exe)

    def by_arguments(self) -> bool:
        """Whether it was asked for by its arguments."""
        return bool(self.args or self.pattern)

    def is_specific(self) -> bool:
        """Whether a certain program was asked for, not just any process of a kind."""
        return self.by_name() or self.by_arguments() or self.pidfile is not None

    def has_filters(self) -> bool:
        """Whether anything at all narrows the choice."""
        some = (self.user, self.parent, self.states, self.vsz, self.rss)
        return self.is_specific() or any(each is not None for each in some)

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


def match(query: ProcessQuery, process: Process) -> int:
    """Return NO, MAYBE or YES for all filters but the pattern, the cheapest first.

    A process reads its facts when asked for them: what is not asked makes a scan fast.
    """
    certainty = YES
    if query.args is not None and query.args not in process.joined():
        return NO
    if query.name:
        certainty = _by_name(query, query.name, process)
    if certainty and query.exe:
        certainty = min(certainty, _by_exe(query.exe, process))
    if certainty and not (_by_stat(query, process) and _by_status(query, process)):
        return NO
    return certainty


def _by_name(query: ProcessQuery, name: str, process: Process) -> int:
    in_words = query.name_bytes in process.line
    if in_words and is_named(name, process.argv):
        return YES
    if not process.line:
        if process.stat.kernel:  # nobody else can take such a name
            return YES if process.stat.comm == query.name_bytes else NO
        if not process.stat.running:  # a zombie has nothing left but the kernel's 15 bytes
            return YES if process.stat.comm == query.name_bytes[:COMM] else NO
    exe = process.exe
    if exe is None:  # another user's: the kernel's 15 bytes are a hint, not a proof
        return MAYBE if process.stat.comm == query.name_bytes[:COMM] else NO
    if is_named(name, process.argv if in_words else [], exe):
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
    told = {name.encode("utf-8", "surrogateescape")[:COMM] for name in all_names(process.argv)}
    expected = {basename(path).encode("utf-8", "surrogateescape")[:COMM] for path in paths}
    return NO if process.stat.comm in told and not told & expected else MAYBE


def _by_stat(query: ProcessQuery, process: Process) -> bool:
    if not query.kernel_threads and process.stat.kernel:
        return False
    if query.parent is not None and process.stat.parent != query.parent:
        return False
    return query.states is None or process.stat.state.upper() in query.states


def _by_status(query: ProcessQuery, process: Process) -> bool:
    if query.uid is not None and process.uid != query.uid:
        return False
    if query.vsz is not None and process.kib("VmSize") < query.vsz:
        return False
    return query.rss is None or process.kib("VmRSS") >= query.rss


def counts(query: ProcessQuery, process: Process, own: Container[int], above: Container[int]) -> bool:
    """Whether a process that matched counts. own: our own chain of processes; above: all ancestors.

    An ancestor does where it matched by name (`check-process cron` from cron), not where it
    matched by its arguments: there our own words stand. Nor where the name is that of a shell's
    script: `/etc/init.d/nginx status` asks for nginx, and is it not.
    """
    if process.pid in own:
        return False
    if not query.has_filters():  # all are asked for
        return True
    argv = process.argv
    if process.pid in above and (query.by_arguments() or _is_named_by_script(query, process)):
        return False
    if query.by_arguments() and mentions_own_command(argv):
        return False
    return own_command(argv) in ("", query.name)


def _is_named_by_script(query: ProcessQuery, process: Process) -> bool:
    """Whether an ancestor has the name only as a shell's script; a pidfile tells for certain who it is."""
    if not query.name or query.pidfile is not None:
        return False
    return not is_named(query.name, process.argv, process.exe or "", shell=False)
