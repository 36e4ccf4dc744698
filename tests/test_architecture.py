"""The tree is the data flow: layers, homes of libraries, sizes, and what an import may cost.

All of it is read from the sources; nothing but the registry is imported.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from watchdog_tools import COMMANDS, scripts

PACKAGE = "watchdog_tools"
SOURCE = Path(__file__).parent.parent / PACKAGE

# Who may import whom, besides itself and the package's own module: the version, and the registry of commands.
LAYERS: dict[str, set[str]] = {"package": set(), "core": set()}
LAYERS["system"] = {"core"}
LAYERS["workers"] = {"core", "system"}
LAYERS["net"] = {"core", "system", "workers"}
LAYERS["outputs"] = {"core"}
LAYERS["cli"] = {"core", "system", "workers", "outputs", "state"}
LAYERS["state"] = {"core", "system"}
LAYERS["checks"] = {"core", "system", "workers", "net", "cli", "state"}  # check-heartbeat --of reads what runs leave
LAYERS["actions"] = {"core", "system", "workers", "net", "state"}
LAYERS["ensure_running"] = {*LAYERS}
LAYERS["admin"] = {*LAYERS}
# What the core may use of the standard library: no clock, no I/O, no machine.
PURE = {
    "zlib",
    "__future__",
    "binascii",
    "collections",
    "functools",
    "itertools",
    "json",
    "math",
    "re",
    "shlex",
    "string",
}
# What every command may load before its look: at most 0.5 of bare Python's 38 M instructions each
# (measured with callgrind). A whole check may cost 19; `import re` alone is 25, `socket` 34.
CHEAP = {
    *("__future__", "sys", "os", "time", "posix", "stat", "io", "marshal"),  # loaded already
    *("_signal", "_thread", "errno", "gc", "itertools"),  # built in
    *("binascii", "fcntl", "grp", "math", "pwd", "resource", "select", "syslog"),  # in C
}
# What a command may load besides: the price of its job, within its budget. `socket` stands in for a missing `_socket`.
DEAR = {"check-port": {"_socket", "socket"}, "check-http": {"_socket", "socket", "httptools"}}
ALWAYS = ("cli", "cli.process_setup", "cli.command", "cli.guard", "outputs.text")
# A library, and a costly or private module, is used in one file: what it cannot do and how it fails
# is known there. `_socket` counts as `socket`.
ONE_HOME = ("psutil", "filelock", "httptools", "ssl", "socket")
DYNAMIC = {"cli/command.py", "outputs/__init__.py"}  # a command, and a format, by its name
LONGEST_FILE, LONGEST_FUNCTION = 250, 40


@dataclass(frozen=True)
class Import:
    """One import: the module's whole name, and when it happens."""

    name: str
    line: int
    at_load: bool
    for_types: bool

    @property
    def top(self) -> str:
        """The package that it is of."""
        return self.name.partition(".")[0]

    def __str__(self) -> str:
        return f"line {self.line} imports {self.name}"


class Module:
    """One file of the package, parsed."""

    def __init__(self, path: Path) -> None:
        """Read it."""
        self.path = path.relative_to(SOURCE).as_posix()
        parts = [PACKAGE, *path.relative_to(SOURCE).with_suffix("").parts]
        self.name = ".".join(parts).removesuffix(".__init__")
        self.text = path.read_text()
        self.tree = ast.parse(self.text)
        self.imports = list(_imports(self.tree, at_load=True, for_types=False))
        self.layer = layer(self.name)

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Yield each function, method and inner function."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


def layer(name: str) -> str:
    """Return the layer of a module of ours, by its dotted name."""
    parts = name.split(".")[1:]
    return parts[0] if parts and parts[0] in LAYERS else "package"


