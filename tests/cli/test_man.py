"""The man pages: what the tables say, in correct roff, and found by man beside a `bin` on PATH."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from helpers.commands import run
from helpers.components import need

from watchdog_tools import CHECK, COMMANDS, kind, scripts, subcommands
from watchdog_tools.cli.command import find

FILES = Path(sys.prefix, "share/man/man1")
BEFORE = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT"]
BEHIND = ["EXAMPLES", "SEE ALSO"]
PLAIN = str.maketrans("\N{RIGHT SINGLE QUOTATION MARK}", "'", "`")
EACH_PAGE = pytest.mark.parametrize("name", scripts())


@EACH_PAGE
@pytest.mark.parametrize(
    "checker", ["groff -man -ww -Tutf8 -z", "man --warnings -E UTF-8 -l -Tutf8 -Z", "mandoc -T lint -W all", "lexgrog"]
)
def test_the_roff_is_correct(name: str, checker: str) -> None:
    """No checker has a word to say, nor apropos about the name."""
    program, *words = checker.split()
    ran = run(need(program), *words, FILES / f"{name}.1", env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
    said = "" if words[-1:] in (["-Z"], []) else ran.out
    assert (ran.code, said, ran.err) == (0, "", ""), ran
    assert program != "lexgrog" or f'"{name} - ' in ran.out


@EACH_PAGE
def test_man_finds_the_installed_page(name: str, tmp_path: Path) -> None:
    """With the commands' directory on PATH, and nothing else said; options are ASCII, to be copied and searched for."""
    env = {"PATH": f"{sys.prefix}/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "200", "HOME": str(tmp_path)}
    files = ["FILES"] * (kind(name) != CHECK)
    ran = run(need("man"), "-P", "cat", name, env=env)
    assert (ran.code, ran.err) == (0, ""), ran
    assert [line for line in ran.out.splitlines() if line[:1].isupper()][1:] == [*BEFORE, *files, *BEHIND]
    text = " ".join(ran.out.split())
    tables = [find(f"{name} {verb}") for verb in subcommands(name)] or [find(name)]
    for table in tables:
        for option in table.options:
            assert f"{', '.join(option.flags)} {option.metavar}".strip() in text
            assert option.help.translate(PLAIN) in text.translate(PLAIN)
        for line, _ in table.examples:
            assert line in text


def test_the_verbs_stand_in_the_order_of_use(tmp_path: Path) -> None:
    """As an operator needs them: look, stop, start; help and version at last."""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    ran = run(need("man"), "-P", "cat", FILES / "watchdog-tools.1", env=env)
    synopsis = ran.out.partition("SYNOPSIS")[2].partition("DESCRIPTION")[0]
    verbs = [line.split()[1] for line in synopsis.splitlines() if line.strip()]
    assert verbs[:6] == ["status", "stop", "start", "restart", "pause", "resume"]
    assert verbs[-2:] == ["help", "version"]
    assert {*subcommands("watchdog-tools")} == {*verbs[:-2]}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_each_value_is(name: str) -> None:
    """D, RANGE and STATE where an option has them, and where more is to be read."""
    page = run(*name.split(), "--help").out
    program = name.partition(" ")[0]
    rows = page.partition("\nValues:\n")[2].partition("\n\n")[0]
    words = {word for option in find(name).options for word in re.findall("[A-Z]+", option.metavar)}
    assert set(re.findall(r"^  ([A-Z]+) ", rows, re.MULTILINE)) == words & {"D", "RANGE", "STATE"}
    assert f"docs/{program}.md" in page
    assert f"man {program};" in page
