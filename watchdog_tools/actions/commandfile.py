"""TOUCH: keep the command line of a run that starts or adopts, for the operator's start, restart and stop."""

from __future__ import annotations

import errno
import os
import time

from watchdog_tools.commandline import LARGEST, Kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def write(directory: int, name: str, argv: Sequence[str], cwd: str) -> None:
    """Replace NAME.command in the open directory of the locks. Only who holds NAME's lock may. Raise OSError.

    argv: the run's words behind the program's own name. cwd: its working directory, or empty. One that is too long
    to be kept leaves none: an older one is another command line.
    """
    data = Kept(tuple(argv), cwd, int(time.time())).dump()
    if len(data) >= LARGEST:
        _remove(directory, f"{name}.command")
        raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
    scratch = f"{name}.command.tmp"  # one fixed name under the lock: leftovers cannot pile up
    _remove(directory, scratch)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(scratch, flags, 0o600, dir_fd=directory)
    try:
        try:
            if os.write(descriptor, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)
        os.rename(scratch, f"{name}.command", src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        _remove(directory, scratch)
        raise


def _remove(directory: int, name: str) -> None:
    """Remove what stands in our way."""
    try:
        os.unlink(name, dir_fd=directory)
    except OSError:
        return