def _imports(node: ast.AST, *, at_load: bool, for_types: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for each in child.names:
                yield Import(each.name, child.lineno, at_load, for_types)
        elif isinstance(child, ast.ImportFrom):
            for each in child.names:
                whole = "." * child.level + _whole(child.module or "", each.name)
                yield Import(whole, child.lineno, at_load, for_types)
        else:
            hints = isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
            later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from _imports(child, at_load=at_load and not (later or hints), for_types=for_types or hints)


def _whole(module: str, name: str) -> str:
    """Tell `from package import module` from `from module import thing`."""
    inside = SOURCE.parent.joinpath(*module.split("."), name)
    is_module = module.partition(".")[0] == PACKAGE and (inside.is_dir() or inside.with_suffix(".py").exists())
    return f"{module}.{name}" if is_module else module


MODULES = [Module(path) for path in sorted(SOURCE.rglob("*.py"))]


def none(found: Iterable[tuple[Module, object]]) -> None:
    """Fail with one line for each finding: pytest would shorten a list."""
    lines = [f"{PACKAGE}/{module.path}: {what}" for module, what in found]
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


def test_the_package_is_where_we_look() -> None:
    """An empty list would pass everything."""
    assert "cli/guard.py" in {module.path for module in MODULES}
    assert {module.layer for module in MODULES} == set(LAYERS)


def test_imports_flow_one_way() -> None:
    """As LAYERS says; type hints count, too."""
    none(
        (module, each)
        for module in MODULES
        for each in module.imports
        if each.top == PACKAGE
        and layer(each.name) != module.layer
        and layer(each.name) not in LAYERS[module.layer] | {"package"}
    )


def circles(kinds: Callable[[Import], bool]) -> list[str]:
    """Return the modules that lead back to themselves by imports of that kind."""
    names = {module.name for module in MODULES}
    arrows = {m.name: {e.name for e in m.imports if kinds(e) and e.name in names - {m.name}} for m in MODULES}

    def reached(name: str) -> set[str]:
        found, new = set(), set(arrows[name])
        while new:
            found |= new
            new = {each for known in new for each in arrows[known]} - found
        return found

    return sorted(name for name in names if name in reached(name))


@pytest.mark.parametrize(
    "kinds",
    [lambda each: each.at_load, lambda each: not each.for_types, lambda _each: True],
    ids=["at load", "lazily", "by type hint"],
)
def test_no_import_leads_back(kinds: Callable[[Import], bool]) -> None:
    """What is understood first is imported first: no circle, not even one that only a type checker sees."""
    assert circles(kinds) == []


def test_modules_are_named_in_full() -> None:
    """A relative import would escape the other tests here."""
    none((m, each) for m in MODULES for each in m.imports if each.name[:1] == ".")


def test_the_core_is_pure() -> None:
    """It has no clock and no I/O: `now` is an argument, and its test needs no machine."""
    none(
        (module, each)
        for module in MODULES
        for each in module.imports
        if module.layer == "core" and not each.for_types and each.top not in PURE | {PACKAGE}
    )


def test_a_check_imports_no_other_check() -> None:
    """Only commands combine. A check is one file, or one folder."""

    def check(name: str) -> str:
        return name.removeprefix(f"{PACKAGE}.checks").strip(".").partition(".")[0]

    none(
        (module, each)
        for module in MODULES
        for each in module.imports
        if module.layer == layer(each.name) == "checks" and check(each.name) not in ("", check(module.name))
    )


def test_a_library_has_one_home() -> None:
    """Outside libraries, and the costly and private modules, are used in one file each."""
    for library in ONE_HOME:
        homes = [m for m in MODULES if library in {each.top.lstrip("_") for each in m.imports}]
        none((module, f"{library} has {len(homes)} homes") for module in homes if len(homes) > 1)


def test_click_stays_in_cli() -> None:
    """The face is the only room that knows how a command line is written."""
    homes = [m.path for m in MODULES if "click" in {each.top for each in m.imports}]
    assert all(home.startswith("cli/") for home in homes)


def loaded(command: str) -> list[Module]:
    """Return what is loaded before `command` looks: all that is imported at load, and what that imports."""
    by_name = {module.name: module for module in MODULES}
    names = [f"{PACKAGE}.{name}" for name in (*ALWAYS, COMMANDS[command][2])]
    for name in names:  # grows while it is read
        names += {each.name for each in by_name[name].imports if each.at_load and each.name in by_name} - {*names}
    return [by_name[name] for name in names]


@pytest.mark.parametrize("command", scripts())
def test_what_a_healthy_run_loads_is_cheap(command: str) -> None:
    """Start-up is the price of every check of every minute; what a function imports is its own."""
    none(
        (module, each)
        for module in loaded(command)
        for each in module.imports
        if each.at_load and each.top not in CHEAP | DEAR.get(command, set()) | {PACKAGE}
    )


def test_only_one_place_imports_by_name() -> None:
    """An import that no reader and no test can see is a hole in all of the above."""
    none(
        (module, ast.unparse(node))
        for module in MODULES
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).split(".")[-1] in {"__import__", "import_module", "exec", "eval"}
        and module.path not in DYNAMIC
    )


def test_files_are_small() -> None:
    """A file fits on a few screens."""
    lines = ((module, len(module.text.splitlines())) for module in MODULES)
    none((module, f"{n} lines") for module, n in lines if n > LONGEST_FILE)


def test_functions_are_small() -> None:
    """A function fits on one."""
    none(
        (module, f"{function.name} has {lines} lines")
        for module in MODULES
        for function in module.functions()
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION
    )


def test_every_room_says_its_job() -> None:
    """A module's docstring is its job, in one line first."""
    none(
        (module, "no docstring")
        for module in MODULES
        if not (ast.get_docstring(module.tree) or "").partition("\n")[0].strip()
    )


def test_the_map_is_true() -> None:
    """CONTRIBUTING names each room of the tree, and none that is not there."""
    root = SOURCE.parent
    drawn = (root / "CONTRIBUTING.md").read_text().partition("## The map")[2].partition("\nArrows")[0]
    rooms = set(re.findall(r"^      (\w+)", drawn, re.MULTILINE))
    assert rooms == {"__init__", *(path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists())}
    shipped = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["sdist"]
    directories = {name[1:] for name in shipped["include"] if (root / name[1:]).is_dir()}
    assert set(re.findall(r"^    ([\w.]+)/", drawn, re.MULTILINE)) == directories
