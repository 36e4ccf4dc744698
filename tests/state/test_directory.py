"""Where pauses live, and the one question that the healthy minute asks about them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.components import need, need_works

from watchdog_tools import state as statedir
from watchdog_tools.state import default


@pytest.mark.parametrize(
    ("directory", "uid", "place"),
    [
        (default(0), 0, "/var/lib/watchdog-tools/pause"),
        ("/srv/state", 0, "/srv/state/pause"),
        ("/home/a/.local/state/watchdog-tools", 1000, "/home/a/.local/state/watchdog-tools/pause"),
        (default(0), 1000, "/run/watchdog-tools/pause"),
    ],
)
def test_the_place_is_a_function_of_directory_and_owner(directory: str, uid: int, place: str) -> None:
    """Root's default outlives a reboot, however the directory was named; every other place is inside the directory."""
    assert statedir.pause_directory(directory, uid) == place
    assert statedir.pause_levels(place, default=False) == (place == "/var/lib/watchdog-tools/pause")


def test_present_is_said_of_whatever_lies_there(tmp_path: Path) -> None:
    """A file, a link to nowhere; who reads it decides whether it counts. Nothing there, or no place, is none."""
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    assert statedir.pause_present(str(tmp_path), "file")
    assert statedir.pause_present(str(tmp_path), "link")
    assert not statedir.pause_present(str(tmp_path), "web")
    assert not statedir.pause_present(str(tmp_path / "absent"), "web")
    assert not statedir.pause_present(str(tmp_path / "file"), "web")
    assert statedir.pause_present(str(tmp_path), "x" * 300), "what cannot be asked is not denied"


def test_present_is_one_system_call(tmp_path: Path) -> None:
    """It is asked every minute of every day, and nearly always in vain."""
    need_works("strace", "-qq", "-o", "/dev/null", "true")
    ask = "from watchdog_tools.state import pause_present"
    code = f"import os; {ask}; os.getppid(); pause_present({str(tmp_path)!r}, 'w')"
    trace = tmp_path / "trace"
    subprocess.run([need("strace"), "-qq", "-o", trace, sys.executable, "-I", "-c", code], check=True)
    calls = trace.read_text().partition("getppid(")[2].splitlines()[1:]
    assert f"{tmp_path}/w" in calls[0]
    assert not [call for call in calls[1:] if str(tmp_path) in call or "/watchdog_tools/" in call]
