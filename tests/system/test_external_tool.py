"""Tools of the system: found where cron's PATH does not lead, and heard within bounds."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from helpers import fair_clock

from watchdog_tools.system import external_tool


def test_both_streams_and_the_code() -> None:
    """In the plainest locale, and in the root directory, as a start command runs."""
    said = external_tool.ask(("/bin/sh", "-c", "pwd; echo $LC_ALL; echo bad >&2; exit 3"))
    assert (said.code, said.out, said.err) == (3, b"/\nC\n", b"bad\n")


def test_a_flood_is_cut() -> None:
    """Neither stream fills our memory, nor stops the tool."""
    said = external_tool.ask(("/bin/sh", "-c", "head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2; exit 1"))
    assert (said.code, len(said.out), len(said.err)) == (1, 65536, 65536)


def test_what_it_leaves_behind_does_not_hold_us(starts_services: str) -> None:
    """A child in the background has both pipes open."""
    assert starts_services
    begun = fair_clock.now()
    said = external_tool.ask(("/bin/sh", "-c", "sleep 1000 & echo done"))
    assert (said.code, said.out) == (0, b"done\n")
    assert fair_clock.now() - begun < 5


def test_a_limit_ends_it() -> None:
    """The tool is gone, and nothing is told."""
    said = external_tool.ask(("/bin/sh", "-c", "echo early; exec sleep 1000"), 0.2)
    assert (said.code, said.out, said.err) == (None, b"", b"")


def test_it_cannot_run() -> None:
    """The caller has the words for that."""
    with pytest.raises(FileNotFoundError):
        external_tool.ask(("/no/such/tool",))


def test_where_tools_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In PATH, where systems keep them, and beside our own interpreter; never in the current directory."""
    places = {name: tmp_path / name for name in ("path", "beside", "current")}
    for place, names in (("path", ["wdt-a"]), ("beside", ["wdt-a", "wdt-b", "sh"]), ("current", ["wdt-c"])):
        places[place].mkdir()
        for name in names:
            (places[place] / name).touch(0o755)
    monkeypatch.setattr(sys, "executable", str(places["beside"] / "python"))
    monkeypatch.chdir(places["current"])
    monkeypatch.setenv("PATH", f":{places['path']}")
    assert external_tool.find("wdt-a") == str(places["path"] / "wdt-a")
    assert external_tool.find("wdt-b") == str(places["beside"] / "wdt-b")
    assert external_tool.find("sh") in ("/usr/bin/sh", "/bin/sh")
    assert external_tool.find("wdt-c") is None


@pytest.mark.root(reason="a rule for root alone")
def test_root_passes_over_a_tool_that_others_could_replace(public_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of nobody's in front of PATH: what lies there is not asked, and not run as root."""
    theirs = public_path / "sh"
    theirs.write_text("#!/bin/sh\n")
    theirs.chmod(0o755)
    monkeypatch.setenv("PATH", f"{public_path}:/usr/bin:/bin")
    assert external_tool.find("sh") == str(theirs)
    os.chown(public_path, 65534, 65534)
    assert external_tool.find("sh") == "/usr/bin/sh"
