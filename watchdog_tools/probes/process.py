"""LOOK: which processes there are that may be wanted, and which of them count."""

from __future__ import annotations

import os

from watchdog_tools.headcount import Found
from watchdog_tools.processes import MAYBE, NO, match
from watchdog_tools.system import proc
from watchdog_tools.system.looker import LOCAL, MATCH
from watchdog_tools.system.process import Gone, Process
from watchdog_tools.text import quoted
from watchdog_tools.who import base, counts, names, ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from re import Pattern

    from watchdog_tools.processes import Wanted
    from watchdog_tools.system.looker import Say

_CROWD = 800  # processes; below, a second process to look costs more than it saves
Matched = list[tuple[Process, int]]  # with MAYBE or YES


class NotSeen(Exception):  # noqa: N818 -- a sentence, not a failure
    """The look cannot be taken; `reason` is the Result's word for it."""

    def __init__(self, sentence: str, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason


def find(wanted: Wanted, say: Say, pids: list[int] | None = None) -> Found:
    """Return what there is of the wanted, among `pids` if given. Raise NotSeen."""
    _resolve(wanted, say)
    pattern = _compiled(wanted.pattern, say) if wanted.pattern else None
    say(LOCAL, "reading /proc")
    try:
        proc.mounted()
        matched = _scan(wanted, proc.pids() if pids is None else pids)
        if pattern:
            say(MATCH, "matching --ereg-argument-array")
            matched = like(pattern, matched)
            say(LOCAL, "reading /proc")
        found = sort(wanted, matched)
    except proc.Unseen as error:
        raise NotSeen(str(error), "unseen") from None
    except OSError as error:  # no descriptor or memory left to us
        raise NotSeen(f"cannot read /proc: {error.strerror}", "unseen") from None
    found.hidden = pids != [] and proc.hidden()
    return found


def stranger(pid: int) -> str:
    """Return what a process is that is not the wanted one: gone, or its name, escaped."""
    try:
        process = Process(pid, proc.cmdline(pid) or b"")
        name = process.exe or (process.argv or [os.fsdecode(process.stat.comm)])[0]
    except (Gone, PermissionError):
        return "gone"
    return f"another process, {quoted(base(name), 80)}"


def called(pid: int) -> list[str]:
    """Return the names by which a process is found, its own before that of its executable; none if it is gone."""
    try:
        process = Process(pid, proc.cmdline(pid) or b"")
        exe = base(process.exe or "")
        return sorted(names(process.argv, process.exe or ""), key=lambda name: (name == exe, name))
    except (Gone, PermissionError):
        return []


def _scan(wanted: Wanted, pids: list[int]) -> Matched:
    chosen = wanted.by_name() or wanted.args  # else most will match: nothing to choose beforehand
    if len(pids) < _CROWD or not chosen:
        return candidates(wanted, pids)
    from watchdog_tools.system import halves

    if not halves.worth():
        return candidates(wanted, pids)

    def choose(some: list[int]) -> list[int]:
        return [process.pid for process, _ in candidates(wanted, some)]

    theirs = halves.beside(choose, pids[1::2])
    mine = candidates(wanted, pids[::2])
    return mine + candidates(wanted, theirs())


def candidates(wanted: Wanted, pids: Iterable[int]) -> Matched:
    """Return each process that may be wanted, with MAYBE or YES; the pattern is still to be searched."""
    found = []
    for pid in pids:
        try:
            line = proc.cmdline(pid)
            if line is None or not _rough(wanted, pid, line):
                continue
            process = Process(pid, line)
            sure = match(wanted, process)
        except (Gone, PermissionError):  # with hidepid=1 a pid is shown and nothing more
            continue
        if sure != NO:
            found.append((process, sure))
    return found


def _rough(wanted: Wanted, pid: int, line: bytes) -> bool:
    """Whether `match` is worth its price. On bytes, it says no to nearly all of thousands."""
    if not line and (wanted.name or wanted.args):
        stat = proc.piece(pid, "stat") or b"() X 0 0 0 0 0 0"
        state, _, _, _, _, _, flags, *_ = stat[stat.rindex(b")") + 2 :].split(None, 7)
        if state == b"Z" or not int(flags) & proc.KTHREAD:  # in the middle of an exec, say: Process asks again
            return True
        return not wanted.args and wanted.needle in stat  # such a thread has no exe, and asking is dear
    if wanted.args:
        return wanted.args in line.replace(b"\0", b" ")
    if not wanted.name or wanted.needle in line:
        return True
    try:
        return str(wanted.name) in os.readlink(f"/proc/{pid}/exe")
    except OSError:  # hidden, or not there in the middle of a thread's exec; or it is gone
        return True


def like(pattern: Pattern[str], matched: Matched) -> Matched:
    """Return those whose arguments, joined by blanks, hold the pattern."""
    return [each for each in matched if pattern.search(os.fsdecode(each[0].joined()))]


def sort(wanted: Wanted, matched: Matched) -> Found:
    """Return who counts among those that matched; all of them, zombies and containers, where all are asked for."""
    found = Found()
    own: list[int] = []
    above: list[int] = []
    for process, sure in matched:
        if not above:
            own, above = _chain()
        try:
            if not process.local and wanted.filters():
                found.elsewhere += 1
            elif counts(wanted, process, own, above):
                _put(found, wanted, process, sure)
        except (Gone, PermissionError):
            continue
    return found


def _put(found: Found, wanted: Wanted, process: Process, sure: int) -> None:
    if not process.stat.running and wanted.filters() and "Z" not in (wanted.states or ""):
        found.zombies.append(process)
    elif sure == MAYBE:
        found.undecided += 1
    else:
        found.processes.append(process)


def _chain() -> tuple[list[int], list[int]]:
    """Return our own chain (this look, its guard, those of our commands that ran it), and all above us."""
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
        ended = ended or not (len(own) == 1 or ours(process.argv))
        if not ended:
            own.append(pid)
        pid = stat.parent
    return own, above


def _resolve(wanted: Wanted, say: Say) -> None:
    """Look up what may hang: a user in a directory service, a path on a network file system."""
    if wanted.user is not None:
        say(LOCAL, "looking up the user")
        wanted.uid = _uid(wanted.user)
    if wanted.exe:
        say(LOCAL, "resolving the path of --exe")
        wanted.exe = (wanted.exe[0], os.path.realpath(wanted.exe[0]))


def _compiled(text: str, say: Say) -> Pattern[str]:
    from watchdog_tools.patterns import compiled

    say(MATCH, "compiling --ereg-argument-array")  # (m) 4,000 characters can take six seconds
    try:
        return compiled(text)
    except ValueError as error:
        raise NotSeen(f"usage: --ereg-argument-array: {error}", "usage") from None


def _uid(user: str) -> int:
    import pwd

    try:
        return pwd.getpwnam(user).pw_uid
    except (KeyError, ValueError):
        if user.isascii() and user.isdigit() and len(user) <= 10:  # noqa: PLR2004
            return int(user)
    raise NotSeen(f"usage: --user: there is no user {quoted(user, 80)}", "usage")
