"""The registry: what it says of a name, and of one that it does not know."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

import watchdog_tools as registry
from watchdog_tools import ADMIN, CHECK, KEEPER, PROCESS, SERVICE, kind, tells
from watchdog_tools.cli.share import files


@pytest.mark.parametrize(
    ("name", "is_", "says"),
    [
        ("check-process", CHECK, PROCESS),
        ("check-http", CHECK, SERVICE),
        ("ensure-running", KEEPER, ""),
        ("watchdog-tools status", ADMIN, ""),
        ("/usr/lib/nagios/plugins/check_disk", "", PROCESS),
    ],
)
def test_what_a_name_is(name: str, is_: str, says: str) -> None:
    """A program of others may tell anything, also whether an instance exists: its UNKNOWN vetoes."""
    assert (kind(name), tells(name)) == (is_, says)


def test_a_verb_is_a_command_of_its_own() -> None:
    """But no program."""
    assert registry.subcommands("watchdog-tools")[:2] == ("status", "pause")
    assert registry.subcommands("check-http") == ()
    assert "watchdog-tools" in registry.scripts()
    assert "watchdog-tools status" not in registry.scripts()
    assert {table for _, _, table in registry.COMMANDS.values()} >= {"checks.process", "admin.verbs.status"}


def test_every_program_is_shipped() -> None:
    """Each has a script, which the wheel installs; no other has. Documents and parsers have tests of their own."""
    root = Path(__file__).parents[1]
    shipped = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    expected = {f"bin/{name}": name for name in registry.scripts()}
    assert shipped["shared-scripts"] == expected
    assert {path.name for path in (root / "bin").iterdir()} == {*registry.scripts()}
    for name in registry.scripts():
        assert f'start("{name}")' in (root / "bin" / name).read_text()


def test_man_pages_and_completion_are_installed() -> None:
    """Where man and the shells look: those of the tables, and all of them, as the build wrote them."""
    share = Path(sys.prefix, "share")
    expected = files()
    assert len(expected) == 4 * len(registry.scripts())
    assert {name: text for name, text in expected.items() if (share / name).read_text() != text} == {}
