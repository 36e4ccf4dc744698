"""TOUCH: a control group for each service, made before its start, and removed where nothing lives in it.

Only who holds NAME's lock does any of this.
"""

from __future__ import annotations

import os

from watchdog_tools.actions.control_group import NOBODY, mark, remove, thaw
from watchdog_tools.core.marks import group_name
from watchdog_tools.system import cgroups
from watchdog_tools.system.cgroups import KILLED, ROOM, Group, NoGroup, place, refusal
from watchdog_tools.system.identity import here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core.owner import Owner

_ASKED = "--containment none"
_MODE = 0o755


def prepare(owner: Owner, mode: str, *, shared: bool) -> tuple[Group | None, str]:
    """Return a group for a new instance, or None and why there is none.

    mode: as --containment has it. shared: what is left in the group lives on beside the new instance (--kill-mode
    process, and what an earlier --oneshot command started). Else an empty group is used again, or made anew; one in
    which somebody is left whom even KILL did not end, and who keeps nothing down, is shared with him.
    """
    reason = _ASKED if mode == "none" else refusal()
    if reason:
        return None, reason
    try:
        group = _for_a_start(owner, shared=shared)
    except NoGroup as error:
        return None, str(error)
    except OSError as error:
        return None, f"no control group can be made: {error.strerror}"
    try:
        mark(group, NOBODY)  # what a killed run leaves in it is no instance
    except NoGroup as error:
        group.close()
        return None, str(error)
    thaw(group)
    return group, ""


def _for_a_start(owner: Owner, *, shared: bool) -> Group:
    """Return the group for a new instance. Raise OSError, NoGroup."""
    found = cgroups.find(owner)
    if found is None:
        return _made(owner)
    if found.populated():  # never removed: the groups below are those of who lives there
        return _with_who_lives_there(found, shared=shared)
    if _usable(found):
        return found
    remove(found)
    return _made(owner)


def _with_who_lives_there(found: Group, *, shared: bool) -> Group:
    """Return a group that is not empty, if a start may be made in it. Raise OSError, NoGroup, with the group closed."""
    try:
        found.members()
        if not shared and not cgroups.is_ours(found.handle):
            raise NoGroup("its control group is another user's, and not empty")
    except OSError:
        found.close()
        raise
    return found


def outside() -> Group | None:
    """Return where no service's group is, for a start without one by a job of another service: it ends with that."""
    base = place() if os.geteuid() == 0 else ""
    if not cgroups.of_another(base):
        return None
    path = f"{base}/{ROOM}"
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    if cgroups.is_ours(handle):
        return Group(path, handle)
    os.close(handle)
    return None


def remove_empty(owner: Owner) -> None:
    """Remove the service's group if nothing lives in it."""
    try:
        found = cgroups.find(owner)
    except NoGroup:
        return
    if found and not found.populated():
        remove(found)
    elif found:
        found.close()


def _made(owner: Owner) -> Group:
    """Make the group. Raise OSError, NoGroup."""
    base = place()
    _make(base, ROOM)
    room = os.open(f"{base}/{ROOM}", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if not cgroups.is_ours(room):
            raise NoGroup(f"others can write {base}/{ROOM}")
        name = group_name(owner, here()[1])
        os.mkdir(name, _MODE, dir_fd=room)
    finally:
        os.close(room)
    made = cgroups.find(owner)
    if made is None:
        raise NoGroup("its control group was removed meanwhile")
    return made


def _make(base: str, name: str) -> None:
    try:
        os.mkdir(f"{base}/{name}", _MODE)
    except FileExistsError:
        return


def _usable(group: Group) -> bool:
    """Whether a process can be born in it and live: ours, no groups below, no controller given to such."""
    plain = cgroups.is_ours(group.handle) and not cgroups.below(group.handle)
    return (
        plain and group.leader()[1] != KILLED and not cgroups.text(group.handle, "cgroup.subtree_control", 256).strip()
    )
