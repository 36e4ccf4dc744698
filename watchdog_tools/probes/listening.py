"""LOOK at who listens, without a connection: the kernel's tables of sockets, and /proc/PID/fd for their owners."""

from __future__ import annotations

import os
import sys
import time

from watchdog_tools import listeners
from watchdog_tools.result import CRITICAL, OK, UNKNOWN, Result
from watchdog_tools.system import proc
from watchdog_tools.system.dial import packed
from watchdog_tools.system.holders import Holder, holders
from watchdog_tools.system.looker import LOCAL
from watchdog_tools.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchdog_tools.listeners import Listener
    from watchdog_tools.ports import Ask
    from watchdog_tools.system.looker import Say

_TABLE = 64 << 20  # bytes of a table, some 400,000 sockets


def look(ask: Ask, owner: str | None, say: Say) -> Result:
    """Return the verdict: OK where something listens for the target, held by `owner` if one is given."""
    begun = time.monotonic()
    try:
        result = _looked(ask, owner, say)
    except OSError as error:
        result = Result(UNKNOWN, f"cannot look for {ask.target}: {error.strerror or error}", reason="unseen")
    result.target = str(ask.target)
    result.value = 0.0 if result.state == CRITICAL else time.monotonic() - begun
    return result


def _looked(ask: Ask, owner: str | None, say: Say) -> Result:
    say(LOCAL, "reading the kernel's table of sockets")
    found = list(_found(ask))
    if not found:
        return Result(CRITICAL, f"nothing listens on {ask.target}", reason="refused")
    if owner is None:
        return Result(OK, f"{ask.target} is listened on")
    say(LOCAL, "looking for the process that listens")
    held, hidden = holders({listener.inode for listener in found})
    return _owned(ask, owner, held, [each for each in hidden if each.may_be(owner)])


def _found(ask: Ask) -> Iterator[Listener]:
    if ask.target.path:
        wanted = os.fsencode(ask.target.path)
        yield from (each for each in listeners.unix(_table("unix")) if each.address == wanted)
        return
    addresses = _addresses(ask.target.host)
    for family, name in ((4, "tcp"), (6, "tcp6")):
        if ask.family in (0, family):
            for each in listeners.tcp(_table(name), sys.byteorder):
                if each.port == ask.target.port and any(each.takes(address) for address in addresses):
                    yield each


def _addresses(host: str) -> list[bytes]:
    if host == "localhost":
        return [packed("127.0.0.1"), packed("::1")]
    return [packed(host) if host else b""]


def _table(name: str) -> bytes:
    data = proc.read("self", f"net/{name}", _TABLE)
    if data is None and name != "tcp6":  # a kernel without IPv6 has none
        raise proc.Unseen(f"/proc/self/net/{name} is not there")
    return data or b""


def _owned(ask: Ask, owner: str, held: list[Holder], maybe: list[Holder]) -> Result:
    name = quoted(owner, 80)
    right = [each for each in held if each.named(owner)]
    details: dict[str, object] = {"pids": [each.pid for each in right or held]}
    if right:
        return Result(OK, f"{ask.target} is listened on by {name} (pid {right[0].pid})", details=details)
    who = ", ".join(f"{_called(each)} (pid {each.pid})" for each in held[:3]) or "no process that we see"
    if maybe:  # nginx's master is root's, its workers are not
        words = f"{ask.target} is listened on by {who}; whether {name} (pid {maybe[0].pid}) does, is not ours to read"
        return Result(UNKNOWN, words, reason="permission", details=details)
    return Result(CRITICAL, f"{ask.target} is listened on by {who}, not by {name}", reason="owner", details=details)


def _called(holder: Holder) -> str:
    first = holder.argv[0] if holder.argv else holder.exe or ""
    return quoted(first.rpartition("/")[2] or "?", 80)
