"""A short soak: runs, service, disk, state and clock are struck at random while cron keeps the service."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.components import need, need_works

pytestmark = [pytest.mark.slow, pytest.mark.root(reason="makes a pid namespace")]


def test_a_service_survives_a_storm_with_one_instance_at_a_time() -> None:
    """Never two, never none for longer than policy says, each run one line in time, and nothing is left."""
    need("faketime")
    need_works("unshare", "-pfm", "--mount-proc", "mount", "-t", "tmpfs", "none", "/mnt")
    words = [sys.executable, "-m", "helpers.nemesis", "--minutes", "0.33", "--seed", "11"]
    env = {"PATH": os.environ["PATH"], "WDT_TEST_TOKEN": os.environ["WDT_TEST_TOKEN"]}
    done = subprocess.run(
        words, cwd=Path(__file__).parent.parent, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=200, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert said.splitlines()[-1].endswith("no problem"), said
    assert "kill service" in said, said
