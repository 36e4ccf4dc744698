"""Why a systemd service failed: the words of its manager, in ours."""

from __future__ import annotations

import pytest

from watchdog_tools.checks.systemd.failures import failure


@pytest.mark.parametrize(
    ("result", "code", "status", "words"),
    [
        ("", "", "", ""),
        ("success", "1", "0", ""),
        ("exit-code", "1", "3", "exited with status 3"),
        ("exit-code", "1", "203", "exited with status 203 (EXEC: its command cannot be executed)"),
        ("exit-code", "0", "0", "a command of the unit (such as ExecStartPre=) exited with an error"),
        ("exit-code", "2", "9", "a command of the unit (such as ExecStartPre=) exited with an error"),
        ("signal", "2", "9", "killed by SIGKILL"),
        ("signal", "2", "64", "killed by signal 64"),
        ("core-dump", "3", "11", "killed by SIGSEGV and dumped core"),
        ("core-dump", "0", "0", "a command of the unit (such as ExecStartPre=) was killed by a signal and dumped core"),
        ("signal", "1", "0", "a command of the unit (such as ExecStartPre=) was killed by a signal"),
        ("timeout", "2", "15", "timed out"),
        ("new\x1bword", "", "", r"new\x1bword"),
        ("x" * 70, "", "", "x" * 57 + "..."),
    ],
)
def test_the_words(result: str, code: str, status: str, words: str) -> None:
    """What follows "failed:"; a word that we do not know is shown, escaped and short."""
    assert failure({"Result": result, "ExecMainCode": code, "ExecMainStatus": status}) == words


def test_what_is_not_said_is_no_failure() -> None:
    """An old systemd leaves properties out."""
    assert failure({}) == ""
    assert failure({"Result": "signal"}).startswith("a command of the unit")


def test_a_status_is_quoted_briefly() -> None:
    """Ten characters."""
    facts = {"Result": "exit-code", "ExecMainCode": "1", "ExecMainStatus": "x" * 20}
    assert failure(facts) == "exited with status xxxxxxx..."
    assert failure({**facts, "Result": "signal", "ExecMainCode": "2"}) == "killed by signal xxxxxxx..."
