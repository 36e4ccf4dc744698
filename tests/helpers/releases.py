"""An earlier release of ours, built from the version control, and installed without a network."""

from __future__ import annotations

import compileall
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

# The last commit before the form of the state changed: who changes that form again names the commit before the change.
EARLIER = "0f40c7ebdd5cd79a62283a9f27efd7bc37e8e219"
PROJECT = Path(__file__).parent.parent.parent


def unavailable() -> str:
    """Return why the earlier release cannot be built here, empty if it can."""
    if shutil.which("git") is None:
        return "git is not installed"
    done = subprocess.run([*_git(), "cat-file", "-e", EARLIER], capture_output=True, text=True, check=False)
    return f"the commit {EARLIER[:7]} is not here: {done.stderr.strip()}" if done.returncode else ""


def build(place: Path) -> Path:
    """Install the earlier release below `place`, with the libraries of this interpreter; return where its commands are.

    Its own package comes first in the path, the libraries behind it.
    """
    words = [*_git(), "archive", EARLIER, "watchdog_tools", "bin"]
    archive = subprocess.run(words, capture_output=True, check=True).stdout
    (place / "source").mkdir(parents=True)
    subprocess.run(["tar", "-x", "-C", place / "source"], input=archive, check=True)
    venv.create(place, symlinks=True, with_pip=False)
    library = next((place / "lib").glob("python3.*/site-packages"))
    shutil.copytree(place / "source" / "watchdog_tools", library / "watchdog_tools")
    compileall.compile_dir(library, quiet=2)
    (library / "libraries.pth").write_text("".join(f"{sysconfig.get_path(kind)}\n" for kind in ("purelib", "platlib")))
    for script in (place / "source" / "bin").iterdir():
        _, _, text = script.read_text().partition("\n")
        (place / "bin" / script.name).write_text(f"#!{place}/bin/python\n{text}")
        (place / "bin" / script.name).chmod(0o755)
    return place / "bin"


def _git() -> list[str]:
    return ["git", "-c", f"safe.directory={PROJECT}", "-C", str(PROJECT)]
