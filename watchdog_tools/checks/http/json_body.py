"""A JSON body: values at a dotted path, and the status of application/health+json."""

from __future__ import annotations

from watchdog_tools.core import CRITICAL, OK, WARNING
from watchdog_tools.core.text import quoted
from watchdog_tools.net.address import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from watchdog_tools.checks.http.expect import Expect, Findings

# The words of the draft (pass, warn, fail), those that it allows beside them, and Spring's.
_HEALTH = {
    **dict.fromkeys(("pass", "ok", "up"), OK),
    "warn": WARNING,
    **dict.fromkeys(("fail", "error", "down", "out_of_service"), CRITICAL),
}


def parse_pair(text: str) -> tuple[str, str]:
    """Return (path, value) of `PATH=VALUE`. Raise ValueError with a sentence."""
    path, equals, value = text.partition("=")
    if not equals or not all(path.split(".")):
        raise ValueError(f"{shown(text)} is not PATH=VALUE; accepted: status=up, db.connected=true, checks.0.ms=12")
    return path, value


def json_findings(expect: Expect, body: bytes) -> Findings:
    """Return a finding for each value that is missing or another, and what the health says."""
    try:
        document = _loaded(body)
    except (ValueError, RecursionError):
        return [(CRITICAL, "the body is not JSON")]
    found = [_value(document, path, value) for path, value in expect.json_values]
    if expect.health_json:
        found.append(_health(document))
    return [each for each in found if each]


def _loaded(body: bytes) -> Any:
    import json

    def refuse(word: str) -> None:
        raise ValueError(word)

    return json.loads(body.decode("utf-8-sig"), parse_constant=refuse)  # NaN and Infinity are not JSON


def _value(document: Any, path: str, value: str) -> tuple[int, str] | None:
    at = document
    for key in path.split("."):
        if isinstance(at, dict) and key in at:
            at = at[key]
        elif isinstance(at, list) and key.isascii() and key.isdigit() and len(key) < 8 and int(key) < len(at):  # noqa: PLR2004
            at = at[int(key)]
        else:
            return CRITICAL, f"the JSON has no {quoted(path, 80)}"
    if _is_value(at, value):
        return None
    return CRITICAL, f"{quoted(path, 80)} is {quoted(_as_text(at), 80)}, not {quoted(value, 80)}"


def _is_value(found: Any, value: str) -> bool:
    if isinstance(found, str) or found is None or isinstance(found, bool):
        return _as_text(found) == value
    try:
        return _is_same_json(_loaded(value.encode()), found)
    except (ValueError, RecursionError):
        return False


def _is_same_json(one: Any, other: Any) -> bool:
    """Whether two are the same JSON: 1 is 1.0, an object is one in any order, but true is not 1 as for Python."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same_json(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same_json, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _as_text(found: Any) -> str:
    """Return a string as it is, anything else as JSON writes it."""
    import json

    return found if isinstance(found, str) else json.dumps(found)


def _health(document: Any) -> tuple[int, str]:
    status = document.get("status") if isinstance(document, dict) else None
    if not isinstance(status, str):
        return CRITICAL, "the JSON has no status of health"
    state = _HEALTH.get(status.lower(), CRITICAL)
    output = document.get("output")
    said = f": {quoted(output, 120)}" if state != OK and isinstance(output, str) and output else ""
    return state, f"health is {quoted(status, 40)}{said}"
