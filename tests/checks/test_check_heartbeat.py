"""check-heartbeat, as a user runs it: fresh, old, not there, and whatever else may be in a file's place."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import helpers
import pytest
from helpers.commands import Ran, command, oracle, run
from helpers.components import NOBODY, need, need_works
from helpers.documents import ROOT

PAGE = (ROOT / "docs" / "check-heartbeat.md").read_text()


def check(*words: object, **popen: object) -> tuple[int, str]:
    """Run it, hold it to the oracle; return its code and its line."""
    ran = run("check-heartbeat", *words, **popen)
    return ran.code, oracle(ran, 10)


def beat(path: Path, age: float) -> Path:
    """Make a file that was changed `age` seconds ago."""
    path.touch()
    now = time.time()
    os.utime(path, (now, now - age))
    return path


def test_a_fresh_file(tmp_path: Path) -> None:
    """Its age is said and is perfdata; the reader's own touch of it, or of a link, does not count."""
    (tmp_path / "link").symlink_to(beat(tmp_path / "beat", 30))
    code, line = check(tmp_path / "link", "--max-age", "2m")
    assert code == 0
    assert re.fullmatch(rf"HEARTBEAT OK - {tmp_path}/link was changed 3\d(\.\d)? s ago \| age=3\d\.\d+s;;120", line)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("--max-age 1m", 2, r"was changed 100(\.\d)? s ago \(critical range 60\)"),
        ("-w 60 -c 200", 1, r"was changed 100(\.\d)? s ago \(warning range 60\) .* age=\d+\.\d+s;60;200"),
        ("-w 60 --max-age 90.5s", 2, r"\(critical range 90\.5\)"),
        ("-w 200:", 1, r"\(warning range 200:\)"),
        ("-c @50:150", 2, r"\(critical range @50:150\)"),
        ("-w 200 -c 300", 0, "ago |"),
        ("--max-age 1m --negate", 0, r"\(critical range 60\) \(negated\)"),
        ("--max-age 3m --negate", 2, r"ago \(negated\)"),
        ("--max-age 1m --for docker", 1, "CRITICAL"),
    ],
)
def test_ages_are_judged_as_ranges(words: str, code: int, said: str, tmp_path: Path) -> None:
    """-w and -c as everywhere, in seconds; --max-age is the plain case of -c."""
    got, line = check(beat(tmp_path / "beat", 100), *words.split())
    assert (got, bool(re.search(said, line))) == (code, True), line


@pytest.mark.parametrize("name", ["none", "none/below", "beat/below", "broken"])
def test_a_file_that_is_not_there_is_critical(name: str, tmp_path: Path) -> None:
    """Nothing beats; --negate is for a file that must not be."""
    beat(tmp_path / "beat", 0)
    (tmp_path / "broken").symlink_to("nowhere")
    assert check(tmp_path / name, "--max-age", "1m") == (2, f"HEARTBEAT CRITICAL - there is no {tmp_path}/{name}")
    assert check(tmp_path / name, "--max-age", "1m", "--negate")[0] == 0
    assert check(tmp_path / name, "--max-age", "1m", "--for", "zabbix") == (0, "2")


def test_a_time_in_the_future_is_said(tmp_path: Path) -> None:
    """It would look fresh for as long as the clock was set back; what a file server is ahead is borne with."""
    code, line = check(beat(tmp_path / "beat", -7260), "--max-age", "1m")
    assert (code, " has a time 2 h in the future" in line) == (3, True), line
    assert re.search(r"age=-7\d{3}\.\d+s", line)
    code, line = check(beat(tmp_path / "beat", -4), "--max-age", "1m", "-w", "3")
    assert (code, bool(re.search(r"was changed just now \([\d.]+ m?s in the future\)", line))) == (0, True), line


def test_several_files(tmp_path: Path) -> None:
    """The worst decides, each has its age; where all are well the oldest is named, and a name counts once."""
    young, old = beat(tmp_path / "young", 3), beat(tmp_path / "old", 50)
    code, line = check(young, old, young, "--max-age", "1m")
    assert (code, "all 2 are OK; the oldest: " in line, f"{old} was changed 5" in line) == (0, True, True), line
    assert len(re.findall(r"'age /[^']*'=\d+\.\d+s;;60", line)) == 2
    code, line = check(young, old, tmp_path / "none", tmp_path, "--max-age", "20s", "--for", "zabbix")
    assert (code, line) == (0, "2")
    code, line = check(young, old, tmp_path / "none", tmp_path, "--max-age", "20s")
    assert (code, "1 of 4 are OK; " in line) == (2, True)
    assert f"there is no {tmp_path}/none" in line
    assert f"{tmp_path} is a directory, not a regular file" in line


