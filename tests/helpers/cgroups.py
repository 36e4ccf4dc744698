"""Control groups of a test's own: whatever makes groups below its process 1 makes them there, and they go with it."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from helpers.groups import remove
from helpers.processes import wait_for

# A shell's lines: it joins the groups that it is given, up to --, and goes on with the words behind that.
JOIN = """until [ "$1" = -- ]; do echo $$ >"$1/cgroup.procs" || exit 1; shift; done; shift"""


@contextlib.contextmanager
def made() -> Iterator[list[str]]:
    """Make a group in each hierarchy that systemd uses (v2, and v1's own beside it); remove them afterwards.

    They have the same name, as systemd makes in the one what it has made in the other. Yield their paths, none where
    none can be made.
    """
    sweep()
    name = fresh_name()
    groups = [parent / name for parent in parents() if os.access(parent, os.W_OK)]
    for group in groups:
        group.mkdir()
    try:
        yield [str(group) for group in groups]
    finally:
        for group in groups:
            wait_for(lambda group=group: remove(group), 10, f"{group} is empty")  # type: ignore[misc]


def parents() -> Iterator[Path]:
    """Yield our own group in each such hierarchy."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for mount in {"": ("unified", ""), "name=systemd": ("systemd",)}.get(controllers, ()):
            parent = Path("/sys/fs/cgroup", mount, path.strip("/"))
            if (parent / "cgroup.procs").exists():
                yield parent
                break


def version_2() -> list[Path]:
    """Return where version 2 is mounted."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return [Path(mount[1]) for mount in mounts if mount[2] == "cgroup2"]


def fresh_name() -> str:
    """Return a name for a group of ours: while we live no sweep removes it, even if nobody is in it yet."""
    return f"wdt-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def sweep() -> bool:
    """Remove the groups of those who were killed. Return whether all are gone."""
    groups = [group for parent in parents() for group in parent.glob("wdt-[0-9]*-*")]
    left = [group for group in groups if not Path("/proc", group.name.split("-")[1]).exists() and not remove(group)]
    return not left
