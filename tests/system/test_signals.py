"""Signals by name and through pidfds, without the module that does it."""

from __future__ import annotations

import os
import signal

import pytest
from helpers.processes import Spawner, exit_code_of

from watchdog_tools.system import signals


@pytest.mark.parametrize("each", list(signal.Signals), ids=str)
def test_names_are_the_field_s(each: signal.Signals) -> None:
    """As the module `signal` calls them."""
    assert signals.name(each) == each.name


def test_one_without_a_name() -> None:
    """A real-time signal has a number."""
    assert signals.name(41) == "signal 41"


def test_send(spawn: Spawner) -> None:
    """It arrives; once more, at one that has ended, is no failure."""
    child = spawn(["sleep", "661"])
    handle = os.pidfd_open(child.pid)
    try:
        assert signals.send(handle, signal.SIGUSR1)
        assert exit_code_of(child, 5) == -signal.SIGUSR1
        assert signals.send(handle, signal.SIGUSR1)
    finally:
        os.close(handle)
