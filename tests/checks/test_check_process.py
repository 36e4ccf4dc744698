"""check-process on real processes: its options, its verdicts, its words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.commands import oracle, run
from helpers.components import need
from helpers.processes import Spawner, look, wait_for

CP = "check-process"


@pytest.fixture
def agent(tmp_path: Path, spawn: Spawner) -> Callable[..., str]:
    """Return what starts so many processes of a name of its own, and returns that."""

    def started(count: int = 1, *words: str) -> str:
        path = tmp_path / f"wdt{uuid.uuid4().hex[:8]}"
        shutil.copy(need("sleep"), path)
        for _ in range(count):
            spawn([path, "3600", *words])
        return path.name

    return started


def said(*argv: object, code: int) -> str:
    """Run it; assert its exit code and the oracle. Return the line."""
    ran = run(CP, *argv)
    assert ran.code == code, ran
    return oracle(ran, 10)


def test_running_or_not(agent: Callable[..., str]) -> None:
    """One is enough; none is CRITICAL. The argument and -C are the same."""
    name = agent()
    assert said(name, code=0).startswith(f"PROCESS OK - 1 process {name} (pid ")
    assert said("-C", name, code=0) == said("-C", name, name, code=0)
    assert said(name + "2", code=2) == (f"PROCESS CRITICAL - no process {name}2 | procs=0;;1:;0")


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        ([], 0),
        (["-c", "1:2"], 2),
        (["-w", "1:2"], 1),
        (["-w", "1:2", "-c", "1:5"], 1),
        (["-c", "@3"], 2),
        (["-c", "0:"], 0),
        (["--absent"], 2),
        (["--absent", "--negate"], 0),
        (["-c", "1:2", "--exit-style", "bool"], 1),
        (["-w", "1:2", "--exit-style", "bool"], 0),
    ],
)
def test_three_are_counted(argv: list[str], code: int, agent: Callable[..., str]) -> None:
    """The count is judged by Nagios ranges; a user's -c replaces `1:`."""
    assert f"3 processes {(name := agent(3))} (pid " in said(name, *argv, code=code)


def test_filters_combine_with_and(agent: Callable[..., str]) -> None:
    """Name, arguments, user, parent, state, executable, sizes: all must match."""
    name = agent()
    whole = [name, "-a", f"{name} 3600", "-u", os.geteuid(), "-p", os.getpid(), "-s", "SR", "-k", "-T"]
    whole += ["-z", "100", "-r", "1", "--ereg-argument-array", f"/{name} [0-9]+$"]
    said(*whole, code=0)
    for narrower in (
        ["-a", "3601"],
        ["-u", "54321"],
        ["-p", "1"],
        ["-s", "TZ"],
        ["-z", "99999999"],
        ["-r", "99999999"],
        ["--ereg-argument-array", "^3600"],
        ["--exe", "/bin/true"],
    ):
        said(*whole, *narrower, code=2)


def test_an_executable_is_a_path(agent: Callable[..., str], tmp_path: Path) -> None:
    """Also through a symbolic link, and after an upgrade has replaced the file."""
    path = tmp_path / (name := agent())
    said("--exe", path, code=0)
    (tmp_path / "link").symlink_to(path)
    said("--exe", tmp_path / "link", code=0)
    path.unlink()
    said("--exe", path, code=0)
    said(name, code=0)


def test_a_title_keeps_the_name(spawn: Spawner) -> None:
    """Daemons write `name: what it does` over their arguments."""
    name = f"wdt{uuid.uuid4().hex[:8]}"
    child = spawn(["bash", "-c", f"exec -a '{name}: worker process' sleep 3600"])
    wait_for(lambda: "worker" in str(look(child.pid)), what="exec")
    said(name, code=0)
    said("worker", code=2)


def test_a_count_of_all() -> None:
    """As check_procs: no filter at all, but a range; with -w alone none is no error."""
    assert "processes (pid " in said("-c", "1:", code=0)
    said("-w", "0:1", code=1)
    said("-s", "Z", "-u", "54321", "-w", "5", code=0)
    said("-s", "Z", "-u", "54321", code=2)


@pytest.mark.parametrize(
    ("metric", "high", "unit"),
    [("RSS", "1", "KB"), ("VSZ", "1", "KB"), ("ELAPSED", "100000000:", "s"), ("FDS", "1", ""), ("THREADS", "0", "")],
)
def test_metrics(metric: str, high: str, unit: str, agent: Callable[..., str]) -> None:
    """-w and -c are then for each process's figure; none running stays CRITICAL."""
    name = agent(2)
    line = said(name, "-m", metric, code=0)
    assert f", {metric} " in line
    assert f" {metric.lower()}_max=" in line
    assert unit in line.rpartition("_max=")[2]
    said(name, "-m", metric, "-c", high, code=2)
    said(name, "-m", metric, "-w", high, code=1)
    said(name + "2", "-m", metric, "-c", "0:", code=2)


def test_cpu_is_of_the_whole_life(spawn: Spawner) -> None:
    """As ps has it: a process that does nothing else is far from idle."""
    token = f"wdt{uuid.uuid4().hex}"
    child = spawn([sys.executable, "-c", "print(flush=True)\nwhile True: pass", token], wait_ready=True)

    def ticks() -> int:
        return int(Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[11])

    wait_for(lambda: ticks() > 20, 10, "it has run for a while")  # the kernel counts in hundredths of a second
    assert ", CPU " in said("-a", token, "-m", "CPU", "-c", "@0:1", code=0)


