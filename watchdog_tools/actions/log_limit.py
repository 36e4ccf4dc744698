"""TOUCH: keep --log within --log-max: what is beyond becomes FILE.1, of which one is kept.

At a start the file is renamed. Under a watch its instance has it open, and would write on into FILE.1: there the last
SIZE bytes are copied, and the file is emptied; it was opened to append, so that the next line is its first. What is
written meanwhile is copied, too, up to SIZE bytes of it: one that writes faster than we copy would fill the disk with
FILE.1, and never be emptied. What comes behind them, or between the last read and the end, is lost. It is done in a
fork with the rights of the user who writes the log: what fails, or hangs, is a note.
"""

from __future__ import annotations

import errno
import os
import stat

from watchdog_tools.actions import child
from watchdog_tools.actions.start_plan import CannotStart, ids
from watchdog_tools.core.text import quoted
from watchdog_tools.system.mounts import is_local
from watchdog_tools.system.path_trust import untrusted_log
from watchdog_tools.workers import Check, run_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.context import Run
    from watchdog_tools.core.config import StartOptions
    from watchdog_tools.system.tail import Ids

_SECONDS = 10.0  # a dead network disk can hold it for ever
_CHUNK = 1 << 20
_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY


def before_start(run: Run, user: Ids | None) -> None:
    """Move a log that is too long out of the way of the one that a start makes. user: whose rights count."""
    options = run.config.start_options
    if options.log and options.log_max and _may_be_longer(run, options.log, options.log_max):
        run.note(_in_fork(options, user, rename=True))


def in_watch(run: Run) -> None:
    """Empty a log that is too long, of which an instance has the end open."""
    options = run.config.start_options
    if not (options.log and options.log_max and run.instance) or not _may_be_longer(run, options.log, options.log_max):
        return
    try:
        run.note(_in_fork(options, ids(options), rename=False))
    except CannotStart as error:
        run.note(f"--log-max: {error}")
    if run.clues:
        run.clues.begin = 0  # what it wrote since its start begins there now


def _may_be_longer(run: Run, log: str, most: int) -> bool:
    """Whether it is worth a fork: on a disk of this machine its size is known at once."""
    try:
        if run.clues and run.clues.log >= 0 and run.instance:
            return os.fstat(run.clues.log).st_size > most
        return not ((run.clues and run.clues.local) or is_local(log)) or os.lstat(log).st_size > most
    except OSError:
        return False


def _in_fork(options: StartOptions, user: Ids | None, *, rename: bool) -> str:
    """Return a sentence why it could not be done, nothing where it was or need not be."""
    log, most, trust_any = str(options.log), options.log_max or 0, options.trust_any

    def work(_progress: object) -> str:
        try:
            if user:
                child.switch_user(*user)
            _limit(log, most, rename=rename, trust_any=trust_any)
        except OSError as error:
            return f"--log-max: {quoted(log)} is not shortened: {error.strerror}"
        return ""

    answers = run_all([Check(work)], _SECONDS) or []
    return next((each for each in answers if isinstance(each, str)), f"--log-max: {quoted(log)} does not answer")


def _limit(path: str, most: int, *, rename: bool, trust_any: bool) -> None:
    """Do it with our own rights. Raise OSError."""
    log = os.open(path, _FLAGS)
    try:
        found = os.fstat(log)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1 or found.st_uid != os.geteuid():
            raise OSError(errno.EPERM, "it is no regular file, has another name, or belongs to another user")
        doubt = untrusted_log(path) if os.geteuid() == 0 and not trust_any else ""
        if doubt:
            raise OSError(errno.EPERM, doubt)
        if found.st_size <= most:
            return
        if rename:
            os.rename(path, f"{path}.1")
        else:
            _copy_end(log, f"{path}.1", most, found)
            os.ftruncate(log, 0)
    finally:
        os.close(log)


def _copy_end(log: int, path: str, most: int, found: os.stat_result) -> None:
    """Copy its last `most` bytes into a new file, and at most as many that are written meanwhile.

    found: what it was. Raise OSError; nothing is left of the new file then, and the log is as it was.
    """
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    copy = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, stat.S_IMODE(found.st_mode))
    begin, end = found.st_size - most, found.st_size + most
    try:
        while chunk := os.pread(log, min(_CHUNK, end - begin), begin):
            begin += os.write(copy, chunk)
    except OSError:
        os.unlink(path)
        raise
    finally:
        os.close(copy)
