"""Which runs of ours hang in the kernel on a dead disk: no signal ends them, so no more than two are to wait there.

Nothing on the disk is touched to tell: the table of mounts says what it is, /proc who hangs.
"""

from __future__ import annotations

import os
import sys
import time

from watchdog_tools.system import memory, mounts, proc

MOST = 2  # that wait on a dead disk; the next one would wait there as well, a minute later
HINT = "/dev/shm/watchdog-tools"  # noqa: S108 -- followed by -UID-NAME: an empty file, whose content nobody reads
_MEMORY = ("tmpfs", "ramfs")
_LONG = 1.0  # seconds; a disk that works holds nobody so long at one stretch
_SHORT = 0.3  # where one has hung already, and a look has little time
_OPTION = "--state-dir"


def home() -> str:
    """Return the directory above the default state directory, as the passwd database has it; empty for root's."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_dir if os.geteuid() else ""
    except KeyError:
        return ""


def words(name: str, place: str, moment: float = _LONG) -> str:
    """Return why the state directory must not be touched, empty where it may be.

    place: the directory, or one above it; where that is kept in memory nobody hangs. moment: as in `hanging`.
    """
    place = place or "/run"
    if mounts.kind_at(place) in _MEMORY:
        return ""
    found = hanging(name, moment)
    if len(found) < MOST:
        return ""
    pids = ", ".join(f"pid {pid}" for pid in found[:MOST])
    return f"no state directory: {place} is not touched, as earlier runs are stuck in the kernel ({pids})"


def leave_hint(name: str) -> None:
    """Have the next looks ask for `words` before they touch the state directory: one of ours may hang on it."""
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        os.close(os.open(f"{HINT}-{os.geteuid()}-{name}", flags, 0o600))
    except OSError:  # it is there, or cannot be: then each look hangs until its deadline
        return


def hinted(name: str, place: str) -> str:
    """Return what `words` does, for a look that found the hint; remove that once nobody hangs any more."""
    said = words(name, place, _SHORT)
    if not said and not hanging(name, _SHORT, least=1):
        remove_hint(name)
    return said


def remove_hint(name: str) -> None:
    """Forget that one of ours may hang on it."""
    try:
        os.unlink(f"{HINT}-{os.geteuid()}-{name}")
    except OSError:  # another one was faster, another user made it, or there is none
        return


def hanging(name: str, moment: float, least: int = MOST) -> list[int]:
    """Return the pids of our own user's runs for NAME and this state directory that hang, none of fewer than `least`.

    moment: seconds for which they do. Empty where /proc shows nothing.
    """
    wanted = name, _directory(sys.argv)
    try:
        found = [(pid, how) for pid in proc.user_pids() if (how := _hangs(pid)) and _is_like(pid, wanted)]
    except OSError:
        return []
    if len(found) < least:
        return []
    time.sleep(moment)
    return [pid for pid, how in found if _hangs(pid) == how]


def _hangs(pid: int) -> tuple[int, str, str] | None:
    """Return how a process of our user hangs (`proc.hangs`), None for any other."""
    try:
        return proc.hangs(pid) if memory.is_own(pid) else None
    except OSError:
        return None


def _is_like(pid: int, wanted: tuple[str, str]) -> bool:
    """Whether it is a run for (NAME, state directory). Its forks have its arguments, until they execute something."""
    from watchdog_tools.system.process_names import own_command  # few ever need it

    try:
        line = memory.cmdline(pid) or b""
    except OSError:
        return False
    argv = line.decode("utf-8", "surrogateescape").removesuffix("\0").split("\0")
    before = argv[: argv.index("--")] if "--" in argv else argv
    name, directory = wanted
    named = name in before or f"--name={name}" in before
    return bool(own_command(argv)) and named and _directory(argv) == directory


def _directory(argv: list[str]) -> str:
    """Return the state directory that a command line names, in its one spelling; empty for the default one."""
    found = ""
    for index, word in enumerate(argv):
        if word == "--":
            break
        if word == _OPTION:
            found = "".join(argv[index + 1 : index + 2])
        elif word.startswith(f"{_OPTION}="):
            found = word.partition("=")[2]
    return "/".join(part for part in found.split("/") if part)
