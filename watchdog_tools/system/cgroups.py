"""The control group of a service (cgroup2): where it would be, who is in it, and whose it is. Nothing is changed here.

The base is process 1's own group, so that a container stays in its own, and neither a timer's unit nor a restart of
cron ends what is kept. Root alone has one: nobody else may write there.
"""

from __future__ import annotations

import errno
import os
import stat

from watchdog_tools.core.marks import group_name
from watchdog_tools.core.record import PIDS
from watchdog_tools.system import identity, mounts
from watchdog_tools.system.proc import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchdog_tools.core.owner import Owner
    from watchdog_tools.system.identity import Identity
ROOM = "watchdog-tools"  # the group that holds the services' groups
XATTRS = ("trusted.watchdog_tools", "user.watchdog_tools")  # the first that is accepted; others can read neither
ONESHOT = b"oneshot"  # it was started by a command that returns: what lives in the group is the service
DAEMON = b"daemon"  # behind the identity: it ended, and lives on as what it left behind
KILLED = b"killed"  # all in it was killed at one stroke: no birth in it succeeds (actions/spawn.py)
_CHILDLESS = 2  # links of a directory without directories
_LIST = 8 << 20  # bytes of a list of pids
_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)  # who sees nothing for these does not know that it is empty
_DEEPEST = 32  # levels of groups that a service made below its own
_WRITE = os.W_OK | os.X_OK
_place: list[str] = []  # the same for as long as a run lasts


def refusal() -> str:
    """Return why no control group can be made here, empty where one can."""
    if os.geteuid() != 0:
        return "only root can make control groups"
    return "" if place() and os.access(place(), _WRITE) else "no cgroup2 that can be written shows process 1's group"


def place() -> str:
    """Return the directory of process 1's control group, empty where no mount of cgroup2 shows it.

    One that can be written is preferred; where there is none, members can be found there all the same.
    """
    if not _place:
        _place.append(_found())
    return _place[0]


def _found() -> str:
    group = group_of_pid(1)
    if not group or "/.." in group:
        return ""
    for tail in ("/init.scope", "/system.slice"):  # the part that systemd makes for itself
        group = group.removesuffix(tail)
    there = [path for path in mounts.shown(group or "/", "cgroup2") if os.path.isdir(path)]
    return next((path for path in there if os.access(path, _WRITE)), next(iter(there), ""))


def group_of_pid(pid: int | str) -> str:
    """Return the path of a process's control group (cgroup2), empty where it has none, or is gone."""
    try:
        lines = (read(pid, "cgroup", 1 << 16) or b"").split(b"\n")
    except OSError:
        return ""
    return next((os.fsdecode(line[3:]) for line in lines if line.startswith(b"0::/")), "")


class NoGroup(OSError):  # noqa: N818 -- a fact about the machine, said in one sentence
    """There is no control group to be had, or it is not to be used; the sentence says why."""


class Foreign(NoGroup):
    """Members of the group are of another pid namespace: nobody can be told from here, so nothing is ended."""


class Group:
    """An open control group. path: for people, and for what is made in it. handle: its directory's descriptor."""

    __slots__ = ("handle", "path")

    def __init__(self, path: str, handle: int) -> None:
        """Take the fields as the class describes them."""
        self.path = path
        self.handle = handle

    def close(self) -> None:
        """Close its descriptor."""
        os.close(self.handle)

    def populated(self) -> bool:
        """Whether a process is in it, or in a group below it; also one of another pid namespace."""
        return b"populated 1" in text(self.handle, "cgroup.events", 256)

    def members(self) -> list[int]:
        """Return the pids in it and below it. Raise Foreign."""
        return [pid for handle in self.levels() for pid in _pids(handle)]

    def levels(self) -> Iterator[int]:
        """Return a descriptor of it, and of each group below, each open until the next one is asked for.

        Parents come first; as many are open as there are levels, however many groups a service makes.
        """
        return _levels(self.handle, 1)

    def leader(self) -> tuple[Identity | None, bytes]:
        """Return the identity of the instance started in it, and what is known of it: ONESHOT, DAEMON, KILLED."""
        for name in XATTRS:
            words = self.says(name).split(b" ")
            found = _identity(words)
            if found:
                return found, b" ".join(words[5:])
        return None, b""

    def says(self, name: str) -> bytes:
        """Return what an attribute of it says, empty where there is none."""
        try:
            return os.getxattr(self.handle, name)
        except OSError:
            return b""


