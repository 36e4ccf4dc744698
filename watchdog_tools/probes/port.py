"""LOOK at a port: connect, with TLS if asked, read a banner if asked.

What a connection promises is the handshake: the kernel of the other side queues it even for a
program that hangs. Only a banner (-e) says that there is somebody to answer.
"""

from __future__ import annotations

import time

from watchdog_tools.result import CRITICAL, OK, UNKNOWN, Result
from watchdog_tools.system import dial
from watchdog_tools.system.failures import CLOSED, REFUSED, TIMEOUT, Failed
from watchdog_tools.system.looker import TALK
from watchdog_tools.system.wire import patience
from watchdog_tools.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.certificates import Trust
    from watchdog_tools.ports import Ask
    from watchdog_tools.system.looker import Say
    from watchdog_tools.system.wire import Wire

_BANNER = 4096  # bytes that are read at most
_SILENCE = 2.0  # seconds after which a banner that has begun is taken for whole, as check_tcp does


class _OtherBanner(Exception):  # noqa: N818 -- an answer, only not the one that was asked for
    """The server sent something else; the bytes."""


def look(ask: Ask, say: Say) -> Result:
    """Return the verdict on one port."""
    if ask.trust:
        import watchdog_tools.system.tls  # noqa: F401 -- before the clock starts: it takes longer than a handshake
    begun = time.monotonic()
    facts: dict[str, object] = {}
    wire = None
    try:
        wire = dial.connect(ask.target, ask.family, ask.timing.limit if ask.wait else None, say)
        facts["address"] = str(wire.place)
        if ask.trust:
            wire = _sealed(wire, ask.trust, say, facts)
        if ask.expect:
            _banner(wire, ask, say)
    except Failed as failure:
        result = _failure(ask, failure)
    except _OtherBanner as other:
        sent = "" if ask.jail else f": {quoted(other.args[0], 80)}"
        result = Result(ask.mismatch, f"{ask.target} sends another banner{sent}", reason="mismatch")
    else:
        result = Result(OK, "")
    seconds = time.monotonic() - begun
    if not result.reason:
        result.state = ask.timing.state(seconds)
        result.summary = _summary(ask, facts, ask.timing.said(seconds))
    result.target = str(ask.target)
    result.value = 0.0 if result.reason and result.state == CRITICAL else seconds
    result.metrics = (ask.timing.metric(seconds),)
    result.details = facts
    result.lines = tuple(f"{name}: {fact}" for name, fact in facts.items())
    if wire:
        wire.part(patience(say.left()))
    return result


def _sealed(wire: Wire, trust: Trust, say: Say, facts: dict[str, object]) -> Wire:
    from watchdog_tools.system import tls

    say(TALK, f"shaking hands (TLS) with {wire.place}")
    return tls.seal(wire, trust, facts)


def _banner(wire: Wire, ask: Ask, say: Say) -> None:
    say(TALK, f"waiting for the banner of {ask.target}")
    data = b""
    silence = min(_SILENCE, ask.timing.limit / 2)
    while len(data) < _BANNER:
        try:
            chunk = wire.receive(_BANNER - len(data), silence if data else None)
        except Failed as failure:
            if data and failure.kind == TIMEOUT:
                break
            raise
        data += chunk
        if any(each in data for each in ask.expect):
            return
        if not chunk:
            break
    if not data:
        raise Failed(CLOSED, "closed the connection without a word")
    raise _OtherBanner(data)


def _failure(ask: Ask, failure: Failed) -> Result:
    state = CRITICAL
    if failure.local:
        state = UNKNOWN
    elif failure.kind == REFUSED:
        state = ask.refuse
    elif failure.kind == TIMEOUT:
        state = ask.timing.on_timeout
    return Result(state, f"{ask.target} {failure.words}", reason=failure.kind)


def _summary(ask: Ask, facts: dict[str, object], span: str) -> str:
    place = str(facts["address"])
    name = str(ask.target) if ask.target.host or ask.target.path else place
    what = "accepts connections"
    if ask.trust:
        verified = "" if ask.trust.verify else ", certificate not verified"
        what = f"accepts TLS connections ({facts['tls']}{verified})"
    if ask.expect:
        what += " and sends the banner"
    answered = "" if place in (name, ask.target.path) else f" ({place} answered)"
    return f"{name} {what} in {span}{answered}"
