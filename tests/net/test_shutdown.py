"""Whether the machine shuts down: what systemd says by its socket, and utmp where there is none."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from helpers.systemd_socket import error_reply, greeting, state_reply, systemd
from helpers.utmp import record

from watchdog_tools.net import shutdown
from watchdog_tools.system.shutdown import logins_ended, runlevel_ends


def asked(path: Path, *, is_bus: bool = False, seconds: float = 5.0) -> bytes:
    """Return what is understood of what the socket says."""
    return shutdown.system_state(str(path), is_bus=is_bus, until=time.monotonic() + seconds)


@pytest.mark.parametrize("state", ["running", "stopping", "degraded"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_systemd_is_understood(tmp_path: Path, state: str, order: str) -> None:
    """In either order of bytes, which is the sender's."""
    with systemd(tmp_path / "s", state_reply(state, order)) as server:
        assert asked(tmp_path / "s") == state.encode()
    assert b"SystemState" in server.asked[0]
    assert b"Hello" not in server.asked[0]


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_bus_is_greeted_first(tmp_path: Path, order: str) -> None:
    """Its answer to that, and the signal behind it, are not taken for the answer."""
    with systemd(tmp_path / "s", greeting(order) + state_reply("stopping", order)) as server:
        assert asked(tmp_path / "s", is_bus=True) == b"stopping"
    assert server.asked[0].index(b"Hello") < server.asked[0].index(b"SystemState")


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"nonsense" * 400,
        b"l\x02" + b"\xff" * 200,
        error_reply(),
        greeting(),
        state_reply("stopping")[:-5],
        b"\0" * (1 << 20),
    ],
    ids=["silence", "nonsense", "a huge length", "an error", "the greeting alone", "a torn one", "endless zeros"],
)
def test_whatever_is_odd_is_no_answer(tmp_path: Path, reply: bytes) -> None:
    """And in time: a start waits for it."""
    with systemd(tmp_path / "s", reply):
        begun = time.monotonic()
        assert asked(tmp_path / "s", seconds=0.2) == b""
        assert time.monotonic() - begun < 2


def test_nobody_is_no_answer(tmp_path: Path) -> None:
    """No socket, a file in its place, a directory that cannot be entered."""
    assert asked(tmp_path / "none") == b""
    (tmp_path / "file").write_text("x")
    assert asked(tmp_path / "file") == b""


@pytest.mark.root(reason="only root's file is believed")
class TestFiles:
    """Where there is no systemd, or it tells only root."""

    @pytest.mark.parametrize(("level", "ending"), [("0", True), ("6", True), ("5", False), ("2", False)])
    def test_the_runlevel_tells(self, tmp_path: Path, level: str, *, ending: bool) -> None:
        """Halt and reboot; among other records."""
        path = tmp_path / "utmp"
        path.write_bytes(record(2, "~", time.time()) + record(1, level, time.time()) + record(7, "6", time.time()))
        assert runlevel_ends(str(path)) == ending

    def test_one_of_an_earlier_boot_does_not_count(self, tmp_path: Path) -> None:
        """A file that outlived it would keep every start from being made, for ever."""
        path = tmp_path / "utmp"
        path.write_bytes(record(1, "6", time.time() - 7200))
        assert not runlevel_ends(str(path))

    @pytest.mark.parametrize("kind", ["none", "writable", "foreign", "link", "fifo", "torn"])
    def test_what_is_not_believed(self, tmp_path: Path, kind: str) -> None:
        """Else anybody could keep root's services down."""
        path, aim = tmp_path / "utmp", tmp_path / "aim"
        aim.write_bytes(record(1, "6", time.time())[: 100 if kind == "torn" else 400])
        if kind == "link":
            path.symlink_to(aim)
        elif kind == "fifo":
            os.mkfifo(path)
        elif kind != "none":
            aim.rename(path)
            path.chmod(0o666 if kind == "writable" else 0o664)
            os.chown(path, 12345 if kind == "foreign" else 0, 0)
        assert not runlevel_ends(str(path))

    @pytest.mark.parametrize(
        ("words", "ended"),
        [("System is going down. Unprivileged users are not", True), ("System is booting up.", False), ("", False)],
    )
    def test_nologin_tells_whom_the_bus_tells_no_more(self, tmp_path: Path, words: str, *, ended: bool) -> None:
        """It ends early in a shutdown; the same file is there while the machine boots."""
        path = tmp_path / "nologin"
        path.write_text(words)
        assert logins_ended(str(path)) == ended
