"""Case 190: what cannot be started again is not stopped, and no dry run promises a start; for root and for others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.checked_service import CheckedService
from helpers.commands import oracle, run
from helpers.components import NOBODY, need_nobody
from helpers.processes import alive, look, wait_for

from watchdog_tools.actions.rehearsal import ensure_startable
from watchdog_tools.actions.start_plan import CannotStart, resolve
from watchdog_tools.core.config import StartOptions

pytestmark = pytest.mark.usefixtures("starts_services")

# What is wrong, the options of the run, and the words for it.
KINDS = [
    ("missing", [], "executing {}/program: No such file or directory"),
    ("not executable", [], "executing {}/program: Permission denied"),
    ("directory", [], "executing {}/program: Permission denied"),
    ("empty", [], "executing {}/program: Exec format error"),
    ("link to nothing", [], "executing {}/program: No such file or directory"),
    ("link to itself", [], "executing {}/program: Too many levels of symbolic links"),
    ("no interpreter", [], "executing {}/program: No such file or directory"),
    ("interpreter of no interpreter", [], "executing {}/program: No such file or directory"),
    ("interpreter not executable", [], "executing {}/program: Permission denied"),
    ("written on Windows", [], "executing {}/program: No such file or directory"),
    ("env's word", [], "executing {}/program: wdt-no-such-program is not in PATH ("),
    ("good", ["--cwd", "{}/gone"], "changing to {}/gone: No such file or directory"),
    ("good", ["--cwd", "{}/program"], "changing to {}/program: Not a directory"),
    ("good", ["--log", "{}/gone/log"], "opening {}/gone/log: No such file or directory"),
    ("good", ["--log", "{}/link"], "opening {}/link: it is a symbolic link"),
    ("good", ["--log", "{}/fifo"], "opening {}/fifo: it is not a regular file"),
]


@pytest.fixture
def kept(tmp_path: Path) -> CheckedService:
    """Return a service to keep."""
    return CheckedService(tmp_path)


def program(room: Path, kind: str) -> str:
    """Make a start command of a kind; return its path."""
    path, interpreter = room / "program", room / "interpreter"
    interpreter.write_text("#!/no/such/interpreter\n")
    interpreter.chmod(0o644 if kind == "interpreter not executable" else 0o755)
    first = {
        "empty": "",
        "no interpreter": "#!/no/such/interpreter\n",
        "interpreter of no interpreter": f"#!{interpreter}\n",
        "interpreter not executable": f"#!{interpreter}\n",
        "written on Windows": "#!/bin/sh\r\n",
        "env's word": "#!/usr/bin/env wdt-no-such-program\n",
    }
    if kind == "directory":
        path.mkdir()
    elif kind.startswith("link"):
        path.symlink_to(path if kind == "link to itself" else room / "gone")
    elif kind != "missing":
        path.write_text(first.get(kind, "#!/bin/sh\n") + "exec sleep 600\n" * (kind != "empty"))
        path.chmod(0o644 if kind == "not executable" else 0o755)
    (room / "link").symlink_to(room / "elsewhere")
    os.mkfifo(room / "fifo")
    return str(path)


@pytest.mark.parametrize(("kind", "options", "words"), KINDS)
def test_190_a_sick_one_lives_on(kept: CheckedService, kind: str, options: list[str], words: str) -> None:
    """CRITICAL, with the reason; the sick one may still do half of its work, and a dry run says the same."""
    pid = kept.up()
    kept.ill(pid)
    command = [program(kept.room, kind)]
    options = [option.format(kept.room) for option in options]
    said = words.format(kept.room)
    foreseen = kept.keep("--dry-run", *options, command=command)
    assert (foreseen.code, f"would start nothing: {said}" in oracle(foreseen, 10)) == (2, True), foreseen
    ran = kept.keep(*options, "--before-restart", kept.hook("dump"), command=command)
    assert (ran.code, f"not stopped, since none can be started: {said}" in oracle(ran, 10)) == (2, True), ran
    assert (kept.service.one(), kept.told()) == (pid, [])


@pytest.mark.parametrize(("kind", "options", "words"), KINDS)
def test_190_one_that_is_down(kept: CheckedService, kind: str, options: list[str], words: str) -> None:
    """The start fails with the same words, and counts as a failed one."""
    ran = kept.run(*[option.format(kept.room) for option in options], command=[program(kept.room, kind)])
    assert (ran.code, f"cannot start: {words.format(kept.room)}" in oracle(ran, 10)) == (2, True), ran
    assert (kept.record()["attempts"], kept.record()["phase"]) == ("1", "failed")


def test_190_an_operator_s_restart_stops_nothing(kept: CheckedService) -> None:
    """One that works is not lost to an order that cannot be carried out."""
    path = program(kept.room, "good")
    assert kept.run(command=[path]).code == 0
    pid = kept.pid()
    wait_for(lambda: (seen := look(pid)) and seen.argv[0] == "sleep", 10, "its program, read to the end")
    Path(path).unlink()
    ran = run("watchdog-tools", "restart", kept.name, "--state-dir", kept.state)
    assert (ran.code, alive(pid)) == (2, True), ran
    said = f"svc was not stopped, since none can be started: executing {path}: No such file or directory"
    assert said in oracle(ran, 20)


@pytest.mark.parametrize(
    ("first", "mode"),
    [
        ("#!/usr/bin/env -S sh -e", 0o755),
        ("#!/usr/bin/env sh", 0o755),
        ("#! /usr/bin/env\tsh ", 0o755),
        ("#!bin/sh", 0o755),
        ("#!/bin/sh", 0o711),
    ],
)
def test_what_can_be_started_is(kept: CheckedService, first: str, mode: int) -> None:
    """Options of env, blanks, a path from the root directory, a script that is executable though not readable."""
    path = Path(program(kept.room, "good"))
    path.write_text(f"{first}\nexec sleep 600\n")
    path.chmod(mode)
    assert resolve(StartOptions(argv=(str(path),), trust_any=True), os.environ).executable == str(path)
    if mode == 0o755:
        assert kept.run("--allow-unsafe-path", command=[str(path)]).code == 0


@pytest.mark.root(reason="only root starts services of other users")
@pytest.mark.parametrize("what", ["program", "above", "cwd", "log"])
def test_190_as_another_user_who_may_not(public_path: Path, what: str) -> None:
    """What counts are the rights of --user, not root's: the sick one is not stopped."""
    need_nobody("/bin/true")
    kept = CheckedService(public_path / "room")
    for path in (kept.service.journal, kept.room / "held"):
        path.touch()
        path.chmod(0o666)
    words = ["--user", "nobody"]
    place = public_path / "closed"
    place.mkdir(0o755)
    command = [program(place, "good")]
    assert kept.up(*words)
    closed = {"program": command[0], "above": place, "cwd": place, "log": place / "log"}[what]
    Path(closed).touch()
    Path(closed).chmod(0o600 if what == "log" else 0o700)
    words += {"cwd": ["--cwd", str(place)], "log": ["--log", str(place / "log")]}.get(what, [])
    kept.ill(kept.pid())
    ran = kept.keep(*words, command=["/bin/sleep", "600"] if what == "cwd" else command)
    assert (ran.code, "not stopped, since none can be started: " in ran.out) == (2, True), ran
    assert "Permission denied" in ran.out
    assert alive(kept.pid())


@pytest.mark.root(reason="only root starts services of other users")
def test_as_another_user_who_may(public_path: Path) -> None:
    """A group of that user's, or its own file in root's directory, is enough."""
    path = Path(program(public_path, "good"))
    os.chown(path, NOBODY, NOBODY)
    path.chmod(0o500)
    ensure_startable(StartOptions(argv=(str(path),), user="nobody"), os.environ)
    os.chown(path, 0, 0)
    with pytest.raises(CannotStart, match="Permission denied"):
        ensure_startable(StartOptions(argv=(str(path),), user="nobody"), os.environ)
