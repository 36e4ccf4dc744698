"""LOOK at who listens, without a connection: the kernel's own word for it, and /proc/PID/fd for the owners."""

from __future__ import annotations

import sys
import time

from watchdog_tools import listeners
from watchdog_tools.result import CRITICAL, OK, UNKNOWN, Result
from watchdog_tools.system import proc
from watchdog_tools.system.dial import diagnosed, packed
from watchdog_tools.system.holders import Holder, file_on, holders
from watchdog_tools.system.looker import LOCAL
from watchdog_tools.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    say(LOCAL, "asking the kernel which sockets listen")
    inodes, doubt = _at_path(ask.target.path) if ask.target.path else _at_port(ask)
    if not inodes:
        return Result(CRITICAL, f"nothing listens on {ask.target}{doubt}", reason="refused")
    if owner is None:
        return Result(OK, f"{ask.target} is listened on{doubt}")
    say(LOCAL, "looking for the process that listens")
    held, hidden = holders(inodes)
    return _owned(ask, owner, held, [each for each in hidden if each.may_be(owner)])


def _at_path(path: str) -> tuple[set[str], str]:
    """Return the inodes of the sockets that listen on a file, and what to add where there are none."""
    try:
        file, device = file_on(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        return set(), f": {error.strerror}"
    try:
        answers = list(diagnosed(listeners.ask_unix(sys.byteorder)))
    except OSError as error:
        raise OSError(None, f"this kernel does not tell who listens on a file (unix_diag): {error.strerror}") from None
    inodes = set(listeners.of_file(answers, file, device, sys.byteorder))
    return (
        inodes,
        "" if inodes else " in our network namespace",
    )  # one of a container may well, on a file that is shared


def _at_port(ask: Ask) -> tuple[set[str], str]:
    """Return the inodes of the sockets that listen on a port, and what is in doubt about them."""
    addresses = _addresses(ask.target.host)
    found = [
        each
        for name in ("tcp", "tcp6")
        for each in listeners.tcp(_table(name), sys.byteorder)
        if each.port == ask.target.port and each.of(ask.family) and any(each.takes(address) for address in addresses)
    ]
    ipv4 = ask.family == 4 or all(len(address) == 4 for address in addresses)  # noqa: PLR2004 -- the family, its bytes
    maybe = {each.inode for each in found if ipv4 and each.both()}
    sure = {each.inode for each in found} - maybe
    if not maybe or sure:
        return sure, ""
    try:
        return maybe.difference(listeners.ipv6_only(diagnosed(listeners.ask_tcp6(sys.byteorder)), sys.byteorder)), ""
    except OSError:
        return maybe, ", by the wildcard of IPv6 (whether that takes IPv4, this kernel does not tell)"


def _addresses(host: str) -> list[bytes]:
    if host == "localhost":
        return [packed("127.0.0.1"), packed("::1")]
    return [listeners.plain(packed(host)) if host else b""]


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
