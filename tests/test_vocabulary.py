"""One word, one meaning: names for which the field has a better word do not come back.

Read from the sources: modules, classes, functions, parameters, attributes, constants, and files of the state directory.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "watchdog_tools"
HELPER_FILES = sorted((Path(__file__).parent / "helpers").glob("*.py"))

# What nothing is called -> what it is called instead. An underscore in front does not count.
WORDS = {
    "look looks looked looker": "check (what is run), probe (what asks the machine), run_all, ProbeWorker",
    "actor": "ActionWorker",
    "settle settled": "configure",
    "Wrong NoState Unseen Changed Failed Refused": "UsageError, StateDirError, ProcUnavailable, StateChanged, …",
    "face page inner outlet verbs": "click_parser, help, job, stdout, subcommands",
    "asking asked Ask Asked": "config, checks, HttpRequest, PortRequest, ProcessQuery, has_checks",
    "acting keeping ordering foreseeing operating pausing": "act, run, job, dry_run, control, pause",
    "Order hand HAND_START HAND_STOP HAND_RESTART .hand": "ServiceConfig, Pause, OPERATOR_START, NAME.operator",
    "mercy in_mercy forgiven": "boot_grace, within_boot_grace, pending_after_boot",
    "weigh Weighed": "assess, Assessment",
    "tend welcomed tending": "on_healthy, record_healthy, healthy",
    "mourn deaths fate bury Born born become Ties ties": "record_exit, exits, exit_status, reap, Child, ChildFds",
    "sick borne gated noted lacking": "unhealthy, retry_before_restart, blocked, save_failures, missing",
    "standstill": "no_action",
    "turn stood_aside courtesy poke Bell .next": "lock_queue, yield_lock, max_yields, notify, WakeUp, NAME.waiting",
    "signature sign stuck": "lock_queue, write_owner, stale_owner",
    "pack Pack strike left grow": "kill_set, ProcessSet, before_kill, survivors, refresh; remaining",
    "keepsake Kept kept commandline commandfile": "saved_command",
    "wish": "StartOptions",
    "several abreast again halves beside worth": "combine, run_parallel, retry_until, parallel_scan",
    "wants replies": "expect, response",
    "who headcount Wanted": "process_names, verdict, filter",
    "dial wire Place seal sealed trust Trust": "connect, connection, Address, wrap_tls, path_trust, TlsVerify",
    "say life wake why past good trouble": "progress, parent_fd, cancel_fd, reason, history, healthy_since, in_trouble",
    "standing standings Standing": "service_state, ServiceState, status",
    "spoken young flight": "human_duration, in_startup, in_progress",
}
# What no module is called. As names of other things these words are plain.
MODULES = {
    "fast values plan": "fast_parser, converters, start_plan",
    "requests documents content fetch": "request, json_body, body, exchange",
    "facts names columns ranges timing patterns": "process_names, text, thresholds, regex",
}
# What no module, class or function of the tests' helpers is called: it said nothing of what the helper provides.
HELPERS = {
    "witness Story Broken": "observations, EventLog, Violation",
    "sickness Patient": "checked_service, CheckedService",
    "places": "terminal, freezer, processes.children",
    "stamps Stamps": "start_times, StartTimes",
    "workplace": "bench_directory",
    "ending": "start_and_end",
    "stage Stage": "soak, Soak",
    "world World": "cron_soak, CronSoak",
    "outside_world kept_services testimony": "outside_soak, outside_services, outside_programs",
    "judge Judge": "outside_oracle, Oracle",
    "kill_rooms Room SickRoom LeftRoom FrozenRoom": "kill_setups, Setup, UnhealthySetup, LeftBehindSetup, FrozenSetup",
    "actor": "action_worker",
    "isle Isle": "pid_namespace, PidNamespace",
}

# Where such a word says what it should: (word, file) -> why.
EXCEPTIONS = {
    ("pack", "core/__init__.py"): "the inverse of unpack",
    ("values", "cli/values.py"): "what the options say, once converted",
    ("values", "ensure_running/values.py"): "the same",
    ("left", "workers/worker.py"): "the seconds that are left, asked for with `left()` everywhere",
    ("left", "checks/http/response.py"): "the bytes that are left",
    ("values", "checks/heartbeat/values.py"): "the same",
    ("values", "checks/http/values.py"): "the same",
    ("values", "checks/port/values.py"): "the same",
    ("values", "checks/process/values.py"): "the same",
}


def names(tree: ast.Module) -> Iterator[str]:
    """Yield what a module gives a name to, but for local variables, and the files that it names."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Constant(value=str(name)):
                yield name if isinstance(node, ast.Attribute) or name[:1] == "." else ""
        if isinstance(node, ast.ClassDef | ast.Module):  # fields and constants
            targets = [each.targets for each in node.body if isinstance(each, ast.Assign)]
            targets += [[each.target] for each in node.body if isinstance(each, ast.AnnAssign)]
            yield from (
                name.id for each in targets for one in each for name in ast.walk(one) if isinstance(name, ast.Name)
            )


def found() -> dict[str, set[str]]:
    """Return the files in which each of the words is a name."""
    words = {word for line in WORDS for word in line.split()}
    modules = words | {word for line in MODULES for word in line.split()}
    places: dict[str, set[str]] = defaultdict(set)
    for path in sorted(SOURCE.rglob("*.py")):
        file = path.relative_to(SOURCE).as_posix()
        for name in {name.strip("_") for name in names(ast.parse(path.read_text()))} & words:
            places[name].add(file)
        if path.stem in modules:
            places[path.stem].add(file)
    return {word: files - {file for each, file in EXCEPTIONS if each == word} for word, files in places.items()}


FOUND = found()


def test_no_name_has_a_better_one() -> None:
    """The left column never comes back."""
    instead = {word: right for left, right in (WORDS | MODULES).items() for word in left.split()}
    wrong = {word: files for word, files in FOUND.items() if files}
    if wrong:
        lines = [f"{', '.join(sorted(files))}: {word}; say: {instead[word]}" for word, files in wrong.items()]
        pytest.fail("\n".join(lines), pytrace=False)


def test_every_exception_is_met() -> None:
    """One that nobody needs is a hole."""
    for word, file in EXCEPTIONS:
        assert word in {Path(file).stem, *(name.strip("_") for name in names(ast.parse((SOURCE / file).read_text())))}


@pytest.mark.parametrize("path", HELPER_FILES, ids=lambda path: path.stem)
def test_a_helper_is_named_for_what_it_provides(path: Path) -> None:
    """Its module, its classes and its functions: none goes by a name that only its author understands."""
    tree = ast.parse(path.read_text())
    defined = {path.stem, *(node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef))}
    instead = {word: right for left, right in HELPERS.items() for word in left.split()}
    assert not {name: instead[name] for name in defined if name in instead}
