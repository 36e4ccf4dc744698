"""Events: the form of their lines is an API, golden; their files are bounded, and what is read of them is harmless.

`UPDATE_GOLDEN=1 ./scripts/test tests/state/test_events.py` writes the golden file; read the difference.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools.core.events import EVENTS, Orderer, ordered_by, parse, words
from watchdog_tools.state import event_line, events
from watchdog_tools.state.event_line import LARGEST, rfc3339

GOLDEN = Path(__file__).parents[1] / "golden" / "events.lines"
VALUES: dict[str, object] = {
    "attempt": 2, "how": "exited with 3", "why": 'its "words" \x1b[2J é', "seconds": 900, "until": "the next boot",
    "pids": [12, 13],
}  # fmt: skip
OLD = b'{"time": 1795749127.123, "name": "svc", "event": "paused", "seconds": 7200, "reason": "new disk"}\n'


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[int]:
    """Return a directory for the files, open."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def test_golden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event with all of its fields, and one that was ordered: the very bytes that a log shipper parses."""
    monkeypatch.setattr(event_line.time, "time", lambda: 1795749127.12345)
    monkeypatch.setattr(event_line.os, "uname", lambda: type("Host", (), {"nodename": "web1"}))
    lines = [
        event_line.line("web", event, {"pid": 42} | {key: VALUES[key] for key in fields})
        for event, (_, _, fields) in EVENTS.items()
    ]
    by = Orderer(uid=0, sudo_user="al\u202eice|")
    lines.append(event_line.line("web", "paused", {"seconds": 60}, by))
    if os.environ.get("UPDATE_GOLDEN") == "1":
        GOLDEN.write_text("".join(lines))
    assert "".join(lines) == GOLDEN.read_text()


def test_its_time_is_utc_to_the_millisecond() -> None:
    """Rounded, never to a thousandth millisecond."""
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(1795749127.9996) == "2026-11-27T03:12:08.000Z"


@given(
    st.dictionaries(st.sampled_from(["how", "why", "log"]), st.text(max_size=6000)), st.lists(st.integers(2, 1 << 22))
)
def test_a_line_is_one_object_within_bounds(facts: dict[str, str], pids: list[int]) -> None:
    """ASCII, at most 4 KiB, with its pid and its first words, whatever is in it."""
    line = event_line.line(
        "x" * 64, "died", {"pid": 7, **facts, "pids": pids}, Orderer(uid=0, sudo_user="\ud800" * 900)
    )
    assert (line.isascii(), line.count("\n"), line[-1], len(line) <= LARGEST) == (True, 1, "\n", True)
    read = json.loads(line)
    assert (read["pid"], read["event"], len(read["sudo_user"]) <= 64) == (7, "died", True)
    assert all(read[key][:20] == value[:20] for key, value in facts.items() if value.isascii() and value.isprintable())


def test_it_is_appended_and_rotated(directory: int, tmp_path: Path) -> None:
    """At 256 KiB the next one begins a new file; one older file is kept. Nobody else reads it."""
    (tmp_path / "svc.events.1").write_text("an older one\n")
    (tmp_path / "svc.events").write_text("x" * (256 * 1024) + "\n")
    made = events.line("svc", "started", {"pid": 1})
    assert events.append(directory, "svc", made) == ""
    assert (tmp_path / "svc.events").read_text() == made.text
    assert (tmp_path / "svc.events.1").stat().st_size == 256 * 1024 + 1
    assert stat.S_IMODE((tmp_path / "svc.events").stat().st_mode) == 0o640


def test_it_is_rotated_once_by_all_that_find_it_full(directory: int, tmp_path: Path) -> None:
    """Four write at once: none of their lines is refused, and the older file is a full one."""
    made = events.line("svc", "died", {"pid": 1, "how": "x" * 1000})
    writers = []
    for _ in range(4):
        writers.append(os.fork())
        if not writers[-1]:
            os._exit(any(events.append(directory, "svc", made) for _ in range(800)))
    assert [os.waitpid(each, 0)[1] for each in writers] == [0] * 4
    assert (tmp_path / "svc.events.1").stat().st_size > 256 * 1024


