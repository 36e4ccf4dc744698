"""Probe who listens, without a connection: the kernel's own word for it, and /proc/PID/fd for the owners."""

from __future__ import annotations

import sys
import time

from watchdog_tools.checks.port import listeners
from watchdog_tools.checks.port.owners import Holder, find_holders, socket_file
from watchdog_tools.core import CRITICAL, OK, UNKNOWN, Result
from watchdog_tools.core.text import quoted
from watchdog_tools.net.netlink import packed, socket_diagnosis
from watchdog_tools.system import proc
from watchdog_tools.workers.worker import LOCAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.checks.port.config import PortRequest
    from watchdog_tools.workers import Waits
    from watchdog_tools.workers.worker import Progress

_TABLE = 64 << 20  # bytes of a table, some 400,000 sockets


def probe_listening(request: PortRequest, owner: str | None, progress: Progress) -> Waits[Result]:
    """Return the verdict: OK where something listens for the target, held by `owner` if one is given."""
    begun = time.monotonic()
    try:
        result: Result = yield lambda: _probe(request, owner, progress)
    except OSError as error:
        result = Result(UNKNOWN, f"cannot look for {request.target}: {error.strerror or error}", reason="unseen")
    result.target = str(request.target)
    result.value = 0.0 if result.state == CRITICAL else time.monotonic() - begun
    return result


def _probe(request: PortRequest, owner: str | None, progress: Progress) -> Result:
    progress(LOCAL, "asking the kernel which sockets listen")
    inodes, doubt = _inodes_at_path(request.target.path) if request.target.path else _inodes_at_port(request)
    if not inodes:
        return Result(CRITICAL, f"nothing listens on {request.target}{doubt}", reason="refused")
    if owner is None:
        return Result(OK, f"{request.target} is listened on{doubt}")
    progress(LOCAL, "looking for the process that listens")
    held, hidden = find_holders(inodes)
    return _judge_owner(request, owner, held, [each for each in hidden if each.may_be(owner)])


def _inodes_at_path(path: str) -> tuple[set[str], str]:
    """Return the inodes of the sockets that listen on a file, and what to add where there are none."""
    try:
        file, device = socket_file(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        return set(), f": {error.strerror}"
    try:
        answers = list(socket_diagnosis(listeners.unix_query(sys.byteorder)))
    except OSError as error:
        raise OSError(None, f"this kernel does not tell who listens on a file (unix_diag): {error.strerror}") from None
    inodes = set(listeners.bound_to_file(answers, file, device, sys.byteorder))
    return (
        inodes,
        "" if inodes else " in our network namespace",
    )  # one of a container may well, on a file that is shared


def _inodes_at_port(request: PortRequest) -> tuple[set[str], str]:
    """Return the inodes of the sockets that listen on a port, and what is in doubt about them."""
    addresses = _packed_addresses(request.target.host)
    found = [
        each
        for name in ("tcp", "tcp6")
        for each in listeners.parse_tcp(_read_table(name), sys.byteorder)
        if each.port == request.target.port
        and each.serves(request.family)
        and any(each.accepts(address) for address in addresses)
    ]
    ipv4 = request.family == 4 or all(len(address) == 4 for address in addresses)  # noqa: PLR2004 -- the family, its bytes
    maybe = {each.inode for each in found if ipv4 and each.is_ipv6_wildcard()}
    sure = {each.inode for each in found} - maybe
    if not maybe or sure:
        return sure, ""
    try:
        answers = socket_diagnosis(listeners.tcp6_query(sys.byteorder))
        return maybe.difference(listeners.ipv6_only(answers, sys.byteorder)), ""
    except OSError:
        return maybe, ", by the wildcard of IPv6 (whether that takes IPv4, this kernel does not tell)"


def _packed_addresses(host: str) -> list[bytes]:
    if host == "localhost":
        return [packed("127.0.0.1"), packed("::1")]
    return [listeners.unmapped(packed(host)) if host else b""]


def _read_table(name: str) -> bytes:
    data = proc.read("self", f"net/{name}", _TABLE)
    if data is None and name != "tcp6":  # a kernel without IPv6 has none
        raise proc.ProcUnavailable(f"/proc/self/net/{name} is not there")
    return data or b""


def _judge_owner(request: PortRequest, owner: str, held: list[Holder], maybe: list[Holder]) -> Result:
    name = quoted(owner, 80)
    right = [each for each in held if each.is_named(owner)]
    details: dict[str, object] = {"pids": [each.pid for each in right or held]}
    if right:
        return Result(OK, f"{request.target} is listened on by {name} (pid {right[0].pid})", details=details)
    who = ", ".join(f"{_holder_name(each)} (pid {each.pid})" for each in held[:3]) or "no process that we see"
    if maybe:  # nginx's master is root's, its workers are not
        whether = f"whether {name} (pid {maybe[0].pid}) does, is not ours to read"
        words = f"{request.target} is listened on by {who}; {whether}"
        return Result(UNKNOWN, words, reason="permission", details=details)
    words = f"{request.target} is listened on by {who}, not by {name}"
    return Result(CRITICAL, words, reason="owner", details=details)


def _holder_name(holder: Holder) -> str:
    first = holder.argv[0] if holder.argv else holder.exe or ""
    return quoted(first.rpartition("/")[2] or "?", 80)
