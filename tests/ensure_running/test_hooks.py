"""Commands that a run needs done: bounded, in clean rooms, told in one sentence, and nothing of them is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.commands import environment
from helpers.components import NOBODY
from helpers.processes import Spawner, carriers, wait_for

pytestmark = pytest.mark.usefixtures("starts_services")

HELPER = Path(__file__).parent.parent / "helpers" / "start_and_end.py"
FREE = {"children": 0, "descriptors": []}


def hook(seconds: float, *argv: object, **popen: Any) -> dict[str, Any]:
    """Run a hook in a process of its own; return what came of it, which must have left nothing there."""
    words = [sys.executable, HELPER, "hook", str(seconds), *map(str, argv)]
    done = subprocess.run(words, stdin=subprocess.PIPE, capture_output=True, timeout=20, check=False, **popen)
    assert (done.returncode, done.stderr) == (0, b""), done
    ended = dict(json.loads(done.stdout))
    assert {key: ended[key] for key in FREE} == FREE, ended
    return ended


def script(room: Path, body: str) -> Path:
    """Make an executable script."""
    path = room / "notify"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("exit 0", ""),
        ("exit 3", "the hook notify exited with 3"),
        ("kill -9 $$", "the hook notify was killed by SIGKILL"),
        ("kill -SEGV $$", "the hook notify was killed by SIGSEGV"),
        ("kill -40 $$", "the hook notify was killed by signal 40"),
        ("head -c 8388608 /dev/zero; head -c 8388608 /dev/zero >&2", ""),
        ("cat; read -r line; exit 0", ""),  # its stdin is at its end
        ("sleep 631 & exit 4", "the hook notify exited with 4"),
        ("sleep 632 >/dev/null & sh -c 'sleep 633 & exec sleep 634' & exit 0", ""),
        ("sh -c 'kill -STOP $$; sleep 635' & exit 0", ""),
    ],
    ids=["0", "3", "KILL", "SEGV", "40", "megabytes", "reads", "leaves", "leaves a family", "leaves one stopped"],
)
def test_how_it_ends(tmp_path: Path, starts_services: str, body: str, said: str) -> None:
    """Its exit in one sentence, none for 0; what it left in its session is ended."""
    ended = hook(10, script(tmp_path, body))
    assert ended["said"] == said
    assert ended["fair"] < 2, ended
    assert carriers(starts_services) == []


@pytest.mark.parametrize(
    "body",
    [
        "exec sleep 641",
        "trap '' TERM; while :; do sleep 1; done",
        "kill -STOP $$",
        "setsid sleep 642 & (setsid setsid sleep 643 &) & sleep 644 & exec sleep 645",
    ],
    ids=["sleeps", "ignores TERM", "is stopped", "left its session"],
)
def test_one_that_does_not_return(tmp_path: Path, starts_services: str, body: str) -> None:
    """It is ended at its limit, with all that came from it: TERM, a second, KILL."""
    ended = hook(0.4, script(tmp_path, body))
    assert ended["said"] == "the hook notify did not end within 0.4 s and was ended"
    assert ended["seconds"] >= 0.4, ended
    assert ended["fair"] < 2.9, ended
    assert carriers(starts_services) == []


def test_what_it_started_in_a_session_of_its_own_lives(tmp_path: Path, starts_services: str) -> None:
    """A hook that returns may start something on purpose."""
    body = """setsid sleep 646 & while [ "$(cut -d' ' -f6 /proc/$!/stat)" = $$ ]; do :; done"""
    assert hook(5, script(tmp_path, body))["said"] == ""
    wait_for(lambda: [seen.argv for seen in carriers(starts_services)] == [("sleep", "646")], 2, "what it started")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "No such file or directory"),
        ("not in PATH", "is not in PATH"),
        ("not executable", "Permission denied"),
        ("directory", "Permission denied"),
        ("wrong format", "Exec format error"),
        ("busy", "Text file busy"),
        ("no interpreter", "No such file or directory"),
    ],
)
def test_105_one_that_cannot_be_executed(tmp_path: Path, spawn: Spawner, kind: str, said: str) -> None:
    """A sentence with the system's words, at once."""
    program = script(tmp_path, "exit 0")
    if kind == "missing":
        program.unlink()
    elif kind == "not executable":
        program.chmod(0o644)
    elif kind == "directory":
        program.unlink()
        program.mkdir()
    elif kind == "wrong format":
        program.write_bytes(b"\x7fELF" + b"\0" * 200)
    elif kind == "busy":
        spawn(["sh", "-c", 'exec 9>>"$0"; echo ready; exec sleep 600', program], wait_ready=True)
    elif kind == "no interpreter":
        program.write_text("#!/no/such/interpreter\n")
    ended = hook(5, "wdt-no-such-program" if kind == "not in PATH" else program)
    assert ended["said"].startswith("cannot run the hook: "), ended
    assert said in ended["said"], ended
    assert ended["fair"] < 1, ended