def find(owner: Owner) -> Group | None:
    """Return the group of a service, None where there is none. Raise NoGroup where one cannot be trusted."""
    base = place() if os.geteuid() == 0 else ""
    if not base:
        return None
    path = f"{base}/{ROOM}/{group_name(owner, identity.here()[1])}"
    try:
        room = os.open(f"{base}/{ROOM}", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            ours = is_ours(room)  # then only root has made what is in it, whomever it may have given it to since
            handle = os.open(os.path.basename(path), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=room)
        finally:
            os.close(room)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in _RESOURCES:
            raise
        raise NoGroup(f"its control group cannot be opened: {error.strerror}") from None
    if ours:
        return Group(path, handle)
    os.close(handle)
    raise NoGroup(f"others can write {base}/{ROOM}")


def holds(owner: Owner, pid: int) -> bool:
    """Whether a process is in the control group of a service, or below it."""
    return f"/{ROOM}/{group_name(owner, identity.here()[1])}/" in f"{group_of_pid(pid)}/"


def is_elsewhere(owner: Owner, pid: int) -> bool:
    """Whether a process is in our room, but not in the group of `owner`: it is another service's, or nobody's."""
    return f"/{ROOM}/" in f"{group_of_pid(pid)}/" and not holds(owner, pid)


def is_named(pid: int, name: str) -> bool:
    """Whether a process is in the control group of a service of that NAME, wherever its state is, or below it."""
    inside = group_of_pid(pid).partition(f"/{ROOM}/")[2]
    return inside.partition("/")[0].partition(".")[2] == name


def of_another(base: str) -> bool:
    """Whether this run is in the control group of a service: a job of its, which starts what is no part of it.

    base: as `place` returns it.
    """
    return bool(base) and f"/{ROOM}/" in group_of_pid("self")


def is_ours(handle: int) -> bool:
    """Whether a directory belongs to us, and nobody else can write it."""
    found = os.fstat(handle)
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022 and stat.S_ISDIR(found.st_mode)


def below(handle: int) -> list[str]:
    """Return the names of the groups in a group, empty where it is gone. Raise OSError."""
    if os.fstat(handle).st_nlink <= _CHILDLESS:
        return []
    try:
        with os.scandir(handle) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def _levels(handle: int, depth: int) -> Iterator[int]:
    yield handle
    for name in below(handle) if depth < _DEEPEST else ():
        try:
            child = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
        except FileNotFoundError:  # removed meanwhile
            continue
        try:
            yield from _levels(child, depth + 1)
        finally:
            os.close(child)


def _pids(handle: int) -> list[int]:
    """Return the pids of one level; a threaded group has none of its own: the group above counts its processes."""
    pids = [int(word) for word in text(handle, "cgroup.procs", _LIST).split()]
    if 0 in pids:
        raise Foreign("processes of another pid namespace are in its control group")
    return pids


def text(handle: int, name: str, limit: int) -> bytes:
    """Return what a file of a group says, empty where the group is gone. Raise OSError without descriptors left."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=handle)
    except OSError as error:
        if error.errno in _RESOURCES:
            raise
        return b""
    try:
        data = chunk = os.read(descriptor, limit)
        while chunk and len(data) < limit:
            chunk = os.read(descriptor, limit - len(data))
            data += chunk
    except OSError:
        return b""
    finally:
        os.close(descriptor)
    return data


def _identity(words: list[bytes]) -> Identity | None:
    """Return the identity that an attribute says, None where it says none."""
    try:
        pid, ticks = (int(word) for word in words[:2])
        boot, pidns, timens = (word.decode("ascii").removeprefix("-") for word in words[2:5])
    except (ValueError, UnicodeDecodeError):
        return None
    if not (0 <= pid <= PIDS and 0 <= ticks < 1 << 63):
        return None
    return pid, ticks, boot, pidns, timens