def test_formats(agent: Callable[..., str]) -> None:
    """JSON has the facts, Zabbix the count, --list a line for each."""
    name = agent(2)
    facts = json.loads(run(CP, name, "-o", "json").out)
    assert (facts["state"], facts["target"], facts["details"]["count"]) == ("OK", name, 2)
    assert facts["details"]["uids"] == [os.geteuid()]
    assert facts["metrics"][0]["name"] == "procs"
    assert run(CP, name, "--for", "zabbix").out == "2\n"
    assert run(CP, name + "2", "--for", "zabbix").out == "0\n"
    first, *listed = run(CP, name, "--list").out.splitlines()
    assert first == said(name, code=0)
    assert [line[:4] for line in listed] == ["pid "] * 2
    assert all(line.endswith(f"/{name} 3600") for line in listed)
    assert run(CP, name, "-v").out.splitlines()[1:] == listed


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--absent"],
        ["a", "b"],
        ["a", "-C", "b"],
        ["-C", "a", "-C", "b"],
        ["/usr/sbin/nginx"],
        [""],
        ["-C", ""],
        ["-a", ""],
        ["x", "--exe", "nginx"],
        ["x", "-s", "Q"],
        ["x", "-p", "-1"],
        ["x", "-p", "1x"],
        ["x", "-m", "rss"],
        ["x", "-c", "2:1"],
        ["x", "-c", "abc"],
        ["x", "--absent", "-c", "1"],
        ["x", "--absent", "-m", "RSS"],
        ["x", "--ereg-argument-array", "("],
        ["x", "--ereg-argument-array", "(" * 3000 + ")" * 3000],
        ["x", "--ereg-argument-array", "x" * 5000],
        ["x", "-t", "0"],
        ["x", "-u", "no such user"],
        ["x", "-u", "99999999999"],
        ["x", "--pidfil"],
        ["x", "-P", "5"],
    ],
)
def test_wrong_usage_is_one_line_and_unknown(argv: list[str]) -> None:
    """It says what was wrong; never CRITICAL, which would start something."""
    line = said(*argv, code=3)
    assert line.startswith("PROCESS UNKNOWN - usage: ")


def test_a_doubtful_pattern_says_nothing_on_stderr() -> None:
    """Python warns about some; the line is all that a check says."""
    said("--ereg-argument-array", "[[wdt]x{5000}", code=2)


def test_a_count_of_all_is_of_all(spawn: Spawner) -> None:
    """`check_procs -w 150 -c 200` looks for a full process table: zombies fill it, and who carries our words."""
    code = (
        "import os; pids = [os.posix_spawn('/bin/true', ['true'], {}) for _ in range(50)];"
        "[os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT) for pid in pids]; print(flush=True);"
        "import time; time.sleep(3600)"
    )
    spawn([sys.executable, "-c", code], wait_ready=True)
    for _ in range(20):
        spawn([need("sh"), "-c", "read x; check-process x"], stdin=-1)
    assert json.loads(run(CP, "-c", "0:", "-o", "json").out)["details"]["states"]["Z"] >= 50
    parent = ["-p", str(os.getpid())]
    assert run(CP, *parent, "-c", "21:").code == 0, "who was not asked for words is not left out for them"


VALUES = {"-m": "PROCS", "-w": "0:100000", "-c": "0:100000", "-t": "9", "-s": "RSD", "-p": "1", "-u": "root"}


def flags_of_check_procs() -> list[tuple[str, bool]]:
    """Return each spelling in its help, and whether it takes a value."""
    page = subprocess.run([need("check_procs"), "--help"], capture_output=True, text=True, check=False).stdout
    found = []
    for line in page.splitlines():
        if line.startswith(" -"):
            for word in line.split(", "):
                flag, equals, _ = word.strip().partition("=")
                found.append((flag, bool(equals) or "=" in line))
    return found


def test_every_option_of_check_procs_is_taken_or_refused_by_name() -> None:
    """An existing command line moves by changing the program's name; no third outcome."""
    flags = flags_of_check_procs()
    assert {"-w", "--metric", "-a", "--ereg-argument-array", "--extra-opts", "-k", "-T"} <= {flag for flag, _ in flags}
    for flag, valued in flags:
        if flag[:2] == "--":
            argv = [f"{flag}=1" if valued else flag]
        else:
            argv = [flag, VALUES.get(flag, "1")] if valued else [flag]
        ran = run(CP, *argv, "-c", "0:")
        if "is not taken here: " in ran.out:
            assert ran.code == 3, ran
        elif flag not in ("-h", "--help", "-V", "--version"):
            assert "no such option" not in ran.out, ran


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        ("-w 2:2 -c 2:1024 -C {name}", 2),
        ("-c 1: -C {name}", 0),
        ("-w 1024 -c 1: -C {name}", 0),
        ("-w 10 -a /{name} -u root", 0),
        ("-w 50 -c 100 --metric=VSZ -C {name}", 2),
        ("-w 10 -c 20 --metric=CPU -C {name}", 0),
    ],
)
def test_the_examples_of_check_procs_mean_the_same(argv: str, code: int, agent: Callable[..., str]) -> None:
    """Both programs, one command line, one exit code."""
    plugin = need("check_procs")
    if os.geteuid():
        argv = argv.replace("-u root", f"-u {os.geteuid()}")
    words = argv.format(name=agent()).split()
    assert run(plugin, *words).code == code
    said(*words, code=code)
