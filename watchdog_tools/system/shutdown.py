"""What files in /run say of a shutdown: the runlevel in utmp where there is no systemd, and who may still log in."""

from __future__ import annotations

import os
import stat
import sys
import time

UTMP, NOLOGIN = "/run/utmp", "/run/nologin"
_GOING_DOWN = b"System is going down"  # systemd-user-sessions; while it boots the file says something else
_LARGEST = 1 << 20
_RUNLEVEL = 1  # RUN_LVL, in the two bytes at the beginning of a record
_ENDS = b"06"  # halt, reboot
# utmp(5): bytes of a record, and where its seconds are, which glibc made wide where no old programs had to go on
_RECORD, _SECONDS = (400, 344) if os.uname().machine in {"aarch64", "riscv64", "loongarch64"} else (384, 340)
_LATEST = 3600  # seconds: a machine takes no longer to shut down, and a file may have outlived a boot


def logins_ended(path: str = NOLOGIN) -> bool:
    """Whether systemd has written down that nobody may log in any more."""
    try:
        return _contents(path).startswith(_GOING_DOWN)
    except OSError:
        return False


def runlevel_ends(path: str = UTMP) -> bool:
    """Whether sysvinit says in utmp that the machine is going down, and has said so lately.

    It does before it stops anything. What is odd says nothing.
    """
    try:
        data = _contents(path)
    except OSError:
        return False
    records = (data[at : at + _RECORD] for at in range(0, len(data) - _RECORD + 1, _RECORD))
    return any(_ends(record) for record in records)


def _ends(record: bytes) -> bool:
    number, level, said = (_number(record, at, size) for at, size in ((0, 2), (4, 4), (_SECONDS, 4)))
    # the level's letter is the lowest byte of what is a process's pid in other records
    return number == _RUNLEVEL and level & 0xFF in _ENDS and abs(time.time() - said) < _LATEST


def _number(record: bytes, at: int, size: int) -> int:
    return int.from_bytes(record[at : at + size], sys.byteorder)


def _contents(path: str) -> bytes:
    """Return what a file of root's says, which not everybody can write; empty for any other. Raise OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid or found.st_mode & stat.S_IWOTH:
            return b""
        return os.read(descriptor, _LARGEST)
    finally:
        os.close(descriptor)
