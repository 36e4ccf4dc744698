"""stop --all and start --all: each NAME that is kept here, side by side, and one that fails keeps no other.

In turn one service that takes its whole --stop-timeout would delay all behind it, while the machine may be waiting.
"""

from __future__ import annotations

import os
import select
import time

from watchdog_tools.admin.service import GRACE
from watchdog_tools.core import NAMES, OK, UNKNOWN, Result, worst
from watchdog_tools.core.struct import replace
from watchdog_tools.core.text import aligned
from watchdog_tools.system import local_time
from watchdog_tools.workers import Check, gather, run_all
from watchdog_tools.workers.actions import ActionWorker
from watchdog_tools.workers.worker import PARTING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.admin.service import Service
    from watchdog_tools.workers.worker import Progress

_AT_ONCE = 8  # services: each takes a processor while it is started, and mostly waits while it is stopped
_NAMED = 5  # services that the one line names
_DONE = {"start": "up", "stop": "down"}
_PAUSE_ALONE = {"start": "resumed", "stop": "paused"}  # reasons: of one that was never kept here only the pause changed
_LONGEST = 7 * 86_400.0  # seconds; each step of an order has its own limit, which is shorter


def run(service: Service, cancel_fd: int, operator: str) -> Result | None:
    """Do what `operator` says, `start` or `stop`, with each service. None if `cancel_fd` came first."""
    seconds, state = service.values["timeout"]
    found = run_all([Check(lambda _progress: _known(service, operator), on_timeout=state)], seconds, cancel_fd)
    if found is None:
        return None
    if isinstance(found[0], Result):
        return found[0]
    path, names, inside = found[0]
    if not names:
        return Result(UNKNOWN, f"nothing is kept in {path}; nothing done", reason="nothing", target=path)
    if inside:
        _outlive_them()
    each = _side_by_side(service, names, cancel_fd, operator)
    return None if each is None else _combined(each, operator, path)


def _known(service: Service, operator: str) -> tuple[str, list[str], bool]:
    """Return the state directory, the NAMEs in it, and whether this run comes from an instance of one of them.

    What stays down is also what no run has come to since the boot; nobody starts what may long have been retired.
    """
    from watchdog_tools.admin.state_dir import StateDir
    from watchdog_tools.system import process_tree

    names = StateDir(service.path, os.geteuid()).names(remembered=operator == "stop")
    return service.path, names, any(process_tree.comes_from_instance(name, service.directory) for name in names)


def _outlive_them() -> None:
    """Have nobody end this process with an instance that it comes from: it is to say how all went."""
    from watchdog_tools.actions import control_group
    from watchdog_tools.ensure_running.act import ignore_signals

    ignore_signals()
    control_group.companions.append(os.getpid())


def _side_by_side(service: Service, names: list[str], cancel_fd: int, operator: str) -> list[Result] | None:
    """Return what became of each, in the order of `names`. None if `cancel_fd` came first: each ends its step."""
    results: dict[str, Result] = {}
    running: dict[int, tuple[str, ActionWorker[Result]]] = {}
    waiting = names[::-1]
    while waiting or running:
        while waiting and len(running) < _AT_ONCE:
            name = waiting.pop()
            try:
                worker = _begun(service, name, operator)
            except OSError as error:
                results[name] = Result(UNKNOWN, f"{name}: cannot fork: {error.strerror}", reason="resources")
                continue
            running[worker.read] = name, worker
        ready = _ready([cancel_fd, *running])
        if cancel_fd in ready:
            workers = [worker for _, worker in running.values()]
            for worker in workers:
                worker.leave()
            gather(workers, time.monotonic() + GRACE)
            return None
        for descriptor in ready:
            name, worker = running[descriptor]
            if not worker.hear():
                del running[descriptor]
                results[name] = _outcome(name, worker)
    return [results[name] for name in names]


def _ready(descriptors: list[int]) -> list[int]:
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return [descriptor for descriptor, _ in poll.poll()]


def _begun(service: Service, name: str, operator: str) -> ActionWorker[Result]:
    """Return the fork that is to this service what a command about it alone would be. Raise OSError."""
    one = replace(service, name=name)

    def work(_progress: Progress, parent_fd: int) -> Result:
        from watchdog_tools.admin import control

        result = control.run(one, parent_fd, operator)
        if result and result.reason == "never-kept":  # it is here for its pause, or as it was up from its first run
            result = control.only_paused(one, parent_fd, operator)
        return result or Result(UNKNOWN, f"{name}: ended before it was done", reason="signal")

    return ActionWorker(work, time.monotonic() + _LONGEST)


def _outcome(name: str, worker: ActionWorker[Result]) -> Result:
    worker.leave()
    worker.reap(time.monotonic() + PARTING)
    result = worker.result or Result(UNKNOWN, f"{name}: the run was killed while {worker.words}", reason="crashed")
    result.target = name
    result.details = {"name": name, "pid": None, **result.details}
    return result


def _combined(each: list[Result], operator: str, path: str) -> Result:
    """Return the one verdict: `3 services: 2 stopped, 1 not (web: unstoppable)`, with a line for each."""
    state = worst(result.state for result in each)
    fine = [result.reason for result in each if result.state == OK]
    alone = fine.count(_PAUSE_ALONE[operator])
    bad = sorted((result for result in each if result.state != OK), key=lambda result: result.state != state)
    head = f"{len(each)} service{'s' * (len(each) != 1)}: {len(fine) - alone} {_DONE[operator]}"
    head += f", {alone} {_PAUSE_ALONE[operator]}" if alone else ""
    if bad:
        named = [f"{result.target}: {result.reason or NAMES[result.state]}" for result in bad[:_NAMED]]
        more = [f"and {len(bad) - _NAMED} more"] if len(bad) > _NAMED else []
        head += f", {len(bad)} not ({', '.join([*named, *more])})"
    rows = [(result.target, NAMES[result.state], result.summary) for result in each]
    return Result(
        state,
        "; ".join(filter(None, [head, _until(each)])),
        reason=bad[0].reason if bad else {"start": "started", "stop": "stopped"}[operator],
        target=path,
        each=each,
        lines=aligned([("NAME", "STATE", "WHAT"), *rows]),
    )


def _until(each: list[Result]) -> str:
    """Return until when they stay down, which a reboot does not change unless that was ordered; empty for a start."""
    ends = [end for result in each if isinstance(end := result.details.get("paused_until"), int)]
    if ends:
        return f"they stay down until {local_time(max(ends))}, a reboot does not change that"
    return "they stay down until the next boot" if any(r.details.get("paused_until_boot") for r in each) else ""
