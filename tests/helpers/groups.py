"""Control groups (cgroup2) as tests see them: whose they are, whether anybody is in them, and their end."""

from __future__ import annotations

import contextlib
import os
from functools import cache
from pathlib import Path

OLD = Path("/sys/fs/cgroup/systemd")  # where it is: the hierarchy of version 1 in which systemd made its groups


@cache
def mount() -> Path | None:
    """Return where cgroup2 is mounted, the first place that can be written; None where there is none."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, behind = line.partition(" - ")
        place = Path(before.split()[4])
        if behind.split()[0] == "cgroup2" and os.access(place / "cgroup.procs", os.W_OK):
            return place
    return None


def possible() -> bool:
    """Tell whether a control group can be made here: as root, where cgroup2 can be written."""
    return os.geteuid() == 0 and mount() is not None


def path_of(pid: int | str) -> str:
    """Return the path of a process's control group below the hierarchy's root, "/" for none."""
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    return next((line[3:] for line in lines if line.startswith("0::")), "/")


def of(pid: int | str) -> Path:
    """Return the directory of a process's control group."""
    place = mount()
    assert place is not None, "no cgroup2 here"
    return place / path_of(pid).strip("/")


def named(name: str) -> list[Path]:
    """Return the groups that are called after the service NAME, in cgroup2 and in systemd's own old hierarchy."""
    return [path for place in filter(None, (mount(), OLD)) for path in _below(place) if path.name.endswith(name)]


def kept() -> set[Path]:
    """Return the groups of all services that are kept on this machine."""
    place = mount()
    return {path for path in _below(place) if path.parent.name == "watchdog-tools"} if place else set()


def _below(place: Path) -> list[Path]:
    """Return all groups below a place; others remove theirs meanwhile."""
    return [Path(above, name) for above, names, _ in os.walk(place) for name in names]


def populated(group: Path) -> bool:
    """Tell whether anybody is in it, or below it."""
    with contextlib.suppress(OSError):
        return "populated 1" in (group / "cgroup.events").read_text()
    return False


def freeze(group: Path, word: str = "1") -> None:
    """Freeze it; with "0" thaw it."""
    (group / "cgroup.freeze").write_text(word)


def kill(group: Path) -> None:
    """End everybody in it and below it, as far as the kernel does."""
    with contextlib.suppress(OSError):
        freeze(group, "0")
        (group / "cgroup.kill").write_text("1")


def remove(group: Path) -> bool:
    """Remove it with those below it. Return False while somebody is in it."""
    with contextlib.suppress(OSError):
        for inner in group.iterdir():
            if inner.is_dir():
                remove(inner)
        group.rmdir()
    return not group.exists()
