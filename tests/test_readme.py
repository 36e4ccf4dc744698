"""What the README shows is what happens: each command line in it is typed on a machine of its own.

The installation is in tests/test_install.py.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import components
from helpers.components import NOBODY
from helpers.documents import COMMANDS, FENCE, README, ours
from helpers.machine import Machine, machine

TEXT = README.read_text()
# What may differ from one run to the next: time, pid and port, and the blanks that keep columns in line.
VARIES = [
    (r"\bpid \d+", "pid N"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "DATE"),
    (r"\b\d+(\.\d+)? (µs|us|ms|s|min|h)\b", "TIME"),
    (r"time=[\d.]+s", "time=TIME"),
    (r":\d{2,5}\b", ":PORT"),
    (r" {2,}", "  "),
]


def same(text: str) -> str:
    """Return a text without what varies."""
    for pattern, word in VARIES:
        text = re.sub(pattern, word, text)
    return text.rstrip("\n")


def blocks(*kinds: str) -> Iterator[str]:
    """Yield the README's blocks of these kinds."""
    yield from (match["body"] for match in FENCE.finditer(TEXT) if match["kind"] in kinds)


@pytest.fixture
def there() -> Iterator[Machine]:
    """A machine of its own."""
    with machine() as made:
        yield made


def steps(block: str) -> list[tuple[str, str]]:
    """Return what is typed in a console block, and what is said to that."""
    found: list[tuple[str, str]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        else:
            typed, said = found[-1]
            found[-1] = (typed, f"{said}{line}\n")
    return found


@pytest.mark.root(reason="makes a machine of its own")
@pytest.mark.parametrize("user", ["root", "an ordinary user"])
def test_what_is_typed_says_what_is_shown(there: Machine, user: str) -> None:
    """Line by line; where a pid is typed, it is the one that was said."""
    become = "" if user == "root" else f"exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups sh -c "
    (block,) = blocks("console")
    shown = steps(block)
    assert 6 <= len(shown) <= 7
    pids: dict[str, str] = {}  # as the README has them -> as they are
    for typed, expected in shown:
        line = re.sub(r"\d+$", lambda match: pids.get(match[0], match[0]), typed)
        ran = there.type(become + shlex.quote(line) if become else line)
        assert (same(ran.out), ran.err, ran.code) == (same(expected), "", 0), typed
        pids.update(zip(re.findall(r"\bpid (\d+)", expected), re.findall(r"\bpid (\d+)", ran.out), strict=True))


def lines(kind: str) -> list[str]:
    """Return the command lines in the blocks of a kind, as whoever reads that file executes them."""
    found = []
    for block in blocks(kind):
        for line in block.splitlines():
            if match := re.match(r"\* \* \* \* \* root (.*)|.*?(?:=|,)(/usr/local/bin/.*)", line):
                found.append((match[1] or match[2]).replace("\\%", "%"))
            elif match := re.match(r"HEALTHCHECK .* CMD (\[.*\])", line):
                found.append(" ".join(json.loads(match[1])))
    return [line for line in found if next(ours(line), None)]


@pytest.mark.root(reason="makes a machine of its own")
def test_cron_s_lines_keep_a_service(there: Machine) -> None:
    """Started by the first, left alone by the next minute's, back after a kill; a watch acts at once."""
    plain, watched = (line for line in lines("crontab") if "/opt/web/bin/server" in line)
    assert "started web" in there.type(plain).out
    assert (there.type(plain).out, there.type(plain).code) == ("", 0)
    kill = "pkill -9 -f '[h]ttp.server'"
    assert there.type(kill).code == 0
    assert "restarted web" in there.type(plain).out
    # a second restart within --remind would only be counted
    watch = watched.replace("--watch 60s", "--watch 6s --remind 1s")
    assert watch != watched
    ran = there.type(f"({watch}) & sleep 1; {kill}; wait", timeout=40)
    assert "meanwhile" in ran.out
    assert there.type("check-http http://127.0.0.1:8080/").code == 0


@pytest.mark.root(reason="makes a machine of its own")
def test_cron_s_line_keeps_supervisord(there: Machine) -> None:
    """The README's first line, with a real supervisord in the place of Debian's; it is silent the next minute."""
    (line,) = (line for line in lines("crontab") if "supervisord" in line)
    real = f'#!/bin/sh\nexec {sys.prefix}/bin/supervisord -c /etc/supervisord.conf "$@"\n'
    conf = "[supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=/run/supervisord.pid\n"
    for path, text in (("/usr/bin/supervisord", real), ("/etc/supervisord.conf", conf)):
        assert there.type(f"printf %s {shlex.quote(text)} >{path} && chmod 755 {path}").code == 0
    ran = there.type(line)
    assert "started supervisord" in ran.out, ran
    ran = there.type(line)
    assert (ran.out, ran.code) == ("", 0)


@pytest.mark.root(reason="makes a machine of its own")
def test_cron_s_line_for_a_unit_asks_systemd(there: Machine) -> None:
    """There is none here: it says so, and does nothing."""
    (line,) = (line for line in lines("crontab") if "--systemd" in line)
    ran = there.type(line)
    assert ran.code == 1
    assert "cannot ask systemd about nginx.service" in ran.out
    assert "nothing started" in ran.out


@pytest.mark.root(reason="makes a machine of its own")
@pytest.mark.parametrize("kind", ["dockerfile", "cfg", "ini"])
def test_each_consumer_s_lines_give_a_verdict(there: Machine, kind: str) -> None:
    """Beside the very service that cron's or the timer's line keeps; and once it is down."""
    keep = next(line for line in lines("ini") if "ensure-running" in line)
    assert there.type(keep).code == 0
    wanted = [line for line in lines(kind) if line != keep]
    assert wanted
    for line in wanted:
        ran = there.type(line)
        assert (ran.code, ran.err, ran.out.count("\n")) == (0, "", 1), ran
    assert there.type("/usr/local/bin/watchdog-tools stop web").code == 0
    for line in wanted:
        ran = there.type(line)
        assert (ran.code != 0) == ("zabbix" not in line and "--of" not in line), ran
        assert ran.err == "", ran
        assert "zabbix" not in line or float(ran.out) == 0, ran


def test_every_line_is_of_a_kind_that_is_typed() -> None:
    """No block escapes the tests: each line of ours stands in one of the kinds above, or in a list of its own."""
    kinds = {"console", "crontab", "dockerfile", "cfg", "ini"}
    elsewhere = ["sh"]  # the installation: tests/test_install.py
    for match in FENCE.finditer(TEXT):
        assert match["kind"] in {*kinds, *elsewhere}, match["body"]
    typed = [line for kind in ("crontab", "dockerfile", "cfg", "ini") for line in lines(kind)]
    assert len(lines("crontab")) == 4  # one test each
    named = [line for block in blocks("crontab", "dockerfile", "cfg", "ini") for line in block.splitlines()]
    shown = [line for line in named if any(f"/{name} " in line or f'/{name}"' in line for name in COMMANDS)]
    assert len(typed) == len(shown)


@pytest.mark.root(reason="makes a machine of its own")
def test_the_units_are_units(there: Machine) -> None:
    """As systemd reads them, without a warning."""
    components.need("systemd-analyze")
    (block,) = (block for block in blocks("ini") if "[Timer]" in block)
    files = dict(re.findall(r"^# (/etc/\S+)\n(.*?)(?=^# /etc|\Z)", block, re.MULTILINE | re.DOTALL))
    assert {Path(name).suffix for name in files} == {".service", ".timer"}
    for name, text in files.items():
        assert there.type(f"cat >{name} <<'END'\n{text}END").code == 0
    ran = there.type(f"systemd-analyze verify {' '.join(files)}")
    assert (ran.out, ran.err, ran.code) == ("", "", 0), ran
