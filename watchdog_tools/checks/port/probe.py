"""Probe a port: connect, with TLS if asked, read a banner if asked.

What a connection promises is the handshake: the kernel of the other side queues it even for a
program that hangs. Only a banner (-e) says that there is somebody to answer.
"""

from __future__ import annotations

import time

from watchdog_tools.core import CRITICAL, OK, UNKNOWN, Result
from watchdog_tools.core.text import quoted
from watchdog_tools.net import connect
from watchdog_tools.net.connection import drain_seconds
from watchdog_tools.net.errors import CLOSED, REFUSED, TIMEOUT, ConnectionFailed
from watchdog_tools.workers.worker import TALK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.checks.port.config import PortRequest
    from watchdog_tools.net.connection import Connection
    from watchdog_tools.workers import Waits
    from watchdog_tools.workers.worker import Progress

_BANNER = 4096  # bytes that are read at most
_SILENCE = 2.0  # seconds after which a banner that has begun is taken for whole, as check_tcp does


class _BannerMismatch(Exception):  # noqa: N818 -- an answer, only not the one that was asked for
    """The server sent something else; the bytes."""


def probe_port(request: PortRequest, progress: Progress) -> Waits[Result]:
    """Return the verdict on one port."""
    if request.tls_verify:
        yield connect.load_tls
    begun = time.monotonic()
    facts: dict[str, object] = {}
    connection = None
    try:
        try:
            limit = request.timing.limit if request.wait else None
            connection = yield from connect.connect(request.target, request.family, limit, progress)
            facts["address"] = str(connection.address)
            if request.tls_verify:
                connection = yield from connect.with_tls(connection, request.tls_verify, progress, facts)
            if request.expect:
                yield from _banner(connection, request, progress)
            result = Result(OK, "")
        except ConnectionFailed as failure:
            result = _failure(request, failure)
        except _BannerMismatch as other:
            result = _mismatch(request, other.args[0])
        _complete(result, request, facts, time.monotonic() - begun)
        if connection:
            yield from connection.close_gracefully(drain_seconds(progress.left()))
    finally:
        if connection:
            connection.close()
    return result


def _complete(result: Result, request: PortRequest, facts: dict[str, object], seconds: float) -> None:
    """Fill in what every verdict has; one without a reason yet is judged by its time."""
    if not result.reason:
        result.state = request.timing.state(seconds)
        result.summary = _summary(request, facts, request.timing.described(seconds))
    result.target = str(request.target)
    result.value = 0.0 if result.reason and result.state == CRITICAL else seconds
    result.metrics = (request.timing.metric(seconds),)
    result.details = facts
    result.lines = tuple(f"{name}: {fact}" for name, fact in facts.items())


def _banner(connection: Connection, request: PortRequest, progress: Progress) -> Waits[None]:
    progress(TALK, f"waiting for the banner of {request.target}")
    data = b""
    silence = min(_SILENCE, request.timing.limit / 2)
    while len(data) < _BANNER:
        try:
            chunk = yield from connection.receive(_BANNER - len(data), silence if data else None)
        except ConnectionFailed as failure:
            if data and failure.kind == TIMEOUT:
                break
            raise
        data += chunk
        if any(each in data for each in request.expect):
            return
        if not chunk:
            break
    if not data:
        raise ConnectionFailed(CLOSED, "closed the connection without a word")
    raise _BannerMismatch(data)


def _mismatch(request: PortRequest, data: bytes) -> Result:
    sent = "" if request.jail else f": {quoted(data, 80)}"
    return Result(request.mismatch, f"{request.target} sends another banner{sent}", reason="mismatch")


def _failure(request: PortRequest, failure: ConnectionFailed) -> Result:
    state = CRITICAL
    if failure.local:
        state = UNKNOWN
    elif failure.kind == REFUSED:
        state = request.refuse
    elif failure.kind == TIMEOUT:
        state = request.timing.on_timeout
    return Result(state, f"{request.target} {failure.words}", reason=failure.kind)


def _summary(request: PortRequest, facts: dict[str, object], span: str) -> str:
    address = str(facts["address"])
    name = str(request.target) if request.target.host or request.target.path else address
    what = "accepts connections"
    if request.tls_verify:
        verified = "" if request.tls_verify.verify else ", certificate not verified"
        what = f"accepts TLS connections ({facts['tls']}{verified})"
    if request.expect:
        what += " and sends the banner"
    answered = "" if address in (name, request.target.path) else f" ({address} answered)"
    return f"{name} {what} in {span}{answered}"
