"""What README, crontab.d and scripts show is what the commands do.

`UPDATE_README=1 ./scripts/test tests/test_readme.py` writes each command's --help into the README.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from helpers.commands import run

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
COMMANDS = ("check-process", "check-port", "check-http", "ensure-running", "watchdog-tools")
VERBS = ("status", "pause", "resume", "stop", "start", "restart")
PAGES = (*COMMANDS, *(f"watchdog-tools {verb}" for verb in VERBS))
NAME = r"(?<=<!-- help: )(?P<name>[a-z-]+(?: [a-z]+)?)"
HELP = re.compile(NAME + r"(?P<open> -->\n+```\w*\n)(?P<page>.*?)(?=```)", re.DOTALL)
FENCE = re.compile(r"^```(?P<kind>\w*)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
# Help, version and completion are click's by design.
FOR_CLICK = {"-h", "--help", "-V", "--version"}
PARSE = """
import json, sys
from watchdog_tools.cli import fast
from watchdog_tools.cli.inner import find
from watchdog_tools.cli.verbs import chosen
lines = json.load(sys.stdin)
handed = [line for line in lines if fast.parse(*chosen(find(line[0]), line[1:])) is None]
print(json.dumps({"handed to click": handed, "loaded": "click" in sys.modules}))
"""


def test_readme_has_the_help_of_each_command() -> None:
    """A help page in the README that has gone stale teaches options that do not exist."""
    old = README.read_text()
    new = HELP.sub(lambda m: m["name"] + m["open"] + run(*m["name"].split(), "--help").out, old)
    if os.environ.get("UPDATE_README") == "1":
        README.write_text(new)
    assert sorted(match["name"] for match in HELP.finditer(old)) == sorted(PAGES)
    assert README.read_text() == new, "renew it: UPDATE_README=1 ./scripts/test tests/test_readme.py"


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


def shown() -> Iterator[list[str]]:
    """Yield each command line of ours that stands in README, crontab.d or scripts."""
    for match in FENCE.finditer(HELP.sub("", README.read_text())):
        if match["kind"] in {"sh", "shell", "bash", "crontab"}:
            yield from ours(match["body"])
        elif match["kind"] == "console":
            yield from ours("\n".join(re.findall(r"^[$#] (.*)", match["body"], re.MULTILINE)))
    for path in sorted(ROOT.glob("crontab.d/*")):
        yield from ours(path.read_text().replace("\\%", "%"))
    for path in sorted(ROOT.glob("scripts/*")):
        if re.match(r"#!.*\b(ba)?sh\n", path.read_text()):
            yield from ours(path.read_text())


def ours(text: str) -> Iterator[list[str]]:
    """Yield the command lines of ours in a piece of shell; also those inside quotes."""
    for line in text.replace("\\\n", " ").splitlines():
        if any(name in line for name in COMMANDS) and not re.match(r"\s*(#|for |case )", line):
            for words in simple_commands(line):
                starts = [i for i, word in enumerate(words) if is_ours(word, words[i + 1 :])]
                if starts and not FOR_CLICK & set(words):
                    found = words[starts[0] :]
                    yield [Path(found[0]).name, *found[1:]]
                for word in words:
                    if " " in word:
                        yield from ours(word)


def is_ours(word: str, rest: list[str]) -> bool:
    """Tell a command of ours from a directory of its name, as /run/watchdog-tools is: a verb follows it."""
    name = Path(word).name
    return name in COMMANDS and (name != "watchdog-tools" or rest[:1] in [[verb] for verb in VERBS])


def simple_commands(line: str) -> Iterator[list[str]]:
    """Split a shell line at its operators; a redirection ends a command as far as we look."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        for word in lexer:
            if word[:1] == "#":
                break
            if word and set(word) <= set("();<>|&"):
                if word[0] in "<>" and words and words[-1].isdigit():
                    words.pop()  # the 2 of 2>
                yield words
                words = []
            else:
                words.append(word)
    except ValueError:  # a quote that goes on in the next line
        return
    yield words
