"""Systemd units in words; every block of properties was printed by systemctl of systemd 252."""

from __future__ import annotations

import pytest

from watchdog_tools.checks.systemd.unit import (
    PROPERTIES,
    parse,
    refusal,
    restart_command,
    start_command,
    unit_name,
    verdict,
)
from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING

NOW = 1640.0  # seconds of the clock that the time stamps below are of
RUNNING = b"""Type=simple
MainPID=84
StatusText=
Result=success
NRestarts=0
ExecMainCode=0
ExecMainStatus=0
LoadState=loaded
ActiveState=active
SubState=running
ActiveEnterTimestampMonotonic=1638032609
InactiveEnterTimestampMonotonic=0
Job=
ConditionResult=yes
ConditionTimestampMonotonic=1638021800
LoadError=
"""


def changed(**facts: str) -> bytes:
    """Return the block above with other values."""
    lines = [line.partition("=") for line in RUNNING.decode().splitlines()]
    return "".join(f"{key}={facts.get(key, value)}\n" for key, _, value in lines).encode()


FAILED = {
    "MainPID": "0",
    "ActiveState": "failed",
    "SubState": "failed",
    "InactiveEnterTimestampMonotonic": "1638036908",
}


@pytest.mark.parametrize(
    ("facts", "state", "summary"),
    [
        ({}, OK, "web.service is running (pid 84, up 2 s)"),
        ({"StatusText": "a|b $(x)"}, OK, "web.service is running (pid 84, up 2 s): a/b ?(x)"),
        ({"MainPID": "0", "SubState": "exited", "Type": "oneshot"}, OK,
         "web.service is active (exited, RemainAfterExit=yes) (up 2 s)"),
        ({"MainPID": "0", "SubState": "exited", "Type": "forking"}, WARNING,
         "web.service is active, but none of its processes is left (up 2 s)"),
        ({"ActiveState": "reloading", "SubState": "reload"}, WARNING, "web.service is reloading (pid 84, up 2 s)"),
        ({"ActiveState": "activating", "SubState": "start"}, WARNING, "web.service is being started (start)"),
        ({"ActiveState": "deactivating", "SubState": "stop-sigterm"}, WARNING,
         "web.service is being stopped (stop-sigterm)"),
        ({"ActiveState": "activating", "SubState": "auto-restart", "Result": "exit-code", "ExecMainCode": "1",
          "ExecMainStatus": "3", "NRestarts": "7"}, WARNING,
         "web.service exited with status 3; systemd is about to restart it (restarts so far: 7)"),
        ({"ActiveState": "activating", "SubState": "auto-restart"}, WARNING,
         "web.service ended; systemd is about to restart it (restarts so far: 0)"),
        ({"ActiveState": "inactive", "SubState": "dead", "Job": "936"}, WARNING,
         "web.service waits for its start (job 936)"),
        ({**FAILED, "Result": "exit-code", "ExecMainCode": "1", "ExecMainStatus": "7"}, CRITICAL,
         "web.service failed: exited with status 7, 2 s ago"),
        ({**FAILED, "Result": "exit-code", "ExecMainCode": "1", "ExecMainStatus": "217"}, CRITICAL,
         "web.service failed: exited with status 217 (USER: no such user), 2 s ago"),
        ({**FAILED, "Result": "exit-code"}, CRITICAL,
         "web.service failed: a command of the unit (such as ExecStartPre=) exited with an error, 2 s ago"),
        ({**FAILED, "Result": "signal", "ExecMainCode": "2", "ExecMainStatus": "11"}, CRITICAL,
         "web.service failed: killed by SIGSEGV, 2 s ago"),
        ({**FAILED, "Result": "core-dump", "ExecMainCode": "3", "ExecMainStatus": "35"}, CRITICAL,
         "web.service failed: killed by signal 35 and dumped core, 2 s ago"),
        ({**FAILED, "Result": "timeout", "ExecMainCode": "2", "ExecMainStatus": "15"}, CRITICAL,
         "web.service failed: timed out, 2 s ago"),
        ({**FAILED, "Result": "start-limit-hit"}, CRITICAL,
         "web.service failed: started too often (its start limit), 2 s ago"),
        ({**FAILED, "Result": "oom-kill"}, CRITICAL, "web.service failed: killed for lack of memory, 2 s ago"),
        ({**FAILED, "Result": "exit-code", "ExecMainCode": "1", "ExecMainStatus": "7", "NRestarts": "3"}, CRITICAL,
         "web.service failed: exited with status 7, after 3 restarts by systemd, 2 s ago"),
        ({**FAILED, "Result": "of-the-future"}, CRITICAL, "web.service failed: of-the-future, 2 s ago"),
        ({**FAILED, "ActiveState": "inactive"}, CRITICAL,
         "web.service is not running: it ended or was stopped, 2 s ago"),
        ({"ActiveState": "inactive", "ConditionResult": "no"}, CRITICAL,
         "web.service is not running: a Condition of the unit is not met"),
        ({"ActiveState": "inactive", "ConditionResult": "no", "ConditionTimestampMonotonic": "0"}, CRITICAL,
         "web.service is not running, and systemd knows of no run of it"),
        ({"ActiveState": "inactive", "LoadState": "not-found"}, UNKNOWN,
         "web.service: there is no unit of that name"),
        ({"ActiveState": "inactive", "LoadState": "error"}, UNKNOWN, "web.service: it could not be loaded (error)"),
        ({"LoadState": "masked"}, OK, "web.service is running (pid 84, up 2 s)"),  # masked while it runs
        ({"ActiveState": "of the future"}, UNKNOWN,
         "web.service is in a state that we do not know: of the future"),
    ],
)  # fmt: skip
def test_a_verdict(facts: dict[str, str], state: int, summary: str) -> None:
    """Each state of a unit has its verdict and its sentence."""
    result = verdict("web.service", parse(changed(**facts)), NOW)
    assert (result.state, result.summary) == (state, summary)
    assert result.target == "web.service"