def test_what_is_no_regular_file_is_unknown(tmp_path: Path) -> None:
    """And hangs nobody: it is asked for its time alone, as strace sees."""
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
    for path, what in (
        (tmp_path, "a directory"), (tmp_path / "fifo", "a FIFO"), (tmp_path / "socket", "a socket"),
        (Path("/dev/zero"), "a device"),
    ):  # fmt: skip
        assert check(path, "-c", "60") == (3, f"HEARTBEAT UNKNOWN - {path} is {what}, not a regular file")


def test_no_file_is_ever_opened(tmp_path: Path) -> None:
    """One open could hang, or wake a disk."""
    path = beat(tmp_path / "beat", 0)
    need_works("strace", "-f", "-o", "/dev/null", "true")
    ran = run("strace", "-f", "-o", tmp_path / "calls", "-P", path, command("check-heartbeat"), path, "-c", "60")
    calls = re.findall(r"^\d+ +(\w+)\(", (tmp_path / "calls").read_text(), re.MULTILINE)
    assert ran.code == 0
    assert {*calls} <= {"stat", "newfstatat", "statx", "execve"}
    assert calls


@pytest.mark.parametrize("name", ["a\nb", "a|b", "-x", "\x1b[2J", "é", b"\xff\xfe", "a=b 'c", "x" * 250])
def test_odd_names(name: str | bytes, tmp_path: Path) -> None:
    """One printable line, one bar, and perfdata that is still parsed."""
    path = os.fsencode(tmp_path) + b"/" + os.fsencode(name)
    other = beat(tmp_path / "other", 1)
    Path(os.fsdecode(path)).touch()
    for words in ((path,), (path, other), (path + b"none", path)):
        code, line = check(*words, "--max-age", "1h")
        assert (code, line.count("|") <= 1) == (2 if len(words) > 1 and words[1] == path else 0, True), line
    said = json.loads(run("check-heartbeat", path, "-c", "60", "-o", "json").out)
    assert os.fsencode(said["target"]) == path


def test_a_name_beyond_all_limits(tmp_path: Path) -> None:
    """What no file can be called, and links in a circle, cannot be asked for: UNKNOWN."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for path, why in ((tmp_path / "a", "Too many levels of symbolic links"), (tmp_path / ("x" * 256), "too long")):
        code, line = check(path, "-c", "60")
        assert (code, why in line) == (3, True), line


@pytest.mark.root(reason="runs it as another user")
def test_what_may_not_be_asked_is_unknown(public_path: Path) -> None:
    """A directory that is closed tells nothing of its files; a file that may not be read has a time all the same."""
    path = beat(public_path / "beat", 5)
    path.chmod(0)
    nobody = (need("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", command("check-heartbeat"))
    need_works(*nobody, "--version")
    assert run(*nobody, path, "-c", "60").code == 0
    public_path.chmod(0o700)
    ran = run(*nobody, path, "-c", "60")
    assert (ran.code, "cannot be read: Permission denied" in ran.out) == (3, True), ran


@pytest.mark.root(reason="mounts in a mount namespace")
def test_a_network_disk_that_hangs(tmp_path: Path) -> None:
    """UNKNOWN within the time limit, the others' verdicts with it; -t says another state."""
    disk, fresh, old = tmp_path / "disk", beat(tmp_path / "fresh", 0), beat(tmp_path / "old", 100)
    disk.mkdir()
    helper = str(Path(helpers.__file__).with_name("frozen_disk.py"))
    need_works("unshare", "-m", sys.executable, helper, "-", str(disk))
    words = ["unshare", "-m", sys.executable, helper, "-", str(disk)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as keeper:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == "ready\n"
        inside = (need("nsenter"), f"--mount=/proc/{keeper.pid}/ns/mnt", "--", command("check-heartbeat"))

        def there(*more: object) -> tuple[int, str, Ran]:
            ran = run(*inside, disk / "beat", *more, "-c", "60")
            return ran.code, oracle(ran, 3), ran

        code, line, _ = there("-t", "1")
        assert (code, f"while asking for the time of {disk}/beat" in line) == (3, True), line
        assert there("-t", "1:critical")[0] == 2
        code, line, _ = there(fresh, "-t", "1")
        assert (code, "1 of 2 are OK; " in line) == (3, True), line
        code, line, _ = there(fresh, old, "-t", "1")
        assert (code, f"{old} was changed 10" in line) == (2, True), line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "usage:"),
        ("/x", "no age is too old; accepted: --max-age 2m"),
        ("/x --max-age 2m -c 5", "give one of them"),
        ("/x --max-age 0", "shorter than a second"),
        ("/x -c 5:1", "range"),
        ("'' -c 5", "an empty name"),
        ("-f /x -c 5", "write the FILE without an option"),
        ("/x -c 5 -W 1", "the age alone"),
        (" ".join(f"/{number}" for number in range(101)) + " -c 5", "accepted: 1 to 100"),
    ],
)
def test_wrong_usage(words: str, said: str) -> None:
    """One line that names the mistake; no file is touched."""
    code, line = check(*shlex.split(words))
    assert (code, said in line) == (3, True), line


