"""Programs of supervisord in words; every piece of output was printed by supervisorctl 4.3."""

from __future__ import annotations

import pytest

from watchdog_tools.checks.supervisord import program as words
from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING

STATUS = b"""back                             BACKOFF   Exited too quickly (process log may have details)
exited7                          EXITED    Nov 24 03:14 PM
grp:ga                           RUNNING   pid 7336, uptime 0:00:03
grp:gb                           FATAL     Exited too quickly (process log may have details)
never                            STOPPED   Not started
nocmd                            FATAL     can't find command '/no/such/command'
slow                             STARTING  
stubborn                         STOPPING  
odd                              UNKNOWN   
"""  # noqa: W291 -- supervisorctl pads the state
LOG = b"""2026-11-24 15:14:47,630 WARN exited: back (exit status 1; not expected)
2026-11-24 15:14:49,635 INFO spawned: 'back' with pid 7570
2026-11-24 15:14:49,647 WARN exited: gb (terminated by SIGSEGV (core dumped); not expected)
2026-11-24 15:14:49,647 WARN exited: back (exit status 2; not expected)
2026-11-24 15:14:49,912 INFO waiting for stubborn to stop
"""


@pytest.mark.parametrize(
    ("name", "state", "reason", "summary"),
    [
        ("back", CRITICAL, "backoff", "back is BACKOFF: Exited too quickly (process log may have details)"),
        ("exited7", CRITICAL, "exited", "exited7 is EXITED: Nov 24 03:14 PM"),
        ("grp:ga", OK, "", "grp:ga is running (pid 7336, uptime 0:00:03)"),
        ("grp:gb", CRITICAL, "fatal", "grp:gb is FATAL: Exited too quickly (process log may have details)"),
        ("never", CRITICAL, "stopped", "never is STOPPED: Not started"),
        ("nocmd", CRITICAL, "fatal", "nocmd is FATAL: can't find command '/no/such/command'"),
        ("slow", WARNING, "starting", "slow is being started"),
        ("stubborn", WARNING, "starting", "stubborn is being stopped"),
        ("odd", UNKNOWN, "unknown", "odd is UNKNOWN"),
    ],
)
def test_a_verdict(name: str, state: int, reason: str, summary: str) -> None:
    """Each of supervisord's eight states has its verdict and its sentence."""
    found = [each for each in words.parse(STATUS) if each.name == name]
    result = words.verdict(name, found)
    assert (result.state, result.reason, result.summary) == (state, reason, summary)


def test_of_a_group_the_worst_counts() -> None:
    """All are in the long output, the sick ones in the line, and the reason is the worst one's."""
    found = words.parse(STATUS)
    assert len(found) == len(STATUS.splitlines())
    result = words.verdict("grp:*", found[2:4])
    assert (result.state, result.reason) == (CRITICAL, "fatal")
    assert result.summary.startswith("1 of 2 programs of grp:* are running; grp:gb is FATAL: Exited too quickly")
    assert [line.partition(" is ")[0] for line in result.lines] == ["OK - grp:ga", "CRITICAL - grp:gb"]
    assert result.details == {"programs": {"grp:ga": "RUNNING", "grp:gb": "FATAL"}}
    assert words.verdict("all:*", found).summary.endswith("; ...")
    assert words.verdict("a:*", [found[2], found[6]]).reason == "starting"
    assert words.verdict("a:*", found[3:5]).reason == "fatal"  # of two that are as bad, the first one's


def test_text_from_outside_stays_text() -> None:
    """A spawn error carries words of the configuration."""
    found = words.parse(b"x    FATAL     can't find command '/a|b\x1b[31m$(id)'\n")
    assert words.verdict("x", found).summary == r"x is FATAL: can't find command '/a/b\x1b[31m?(id)'"


@pytest.mark.parametrize("output", [b"", b"\n", b"num: ERROR (no such process)\n", b"\xff\n", b"RUNNING\n", b"x RUN\n"])
def test_other_lines_are_no_programs(output: bytes) -> None:
    """An error is no state."""
    assert words.parse(output) == []


@pytest.mark.parametrize(
    ("code", "out", "err", "reason", "summary"),
    [
        (4, b"num: ERROR (no such process)\n", b"", "not-found", "supervisord knows no such program (num: ERROR ("),
        (4, b"grp: ERROR (no such group)\n", b"", "not-found", "supervisord knows no such program (grp: ERROR ("),
        (4, b"unix:///run/s.sock no such file\n", b"", "supervisor", "supervisord itself is not running (unix:///run/"),
        (4, b"http://localhost:9001 refused connection\n", b"", "supervisor", "supervisord itself is not running (h"),
        (1, b"Server requires authentication\nerror: <class 'xmlrpc.client.ProtocolError'>, ...\n", b"", "supervisor",
         "supervisord wants another user name or password"),
        (1, b"error: <class 'PermissionError'>, [Errno 13] Permission denied: file: /x line: 557\n", b"", "supervisor",
         "no permission to talk to supervisord"),
        (2, b"", b"Error: could not find config file /no/such.conf\nFor help, use supervisorctl -h\n", "supervisor",
         "Error: could not find config file /no/such.conf"),
        (1, b"", b"Traceback (most recent call last):\n  File ...\nconfigparser.MissingSectionHeaderError: no\n",
         "supervisor", "supervisorctl failed: configparser.MissingSectionHeaderError: no"),
        (1, b"error: <class 'xmlrpc.client.Fault'>, <Fault 6: 'SHUTDOWN_STATE'>: file: x line: 1\n", b"", "supervisor",
         "supervisord is shutting down"),
        (-9, b"", b"", "supervisor", "supervisorctl said nothing (exit -9)"),
    ],
)  # fmt: skip
def test_nothing_is_known(code: int, out: bytes, err: bytes, reason: str, summary: str) -> None:
    """UNKNOWN, whatever the exit code is: 4 is an unknown program as well as an absent supervisord."""
    result = words.refusal("web", code, out, err)
    assert (result.state, result.reason) == (UNKNOWN, reason)
    assert result.summary.startswith(f"cannot ask about web: {summary}")


