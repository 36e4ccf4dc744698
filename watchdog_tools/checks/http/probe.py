"""Probe a URL: send the request, and judge the status, the time, the headers and the body."""

from __future__ import annotations

import time

from watchdog_tools.checks.http.exchange import exchange
from watchdog_tools.checks.http.response import is_expected
from watchdog_tools.core import CRITICAL, OK, UNKNOWN, Metric, Result, worst
from watchdog_tools.core.text import quoted
from watchdog_tools.net.connect import load_tls
from watchdog_tools.net.connection import drain_seconds
from watchdog_tools.net.errors import TIMEOUT, ConnectionFailed
from watchdog_tools.workers.worker import MATCH, TALK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Pattern

    from watchdog_tools.checks.http.body import Body
    from watchdog_tools.checks.http.exchange import Response
    from watchdog_tools.checks.http.expect import Expect, Findings
    from watchdog_tools.checks.http.request import HttpRequest
    from watchdog_tools.workers import Waits
    from watchdog_tools.workers.worker import Progress


_REDIRECTS = (301, 302, 303, 307, 308)


def probe_url(request: HttpRequest, progress: Progress) -> Waits[Result]:
    """Return the verdict on one URL."""
    facts: dict[str, object] = {}
    try:
        patterns = yield from _patterns(request, progress)
    except ValueError as error:
        return Result(UNKNOWN, f"usage: {error}", reason="usage", target=str(request.url))
    yield from _load_modules(request)
    begun = time.monotonic()
    response = None
    try:
        try:
            response = yield from exchange(request, progress, facts)
            facts["status"] = response.status.code
            body = yield from _body(request, response, progress)
            seconds = time.monotonic() - begun
            found = yield from _findings(request, body, patterns, progress)
            result = _verdict(request, response, seconds, found)
        except ConnectionFailed as failure:
            body, seconds = None, time.monotonic() - begun
            result = _failure(request, failure)
        _complete(result, request, facts, seconds, body)
        if response:
            yield from _end(request, response, progress)
    finally:
        if response:
            response.close()
    return result


def _complete(
    result: Result, request: HttpRequest, facts: dict[str, object], seconds: float, body: Body | None
) -> None:
    """Fill in what every verdict has."""
    result.metrics = (request.timing.metric(seconds),)
    if body and request.expect.needs_body():
        facts["size"] = len(body.data)
        result.metrics += (Metric("size", len(body.data), "B", low=0),)
    result.target = str(request.url)
    result.value = 0.0 if result.reason and result.state == CRITICAL else seconds
    result.details = facts
    result.lines = tuple(f"{name}: {fact}" for name, fact in facts.items())


def _end(request: HttpRequest, response: Response, progress: Progress) -> Waits[None]:
    """End the exchange in order. Nothing that comes of it changes the verdict."""
    if request.no_body:
        yield from response.end()
    else:
        yield from response.drain(drain_seconds(progress.left()))


def _load_modules(request: HttpRequest) -> Waits[None]:
    """Load the modules that this probe needs before its clock starts: that takes longer than a server nearby."""
    if request.tls_verify:
        yield load_tls
    if request.expect.headers or request.expect.needs_body():
        import watchdog_tools.checks.http.body  # noqa: F401


def _patterns(request: HttpRequest, progress: Progress) -> Waits[list[Pattern[str]]]:
    """Compile them before anything is sent. Raise ValueError with a sentence."""
    if not request.expect.needs_patterns():
        return []
    progress(MATCH, "compiling the pattern")
    patterns: list[Pattern[str]] = yield request.expect.compiled_patterns
    return patterns


def _body(request: HttpRequest, response: Response, progress: Progress) -> Waits[Body | None]:
    """Read what was asked for beyond the status. Raise ConnectionFailed."""
    if not (request.expect.headers or request.expect.needs_body()):
        return None  # whatever follows, the status was parsed and decides
    from watchdog_tools.checks.http.body import read_all, read_headers

    if not request.expect.needs_body():
        return read_headers(response)
    progress(TALK, f"reading the body of {request.url}")
    return (yield from read_all(response))


def _findings(
    request: HttpRequest, body: Body | None, patterns: list[Pattern[str]], progress: Progress
) -> Waits[Findings]:
    if body is None:
        return []
    from watchdog_tools.checks.http import expect

    data = body.data
    found = expect.missing_headers(request.expect, body.headers) + expect.missing_strings(request.expect, data)
    if request.expect.needs_json():
        from watchdog_tools.checks.http import json_body

        progress(MATCH, "reading the body as JSON")
        found += yield lambda: json_body.json_findings(request.expect, data)
    if patterns:
        progress(MATCH, "matching the body with the pattern")
        found += yield lambda: expect.pattern_findings(patterns, data, invert=request.expect.invert)
    return found + _unjudged(request.expect, body, found)


def _unjudged(expect: Expect, body: Body, found: Findings) -> Findings:
    """Return why the body was not judged as a whole; what must not be there may be in the rest of it."""
    words = []
    if body.is_truncated():
        words.append(f"only the first {len(body.data) >> 10} KiB were looked at")
    packed = body.encoding()
    if packed and expect.needs_body():
        words.append(f"the body is compressed ({quoted(packed, 40)}) though nobody asked for that")
    if any(state != OK for state, _ in found):
        return [(OK, each) for each in words]
    return [(UNKNOWN, f"{each}, so a match may be missed") for each in words if expect.invert]


def _verdict(request: HttpRequest, response: Response, seconds: float, found: Findings) -> Result:
    status = response.status
    is_fine = is_expected(status, request.statuses)
    body_state = worst(state for state, _ in found)
    state = worst((OK if is_fine else CRITICAL, body_state, request.timing.state(seconds)))
    said = f"HTTP {status.code}"
    if not is_fine:
        said += f" {quoted(status.reason, 80)}" if status.reason else ""
        said += f", not {quoted(','.join(request.statuses), 80)}," if request.statuses else ""
    more = [words for _, words in found]
    if status.code in _REDIRECTS:
        more.insert(0, _redirect(response))
    summary = "; ".join([f"{said} in {request.timing.described(seconds)} - {request.url}", *more])
    if request.tls_verify and not request.tls_verify.verify:
        summary += " (certificate not verified)"
    reason = "" if is_fine and body_state == OK else "content" if is_fine else "status"
    return Result(state, summary, reason=reason)


def _redirect(response: Response) -> str:
    from watchdog_tools.checks.http.body import read_headers
    from watchdog_tools.checks.http.url import redacted

    try:
        location = read_headers(response).header(b"location")
    except ConnectionFailed:
        return "redirects, where to is malformed; not followed"
    where = redacted(location.decode("utf-8", "backslashreplace")) if location else "nowhere"
    return f"redirects to {where}, not followed"


def _failure(request: HttpRequest, failure: ConnectionFailed) -> Result:
    state = UNKNOWN if failure.local else request.timing.on_timeout if failure.kind == TIMEOUT else CRITICAL
    return Result(state, f"{request.url} {quoted(failure.words, 300)}", reason=failure.kind)
