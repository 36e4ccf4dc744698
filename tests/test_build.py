"""The build: man pages and completion are in the wheel, the same from a checkout, from its sdist and a second time."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest
from helpers.commands import run
from helpers.documents import ROOT

from watchdog_tools.cli.share import files


def built(tree: Path, room: Path, target: str) -> Path:
    """Build that target of a tree; what the build wrote for itself is gone afterwards."""
    made, temporary = room / "made", room / "temporary"
    temporary.mkdir(parents=True)
    env = {"PATH": os.environ["PATH"], "TMPDIR": str(temporary)}
    ran = run(f"{sys.prefix}/bin/hatchling", "build", "-t", target, "-d", str(made), cwd=tree, env=env, timeout=60)
    assert (ran.code, list(temporary.iterdir())) == (0, []), ran
    (found,) = made.iterdir()
    return found


def shared(wheel: Path) -> dict[str, str]:
    """Return what a wheel brings for share/, by its path there."""
    with zipfile.ZipFile(wheel) as packed:
        parts = [name.partition(".data/data/share/") for name in packed.namelist()]
        return {name: packed.read(f"{lead}{mark}{name}").decode() for lead, mark, name in parts if mark}


def test_the_wheel_has_man_pages_and_completion(tmp_path: Path) -> None:
    """Those of the tables, the ready files, and no others; the tree stays as it was."""
    before = run("git", "-C", str(ROOT), "status", "--porcelain", "--ignored").out
    ready = {f"watchdog-tools/integrations/{file.name}": file.read_text() for file in (ROOT / "integrations").iterdir()}
    assert shared(built(ROOT, tmp_path, "wheel")) == files() | ready
    assert run("git", "-C", str(ROOT), "status", "--porcelain", "--ignored").out == before


@pytest.mark.slow
def test_a_wheel_is_the_same_wherever_it_is_built(tmp_path: Path) -> None:
    """Byte for byte: from the checkout, and from its sdist under another umask."""
    first = built(ROOT, tmp_path / "first", "wheel").read_bytes()
    source = built(ROOT, tmp_path / "source", "sdist")
    old = os.umask(0o077)
    try:
        assert run("tar", "-xf", str(source), "-C", str(tmp_path)).code == 0
        (tree,) = tmp_path.glob("watchdog_tools-*")
        assert built(tree, tmp_path / "second", "wheel").read_bytes() == first
    finally:
        os.umask(old)