@pytest.mark.parametrize("load", ["masked", "not-found", "bad-setting"])
def test_one_that_runs_and_could_not_be_started_again(load: str) -> None:
    """It is reported as it is, and whoever would restart it learns why that must not be; dead it is UNKNOWN."""
    up = verdict("web.service", parse(changed(LoadState=load)), NOW)
    dead = verdict("web.service", parse(changed(**FAILED, LoadState=load)), NOW)
    assert (up.state, dead.state) == (OK, UNKNOWN)
    assert up.keeper.unstartable == dead.summary


@pytest.mark.parametrize("output", [b"", b"rubbish", b"ActiveState", b"\xff=\n\0", b"MainPID=x\nNRestarts=-1\n"])
def test_rubbish_is_unknown(output: bytes) -> None:
    """What is no answer of systemctl says nothing about the unit."""
    assert verdict("web.service", parse(output), NOW).state == UNKNOWN


def test_facts_for_json() -> None:
    """Numbers are numbers, and what is no number is null."""
    details = verdict("web.service", parse(RUNNING), NOW).details
    assert (details["pid"], details["restarts"], details["sub"]) == (84, 0, "running")
    details = verdict("a.socket", parse(b"ActiveState=active\nSubState=listening\nMainPID=9x\n"), NOW).details
    assert (details["pid"], details["restarts"]) == (None, None)


def test_only_what_was_asked_for_is_read() -> None:
    """A value with a newline cannot pose as another property: the first counts, and others are left out."""
    facts = parse(b"ActiveState=failed\nStatusText=x\nActiveState=active\nEvil=1\n")
    assert facts == {"ActiveState": "failed", "StatusText": "x"}
    assert set(facts) <= set(PROPERTIES)