def test_134_what_was_torn_stays_one_line(directory: int, tmp_path: Path) -> None:
    """A full disk left half a line: the next event is a whole one all the same."""
    (tmp_path / "svc.events").write_bytes(OLD + b'{"schema": 1, "ti')
    assert events.append(directory, "svc", events.line("svc", "started", {"pid": 1})) == ""
    found = list(events.read(directory, "svc", os.geteuid()))
    assert [each and each["event"] for each in found] == ["paused", None, "started"]


def test_a_file_that_everybody_may_read_is_closed(directory: int, tmp_path: Path) -> None:
    """An earlier release made it 0644."""
    (tmp_path / "svc.events").write_bytes(OLD)
    (tmp_path / "svc.events").chmod(0o644)
    events.append(directory, "svc", events.line("svc", "started", {"pid": 1}))
    assert stat.S_IMODE((tmp_path / "svc.events").stat().st_mode) == 0o640


@pytest.mark.parametrize("kind", ["link", "hard link", "fifo", "directory"])
def test_117_what_is_no_file_of_ours_alone(directory: int, tmp_path: Path, kind: str) -> None:
    """Neither written nor waited for nor read: a sentence."""
    path, aim = tmp_path / "svc.events", tmp_path / "aim"
    aim.write_bytes(OLD)
    {
        "link": lambda: path.symlink_to("aim"),
        "hard link": lambda: path.hardlink_to(aim),
        "fifo": lambda: os.mkfifo(path),
        "directory": path.mkdir,
    }[kind]()
    said = events.append(directory, "svc", events.line("svc", "started", {"pid": 1}))
    assert said.startswith("the event log cannot be written: ")
    assert aim.read_bytes() == OLD
    if kind != "hard link":
        assert events.last(directory, "svc", os.geteuid()) == (0.0, "")


def test_those_of_an_earlier_release_are_read(directory: int, tmp_path: Path) -> None:
    """Their `time` is a number, and a pause's words are its `reason`."""
    (tmp_path / "svc.events").write_bytes(OLD)
    assert events.last(directory, "svc", os.geteuid()) == (1795749127.123, "paused for 2 h: new disk")


def test_the_last_whole_one_counts(directory: int, tmp_path: Path) -> None:
    """What is torn behind it hides it no more."""
    (tmp_path / "svc.events").write_bytes(OLD + b'{"schema": 1, "ti')
    assert events.last(directory, "svc", os.geteuid())[1] == "paused for 2 h: new disk"


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{", b"null", b"[]", b"7", b'{"event": 7}', b"[" * 100_000, b"9" * 5000, b'{"event": "\xff"}', b"\0" * 9,
    ],
)  # fmt: skip
def test_135_a_line_that_is_no_event(line: bytes) -> None:
    """None, and no exception."""
    assert parse(line) is None


def test_135_values_that_none_of_ours_has() -> None:
    """They are left out, or said as harmless text; what JSON cannot say again is not taken over."""
    line = b'{"schema": 1, "epoch": 1e999, "event": "died\\u001b[2J|", "pid": {"a": 1}, "why": NaN, "how": "<b>"}'
    event = parse(line)
    assert event is not None
    json.dumps(event, allow_nan=False)
    assert {*event} == {"schema", "epoch", "event", "how"}
    assert (event["epoch"], words(event)) == (0.0, "died\\x1b[2J/: (b)")


def test_who_ordered_it() -> None:
    """The uid of the caller; SUDO_USER where that is root, escaped."""
    assert ordered_by({"uid": None}) == ""
    assert ordered_by({"uid": 1000, "sudo_user": None}) == "by uid 1000"
    assert ordered_by({"uid": 0, "sudo_user": "al|ice"}) == "by uid 0 (al/ice)"


def test_sudo_user_is_believed_of_root_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any user may set a variable."""
    monkeypatch.setenv("SUDO_USER", "alice")
    for uid, name in ((0, "alice"), (1000, None)):
        monkeypatch.setattr(os, "getuid", lambda uid=uid: uid)
        by = events.orderer()
        assert (by.uid, by.sudo_user) == (uid, name)


def test_its_moment_is_now() -> None:
    """Both spellings are of one moment."""
    before = time.time()
    read = json.loads(events.line("svc", "died", {"pid": 1}).text)
    assert before - 0.001 <= read["epoch"] <= time.time() + 0.001
    assert rfc3339(read["epoch"]) == read["time"]
