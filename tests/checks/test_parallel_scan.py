"""A long list in two halves: the answer is the same, whatever becomes of the fork."""

from __future__ import annotations

import os
import signal

import pytest

from watchdog_tools.checks.process import parallel_scan


def odd(entries: list[int]) -> list[int]:
    """Choose."""
    return [entry for entry in entries if entry % 2]


def test_the_answer_is_that_of_one_process() -> None:
    """Also one that is longer than a pipe holds."""
    entries = list(range(50_000))
    assert parallel_scan.scan_in_fork(odd, entries)() == odd(entries)
    assert parallel_scan.scan_in_fork(odd, [])() == []


def test_a_fork_that_dies_costs_only_time() -> None:
    """Its share is done by who asks."""
    parent = os.getpid()

    def deadly(entries: list[int]) -> list[int]:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return odd(entries)

    def failing(entries: list[int]) -> list[int]:
        if os.getpid() != parent:
            raise ValueError
        return odd(entries)

    assert parallel_scan.scan_in_fork(deadly, [1, 2, 3])() == [1, 3]
    assert parallel_scan.scan_in_fork(failing, [1, 2, 3])() == [1, 3]


def test_without_a_fork_one_process_does_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit on processes is no reason to see less."""

    def no() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", no)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- as many as the system says
    assert parallel_scan.scan_in_fork(odd, [1, 2, 3])() == [1, 3]
    assert len(os.listdir("/proc/self/fd")) == before, "a pipe was left open"  # noqa: PTH208


def test_one_processor_is_not_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes take turns on it."""
    for processors, expected in (({0}, False), ({0, 5}, True)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, its=processors: its)
        assert parallel_scan.has_spare_cpu() is expected
