"""TOUCH: what is done to the control group of a service: it is marked with its instance, thawed, killed, removed.

A run that is in it leaves it, and is no member that ends with the others. Only who holds NAME's lock does any of this.
"""

from __future__ import annotations

import os
import time

from watchdog_tools.system import cgroups
from watchdog_tools.system.cgroups import DAEMON, KILLED, XATTRS, Group, NoGroup, text
from watchdog_tools.system.identity import of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core.owner import Owner
    from watchdog_tools.system.identity import Identity

NOBODY = (0, 0, "", "", "")  # the identity of no process
companions: list[int] = []  # pids of this run besides: what has begun one run for each of several services
_EMPTY = 1.5  # seconds for a group to be empty once all its members have ended
_GAP = 0.005  # seconds between two checks


class group_of:  # noqa: N801 -- it reads as a function in a `with`
    """The service's group for the time of a block, None where there is none that can be used."""

    __slots__ = ("_group",)

    def __init__(self, owner: Owner) -> None:
        """Open it."""
        try:
            self._group = cgroups.find(owner)
        except NoGroup:
            self._group = None

    def __enter__(self) -> Group | None:
        """Return it."""
        return self._group

    def __exit__(self, *_: object) -> None:
        """Close it."""
        if self._group:
            self._group.close()


class Members:
    """Those in a service's control group, but this run, which a kept cron or the agent itself may have started."""

    __slots__ = ("_group", "_run")

    def __init__(self, group: Group | None) -> None:
        """Let nobody in it be frozen, and nobody of this run be in it."""
        self._group = group
        self._run = this_run()
        if group:
            thaw(group)
            leave(group, self._run)

    def identities(self) -> list[Identity]:
        """Return them, the newest first: those are the ones that go on forking."""
        pids = self._pids()
        return [identity for pid in sorted(pids, reverse=True) if pid not in self._run and (identity := of(pid))]

    def kill_group(self) -> None:
        """Kill them at one stroke, which no fork escapes, unless this run could not leave."""
        pids = self._pids()
        if self._group and not set(self._run).intersection(pids):
            kill(self._group)

    def become_empty(self) -> bool:
        """Wait until nobody is in the group. Return whether that came, once all who were found have ended."""
        until = time.monotonic() + _EMPTY
        while self._group and self._group.populated() and self._others():
            if time.monotonic() >= until:
                return False
            time.sleep(_GAP)
        return True

    def _others(self) -> bool:
        """Whether anybody but this run may be in it: what could not leave is no survivor."""
        pids = self._pids()
        return not pids or bool(set(pids).difference(self._run))

    def _pids(self) -> list[int]:
        try:
            return self._group.members() if self._group else []
        except NoGroup:  # processes of another pid namespace: nobody can be told from here
            self._group = None
            return []


def this_run() -> list[int]:
    """Return the pids of this run: this process, and its guard, which is to say the verdict."""
    return [os.getpid(), os.getppid(), *companions]


def mark(group: Group, identity: Identity, became: bytes = b"") -> None:
    """Write whose group it is onto it, where nobody else can. Raise NoGroup where no attribute is accepted."""
    pid, ticks, *place = identity
    words = [str(pid), str(ticks), *(word or "-" for word in place)]
    value = b" ".join(filter(None, (" ".join(words).encode("ascii"), became)))
    for name in XATTRS:
        try:
            os.setxattr(group.handle, name, value)
        except OSError:
            if group.says(name):  # it is read first, and would go on saying what it says
                break
            continue
        return
    raise NoGroup("no attribute can be written on its control group")


def mark_daemon(owner: Owner, identity: Identity) -> None:
    """Write onto the service's group that its instance became a daemon: what it left behind is the service now."""
    with group_of(owner) as group:
        if group and group.leader()[0] == identity:
            try:
                mark(group, identity, DAEMON)
            except NoGroup:
                return  # the record tells it too


def thaw(group: Group) -> None:
    """Let those go on that somebody has frozen: a frozen process sees no signal but KILL."""
    for level in group.levels():
        if text(level, "cgroup.freeze", 16).startswith(b"1"):
            _wrote(level, "cgroup.freeze", b"0")


def kill(group: Group) -> None:
    """Kill all that is in the group at one stroke, which no fork escapes; before Linux 5.14 freeze them for the rounds.

    What is killed one by one afterwards are those that the stroke passes over: processes whose main thread has ended.
    """
    leader, _ = group.leader()
    try:
        mark(group, leader or NOBODY, KILLED)  # before: the next run, too, has to know that it is used up
    except NoGroup:
        pass  # it is removed by this run all the same
    if not _wrote(group.handle, "cgroup.kill", b"1"):
        for level in group.levels():
            _wrote(level, "cgroup.freeze", b"1")


def leave(group: Group, pids: list[int]) -> None:
    """Move processes out of the group, to where no service's group is: a run must outlive what it ends."""
    try:
        inside = set(group.members())
    except NoGroup:
        return
    above = os.open(os.path.dirname(group.path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        for pid in inside.intersection(pids):
            _wrote(above, "cgroup.procs", str(pid).encode())
    finally:
        os.close(above)


def remove(group: Group) -> bool:
    """Remove a group in which nothing lives, with those below it, and close it. Return whether it is gone."""
    base, name = os.path.split(group.path)
    group.close()
    try:
        above = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        return _removed(above, name)
    finally:
        os.close(above)


def _wrote(directory: int, name: str, data: bytes) -> bool:
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_NOFOLLOW, dir_fd=directory)
    except OSError:
        return False
    try:
        return os.write(descriptor, data) == len(data)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _removed(above: int, name: str) -> bool:
    """Remove a group, those below it first. Return whether it is gone."""
    try:
        level = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        for each in cgroups.below(level):
            _removed(level, each)
    finally:
        os.close(level)
    try:
        os.rmdir(name, dir_fd=above)
    except FileNotFoundError:
        return True
    except OSError:  # busy: a zombie is still to be reaped, or somebody lives there
        return False
    return True
