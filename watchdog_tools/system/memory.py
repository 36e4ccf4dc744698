"""A process's arguments, environment, executable and owner: asked for again where it shows none at once.

In the middle of an exec it shows none ((m) 4 to 10 % of the reads of one that execs in a loop). While a thread
execs, or once the main thread alone has ended, the other threads show them.
"""

from __future__ import annotations

import os
import sys
import time

from watchdog_tools.system import proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T", bytes, str)

_THREADS, _SIZE, _CODE, _ARGS, _ENV = 17, 20, 23, 45, 47  # fields behind the name in stat; two are beginnings
_UID = 11  # AT_UID, a key of the auxiliary vector
_EXEC = 0.5  # seconds; an exec takes some 30 us, (m) up to 330 ms under eight busy loops on two processors
_STRANGER = 0.004  # seconds, where we may not know whether it is in the middle of one
_IN_ALL, _PERIOD = 0.5, 10.0  # seconds of waiting in vain, in so many: who hangs in an exec does not hang us
_YIELDS = 20  # then pauses of a millisecond
_ODD = 20  # times that one is asked that has something, and shows nothing
_spent = [0.0, 0.0]  # since when, and how long we have waited in vain


def cmdline(pid: int) -> bytes | None:
    """Return the arguments, a NUL behind each; empty for a kernel thread or a zombie, None if gone."""
    return proc.cmdline(pid) or _retry(pid, proc.cmdline, _ARGS)


def exe(pid: int) -> str | None:
    """Return the path of the executable, None for a kernel thread, a zombie, or if gone. Raise PermissionError."""
    return proc.exe(pid) or _retry(pid, proc.exe, None)


def environ(pid: int, limit: int) -> bytes | None:
    """Return up to `limit` bytes of the environment; None if there is none. Raise PermissionError for others'."""

    def ask(where: int | str) -> bytes | None:
        try:
            return proc.read(where, "environ", limit)
        except PermissionError:
            # the files of a main thread that has ended are root's, whoever's its process is; root may read those
            if os.geteuid() == 0 or not is_own(pid):
                raise
        return None

    return ask(pid) or _retry(pid, ask, _ENV)


def owner(pid: int) -> int | None:
    """Return the uid of whoever runs a process: its real one, None if it is gone.

    -1 for one that only became root after its exec: of a setuid program, some of which (sudo) take on root's real uid
    before they have asked for a password, though a user chose its arguments and its environment.
    """
    fields = proc.status(pid)
    if not fields:
        return None
    uid = int(fields["Uid"].split()[0])
    return uid if uid or _executed_as(pid) == 0 else -1


def _executed_as(pid: int) -> int | None:
    """Return the real uid with which the kernel started its program (AT_UID), None where that is not to be had."""

    def ask(where: int | str) -> bytes | None:
        data = proc.read(where, "auxv", 4096) or b""
        return data if data.strip(b"\0") else None  # it is not filled in yet

    try:
        data = ask(pid) or _retry(pid, ask, None) or b""
    except OSError:
        return None
    for size in (8, 4):  # a program of 32 bits has words of four bytes
        words = [int.from_bytes(data[at : at + size], sys.byteorder) for at in range(0, len(data) - size + 1, size)]
        pairs = dict(zip(words[::2], words[1::2], strict=False))
        if _UID in pairs:
            return pairs[_UID]
    return None


def living(pid: int) -> str:
    """Return what shows a process below /proc: its pid, or `PID/task/TID` where its main thread alone has ended."""
    return _living(pid)[0]


def _living(pid: int) -> tuple[str, list[bytes]]:
    """Return the same, and what is behind the name in its line of stat, nothing if it is gone."""
    fields = _fields(str(pid))
    if fields and _is_headless(fields):
        for thread in proc.threads(pid):
            other = _fields(where := f"{pid}/task/{thread}")
            if other and other[_SIZE] != b"0":
                return where, other
    return str(pid), fields


def _fields(where: str) -> list[bytes]:
    line = proc.stat_line(where)
    return line[line.rindex(b")") + 2 :].split() if line else []


def _is_headless(fields: list[bytes]) -> bool:
    """Whether its main thread has no memory, and another may: it has ended, or ends for that one's exec."""
    return fields[_SIZE] == b"0" and int(fields[_THREADS]) > 1


def is_own(pid: int) -> bool:
    """Whether a process is of our user, even where its files are root's."""
    try:
        return os.stat(f"/proc/{pid}").st_uid == os.geteuid()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _retry(pid: int, ask: Callable[[int | str], T | None], begin: int | None) -> T | None:
    """Ask one that showed nothing until it does, is gone, or has had its time; None if there is nothing.

    begin: the field of stat that tells where in its memory what is asked for begins; the next one tells the end.
    """
    begun, attempt, odd = time.monotonic(), 0, 0
    while True:
        where, fields = _living(pid)
        bound = _bound(fields, begin) if fields else 0
        if not fields or (not bound and fields[_SIZE] == b"0"):
            return None
        found = ask(where)
        waited = time.monotonic() - begun
        if found or odd > _ODD or waited >= min(bound, _remaining(begun)):
            _spent[1] += 0 if found else waited
            return found
        if fields[_ENV + 1] != b"0":
            odd += 1  # it may have begun meanwhile: no time to lose
        else:
            attempt += 1
            _pause(attempt)


def _bound(fields: list[bytes], begin: int | None) -> float:
    """Return for how many seconds to wait; 0 where there is nothing for certain.

    The kernel sets the end of the environment last. Where it hides addresses from us, the code begins at 1.
    """
    if fields[_SIZE] == b"0":  # a kernel thread or a zombie, unless other threads live, and just changed places
        return _EXEC if _is_headless(fields) else 0
    if fields[_CODE] == b"1":
        return _STRANGER
    if begin is None or fields[_ENV + 1] == b"0":
        return _EXEC
    return 0 if fields[begin] == fields[begin + 1] else _EXEC


def _remaining(now: float) -> float:
    if now - _spent[0] > _PERIOD:
        _spent[:] = now, 0.0
    return max(_IN_ALL - _spent[1], _STRANGER)


def _pause(attempt: int) -> None:
    if attempt < _YIELDS:
        os.sched_yield()
    else:
        time.sleep(0.001)
