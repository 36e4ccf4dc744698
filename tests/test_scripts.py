"""The verbs of scripts/ that a newcomer types first."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from helpers.commands import run

SCRIPTS = Path(__file__).parent.parent / "scripts"


@pytest.mark.slow
def test_try_shows_the_main_job_and_leaves_nothing(leaves_nothing: str, public_path: Path) -> None:
    """A real supervisord is killed, found down, brought back as cron would, and left alone when healthy."""
    place = public_path / leaves_nothing  # it stands in their arguments, so that leftovers are found under env -i too
    place.mkdir()
    ran = run(SCRIPTS / "try", env={**os.environ, "TMPDIR": str(place), "VENV": sys.prefix}, timeout=60)
    assert ran.code == 0, ran.out + ran.err
    assert "All of that was true" in ran.out.splitlines()[-1]
    assert "\x1b" not in ran.out, "colours, but this is no terminal"
    assert list(place.iterdir()) == []


def test_venv_names_the_package_that_is_missing(public_path: Path) -> None:
    """Debian's python3 cannot make virtual environments by itself; one line says what to install."""
    fake = public_path / "python3"
    fake.write_text(f"#!/bin/sh\nexec {sys.executable} -c \"import sys; sys.modules['ensurepip'] = None\n$2\"\n")
    fake.chmod(0o755)
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": str(fake), "VENV": str(public_path / "venv")}
    ran = run(SCRIPTS / "venv", env=environment)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"scripts/venv: {fake} cannot make virtual environments: apt-get install python3-venv\n"


@pytest.mark.parametrize("words", [["--help"], ["dve"], [""], ["dev", "--upgrade"], ["none", "two words"]])
def test_venv_refuses_an_extra_that_there_is_not(public_path: Path, words: list[str]) -> None:
    """One line names the mistake and what is accepted; exit 2, and nothing is made."""
    ran = run(SCRIPTS / "venv", *words, env={"PATH": os.environ["PATH"], "VENV": str(public_path / "venv")})
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"scripts/venv: no extra named '{words[-1]}', use one of: none dev try\n"
    assert list(public_path.iterdir()) == []
