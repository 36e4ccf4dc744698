"""LOOK at a URL: ask, and judge the status, the time, the headers and the body."""

from __future__ import annotations

import time

from watchdog_tools import replies
from watchdog_tools.result import CRITICAL, OK, UNKNOWN, Metric, Result, worst
from watchdog_tools.system.failures import TIMEOUT, Failed
from watchdog_tools.system.fetch import fetch
from watchdog_tools.system.looker import MATCH, TALK
from watchdog_tools.system.wire import patience
from watchdog_tools.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Pattern

    from watchdog_tools.requests import Ask
    from watchdog_tools.system.content import Content
    from watchdog_tools.system.fetch import Exchange
    from watchdog_tools.system.looker import Say
    from watchdog_tools.wants import Findings, Wants


_REDIRECTS = (301, 302, 303, 307, 308)


def look(ask: Ask, say: Say) -> Result:
    """Return the verdict on one URL."""
    facts: dict[str, object] = {}
    try:
        patterns = _patterns(ask, say)
    except ValueError as error:
        return Result(UNKNOWN, f"usage: {error}", reason="usage", target=str(ask.url))
    _load(ask)
    begun = time.monotonic()
    exchange = None
    try:
        exchange = fetch(ask, say, facts)
        facts["status"] = exchange.status.code
        content = _content(ask, exchange, say)
        seconds = time.monotonic() - begun
        result = _verdict(ask, exchange, seconds, _findings(ask, content, patterns, say))
    except Failed as failure:
        content, seconds = None, time.monotonic() - begun
        result = _failure(ask, failure)
    result.target = str(ask.url)
    result.value = 0.0 if result.reason and result.state == CRITICAL else seconds
    result.metrics = (ask.timing.metric(seconds),)
    if content and ask.wants.body():
        facts["size"] = len(content.body)
        result.metrics += (Metric("size", len(content.body), "B", low=0),)
    result.details = facts
    result.lines = tuple(f"{name}: {fact}" for name, fact in facts.items())
    if exchange:
        _leave(ask, exchange, say)
    return result


def _leave(ask: Ask, exchange: Exchange, say: Say) -> None:
    """End the exchange in order. Nothing that comes of it changes the verdict."""
    if ask.no_body:
        exchange.stop()
    else:
        exchange.end(patience(say.left()))


def _load(ask: Ask) -> None:
    """Load what this look needs before its clock starts: that takes longer than a server nearby."""
    if ask.trust:
        import watchdog_tools.system.tls
    if ask.wants.headers or ask.wants.body():
        import watchdog_tools.system.content  # noqa: F401


def _patterns(ask: Ask, say: Say) -> list[Pattern[str]]:
    """Compile them before anything is sent. Raise ValueError with a sentence."""
    if not ask.wants.patterned():
        return []
    say(MATCH, "compiling the pattern")
    return ask.wants.patterns()


def _content(ask: Ask, exchange: Exchange, say: Say) -> Content | None:
    """Read what was asked for beyond the status. Raise Failed."""
    if not (ask.wants.headers or ask.wants.body()):
        return None  # whatever follows, the status was parsed and decides
    from watchdog_tools.system import content

    if not ask.wants.body():
        return content.headers(exchange)
    say(TALK, f"reading the body of {ask.url}")
    return content.whole(exchange)


def _findings(ask: Ask, content: Content | None, patterns: list[Pattern[str]], say: Say) -> Findings:
    if content is None:
        return []
    from watchdog_tools import wants

    found = wants.in_headers(ask.wants, content.headers) + wants.in_body(ask.wants, content.body)
    if ask.wants.json():
        from watchdog_tools import documents

        say(MATCH, "reading the body as JSON")
        found += documents.judged(ask.wants, content.body)
    if patterns:
        say(MATCH, "matching the body with the pattern")
        found += wants.matched(patterns, content.body, invert=ask.wants.invert)
    return found + _unseen(ask.wants, content, found)


def _unseen(wanted: Wants, content: Content, found: Findings) -> Findings:
    """Return what kept us from looking at the whole body; what must not be there may be in the rest of it."""
    words = []
    if content.cut():
        words.append(f"only the first {len(content.body) >> 10} KiB were looked at")
    packed = content.encoding()
    if packed and wanted.body():
        words.append(f"the body is compressed ({quoted(packed, 40)}) though nobody asked for that")
    if any(state != OK for state, _ in found):
        return [(OK, each) for each in words]
    return [(UNKNOWN, f"{each}, so a match may be missed") for each in words if wanted.invert]


def _verdict(ask: Ask, exchange: Exchange, seconds: float, found: Findings) -> Result:
    status = exchange.status
    fine = replies.fine(status, ask.expected)
    content_state = worst(state for state, _ in found)
    state = worst((OK if fine else CRITICAL, content_state, ask.timing.state(seconds)))
    said = f"HTTP {status.code}"
    if not fine:
        said += f" {quoted(status.reason, 80)}" if status.reason else ""
        said += f", not {quoted(','.join(ask.expected), 80)}," if ask.expected else ""
    more = [words for _, words in found]
    if status.code in _REDIRECTS:
        more.insert(0, _redirect(exchange))
    summary = "; ".join([f"{said} in {ask.timing.said(seconds)} - {ask.url}", *more])
    if ask.trust and not ask.trust.verify:
        summary += " (certificate not verified)"
    reason = "" if fine and content_state == OK else "content" if fine else "status"
    return Result(state, summary, reason=reason)


def _redirect(exchange: Exchange) -> str:
    from watchdog_tools.system import content
    from watchdog_tools.urls import redacted

    try:
        location = content.headers(exchange).header(b"location")
    except Failed:
        return "redirects, where to is malformed; not followed"
    where = redacted(location.decode("utf-8", "backslashreplace")) if location else "nowhere"
    return f"redirects to {where}, not followed"


def _failure(ask: Ask, failure: Failed) -> Result:
    state = UNKNOWN if failure.local else ask.timing.on_timeout if failure.kind == TIMEOUT else CRITICAL
    return Result(state, f"{ask.url} {quoted(failure.words, 300)}", reason=failure.kind)
