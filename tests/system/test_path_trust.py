"""On the word of which pidfile may somebody be signalled? Real files, each component judged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.components import NOBODY, need_nobody

from watchdog_tools.system.path_trust import insecure

OTHER = 4242  # neither root nor NOBODY


@pytest.fixture
def pidfile(public_path: Path) -> Path:
    """Return a pidfile of ours in a directory of ours, below the sticky /tmp."""
    place = public_path / "run"
    place.mkdir(mode=0o755)
    path = place / "agent.pid"
    path.write_text("12\n")
    path.chmod(0o644)
    return path


def test_ours_is_secure(pidfile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file and directories of ours or root's; /tmp is sticky, so that nobody can replace what is ours there."""
    assert insecure(str(pidfile), os.geteuid()) == ""
    assert insecure(str(pidfile), None) == ""
    monkeypatch.chdir(pidfile.parent)
    assert insecure("agent.pid", None) == ""


OF_ROOT_S_GROUP = pytest.param(0o664, marks=pytest.mark.root(reason="a user's private group is nobody else"))


@pytest.mark.parametrize("mode", [0o666, 0o646, OF_ROOT_S_GROUP])
def test_32_one_that_others_can_write(pidfile: Path, mode: int) -> None:
    """Refused, with its name, whoever owns it."""
    pidfile.chmod(mode)
    assert insecure(str(pidfile), os.geteuid()) == f"insecure pidfile {pidfile}: {pidfile} is writable by others"


@pytest.mark.root(reason="makes files of another owner")
def test_32_one_of_another_user(pidfile: Path) -> None:
    """It may name processes of its owner alone."""
    os.chown(pidfile, NOBODY, NOBODY)
    assert insecure(str(pidfile), NOBODY) == ""
    for uid in (0, OTHER, None):
        assert insecure(str(pidfile), uid) == f"insecure pidfile {pidfile}: {pidfile} belongs to uid {NOBODY}"


@pytest.mark.root(reason="makes files of another owner")
@pytest.mark.parametrize("level", ["run", "."])
def test_34_a_directory_of_another_user(pidfile: Path, level: str) -> None:
    """Who owns a directory on the way can swap the file after any look at it."""
    place = pidfile.parent if level == "run" else pidfile.parent.parent
    os.chown(place, NOBODY, NOBODY)
    assert insecure(str(pidfile), NOBODY) == ""
    assert insecure(str(pidfile), 0) == f"insecure pidfile {pidfile}: {place} belongs to uid {NOBODY}"


@pytest.mark.parametrize("mode", [0o777, 0o757])
def test_34_a_directory_that_others_can_write(pidfile: Path, mode: int) -> None:
    """They can swap the file."""
    pidfile.parent.chmod(mode)
    assert "is writable by others" in insecure(str(pidfile), os.geteuid())


@pytest.mark.root(reason="makes files of another owner")
def test_34_directly_in_a_sticky_directory(pidfile: Path) -> None:
    """There the file's owner decides: nobody else can replace it, but anybody could have been first."""
    pidfile.parent.chmod(0o1777)
    assert insecure(str(pidfile), 0) == ""
    os.chown(pidfile, NOBODY, NOBODY)
    assert "belongs to uid" in insecure(str(pidfile), 0)


@pytest.mark.root(reason="makes files of another owner")
def test_34_links_are_judged(pidfile: Path) -> None:
    """A link of another user's leads where they like; a link of root's into their directory is theirs, too."""
    theirs = pidfile.parent.parent / "theirs"
    theirs.symlink_to(pidfile.parent)
    os.lchown(theirs, NOBODY, NOBODY)
    assert f"{theirs} belongs to uid {NOBODY}" in insecure(str(theirs / "agent.pid"), 0)
    os.lchown(theirs, 0, 0)
    assert insecure(str(theirs / "agent.pid"), 0) == ""
    os.chown(pidfile.parent, NOBODY, NOBODY)
    assert f"{pidfile.parent} belongs to uid {NOBODY}" in insecure(str(theirs / "agent.pid"), 0)


def test_34_a_link_to_itself_and_what_is_not_there(pidfile: Path) -> None:
    """What cannot be judged is not used; nothing is raised."""
    (loop := pidfile.parent / "loop").symlink_to("loop")
    assert "cannot be judged: Too many levels of symbolic links" in insecure(str(loop / "pid"), None)
    assert "cannot be judged: No such file" in insecure(str(pidfile.parent / "none"), None)
    assert "cannot be judged: Not a directory" in insecure(str(pidfile / "below"), None)


def test_32_a_second_name_of_another_service_s_pidfile(pidfile: Path) -> None:
    """In a sticky directory anybody can hard-link a file of root's: its content is true, its name is not."""
    os.link(pidfile, pidfile.parent / "other.pid")
    assert "is a hard link" in insecure(str(pidfile.parent / "other.pid"), os.geteuid())


@pytest.mark.root(reason="makes files of another owner")
def test_32_a_user_s_own_rule(pidfile: Path) -> None:
    """Who is not root trusts root and themselves; a private group's write permission is their own."""
    code = "import sys; from watchdog_tools.system.path_trust import insecure; print(insecure(sys.argv[1], None))"

    def judged() -> str:
        words = [sys.executable, "-c", code, str(pidfile)]
        return subprocess.run(
            words, capture_output=True, text=True, check=True, **need_nobody(sys.executable)
        ).stdout.strip()  # type: ignore[call-overload]

    assert judged() == ""
    os.chown(pidfile, NOBODY, NOBODY)
    pidfile.chmod(0o664)
    assert judged() == ""
    os.chown(pidfile, NOBODY, 0)
    assert "is writable by others" in judged()
    os.chown(pidfile, OTHER, OTHER)
    assert f"belongs to uid {OTHER}" in judged()
