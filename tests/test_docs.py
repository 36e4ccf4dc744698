"""The documents: help pages are those of the commands, links lead somewhere, and what is cited is there.

`UPDATE_DOCS=1 ./scripts/test tests/test_docs.py` writes each command's --help into docs/.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.commands import run
from helpers.documents import COMMANDS, DOCUMENTS, FENCE, HELP, ROOT, shown

import watchdog_tools as registry
from watchdog_tools import core
from watchdog_tools.cli.command import find

PROMISES = ROOT / "docs" / "promises.md"
PARSE = """
import json, sys
from watchdog_tools.cli import fast_parser
from watchdog_tools.cli.command import find
from watchdog_tools.cli.subcommands import select
lines = json.load(sys.stdin)
handed = [line for line in lines if fast_parser.parse(*select(find(line[0]), line[1:])) is None]
print(json.dumps({"handed to click": handed, "loaded": "click" in sys.modules}))
"""
# What may cite a promise, a case, a test or a file: `P3`, `case 184`, `cases 11 and 132`, `test_case_65_68_...`.
PROMISE = re.compile(r"\bP\d+b?\b")
CASES = re.compile(r"\b[Cc]ases? (\d+(?:(?:-|, | and | to )\d+)*)")
TEST = re.compile(r"\btest_(?:case_)?((?:\d+_)+)")
NAMED_TEST = re.compile(r"`(test_\w+)(…?)(?:\[[^`]*\])?`")
OF_THE_TREE = re.compile(r"`(?:\./)?((?:tests|scripts|docs|crontab\.d|watchdog_tools|bin|\.ci)/[\w./*-]+)")
CITING = ("watchdog_tools/**/*.py", "tests/**/*.py", "docs/*.md", "*.md", "scripts/*", "bin/*", "crontab.d/*")
ELSEWHERE = re.compile(r"\bdesign \d|house\.md|hostile-cases|\bshared/")


def page(name: str) -> Path:
    """Return the page on which a command is documented: a verb stands with its program."""
    return ROOT / "docs" / f"{name.partition(' ')[0]}.md"


def test_each_command_has_its_help_on_its_page() -> None:
    """A help page that has gone stale teaches options that do not exist."""
    for path in {page(name) for name in registry.COMMANDS}:
        assert path.is_file(), f"{path} is missing"
        old = path.read_text()
        new = HELP.sub(lambda m: m["name"] + m["open"] + run(*m["name"].split(), "--help").out, old)
        if os.environ.get("UPDATE_DOCS") == "1":
            path.write_text(new)
        expected = sorted(name for name in registry.COMMANDS if page(name) == path)
        assert sorted(match["name"] for match in HELP.finditer(old)) == expected, path
        assert path.read_text() == new, "renew it: UPDATE_DOCS=1 ./scripts/test tests/test_docs.py"
    assert not [path for path in DOCUMENTS if path.stem not in COMMANDS and HELP.search(path.read_text())]


def test_every_line_shown_takes_the_fast_path() -> None:
    """The start-up figures are those of the lines that users copy, so none may need click."""
    lines = list(shown())
    assert {line[0] for line in lines} == set(COMMANDS)
    ran = run(sys.executable, "-I", "-c", PARSE, input=json.dumps(lines))
    assert json.loads(ran.out or "null") == {"handed to click": [], "loaded": False}, ran.err


def test_harmless_lines_run_without_click() -> None:
    """The whole command, not the parser alone, gets by without it."""
    harmless = [line for line in shown() if line[0] == "check-process"]
    assert harmless
    for line in harmless:
        command = str(Path(sys.prefix, "bin", line[0]))
        ran = run(sys.executable, "-X", "importtime", command, *line[1:], cwd="/")
        assert "watchdog_tools.cli.guard" in ran.err, ran
        assert "click" not in ran.err, line


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.*)", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def links(text: str) -> Iterator[str]:
    """Yield the targets of the links in a document, but for what leads out of the project."""
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text)):
        if not target.startswith(("http://", "https://")):
            yield target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_resolves(document: Path) -> None:
    """File and heading."""
    for target in links(document.read_text()):
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        assert path.exists(), target
        assert not anchor or anchor in anchors(path.read_text()), f"{target}: no such heading"


def test_the_installation_page_names_what_we_require() -> None:
    """Each package, and how many wheels a wheelhouse has with ours."""
    text = (ROOT / "docs" / "install.md").read_text()
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    counts = {5: "five", 6: "six", 7: "seven", 8: "eight"}
    assert f"({counts[len(needs) + 1]} wheels," in text
    (named,) = re.findall(r"; ([\w, ]+) come with it", text)
    assert set(re.findall(r"\w+", named)) - {"and"} == {re.split(r"\W", each)[0] for each in needs}


def test_every_page_is_linked() -> None:
    """Who begins at the README finds all of docs/; a link to a directory leads to all pages in it."""
    seen, ahead = set(), [ROOT / "README.md"]
    while ahead:
        document = ahead.pop()
        seen.add(document)
        found = {(document.parent / target.partition("#")[0]).resolve() for target in links(document.read_text())}
        found |= {page for path in found for page in path.glob("*.md")}
        ahead += [path for path in found if path in DOCUMENTS and path not in seen]
    assert {*DOCUMENTS} <= seen


def citing() -> Iterator[tuple[str, str]]:
    """Yield the name and text of each file that may cite."""
    for pattern in CITING:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file() and path != Path(__file__):
                yield path.relative_to(ROOT).as_posix(), path.read_text()


def cases_cited(text: str) -> set[int]:
    """Return the numbers of cases in a text."""
    found = {int(number) for match in CASES.finditer(text) for number in re.findall(r"\d+", match[1])}
    return found | {int(number) for match in TEST.finditer(text) for number in match[1].strip("_").split("_")}


def test_every_citation_resolves() -> None:
    """A promise or a case that code, tests or documents name is told in docs/promises.md."""
    told = PROMISES.read_text()
    promises = set(re.findall(r"^\| (P\d+b?) \|", told, re.MULTILINE))
    cases = {int(number) for number in re.findall(r"^\| (\d+) \|", told, re.MULTILINE)}
    assert len(promises) == 11
    assert len(cases) > 130
    dangling = [
        (name, sorted({*PROMISE.findall(text)} - promises), sorted(cases_cited(text) - cases), ELSEWHERE.findall(text))
        for name, text in citing()
    ]
    assert [each for each in dangling if any(each[1:])] == []


def test_every_case_is_tested_or_said_not_to_be() -> None:
    """Else the list promises what nobody holds."""
    told, _, untested = PROMISES.read_text().partition("## Hostile cases that the suite")
    cases = {int(number) for number in re.findall(r"^\| (\d+) \|", told, re.MULTILINE)}
    tests = [text for name, text in citing() if name.startswith("tests/") and "/helpers/" not in name]
    tested = {number for text in tests for number in cases_cited(text)}
    excused = set[int]()
    for first in re.findall(r"^\| ([^|]*)\|", untested, re.MULTILINE):
        excused |= {int(number) for number in re.findall(r"\d+", first)}
        for low, high in re.findall(r"(\d+) to (\d+)", first):
            excused |= {*range(int(low), int(high) + 1)}
    assert sorted(cases - tested - excused) == []


def test_every_test_and_file_that_is_named_exists() -> None:
    """Documents name tests as their evidence, and files of the tree."""
    defined = {name for _, text in citing() for name in re.findall(r"\bdef (test_\w+)", text)}
    for document in DOCUMENTS:
        text = document.read_text()
        for name, cut in NAMED_TEST.findall(text):
            found = name in defined or (cut and any(each.startswith(name) for each in defined))
            assert found or list(ROOT.glob(f"tests/**/{name}.py")), f"{document.name}: {name}"
        for path in OF_THE_TREE.findall(text):
            assert list(ROOT.glob(path.rstrip("."))), f"{document.name}: {path}"


def test_every_detail_is_documented(tmp_path: Path) -> None:
    """The keys of JSON are an API, told on its page or on that of the command."""
    json_of = ("-o", "json")
    lines = [
        ("check-process", *json_of, "-m", "RSS", "python3"),
        ("check-port", *json_of, "127.0.0.1:1", f"{tmp_path}/none"),
        ("check-http", *json_of, "http://127.0.0.1:1/"),
        ("ensure-running", *json_of, "web", "--state-dir", str(tmp_path), "--dry-run", "--", "/bin/sleep", "60"),
        ("watchdog-tools", "pause", *json_of, "web", "-s", str(tmp_path)),
        ("watchdog-tools", "status", *json_of, "-s", str(tmp_path)),
    ]
    others = [
        name for name in COMMANDS if registry.kind(name) == registry.CHECK and name not in {line[0] for line in lines}
    ]
    lines += [(*shlex.split(line), *json_of, "-t", "1") for name in others for line, _ in find(name).examples]
    for line in lines:
        documented = (ROOT / "docs" / "json.md").read_text() + page(line[0]).read_text()
        said_of = run(*line).out.splitlines()
        assert said_of, line
        for said in said_of:
            found = json.loads(said)
            nested = [key for each in found["details"].get("targets", ()) for key in each]
            keys = {*found, *found["details"], *nested, *(key for metric in found["metrics"] for key in metric)}
            assert {key for key in keys if f"`{key}`" not in documented} == set(), line


@pytest.mark.parametrize(("name", "most"), [("README.md", 250), ("CONTRIBUTING.md", 100)])
def test_what_is_read_first_is_short(name: str, most: int) -> None:
    """What does not fit has a page of its own."""
    assert len((ROOT / name).read_text().splitlines()) <= most


@pytest.mark.parametrize("document", ["README.md", "docs/common.md"])
def test_the_table_of_exit_codes_is_the_one_of_the_code(document: str) -> None:
    """Exit codes are an API; what is in brackets behind a code is another option's."""
    told = (ROOT / document).read_text().partition("## Exit codes\n")[2]
    table = re.findall(r"(?:^\|.*\n)+", told, re.MULTILINE)[0]
    rows = [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in table.splitlines()[2:]]
    states = {name: core.NAMES.index(name) for name in core.NAMES}
    others = {
        "pending": (core.OK, "pending"),
        "repairing": (core.WARNING, "repairing"),
        "wrong": (core.UNKNOWN, "usage"),
    }
    assert len(rows) == len(states) + len(others)
    for what, *codes in rows:
        word = re.findall(r"\w+", what)[0]
        state, reason = (states[word], "") if word in states else others[word]
        shown_codes = {style: int(code[0]) for style, code in zip(core.STYLES, codes, strict=True)}
        assert shown_codes == {style: core.exit_code(style, state, reason) for style in core.STYLES}, what