@pytest.mark.parametrize(
    ("code", "said", "words"),
    [
        (1, b"System has not been booted with systemd as init system (PID 1).\nFailed\n",
         "this machine was not booted with systemd"),
        (1, b"Failed to connect to bus: Connection refused\n", "Failed to connect to bus: Connection refused"),
        (-9, b"", "exit -9"),
    ],
)  # fmt: skip
def test_systemd_cannot_be_asked(code: int, said: bytes, words: str) -> None:
    """UNKNOWN, with what systemctl said."""
    result = refusal("web.service", code, said)
    assert (result.state, result.reason) == (UNKNOWN, "systemd")
    assert result.summary == f"cannot ask systemd about web.service: {words}"


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("nginx", "nginx.service"),
        ("nginx.service", "nginx.service"),
        ("my.app", "my.app.service"),
        ("dbus.socket", "dbus.socket"),
        ("postgresql@15-main", "postgresql@15-main.service"),
        (r"a\x2db", r"a\x2db.service"),
        ("123", "123.service"),  # systemctl takes a bare number for a job
    ],
)
def test_a_name_is_made_whole(word: str, name: str) -> None:
    """As systemctl does."""
    assert unit_name(word) == name


@pytest.mark.parametrize(
    "word",
    [
        "",
        "-x",
        "--all",
        "a b",
        "web*",
        "web?",
        "/dev/sda",
        ".service",
        "web@",
        "web@.service",
        "@a",
        "a\n",
        "é",
        "a" * 250,
    ],
)
def test_what_is_no_name_is_refused(word: str) -> None:
    """An option, a pattern, a path, a template, or what systemctl would escape into another name."""
    with pytest.raises(ValueError, match=r"unit|template"):
        unit_name(word)


@pytest.mark.parametrize(("make", "verb"), [(start_command, "start"), (restart_command, "restart")])
def test_the_limit_is_reset_first(make: object, verb: str) -> None:
    """The unit is an argument of the shell's script, never a part of it."""
    assert callable(make)
    argv = make("web.service", "/usr/bin/systemctl")
    assert argv[0] == "/bin/sh"
    assert argv[2].startswith('"$1" reset-failed -- "$3" ')
    assert "web" not in argv[2]
    assert argv[-3:] == ("/usr/bin/systemctl", verb, "web.service")


LONG = "x" * 300


@pytest.mark.parametrize(
    ("facts", "summary"),
    [
        ({"ActiveState": LONG}, f"is in a state that we do not know: {'x' * 37}..."),
        ({"SubState": LONG}, f"is {'x' * 37}... (pid 84, up 2 s)"),
        ({"StatusText": LONG}, f"is running (pid 84, up 2 s): {'x' * 117}..."),
        ({"ActiveState": "activating", "SubState": LONG, "StatusText": LONG},
         f"is being started ({'x' * 37}...): {'x' * 117}..."),
        ({"ActiveState": "activating", "SubState": "auto-restart-queued", "NRestarts": LONG},
         "ended; systemd is about to restart it (restarts so far: xxxxxxx...)"),
        ({"ActiveState": "failed", "Job": LONG}, f"waits for its start (job {'x' * 17}...)"),
        ({"SubState": ""}, "is active (pid 84, up 2 s)"),
        ({"MainPID": "x", "ActiveEnterTimestampMonotonic": "0"}, "is running"),
        ({"MainPID": "0"}, "is running (up 2 s)"),
        ({"ActiveEnterTimestampMonotonic": "9" * 20}, "is running (pid 84)"),
        ({"ActiveEnterTimestampMonotonic": "9" * 19}, "is running (pid 84, up 0 ms)"),
        ({"ActiveEnterTimestampMonotonic": "1"}, "is running (pid 84, up 27.3 min)"),
        ({"ActiveEnterTimestampMonotonic": "1640000001"}, "is running (pid 84, up 0 ms)"),
        ({**FAILED, "Result": ""}, "failed: systemd does not say why, 2 s ago"),
        ({**FAILED, "Result": "timeout", "InactiveEnterTimestampMonotonic": "0", "NRestarts": "x"},
         "failed: timed out"),
        ({"ActiveState": "refreshing"}, "is refreshing (pid 84, up 2 s)"),
    ],
)  # fmt: skip
def test_what_systemd_says_is_quoted_briefly(facts: dict[str, str], summary: str) -> None:
    """And what is no number, or says nothing, is left out."""
    assert verdict("web.service", parse(changed(**facts)), NOW).summary == f"web.service {summary}"


