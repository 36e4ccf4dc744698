"""Each reason of a Result and each event that the code has is told in docs/, where programs' authors look for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from helpers.documents import ROOT

from watchdog_tools.core import NAMES
from watchdog_tools.core.events import EVENTS

TREES = {path: ast.parse(path.read_text()) for path in sorted(ROOT.glob("watchdog_tools/**/*.py"))}
ERRORS = ROOT / "watchdog_tools" / "net" / "errors.py"
TELL_EVENTS = {"event": 0, "log_event": 1}  # the function -> where it is given the event
OTHERS = {"ordered", "--containment none"}  # why a service was stopped, why it has no group: no Result's
NODES = [(path, node) for path, tree in TREES.items() for node in ast.walk(tree)]


def constants(tree: ast.Module) -> dict[str, str]:
    """Return the strings that a module gives names to, also several in one line."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name | ast.Tuple):
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            found |= {
                name.id: value.value
                for name, value in zip(names, values, strict=False)
                if isinstance(name, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str)
            }
    return found


NAMED = {path: constants(tree) for path, tree in TREES.items()}


def words(value: ast.expr, named: dict[str, str]) -> Iterator[str]:
    """Yield the words that an expression may be; what a call returns is nobody's word here."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
        yield value.value
    elif isinstance(value, ast.Name) and value.id in named:
        yield named[value.id]
    elif isinstance(value, ast.IfExp):
        yield from (*words(value.body, named), *words(value.orelse, named))
    elif isinstance(value, ast.BoolOp):
        yield from (word for each in value.values for word in words(each, named))


def name_of(node: ast.expr) -> str:
    """Return the last name of `run.event`, `event` or `other.missing`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def takes_reason() -> dict[str, int]:
    """Return the functions that take a reason, and at which place; a class by its name."""
    found = {}
    for _, node in NODES:
        inside = node.body if isinstance(node, ast.ClassDef) else []
        init = [each for each in inside if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
        for function in [node] if isinstance(node, ast.FunctionDef) else init:
            arguments = [argument.arg for argument in function.args.args]
            if "reason" in arguments:
                owner = node.name if isinstance(node, ast.ClassDef | ast.FunctionDef) else ""
                found[owner] = arguments.index("reason") - (arguments[0] == "self")
    return found


def given(place: int, node: ast.Call) -> list[ast.expr]:
    """Return the argument at a place, none where there are fewer."""
    return node.args[place : place + 1]


def of_assignment(node: ast.Assign) -> Iterator[ast.expr]:
    """Yield what a name `reason` is given, alone or beside others; and the word in front of a pidfile's sentence."""
    for target in node.targets:
        several = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
        pairs = zip(target.elts, node.value.elts, strict=True) if several else [(target, node.value)]
        for to, value in pairs:
            if name_of(to) == "reason":
                yield value
            if name_of(to) == "missing" and isinstance(value, ast.Tuple):
                yield value.elts[0]


def of_function(node: ast.FunctionDef) -> Iterator[ast.expr]:
    """Yield what a function returns that finds a reason, alone or behind a sentence."""
    for each in ast.walk(node):
        if isinstance(each, ast.Return) and each.value:
            if node.name == "_reason":
                yield each.value
            elif node.name == "_undecidable" and isinstance(each.value, ast.Tuple):
                yield each.value.elts[1]


def reasons() -> set[str]:
    """Return the reasons that the code has, without those of another supervisor's own words."""
    takers = takes_reason()
    found = set(NAMED[ERRORS].values())  # why there is no connection
    for path, node in NODES:
        values: list[ast.expr] = []
        if isinstance(node, ast.Call):
            values += [keyword.value for keyword in node.keywords if keyword.arg == "reason"]
            if name_of(node.func) in takers:
                values += given(takers[name_of(node.func)], node)
            if name_of(node.func) == "ConnectionFailed":
                values += given(0, node)
        elif isinstance(node, ast.Assign):
            values += of_assignment(node)
        elif isinstance(node, ast.FunctionDef):
            values += of_function(node)
        found |= {word for value in values for word in words(value, NAMED[path])}
    return found - OTHERS


def events() -> set[str]:
    """Return the events that the code tells."""
    found = set()
    for path, node in NODES:
        if isinstance(node, ast.Call) and name_of(node.func) in TELL_EVENTS:
            for value in given(TELL_EVENTS[name_of(node.func)], node):
                found |= {*words(value, NAMED[path])}
    return found


def section(page: str, heading: str) -> str:
    """Return what stands under a heading of a page."""
    text = (ROOT / "docs" / page).read_text()
    assert f"\n## {heading}\n" in text
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def told(text: str) -> set[str]:
    """Return the words between backquotes."""
    return set(re.findall(r"`([^`\n]+)`", text))


def test_each_reason_is_told() -> None:
    """Programs act by it, so none may be found out by accident."""
    found = reasons()
    some = {"started", "held", "unproven", "never-kept", "usage", "lock-held", "daemon", "late", "zombie", "stale-boot"}
    some |= {"hidden", "pidfile", "dns", "malformed", "mismatch", "content", "systemd", "starting", "insecure"}
    assert some - {"started"} <= found, "the search for them misses some"
    service = section("ensure-running.md", "What its line says, and `reason` in JSON")
    assert found - told(service) - told(section("common.md", "The reason of a check")) == set()


def test_each_event_is_told() -> None:
    """They are an operator's evidence: in one table of the code, and in that of their page, with the same fields."""
    found = events()
    assert {"started", "restarted", "cannot start", "paused", "record set aside", "died"} <= found
    assert found <= {*EVENTS}
    rows = re.findall(r"(?m)^\| `([a-z ]+)` \| (.+?) \| (.+?) \| (.+?) \|", section("events.md", "The events"))
    documented = {name: (state, reason.strip("`"), told(fields)) for name, state, reason, fields in rows}
    assert documented == {
        name: ("null" if state is None else NAMES[state], reason or "empty", {*fields})
        for name, (state, reason, fields) in EVENTS.items()
    }