def test_its_room_is_clean(tmp_path: Path) -> None:
    """A session of its own, default signals, /dev/null, no other descriptor, `/`, umask 022, the facts; no mark."""
    body = f"""exec >{tmp_path}/seen
env -0 >{tmp_path}/env; pwd; umask; ls -l /proc/$$/fd >{tmp_path}/fds
sed -n 's/.* \\([0-9]*\\) -> / \\1 /p' {tmp_path}/fds
grep -E '^Sig(Blk|Ign)' /proc/self/status; sed 's/.*) . //' /proc/$$/stat; echo $$"""
    env = environment({
        "PATH": os.environ["PATH"], "KEPT": "yes", "WATCHDOG_TOOLS_INSTANCE": "1:2:0:svc:/x", "LISTEN_FDS": "3",
        "NOTIFY_SOCKET": "/run/x",
    })  # fmt: skip
    extra = os.open("/dev/zero", os.O_RDONLY)
    try:
        ended = hook(5, script(tmp_path, body), env=env, pass_fds=[extra], umask=0o077, cwd=tmp_path)
    finally:
        os.close(extra)
    assert ended["said"] == ""
    lines = (tmp_path / "seen").read_text().splitlines()
    assert lines[:2] == ["/", "0022"]
    assert " 0 /dev/null" in lines
    assert " 2 /dev/null" in lines
    assert not [line for line in lines if "/dev/zero" in line or "pipe:" in line or ".lock" in line], lines
    assert [line.split()[1] for line in lines if line.startswith("Sig")] == ["0" * 16] * 2
    _, group, session = lines[-2].split()[:3]
    assert group == session == lines[-1]
    seen = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().split("\0") if line)
    assert (seen["HOOK_NAME"], seen["HOOK_REASON"], seen["KEPT"]) == ("svc", "it's $(bad)", "yes")
    assert {name for name in seen if name.startswith(("WATCHDOG", "LISTEN", "NOTIFY"))} == {"WATCHDOG_TOOLS_COMMAND"}


@pytest.mark.root(reason="a rule for root alone")
def test_107_root_executes_no_hook_that_others_could_replace(tmp_path: Path) -> None:
    """The rule of start commands."""
    program = script(tmp_path, "exit 0")
    os.chown(program, NOBODY, NOBODY)
    code = "import sys; from watchdog_tools.actions.hooks import run_command; print(run_command((sys.argv[1],), {}, 5))"
    said = subprocess.run([sys.executable, "-c", code, program], capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"cannot run the hook: refused: {program} belongs to uid {NOBODY}")


def test_what_a_watcher_loads_for_it_is_cheap() -> None:
    """Ending, starting and naming a death import none of the dear modules, also not late."""
    code = """
import os, sys
before = set(sys.modules)
from watchdog_tools.actions.kill import end_found, end_own
from watchdog_tools.actions.hooks import run_command
from watchdog_tools.actions.start_plan import resolve
from watchdog_tools.core.config import StartOptions
from watchdog_tools.actions.spawn import spawn
from watchdog_tools.core.owner import Owner
from watchdog_tools.system.identity import of
owner = Owner(name="svc", uid=os.geteuid(), directory="/nowhere")
for words in (("true",), ("false",), ("sh", "-c", "kill -9 $$"), ("sleep", "651"), ("/no/such",)):
    run_command(words, {}, 0.1, trust_any=True)
for end in (lambda born: end_own(born, frozenset({os.geteuid()}), 1), lambda born: end_found(born.identity, 1)):
    born = spawn(resolve(StartOptions(argv=("sleep", "652"), trust_any=True), os.environ), -1, owner, lambda _: None)
    assert end(born) == []
    assert born.exit_status() == "was killed by SIGTERM"
print(*sorted(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if not name.startswith("watchdog_tools")}
    assert loaded <= {"__future__", "_signal", "select", "errno", "encodings.ascii"}, loaded