@pytest.mark.parametrize(
    ("facts", "reason", "details"),
    [
        ({}, "", {"pid": 84, "restarts": 0}),
        ({"MainPID": "0"}, "", {"pid": None}),
        ({"MainPID": "9" * 9}, "", {"pid": 999_999_999}),
        ({"MainPID": "9" * 10}, "", {"pid": None}),
        ({"NRestarts": "9" * 11}, "", {"restarts": 99_999_999_999}),
        ({"NRestarts": "9" * 12}, "", {"restarts": None}),
        ({"ActiveState": "activating"}, "starting", {"active": "activating"}),
        ({**FAILED, "Job": "5"}, "starting", {"active": "failed", "sub": "failed"}),
        ({**FAILED, "Result": "timeout"}, "failed", {"result": "timeout"}),
        ({**FAILED, "ActiveState": "inactive"}, "inactive", {"active": "inactive"}),
        ({"ActiveState": "x"}, "state", {"active": "x"}),
        ({**FAILED, "LoadState": "masked"}, "masked", {"load": "masked"}),
        ({**FAILED, "LoadState": ""}, "state", {"load": ""}),
        ({"ActiveState": "reloading"}, "reloading", {"unit": "web.service"}),
        ({"SubState": "exited"}, "exited", {"sub": "exited"}),
        ({"SubState": LONG}, "", {"sub": f"{'x' * 77}..."}),
    ],
)
def test_reasons_and_details(facts: dict[str, str], reason: str, details: dict[str, object]) -> None:
    """Words and numbers for machines."""
    result = verdict("web.service", parse(changed(**facts)), NOW)
    assert result.reason == reason
    assert {key: result.details[key] for key in details} == details


def test_what_cannot_be_loaded() -> None:
    """What is said of it is short; where systemd says nothing, that is said."""
    long, none = (verdict("a.service", parse(changed(**FAILED, LoadState=load)), NOW) for load in (LONG, ""))
    assert long.summary == f"a.service: it could not be loaded ({'x' * 37}...)"
    assert none.summary == "a.service: it could not be loaded (systemd says nothing of it)"
    assert verdict("a.service", parse(RUNNING), NOW).keeper.unstartable == ""


def test_names_at_their_bounds() -> None:
    """255 characters with the suffix; a refusal shows eighty."""
    assert unit_name("a" * 247) == "a" * 247 + ".service"
    with pytest.raises(ValueError, match="at most 255 characters"):
        unit_name("a" * 248)
    with pytest.raises(ValueError, match=r"^'\?{77}\.\.\.' is not the name of a unit"):
        unit_name("$" * 90)
    with pytest.raises(ValueError, match="one of its instances, web@NAME"):
        unit_name("@.service")
    with pytest.raises(ValueError, match="one of its instances, app@NAME"):
        unit_name("app@")


def test_the_commands() -> None:
    """The tool is called by its name where no path is said."""
    assert start_command("web.service")[1:] == (
        "-c", start_command("x")[2], "sh", "systemctl", "start", "web.service",
    )  # fmt: skip
    assert restart_command("web.service")[3:] == ("sh", "systemctl", "restart", "web.service")
    assert refusal("web.service", 1, b"\n \nno  \nmore\n").summary.endswith(": no")
    assert refusal("web.service", 1, b"x").target == "web.service"
