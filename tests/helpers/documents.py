"""What the documents show: help pages, command lines and links, as they stand in the Markdown."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import watchdog_tools as registry

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCUMENTS = (*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md")))
COMMANDS = registry.scripts()
VERBS = registry.subcommands("watchdog-tools")
NAME = r"(?<=<!-- help: )(?P<name>[a-z-]+(?: [a-z]+)?)"
HELP = re.compile(NAME + r"(?P<open> -->\n+```\w*\n)(?P<page>.*?)(?=```)", re.DOTALL)
FENCE = re.compile(r"^```(?P<kind>\w*)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
# Help, version and completion are click's by design.
FOR_CLICK = {"-h", "--help", "-V", "--version"}
_SHELL = {"sh", "shell", "bash", "crontab", "ini", "dockerfile", "cfg"}


def shown() -> Iterator[list[str]]:
    """Yield each command line of ours that stands in the documents, crontab.d or scripts."""
    for document in DOCUMENTS:
        for match in FENCE.finditer(HELP.sub("", document.read_text())):
            if match["kind"] in _SHELL:
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
    """Tell a command of ours from a directory of its name, as /run/watchdog-tools is: a verb follows it.

    Where another path of ours follows, both are files that somebody links or removes.
    """
    name = Path(word).name
    if rest and "/" in rest[0] and Path(rest[0]).name in COMMANDS:
        return False
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
