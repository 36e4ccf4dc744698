"""NAME.seen: what is written is read as it was, and what others could have made up is not believed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.components import NOBODY

from watchdog_tools.core.record import Corrupt
from watchdog_tools.state import instance
from watchdog_tools.state.seen import is_known, last_seen
from watchdog_tools.system import boot_id, uptime
from watchdog_tools.system.identity import here

NAME = "web"


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[int]:
    """Return a descriptor of an empty state directory."""
    opened = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    yield opened
    os.close(opened)


def line(boot: str = "", milliseconds: float | None = None, timens: str = "") -> str:
    """Return what a run would have written."""
    moment = int(uptime() * 1000) if milliseconds is None else int(milliseconds)
    return f"{boot or boot_id():36} {moment:015d} {timens or here()[2] or '-':>12} 2\n"


def plant(tmp_path: Path, text: str, mode: int = 0o644) -> Path:
    """Put a file in the place of NAME.seen."""
    path = tmp_path / f"{NAME}.seen"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_what_is_written_is_read(directory: int, tmp_path: Path) -> None:
    """0644 whatever the umask, one line, the same file each time; its age is that of the run."""
    before = os.umask(0o077)
    try:
        assert instance.write_seen(directory, NAME, 2) == ""
        found = (tmp_path / f"{NAME}.seen").stat()
        assert instance.write_seen(directory, NAME, 2) == ""
    finally:
        os.umask(before)
    again = (tmp_path / f"{NAME}.seen").stat()
    assert (found.st_ino, oct(found.st_mode & 0o777), again.st_size) == (again.st_ino, "0o644", len(line()))
    last = last_seen(directory, NAME, os.geteuid())
    assert (last.in_this_boot, last.age < 10, last.state) == (True, True, 2)
    assert is_known(str(tmp_path), directory, NAME, os.geteuid())


def test_a_longer_file_is_of_no_harm(directory: int, tmp_path: Path) -> None:
    """What somebody appended is left where it is; a torn one is whole again after the next run."""
    for planted in (line(milliseconds=5) + "x" * 5000, line()[:20], "", "\0" * 68):
        plant(tmp_path, planted)
        assert instance.write_seen(directory, NAME, 2) == ""
        assert last_seen(directory, NAME, os.geteuid()).age < 10


def test_another_boot_is_not_this_one(directory: int, tmp_path: Path) -> None:
    """The age is then that of the boot, as it is where there is no file or no directory at all."""
    plant(tmp_path, line(boot="0" * 8 + "-0000-0000-0000-" + "0" * 12))
    for opened, name in ((directory, NAME), (directory, "other"), (-1, NAME)):
        last = last_seen(opened, name, os.geteuid())
        assert last.in_this_boot is False
        assert abs(last.age - uptime()) < 10
    assert is_known(str(tmp_path), directory, NAME, os.geteuid())
    assert not is_known(str(tmp_path), directory, "other", os.geteuid())


TEXTS = {
    "of the future": lambda: line(milliseconds=(uptime() + 3600) * 1000),
    "of another time namespace": lambda: line(timens="4026539999"),
    "torn at its end": lambda: line()[:-1],
    "torn in its middle": lambda: line()[:40],
    "torn: empty": lambda: "",
    "torn: no state": lambda: line()[:-2] + "7\n",
    "torn: no words": lambda: "x" * 67 + "\n",
    "torn: other digits": lambda: line().replace("0", "\u0663"),
}


@pytest.mark.parametrize("what", TEXTS)
def test_what_is_not_believed(what: str, directory: int, tmp_path: Path) -> None:
    """It is neither fresh nor old: nobody knows."""
    plant(tmp_path, TEXTS[what]())
    said = "is torn" if what.startswith("torn") else what
    with pytest.raises(Corrupt, match=said):
        last_seen(directory, NAME, os.geteuid())


@pytest.mark.parametrize("mode", [0o666, 0o664])
def test_what_others_can_write_is_not_believed(mode: int, directory: int, tmp_path: Path) -> None:
    """Whoever has the right could keep a dead cron's service fresh."""
    plant(tmp_path, line(), mode)
    with pytest.raises(Corrupt, match="others own it, or can write it"):
        last_seen(directory, NAME, os.geteuid())


def _made_anew(directory: int) -> None:
    assert "was no file of ours" in instance.write_seen(directory, NAME, 2)
    assert last_seen(directory, NAME, os.geteuid()).state == 2
    assert not instance.write_seen(directory, NAME, 1)


def test_what_stands_in_its_place(directory: int, tmp_path: Path) -> None:
    """A link is not followed, a second name and a FIFO are not written, nothing hangs: it is set aside, said once."""
    aim = tmp_path / "aim"
    aim.write_text("untouched")
    place = tmp_path / f"{NAME}.seen"
    place.symlink_to(aim)
    _made_anew(directory)
    place.unlink()
    os.link(aim, place)
    _made_anew(directory)
    place.unlink()
    os.mkfifo(place)
    _made_anew(directory)
    place.unlink()
    os.mkfifo(place)
    with pytest.raises(Corrupt, match="not a regular file"):
        last_seen(directory, NAME, os.geteuid())
    reader = os.open(place, os.O_RDONLY | os.O_NONBLOCK)
    _made_anew(directory)
    os.close(reader)
    place.unlink()
    place.mkdir()
    _made_anew(directory)
    assert aim.read_text() == "untouched"


@pytest.mark.root(reason="gives a file away")
def test_another_user_s_file(directory: int, tmp_path: Path) -> None:
    """Neither written nor believed."""
    os.chown(plant(tmp_path, line()), NOBODY, NOBODY)
    with pytest.raises(Corrupt, match="others own it"):
        last_seen(directory, NAME, 0)
    _made_anew(directory)
