"""The memory of a NAME: where it is another place than the state, what an earlier release left is brought there."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchdog_tools import state as statedir
from watchdog_tools.core.owner import Owner
from watchdog_tools.core.record import Corrupt
from watchdog_tools.core.saved_command import TOO_LONG, SavedCommand
from watchdog_tools.state import events, memory, saved_command

OLD = '{"time": 1, "name": "svc", "event": "died", "pid": 7, "how": "ended"}\n'


class Places:
    """Root's two places, as this process sees them. run: the state; lib: the memory; state: the former, open."""

    def __init__(self, room: Path) -> None:
        """Make the state with its locks; the memory is not there yet."""
        self.run, self.lib = room / "run" / "watchdog-tools", room / "lib" / "watchdog-tools"
        (self.run / "lock").mkdir(0o700, parents=True)
        self.lib.parent.mkdir(0o755)
        self.state = os.open(self.run, os.O_RDONLY)
        self.owner = Owner(name="svc", uid=0, directory=str(self.run))

    def write(self, *names: str, command: bytes = b"") -> list[str]:
        """Write events of these names, and a command line; return what could not be."""
        lines = tuple(events.line("svc", name, {"pid": 1}) for name in names)
        return memory.write(self.owner, self.state, memory.Entry(lines=lines, command=command))

    def events(self) -> list[str]:
        """Return the events in the memory."""
        descriptor = os.open(self.lib, os.O_RDONLY)
        try:
            return [str(each and each["event"]) for each in events.read(descriptor, "svc", os.geteuid())]
        finally:
            os.close(descriptor)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Places]:
    """Return them."""
    made = Places(tmp_path)
    monkeypatch.setattr(statedir, "_ROOTS", (str(made.run), str(made.lib)))
    monkeypatch.setattr(statedir, "_KEPT", f"{made.lib}/kept")
    yield made
    os.close(made.state)


def command(wall: int, word: str) -> bytes:
    """Return the bytes of a saved command line."""
    return SavedCommand(argv=(word,), cwd="/", wall=wall).dump()


def test_what_an_earlier_release_left_comes_first(places: Places) -> None:
    """Its events are moved by the next run that writes, and stand before that run's."""
    for name in ("svc.events", "svc.events.1", "svc.evidence"):
        (places.run / name).write_text(OLD)
    (places.run / "other.events").write_text(OLD)
    assert places.write("restarted") == []
    assert places.events() == ["died", "died", "restarted"]
    assert sorted(each.name for each in places.run.iterdir()) == ["lock", "other.events"]
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in places.lib.iterdir()}
    assert modes == {"svc.events": 0o640, "svc.events.1": 0o640, "svc.evidence": 0o600}


def test_after_a_downgrade_nothing_is_lost(places: Places) -> None:
    """What the earlier release wrote in between stands behind what was there, and before what follows."""
    places.write("started")
    (places.run / "svc.events").write_text(OLD)
    places.write("recovered")
    assert places.events() == ["started", "died", "recovered"]


@pytest.mark.parametrize("kind", ["link", "fifo", "writable"])
def test_117_what_was_planted_is_left_where_it_is(places: Places, kind: str) -> None:
    """It is nobody's event, and the run's own is written."""
    path = places.run / "svc.events"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        (places.run / "aim").write_text(OLD)
        path.symlink_to("aim")
    else:
        path.write_text(OLD)
        path.chmod(0o666)
    assert places.write("started") == []
    assert places.events() == ["started"]
    assert path.is_symlink() or path.exists()


def test_121_a_memory_that_cannot_be_written_is_words(places: Places) -> None:
    """One sentence; what was left is not lost."""
    (places.run / "svc.events").write_text(OLD)
    places.lib.symlink_to(places.run)
    said = places.write("started", command=command(1, "a"))
    assert len(said) == 1
    assert said[0].startswith("what was done cannot be remembered: ")
    assert (places.run / "svc.events").read_text() == OLD


def test_while_another_one_writes_nobody_waits_for_long(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that hangs on a dead disk holds NAME.memory: the disk is not touched by a second one."""
    monkeypatch.setattr(memory, "_PATIENCE", 0.05)
    with (places.run / "lock" / "svc.memory").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert places.write("started") == [f"{memory.FAILED}: {places.lib}: {memory.BUSY}"]
        assert not places.lib.exists()
    assert places.write("started") == []


def test_of_two_command_lines_the_later_one_counts(places: Places) -> None:
    """A release before the memory looks, and writes, beside the locks."""
    read = lambda: saved_command.read(str(places.run), "svc")  # noqa: E731 -- the same question four times
    os_uid = os.geteuid()
    assert (read(), statedir.was_kept(str(places.run), 0, "svc")) == (None, False)
    places.write(command=command(5, "new"))
    assert statedir.was_kept(str(places.run), 0, "svc")
    if os_uid:  # whose default place is another one
        return
    for wall, word in ((4, "new"), (5, "new"), (6, "old")):
        (places.run / "lock" / "svc.command").write_bytes(command(wall, "old"))
        saved = read()
        assert saved is not None
        assert saved.argv == (word,)


@pytest.mark.root(reason="its default place is the one that is made here")
def test_one_that_was_too_long_says_so(places: Places) -> None:
    """It is not the older one that is taken then, nor is the NAME forgotten."""
    assert places.write(command=saved_command.dump(["x" * 70_000])) == [
        "the command line cannot be kept: Argument list too long"
    ]
    assert (places.lib / "svc.command").read_bytes() == TOO_LONG
    with pytest.raises(Corrupt, match="too long to be kept"):
        saved_command.read(str(places.run), "svc")


def test_what_an_earlier_release_remembered_still_counts(places: Places) -> None:
    """A file of the NAME in `kept`, or its command line beside the locks."""
    assert not statedir.was_kept(str(places.run), 0, "svc")
    (places.lib / "kept").mkdir(parents=True)
    (places.lib / "kept" / "svc").touch()
    assert statedir.was_kept(str(places.run), 0, "svc")
    (places.run / "lock" / "web.command").write_bytes(command(1, "web"))
    assert statedir.was_kept(str(places.run), 0, "web")


def test_in_any_other_directory_it_is_the_state_itself(tmp_path: Path) -> None:
    """A user's, and one of --state-dir: no second place, no lock."""
    owner = Owner(name="svc", uid=os.geteuid(), directory=str(tmp_path))
    directory = os.open(tmp_path, os.O_RDONLY)
    entry = memory.Entry(lines=(events.line("svc", "started", {"pid": 1}),), command=command(1, "a"))
    assert (memory.is_apart(owner), memory.write(owner, directory, entry)) == (False, [])
    os.close(directory)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["svc.command", "svc.events"]
