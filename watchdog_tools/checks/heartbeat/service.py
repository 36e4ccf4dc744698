"""The beat of what ensure-running keeps: each complete run for a NAME leaves word, so that a dead cron is noticed.

Whoever asks may be nobody, nrpe or zabbix: root's NAME.seen is for everybody's eyes.
"""

from __future__ import annotations

import os
import pwd

from watchdog_tools.checks.heartbeat.judge import judged
from watchdog_tools.core import UNKNOWN, Result
from watchdog_tools.core.record import Corrupt
from watchdog_tools.core.text import human_duration, quoted
from watchdog_tools.state import StateDirError, default, enter, seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.checks.heartbeat.config import Config

_ROOT = 0


def verdict(config: Config, name: str) -> Result:
    """Return the verdict on the last complete run for NAME: the caller's own, else root's, or that of --keeper."""
    try:
        places = _places(config)
    except KeyError:
        return Result(UNKNOWN, f"{name}: there is no user {quoted(config.keeper or '', 64)}", reason="never-kept")
    except StateDirError as error:
        return Result(UNKNOWN, f"{name}: {error}", reason="unreadable")
    refused = ""
    for path, uid in places:
        try:
            directory = _entered(path, uid)
        except StateDirError as error:
            refused = refused or str(error)
            continue
        try:
            keeper = os.fstat(directory).st_uid if directory >= 0 and uid is None else uid
            if keeper is not None and seen.is_known(path, directory, name, keeper):
                return _verdict(config, name, directory, keeper)
        finally:
            if directory >= 0:
                os.close(directory)
    if refused:
        return Result(UNKNOWN, f"{name}: {refused}", reason="unreadable")
    where = " or ".join(path for path, _ in places)
    return Result(UNKNOWN, f"{name} was never kept in {where}", reason="never-kept")


def _places(config: Config) -> list[tuple[str, int | None]]:
    """Return (state directory, whose) in the order in which NAME is looked for. Raise KeyError, StateDirError."""
    if config.keeper:
        uid = pwd.getpwnam(config.keeper).pw_uid
        return [(config.state_dir or default(uid), uid)]
    if config.state_dir:
        return [(config.state_dir, None)]
    own = os.geteuid()
    roots: list[tuple[str, int | None]] = [(default(_ROOT), _ROOT)]
    if own == _ROOT:
        return roots
    try:
        return [(default(own), own), *roots]
    except StateDirError:  # who has no home keeps nothing
        return roots


def _entered(path: str, uid: int | None) -> int:
    """Return a descriptor of the state directory, -1 where there is none yet. Raise StateDirError."""
    try:
        return enter(path, reading=True, keeper=uid)
    except StateDirError as error:
        if error.missing:
            return -1
        raise


def _verdict(config: Config, name: str, directory: int, keeper: int) -> Result:
    of = f"{name} of {_user(keeper)}" if keeper != os.geteuid() else name
    try:
        last = seen.last_seen(directory, name, keeper)
    except Corrupt as error:
        return Result(UNKNOWN, f"{of}: {error}", reason="unreadable")
    since = human_duration(last.age)
    words = f"was seen {since} ago" if last.in_this_boot else f"was not seen yet in this boot, which began {since} ago"
    result = judged(config, f"{of} {words}", f"{of} was {seen.words(last)}", last.age)
    result.details = {**result.details, "in_this_boot": last.in_this_boot, "keeper": _user(keeper)}
    return result


def _user(uid: int) -> str:
    try:
        return quoted(pwd.getpwuid(uid).pw_name, 64)
    except KeyError:
        return f"uid {uid}"
