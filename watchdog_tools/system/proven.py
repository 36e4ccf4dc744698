"""Whether a process of another user has its name from a file that only root could have put there."""

from __future__ import annotations

import os

from watchdog_tools.system import identity, memory
from watchdog_tools.system.interpreters import script
from watchdog_tools.system.path_trust import untrusted
from watchdog_tools.system.process_names import basename, unversioned


def has_trusted_name(pid: int, name: str) -> bool:
    """Whether its executable, or the script that its interpreter runs, is called `name` and is root's alone.

    A process rewrites its arguments as it likes, the kernel knows what it executes. So a script counts only where
    the kernel says that an interpreter of root's runs; a user who starts that very interpreter, and writes a script's
    path over its arguments, is believed.
    """
    try:
        exe = memory.exe(pid)
        if not exe or not identity.is_near(pid) or untrusted(exe):  # elsewhere, the path may be another file's
            return False
        if basename(exe) == name:
            return True
        line = memory.cmdline(pid) or b""
        words = os.fsdecode(line.removesuffix(b"\0")).split("\0")[1:]
        path = script(unversioned(exe), words)
        return basename(path) == name and path.startswith("/") and not untrusted(path)
    except OSError:
        return False
