"""The typed options of each command that has its own: mypy knows the names that its table declares, and no others."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from watchdog_tools import CHECK, COMMANDS, checks, kind, outputs
from watchdog_tools.cli import values
from watchdog_tools.cli.command import find
from watchdog_tools.cli.common_options import check_options, common
from watchdog_tools.outputs import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchdog_tools.cli.command import Option

SOURCES = Path(checks.__file__).parent.parent


def fields(module: str, name: str) -> dict[str, str]:
    """Return the fields that a TypedDict declares, with their types as written: it is there for mypy alone."""
    path = SOURCES.parent.joinpath(*module.split("."))
    tree = ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name]
    assert len(found) == 1, f"{name} of {module}"
    return {
        each.target.id: ast.unparse(each.annotation)
        for each in found[0].body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }


def choices(option: Option) -> str:
    """Return the type of an option that has a few values to choose from."""
    return f"Literal[{', '.join(map(repr, option.kind.split('|')))}]"


def mistyped(options: Iterable[Option], typed: dict[str, str]) -> list[str]:
    """Return the options with choices whose type does not name these, and types that name choices of no such option."""
    table = {option.name: choices(option) for option in options if "|" in option.kind and option.name in typed}
    said = {name: words for name, words in typed.items() if "Literal" in words}
    return sorted(name for name in table.keys() | said.keys() if table.get(name) != said.get(name))


@pytest.mark.parametrize("name", [name for name in COMMANDS if kind(name) == CHECK])
def test_mypy_knows_the_options_of_a_check(name: str) -> None:
    """An option of its table is a field of its Values, so that a misspelt name is an error of types."""
    table = find(name)
    of_all = {option.name for option in (*common(), *check_options(""))}
    own = {option.name for option in table.options} - of_all
    module = f"watchdog_tools.{COMMANDS[name][2]}"
    is_folder = SOURCES.parent.joinpath(*module.split(".")).is_dir()
    typed = fields(f"{module}.values" if is_folder else module, "Values") if own else {}
    assert typed.keys() == own
    assert mistyped(table.options, typed) == []


def test_mypy_knows_what_all_checks_have() -> None:
    """The fields of every check's Values are options of every check, or the words that are none."""
    typed = fields(values.__name__, "CommonValues") | fields(values.__name__, "CheckValues")
    options = (*common(), *check_options(""))
    assert typed.keys() - {"args"} <= {option.name for option in options}
    names = ", ".join(f'"{name}"' for name in FORMATS)
    assert f"{typed['format']} = Literal[{names}]\n" in Path(outputs.__file__).read_text()
    assert mistyped([option for option in options if option.name != "format"], typed) == []


def test_mypy_knows_the_options_of_ensure_running() -> None:
    """The same of the keeper; --for is of no one's concern but the presets'."""
    of_all = fields(values.__name__, "CommonValues").keys() | {"help", "version", "for"}
    options = find("ensure-running").options
    typed = fields("watchdog_tools.ensure_running.values", "Values")
    assert typed.keys() == {option.name for option in options} - of_all
    assert mistyped(options, typed) == []
