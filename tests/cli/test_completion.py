"""Completion, as the shells do it: options, choices, verbs and NAMEs, and never an error at a prompt."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers import shells
from helpers.components import need, need_nobody

from watchdog_tools import scripts, subcommands
from watchdog_tools.cli.command import find
from watchdog_tools.outputs import FORMATS

VERBS = [*subcommands("watchdog-tools"), "help", "version"]
EACH_SHELL = pytest.mark.parametrize("shell", shells.SHELLS)
# What a state directory may hold besides: none of it is a NAME, and some would be a command.
ODD = [
    "$(touch acted).record",
    "`touch acted`.record",
    "a b.record",
    "-rf.record",
    ".hidden.record",
    "x;y.record",
    "log",
]


def offered(shell: str, line: str, room: Path, **popen: object) -> list[str]:
    """Return what a shell offers for a line."""
    return shells.SHELLS[shell](line, room, **popen)


def kept(place: Path) -> Path:
    """Make a state directory of two services, one that is paused before its first run, and what is none."""
    (place / "pause").mkdir(parents=True)
    for name in ("web.record", "web-2.record", "db.record", *ODD):
        (place / name).touch()
    for name in ("api", "db", ".scratch.1"):
        (place / "pause" / name).touch()
    return place


@EACH_SHELL
@pytest.mark.parametrize("name", [name for name in scripts() if not subcommands(name)])
def test_every_option_is_offered(shell: str, name: str, tmp_path: Path) -> None:
    """All long ones of a program, and nothing else."""
    flags = {flag for option in find(name).options for flag in option.flags if flag[:2] == "--"}
    assert {word.removesuffix("=") for word in offered(shell, f"{name} --", tmp_path)} - {"--"} == flags


@EACH_SHELL
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("check-port --format ", sorted(FORMATS)),
        ("check-port -o j", ["json"]),
        ("check-http --exit-style b", ["bool"]),
        ("check-port --refuse w", ["warning"]),
        ("check-process -m V", ["VSZ"]),
        ("ensure-running web --kill-mode ", ["group", "process"]),
        ("watchdog-tools ", sorted(VERBS)),
        ("watchdog-tools re", ["reload", "restart", "resume"]),
        ("watchdog-tools help sta", ["start", "status"]),
        ("watchdog-tools -o json sto", ["stop"]),
        ("watchdog-tools stop --lock", ["--lock-wait"]),
        ("watchdog-tools pause --lock", []),
        ("watchdog-tools status --for d", ["docker"]),
        ("watchdog-tools pause web --for d", []),
        ("check-process --retries ", []),
    ],
)
def test_choices_and_verbs(shell: str, line: str, words: list[str], tmp_path: Path) -> None:
    """The words that an option takes, of the program or verb whose option it is."""
    assert [word.removesuffix("=") for word in offered(shell, line, tmp_path, cwd=tmp_path)] == words


@EACH_SHELL
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("watchdog-tools stop -s {place} ", ["api", "db", "web", "web-2"]),
        ("watchdog-tools stop -s {place} w", ["web", "web-2"]),
        ("watchdog-tools -s {place} resume a", ["api"]),
        ("watchdog-tools status --state-dir={place} web d", ["db"]),
        ("ensure-running --state-dir {place} d", ["db"]),
        ("watchdog-tools stop -s {place}/none ", []),
        ("watchdog-tools stop -s {place}/log ", []),
        ("watchdog-tools version ", []),
    ],
)
def test_the_names_that_are_kept(shell: str, line: str, words: list[str], tmp_path: Path) -> None:
    """Those with a record or a pause; what else lies there is neither offered nor run."""
    place = kept(tmp_path / "state")
    assert offered(shell, line.format(place=place), tmp_path, cwd=tmp_path) == words
    assert not list(tmp_path.rglob("acted"))


@EACH_SHELL
def test_the_environment_names_the_directory_too(shell: str, tmp_path: Path) -> None:
    """WATCHDOG_TOOLS_STATE_DIR, as for the command itself."""
    env = {**os.environ, "WATCHDOG_TOOLS_STATE_DIR": str(kept(tmp_path / "state"))}
    assert offered(shell, "watchdog-tools start w", tmp_path, env=env) == ["web", "web-2"]


@EACH_SHELL
@pytest.mark.root(reason="runs a shell as another user")
def test_an_ordinary_user_has_his_own_names(shell: str, public_path: Path) -> None:
    """In the default place below his home; a directory that he may not read offers nothing, and says nothing."""
    user = need_nobody(need(shell))
    public_path.chmod(0o777)
    place = kept(public_path / ".local/state/watchdog-tools")
    env = {**os.environ, "HOME": str(public_path)}
    offers = offered(shell, "watchdog-tools stop w", public_path, env=env, cwd=public_path, **user)
    assert {"web", "web-2"} <= set(offers)  # and what root keeps on this machine
    place.chmod(0o700)
    line = f"watchdog-tools stop -s {place} "
    assert offered(shell, line, public_path, env=env, cwd=public_path, **user) == []


@EACH_SHELL
def test_paths(shell: str, tmp_path: Path) -> None:
    """Files for a file, directories for a directory, and users for a user."""
    (tmp_path / "a-directory").mkdir()
    (tmp_path / "a-file").touch()
    words = offered(shell, "check-process --pidfile a-", tmp_path, cwd=tmp_path)
    assert [word.rstrip("/") for word in words] == ["a-directory", "a-file"]
    words = offered(shell, "check-heartbeat a-", tmp_path, cwd=tmp_path)
    assert [word.rstrip("/") for word in words] == ["a-directory", "a-file"]
    words = offered(shell, "watchdog-tools status -s a-", tmp_path, cwd=tmp_path)
    assert [word.rstrip("/") for word in words] == ["a-directory"]
    assert "daemon" in offered(shell, "ensure-running web --user daem", tmp_path)


@EACH_SHELL
def test_behind_two_dashes_stands_another_command_line(shell: str, tmp_path: Path) -> None:
    """There are programs and files, and no option of ours."""
    (tmp_path / "a-file").touch()
    assert "sleep" in offered(shell, "ensure-running web -- slee", tmp_path, cwd=tmp_path)
    assert offered(shell, "ensure-running web -- wdt-none a-f", tmp_path, cwd=tmp_path) == ["a-file"]
    assert not {"--watch", "--watch="} & {*offered(shell, "ensure-running web -- wdt-none --wat", tmp_path)}


@pytest.mark.parametrize(
    "options", ["shopt -s failglob", "shopt -s nullglob", "set -f", "IFS=/", "COMP_WORDBREAKS=' '"]
)
def test_bash_with_options_of_the_user(options: str, tmp_path: Path) -> None:
    """No setting of the shell makes an error at a prompt."""
    place = kept(tmp_path / "state")
    assert shells.bash(f"watchdog-tools stop -s {place} w", tmp_path, f"{options}\n", cwd=tmp_path) == ["web", "web-2"]
    assert shells.bash("watchdog-tools stop -s /none ", tmp_path, f"{options}\n", cwd=tmp_path) == []


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("check-port --refu", "check-port --refuse "),
        ("check-port --format=j", "check-port --format=json "),
        ("watchdog-tools -s {place} stop d", "watchdog-tools -s {place} stop db "),
        ("watchdog-tools status --state-dir={place} a", "watchdog-tools status --state-dir={place} api "),
    ],
)
def test_bash_at_a_prompt(line: str, after: str, tmp_path: Path) -> None:
    """TAB in an interactive bash; bash-completion finds the file by the program's name."""
    place = kept(tmp_path / "state")
    assert shells.bash_at_a_prompt(line.format(place=place), tmp_path) == after.format(place=place)