def test_the_last_end_is_in_the_log() -> None:
    """Of several the last, and only this process's; a group is not part of the name there."""
    assert words.last_end(LOG, "back") == "its last end: exit status 2; not expected"
    assert words.last_end(LOG, "grp:gb") == "its last end: terminated by SIGSEGV (core dumped); not expected"
    assert words.last_end(LOG, "stubborn") == ""
    assert words.last_end(b"", "back") == ""


@pytest.mark.parametrize(
    ("word", "name"), [("web", "web"), ("g:web_00", "g:web_00"), ("g:*", "g:*"), ("g:", "g:*"), ("a.b-c_d", "a.b-c_d")]
)
def test_a_name(word: str, name: str) -> None:
    """As supervisorctl takes it; `g:` is the whole group there, too."""
    assert words.program_name(word) == name


@pytest.mark.parametrize("word", ["", "all", "-c", "a b", "a/b", "a:b:c", "*", "a*", "g:a*", ":x", "a\n", "x" * 300])
def test_what_is_no_name_is_refused(word: str) -> None:
    """`all` would take in programs that nobody meant, and supervisorctl knows no patterns."""
    with pytest.raises(ValueError, match=r"program|pattern"):
        words.program_name(word)


def test_commands() -> None:
    """In BACKOFF `start` does nothing and exits with 0, so one program is restarted; in a group, who runs stays."""
    assert words.start_command("web", None) == ("supervisorctl", "restart", "web")
    assert words.start_command("g:*", "/c", "/bin/ctl") == ("/bin/ctl", "-c", "/c", "start", "g:*")
    assert words.restart_command("g:*", "/c", "/bin/ctl") == ("/bin/ctl", "-c", "/c", "restart", "g:*")


def test_what_comes_from_outside_is_quoted_briefly() -> None:
    """Of a name, of its words, of its end."""
    long = "x" * 300
    (one,) = words.parse(f"{long} FATAL {long}".encode())
    assert words.verdict("x", [one]).summary == f"{'x' * 117}... is FATAL: {'x' * 157}..."
    two = words.verdict(long, [one, one])
    assert two.summary == (
        f"0 of 2 programs of {'x' * 117}... are running" + f"; {'x' * 77}... is FATAL: {'x' * 157}..." * 2
    )
    assert two.lines[0] == f"CRITICAL - {'x' * 117}... is FATAL: {'x' * 157}..."
    assert words.refusal(long, 1, b"", b"").summary.startswith(f"cannot ask about {'x' * 117}...: ")
    assert words.last_end(f" exited: a ({long})\n".encode(), "a") == f"its last end: {'x' * 77}..."
    for name, shown in ((long, r"'x{77}\.\.\.' is not the name"), ("x" * 90 + ":a*", r"no patterns: x{77}\.\.\.:\*")):
        with pytest.raises(ValueError, match=shown):
            words.program_name(name)


@pytest.mark.parametrize(("length", "fine"), [(200, True), (201, False)])
def test_a_name_has_at_most_200_characters(length: int, fine: bool) -> None:
    """As long as any that supervisord takes."""
    if fine:
        assert words.program_name("x" * length) == "x" * length
    else:
        with pytest.raises(ValueError, match="is not the name"):
            words.program_name("x" * length)


@pytest.mark.parametrize(("count", "dots"), [(5, False), (6, True)])
def test_five_sick_programs_are_named(count: int, dots: bool) -> None:
    """Three dots stand for the rest."""
    found = words.parse(b"".join(b"g:%d STOPPED\n" % number for number in range(count)))
    result = words.verdict("g:*", found)
    assert result.summary.endswith("; ...") is dots
    assert result.summary.count("is STOPPED") == 5
    assert len(result.lines) == count
    assert result.target == "g:*"


def test_a_single_program_has_no_long_output() -> None:
    """Its end stands behind its sentence."""
    (one,) = words.parse(b"web RUNNING\n")
    result = words.verdict("web", [one], "its last end: x")
    assert (result.summary, result.lines, result.reason) == ("web is running; its last end: x", (), "")
    assert (one.words, one.verdict, words.is_group("g:*"), words.is_group("g:a")) == ("", OK, True, False)
    assert words.restart_command("web", None) == ("supervisorctl", "restart", "web")
    assert words.start_command("web", "/c") == ("supervisorctl", "-c", "/c", "restart", "web")