def test_every_detail_is_on_its_page(tmp_path: Path) -> None:
    """Keys and reasons are an API."""
    cases = {"": beat(tmp_path / "beat", 1), "stale": beat(tmp_path / "old", 100), "absent": tmp_path / "none"}
    cases |= {"no-file": tmp_path, "unreadable": tmp_path / ("x" * 256), "future": beat(tmp_path / "ahead", -60)}
    for reason, path in cases.items():
        said = json.loads(run("check-heartbeat", path, "-c", "60", "-o", "json").out)
        assert (said["reason"], said["target"]) == (reason, str(path))
        assert [key for key in said["details"] if f"| `{key}` |" not in PAGE] == []
        assert f"`{reason}`" in PAGE or not reason


def test_a_service_is_kept_by_it(tmp_path: Path, starts_services: str) -> None:
    """In --check, where CRITICAL restarts; it says nothing about whether an instance exists."""
    del starts_services
    path = tmp_path / "beat"
    keep = (
        "ensure-running",
        "web",
        "--state-dir",
        tmp_path / "state",
        "--check",
        f"check-heartbeat {path} --max-age 1m",
    )
    start = ("--", "/bin/sh", "-c", f"touch {path}; exec sleep 600")
    assert "started web" in run(*keep, *start).out
    ran = run(*keep, *start)
    assert (ran.code, "was changed" in ran.out) == (0, True), ran
    beat(path, 100)
    ran = run(*keep, "--backoff", "0s:0s", *start)
    assert (ran.code, "restarted web" in ran.out) == (0, True), ran


class TestSchedule:
    """By the rule of the crontab's own line; what a schedule is, and when it was due, test_schedule has."""

    def test_overdue_since_it_was_last_due(self, tmp_path: Path) -> None:
        """With the grace over, what is older than that moment is overdue; what came after it is fine."""
        hourly = ("--schedule", "0 * * * *", "--tz", "UTC", "--max-age", "1s")
        into = time.time() % 3600
        if into < 5 or into > 3590:  # at the turn of an hour two may be right
            hourly, into = ("--schedule", "30 * * * *", "--tz", "UTC", "--max-age", "1s"), (time.time() - 1800) % 3600
        code, line = check(beat(tmp_path / "old", into + 60), *hourly)
        assert (code, "; overdue: last due 20" in line, " UTC | age=" in line) == (2, True, True), line
        code, line = check(beat(tmp_path / "new", max(into - 3, 0)), *hourly)
        assert (code, "; last due 20" in line) == (0, True), line
        ran = run("check-heartbeat", tmp_path / "old", *hourly, "-o", "json")
        said = json.loads(ran.out)
        assert (said["reason"], abs(time.time() - into - said["details"]["due"]) < 20) == ("overdue", True), said

    def test_what_it_is_given_with(self, tmp_path: Path) -> None:
        """Files and --of combine; an age of its own, a zone without it, and no schedule are wrong usage."""
        old = beat(tmp_path / "old", 90000)
        for words, said in (
            (("-c", "5"), "accepted beside it: --max-age D"),
            (("-w", "5"), "accepted beside it: --max-age D"),
            (("--tz", "Mars/Olympus"), "is no time zone here"),
        ):
            code, line = check(old, "--schedule", "@hourly", *words)
            assert (code, said in line) == (3, True), line
        for words, said in (
            ((old, "--tz", "UTC", "--max-age", "5"), "--tz is the time zone of --schedule"),
            ((old, "--schedule", "@reboot"), "@reboot is no time of day"),
            ((old, "--schedule", "0 0 31 2 *"), "--schedule: "),
            ((old, "--keeper", "root", "--max-age", "5"), "--keeper says whose the NAME of --of is"),
            (("--max-age", "5"), "a FILE, or --of NAME"),
            (("--of", "../x", "--max-age", "5"), "is not a NAME"),
            (("--of", "web"), "no age is too old"),
        ):
            code, line = check(*words)
            assert (code, said in line) == (3, True), line
        code, line = check(old, "--of", "wbe", "--state-dir", tmp_path / "none", "--schedule", "@hourly")
        assert (code, "wbe was never kept in " in line, "overdue" in line) == (2, True, True), line


def test_the_plain_case_loads_neither_state_nor_calendar(tmp_path: Path) -> None:
    """What --of and --schedule need is loaded where one of them is asked for."""
    beat(tmp_path / "beat", 0)
    dear = {"cronsim", "datetime", "zoneinfo", "watchdog_tools.state", "watchdog_tools.checks.heartbeat.schedule"}
    script = "import sys; from watchdog_tools.checks import parse; parse(sys.argv[1:]).probe(lambda *_: None)"
    ran = run(sys.executable, "-c", f"{script}; print({dear} & {{*sys.modules}})", "check-heartbeat",
              tmp_path / "beat", "-c", "60")  # fmt: skip
    assert ran.out == "set()\n", ran
