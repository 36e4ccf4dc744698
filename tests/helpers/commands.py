"""Run an installed command as a user would, with a hard deadline, and hold it to the oracle."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import fair_clock
from helpers.processes import TOKEN

BIN = Path(sys.prefix, "bin")
# What cron gives a job, and nothing else.
CRON = {"PATH": "/usr/bin:/bin", "HOME": "/", "SHELL": "/bin/sh", "LOGNAME": "root"}


_EXCUSED = 2.0  # seconds of a command's time that an overloaded machine may have taken


@dataclass(frozen=True)
class Ran:
    """One command that has ended: its exit code (negative: a signal ended it) and what it said.

    fair: its seconds without those in which the machine was overloaded, two at most: a hang is not excused by load.
    """

    argv: tuple[str, ...]
    code: int
    out: str
    err: str
    seconds: float
    fair: float = 0.0


def command(name: str) -> str:
    """Return the path of our installed command `name`; any other word is found as by a shell."""
    ours = BIN / name
    if "/" not in name and ours.exists():
        return str(ours)
    return shutil.which(name) or name


def environment(env: dict[str, str] | None) -> dict[str, str]:
    """Return `env`, or ours, with the test's token, by which `leaves_nothing` finds leftovers."""
    whole = dict(os.environ if env is None else env)
    if TOKEN in os.environ:
        whole.setdefault(TOKEN, os.environ[TOKEN])
    return whole


def run(
    *argv: object,
    timeout: float = 20,
    env: dict[str, str] | None = None,
    input: str | bytes | None = None,  # noqa: A002 -- the name that subprocess.run has for it
    **popen: Any,
) -> Ran:
    """Run a command with pipes for stdout and stderr, until both are at their end, as `$(…)` does.

    Raises AssertionError when, after `timeout` seconds, it still runs, or something that it started
    still holds a pipe.
    """
    words = tuple(os.fsdecode(word) if isinstance(word, bytes) else str(word) for word in argv)
    options: dict[str, Any] = {
        "stdin": subprocess.DEVNULL if input is None else subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        **popen,
    }
    begun, fairly = time.monotonic(), fair_clock.now()
    child = subprocess.Popen([command(words[0]), *words[1:]], env=environment(env), **options)
    out, err = _collect(child, words, timeout, input.encode() if isinstance(input, str) else input)
    seconds = time.monotonic() - begun
    fair = max(fair_clock.now() - fairly, seconds - _EXCUSED)
    return Ran(words, child.returncode, _text(out), _text(err), seconds, fair)


def _collect(
    child: subprocess.Popen[bytes], words: tuple[str, ...], timeout: float, given: bytes | None
) -> tuple[bytes, bytes]:
    deadline = fair_clock.Deadline(timeout)
    try:
        while True:
            try:
                return child.communicate(given, max(deadline.left(), 0.01))
            except subprocess.TimeoutExpired:
                if deadline.left() <= 0:
                    raise
                given = None  # it has it
    except subprocess.TimeoutExpired as late:
        lives = child.poll() is None
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe:
                pipe.close()
        what = "still runs" if lives else "has ended, but something that it started holds its pipe"
        said = f"stdout {late.output!r}, stderr {late.stderr!r}"
        raise AssertionError(f"{' '.join(words)!r} {what} after {timeout} s; {said}") from None


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "surrogateescape")


def oracle(ran: Ran, timeout: float) -> str:
    """Assert what holds for every case (P1); `timeout` is the command's own. Return the line."""
    assert 0 <= ran.code <= 3, f"exit code {ran.code}: {ran}"
    assert ran.err == "", f"stderr: {ran}"
    assert "Traceback" not in ran.out, f"a traceback: {ran}"
    assert ran.out.endswith("\n"), f"no newline at the end: {ran}"
    line = ran.out[:-1]
    assert line, f"an empty line: {ran}"
    assert line.isprintable(), f"not one printable line: {ran}"
    assert len(ran.out.encode("utf-8", "surrogateescape")) <= 1024, f"longer than 1 KiB: {ran}"
    assert ran.fair <= timeout + 1, f"{ran.fair:.2f} s with a timeout of {timeout} s: {ran}"
    return line
