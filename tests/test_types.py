"""A misspelt or missing field of a record is an error before anything runs: mypy says so."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Each line that ends in `# error` is one that mypy must refuse, each other one is fine.
RECORDS = """
from __future__ import annotations

from watchdog_tools.cli.values import CheckValues
from watchdog_tools.core.config import Patience, ServiceConfig
from watchdog_tools.core.record import History, Record
from watchdog_tools.core.struct import Struct, replace
from watchdog_tools.ensure_running.values import Values


class Limits(Struct):
    first: int
    longest: int = 300


class Named(Limits):
    name: str


class Fixed(Struct, frozen=True):
    command: str = ""


limits = Limits(first=1)
Limits(first=1, longest=2)
Limits(frist=1)  # error
Limits()  # error
Limits(1)  # error
Limits(first="1")  # error
limits.longest = 2
limits.longset = 2  # error
print(limits.longset)  # error
replace(limits, first=2).longest += 1
replace(limits, frist=2)  # error
Named(first=1, name="x")
Named(name="x")  # error
Fixed(command="x").command = "y"  # error

Patience(retries=1, delay=1, fail_after=1, recover_after=1, start_period=0)
Patience(retries=1, delay=1, fail_after=1, recover_after=1)  # error
Patience(retires=1, delay=1, fail_after=1, recover_after=1, start_period=0)  # error
ServiceConfig(nmae="web")  # error
Record("running", pdi=1)  # error
History().replace(healthy_since=1)
History().replace(helathy_since=1)  # error


def told(config: ServiceConfig, values: CheckValues) -> None:
    print(config.name, config.patience.retries, values["timeout"])
    print(config.nmae)  # error
    print(config.patience.retires)  # error
    config.watch = 1.0  # error
    print(values["tiemout"])  # error
    values["retries"] = "many"  # error


def chosen(config: ServiceConfig, values: Values) -> None:
    print(config.stopping.kill_mode == "group", config.stopping.containment == "none")
    print(config.stopping.kill_mode == "grop")  # error
    print(config.stopping.containment == "atuo")  # error
    print(values["kill_mode"] == "process", values["format"] == "json", values["fail_on"] == "warning")
    print(values["kill_mode"] == "proces")  # error
    print(values["format"] == "jsno")  # error
    print(values["fail_on"] == "warn")  # error
    values["exit_style"] = "boolean"  # error
"""

# What workers send: facts and verdicts.
FACTS = """
from __future__ import annotations

from watchdog_tools.actions.evidence import Evidence
from watchdog_tools.actions.spawn import Child
from watchdog_tools.admin.pause import PauseFacts
from watchdog_tools.admin.service import Service, run_action
from watchdog_tools.admin.status import Row
from watchdog_tools.admin.verbs.status import Query
from watchdog_tools.checks.supervisord.program import Program
from watchdog_tools.core import OK, Result, of_instance
from watchdog_tools.core.pause import Pause
from watchdog_tools.core.saved_command import SavedCommand
from watchdog_tools.ensure_running.before_lock import InstanceFacts
from watchdog_tools.ensure_running.claims import Claims
from watchdog_tools.system.external_tool import Answer
from watchdog_tools.workers import Check, run_all
from watchdog_tools.workers.actions import act
from watchdog_tools.workers.worker import ProbeWorker


def boolean(worker: ProbeWorker[bool]) -> bool | Result | None:
    return worker.result


def text(worker: ProbeWorker[bool]) -> str | None:
    return worker.result  # error


def kinds(checks: list[Check[str]]) -> list[str]:
    found = run_all(checks, 1.0) or []
    print(found[0].upper())  # error
    return [kind for kind in found if isinstance(kind, str)]


verdicts: list[Result] | None = run_all([Check(lambda _: Result(OK, "fine"))], 1.0)
wrong: list[Result] | None = run_all([Check(lambda _: "fine")], 1.0)  # error
ordered: bool | Result | None = act(lambda _, __: True, 1.0, -1, 1.0).result
order: str | Result | None = act(lambda _, __: True, 1.0, -1, 1.0).result  # error
of_instance(Result(OK, "fine"), 7).keeper.pid += 1
of_instance(Result(OK, "fine"), 7).keeper.pdi = 1  # error
print([one.summary for one in Result(OK, "fine", each=[]).each])
Result(OK, "fine", each=["first"])  # error

facts = InstanceFacts()
facts.corrupt = True
facts.corrput = True  # error
facts.pid = "7"  # error
print(facts.paused, facts.up_to_date, facts.phase, facts.note)
print(facts.puased)  # error

claims: Claims = {"claimed": {7: "web"}, "unproven": {}, "known_before": True, "lost": False}
print(claims["claimed"][7].upper(), claims["lost"])
print(claims["claims"])  # error
short: Claims = {"claimed": {}, "unproven": {}, "known_before": True}  # error
swapped: Claims = {"claimed": {"web": 7}, "unproven": {}, "known_before": True, "lost": False}  # error

pause: PauseFacts = {"paused_left": None, "paused_until": None, "paused_until_boot": False, "paused_reason": ""}
print(pause["paused_left"])
print(pause["pause_left"])  # error


def shown(row: Row, service: Service) -> None:
    print(row.name, row.paused_left, service.path)
    print(row.paused_lfet)  # error
    print(service.pahts)  # error
    done: int | Result | None = run_action(service, -1, lambda _: 1)
    said: str | Result | None = run_action(service, -1, lambda _: 1)  # error
    print(done, said)


Row(name="web")  # error
SavedCommand(argv=("true",), cwd="/", wall=1)
SavedCommand(argv=("true",), cdw="/", wall=1)  # error
Evidence(how="ended", reason="", lines=[])
Evidence(how="ended", raeson="", lines=[])  # error
Child(identity=(7, 1, "", "", ""), handle=3)
Child(identity=(7, 1, "", "", ""), handel=3)  # error
Answer(code=None, out=b"", err=b"")
Answer(code=None, out="", err=b"")  # error
Program(name="web", state="RUNNING", words="")
Program(name="web", sate="RUNNING", words="")  # error
Pause(name="web", length=1, boot="", since=0, wall=0)
Pause(name="web", length=1, boot="", since=0)  # error
Query(names=(), directory=None, max_age=None, more=True)
Query(names=(), directroy=None, max_age=None, more=True)  # error
Service(name="web", directory=None, values={})
Service(nmae="web", directory=None, values={})  # error
"""


def refused(folder: Path, text: str) -> set[int]:
    """Return the numbers of the lines that mypy refuses, with the project's own settings."""
    folder.joinpath("snippets.py").write_text(text)
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")]
    command += ["--cache-dir", str(ROOT / ".mypy_cache"), "--no-error-summary", str(folder / "snippets.py")]
    cache = ROOT / ".mypy_cache"
    cache.mkdir(exist_ok=True)
    with cache.joinpath("lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two that fill one cache at the same time spoil it
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run
    return {int(line.split(":")[1]) for line in run.stdout.splitlines() if ": error:" in line}


@pytest.mark.parametrize("snippets", [RECORDS, FACTS], ids=["records", "facts"])
def test_a_mistake_in_a_record_is_a_type_error(tmp_path: Path, snippets: str) -> None:
    """A misspelt, missing, positional or wrongly typed field, a misspelt attribute, a write to a frozen one."""
    lines = snippets.splitlines()
    assert refused(tmp_path, snippets) == {number for number, line in enumerate(lines, 1) if line.endswith("# error")}
