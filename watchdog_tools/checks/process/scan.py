"""Scan /proc for the processes that were asked for, and tell which of them count."""

from __future__ import annotations

import os

from watchdog_tools.checks.process.filter import MAYBE, NO, counts, match
from watchdog_tools.checks.process.verdict import Found
from watchdog_tools.core.text import quoted
from watchdog_tools.system import proc
from watchdog_tools.system.process import Gone, Process
from watchdog_tools.system.process_names import all_names, basename, own_command
from watchdog_tools.workers.worker import LOCAL, MATCH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from re import Pattern

    from watchdog_tools.checks.process.filter import ProcessQuery
    from watchdog_tools.workers.worker import Progress

_PARALLEL_FROM = 800  # processes; below, a second process to scan costs more than it saves
Matched = list[tuple[Process, int]]  # with MAYBE or YES


class ScanUnavailable(Exception):  # noqa: N818 -- a sentence, not a failure
    """The scan cannot be made, or its question makes no sense; `reason` is the Result's word for it."""

    def __init__(self, sentence: str, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason


def find(query: ProcessQuery, progress: Progress, pids: list[int] | None = None) -> Found:
    """Return which processes there are that match, among `pids` if given. Raise ScanUnavailable."""
    _resolve(query, progress)
    pattern = _compiled(query.pattern, progress) if query.pattern else None
    progress(LOCAL, "reading /proc")
    try:
        proc.mounted()
        matched = _scan(query, proc.pids() if pids is None else pids)
        if pattern:
            progress(MATCH, "matching --ereg-argument-array")
            matched = matching_pattern(pattern, matched)
            progress(LOCAL, "reading /proc")
        found = classify(query, matched)
    except proc.ProcUnavailable as error:
        raise ScanUnavailable(str(error), "unseen") from None
    except OSError as error:  # no descriptor or memory left to us
        raise ScanUnavailable(f"cannot read /proc: {error.strerror}", "unseen") from None
    found.hidden = pids != [] and proc.hidden()
    return found


def describe(pid: int) -> str:
    """Return what a process is that is not the one that was asked for: gone, or its name, escaped."""
    try:
        process = Process(pid, proc.cmdline(pid) or b"")
        name = process.exe or (process.argv or [os.fsdecode(process.stat.comm)])[0]
    except (Gone, PermissionError):
        return "gone"
    return f"another process, {quoted(basename(name), 80)}"


def names_of(pid: int) -> list[str]:
    """Return the names by which a process is found, its own before that of its executable; none if it is gone."""
    try:
        process = Process(pid, proc.cmdline(pid) or b"")
        exe = basename(process.exe or "")
        return sorted(all_names(process.argv, process.exe or ""), key=lambda name: (name == exe, name))
    except (Gone, PermissionError):
        return []


def _scan(query: ProcessQuery, pids: list[int]) -> Matched:
    chosen = query.by_name() or query.args  # else most will match: nothing to choose beforehand
    if len(pids) < _PARALLEL_FROM or not chosen:
        return candidates(query, pids)
    from watchdog_tools.checks.process import parallel_scan

    if not parallel_scan.has_spare_cpu():
        return candidates(query, pids)

    def choose(some: list[int]) -> list[int]:
        return [process.pid for process, _ in candidates(query, some)]

    in_fork = parallel_scan.scan_in_fork(choose, pids[1::2])
    here = candidates(query, pids[::2])
    return here + candidates(query, in_fork())


def candidates(query: ProcessQuery, pids: Iterable[int]) -> Matched:
    """Return each process that may be wanted, with MAYBE or YES; the pattern is still to be searched."""
    found = []
    for pid in pids:
        try:
            line = proc.cmdline(pid)
            if line is None or not _may_match(query, pid, line):
                continue
            process = Process(pid, line)
            certainty = match(query, process)
        except (Gone, PermissionError):  # with hidepid=1 a pid is shown and nothing more
            continue
        if certainty != NO:
            found.append((process, certainty))
    return found


def _may_match(query: ProcessQuery, pid: int, line: bytes) -> bool:
    """Whether `match` is worth its price. On bytes, it says no to nearly all of thousands."""
    if not line and (query.name or query.args):
        stat = proc.piece(pid, "stat") or b"() X 0 0 0 0 0 0"
        state, _, _, _, _, _, flags, *_ = stat[stat.rindex(b")") + 2 :].split(None, 7)
        if state == b"Z" or not int(flags) & proc.KTHREAD:  # in the middle of an exec, say: Process asks again
            return True
        return not query.args and query.name_bytes in stat  # such a thread has no exe, and asking is dear
    if query.args:
        return query.args in line.replace(b"\0", b" ")
    if not query.name or query.name_bytes in line:
        return True
    try:
        return str(query.name) in os.readlink(f"/proc/{pid}/exe")
    except OSError:  # hidden, or not there in the middle of a thread's exec; or it is gone
        return True


def matching_pattern(pattern: Pattern[str], matched: Matched) -> Matched:
    """Return those whose arguments, joined by blanks, hold the pattern."""
    return [each for each in matched if pattern.search(os.fsdecode(each[0].joined()))]


def classify(query: ProcessQuery, matched: Matched) -> Found:
    """Return who counts among those that matched; all of them, zombies and containers, where all are asked for."""
    found = Found()
    own: list[int] = []
    above: list[int] = []
    for process, certainty in matched:
        if not above:
            own, above = _own_chain()
        try:
            if not process.local and query.has_filters():
                found.elsewhere += 1
            elif counts(query, process, own, above):
                _classify_one(found, query, process, certainty)
        except (Gone, PermissionError):
            continue
    return found


def _classify_one(found: Found, query: ProcessQuery, process: Process, certainty: int) -> None:
    if not process.stat.running and query.has_filters() and "Z" not in (query.states or ""):
        found.zombies.append(process)
    elif certainty == MAYBE:
        found.undecided += 1
    else:
        found.processes.append(process)


def _own_chain() -> tuple[list[int], list[int]]:
    """Return our own chain (this worker, its guard, those of our commands that ran it), and all above us."""
    own = [os.getpid()]
    above: list[int] = []
    pid = os.getppid()
    ended = False
    while pid > 0 and pid not in above:
        above.append(pid)
        try:
            process = Process(pid, proc.cmdline(pid) or b"")
            stat = process.stat
        except (Gone, PermissionError):
            break
        ended = ended or not (len(own) == 1 or own_command(process.argv))
        if not ended:
            own.append(pid)
        pid = stat.parent
    return own, above


def _resolve(query: ProcessQuery, progress: Progress) -> None:
    """Look up what may hang: a user in a directory service, a path on a network file system."""
    if query.user is not None:
        progress(LOCAL, "looking up the user")
        query.uid = _uid(query.user)
    if query.exe:
        progress(LOCAL, "resolving the path of --exe")
        query.exe = (query.exe[0], os.path.realpath(query.exe[0]))


def _compiled(text: str, progress: Progress) -> Pattern[str]:
    from watchdog_tools.core.regex import compiled

    progress(MATCH, "compiling --ereg-argument-array")  # (m) 4,000 characters can take six seconds
    try:
        return compiled(text)
    except ValueError as error:
        raise ScanUnavailable(f"usage: --ereg-argument-array: {error}", "usage") from None


def _uid(user: str) -> int:
    import pwd

    try:
        return pwd.getpwnam(user).pw_uid
    except (KeyError, ValueError):
        if user.isascii() and user.isdigit() and len(user) <= 10:  # noqa: PLR2004
            return int(user)
    raise ScanUnavailable(f"usage: --user: there is no user {quoted(user, 80)}", "usage")
