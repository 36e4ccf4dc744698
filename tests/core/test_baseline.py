"""What an instance was started with: read as it was written, compared for difference, and believed if it is ours."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from watchdog_tools.core.baseline import MISSING, Baseline, compare, dump, fresh, parse, renewed
from watchdog_tools.core.record import RUNNING, Record, Seen
from watchdog_tools.core.text import checksum

RECORD = Record(RUNNING, pid=12, ticks=345, boot="b-1")
STARTED = fresh("aaaaaaaa", {"/a": "00000001", "/b": MISSING})


def seen(data: bytes) -> Seen:
    """Return what a state directory says of an instance that lives."""
    found = Seen(RECORD, alive=True)
    found.baseline = data
    return found


def test_the_file_is_plain_and_is_read_as_it_was_written() -> None:
    """Its instance, two checksums, and a line a file; no path and no word of the command."""
    data = dump(RECORD, STARTED)
    first, *files = data.decode().splitlines()
    assert first == "1 12 345 b-1 aaaaaaaa aaaaaaaa"
    assert files == [f"{checksum('/a')} 00000001", f"{checksum('/b')} -"]
    found = parse(data, RECORD)
    assert found is not None
    assert (found.command, found.latest, found.files) == (STARTED.command, STARTED.latest, STARTED.files)


def test_another_instance_s_says_nothing() -> None:
    """A pid that came again, another boot, a later version, a torn file."""
    data = dump(RECORD, STARTED)
    for other in (Record(RUNNING, pid=13, ticks=345, boot="b-1"), Record(RUNNING, pid=12, ticks=9, boot="b-1"),
                  Record(RUNNING, pid=12, ticks=345, boot="b-2")):  # fmt: skip
        assert parse(data, other) is None
    assert parse(data.replace(b"1", b"2", 1), RECORD) is None
    assert parse(data[:-1], RECORD) is None
    assert parse(b"", RECORD) is None


@given(st.binary(max_size=80))
@example(b"1 12 345 b-1 a b\n\n")
@example(b"1 12 345 b-1 a b\nx\n")
def test_any_bytes_are_a_baseline_or_none(data: bytes) -> None:
    """No exception, whatever the disk gives back."""
    found = parse(data, RECORD)
    assert found is None or dump(RECORD, found)


def test_a_healthy_run_sees_by_the_first_line_that_all_is_as_it_was() -> None:
    """The same command; another one, or another instance's file, is looked into."""
    data = dump(RECORD, STARTED)
    assert not seen(data).has_changed("aaaaaaaa")
    assert seen(data).has_changed("bbbbbbbb")
    assert seen(dump(RECORD, Baseline("aaaaaaaa", "bbbbbbbb", {}))).has_changed("aaaaaaaa")
    assert not Seen(None, alive=False).has_changed("aaaaaaaa")


def test_what_differs_is_named() -> None:
    """A file that is another or new is newer; one that is gone is missing; one that nobody knew is neither."""
    found = compare(STARTED, "bbbbbbbb", {"/a": "00000002", "/b": "00000003", "/c": "00000004"})
    assert (found.command, found.newer, found.missing, found.unknown) == (True, ["/a", "/b"], [], ["/c"])
    assert found.words("3 d") == "runs the command of 3 d ago; older than /a, /b"
    gone = compare(STARTED, "aaaaaaaa", {"/a": MISSING, "/b": MISSING}, ["/b"])
    assert (gone.command, gone.newer, gone.missing, gone.to_write) == (False, [], ["/a"], False)
    assert gone.words("3 d") == "/a is missing"
    assert compare(STARTED, "aaaaaaaa", {"/a": "00000001", "/b": MISSING}, ["/b"]).words("3 d") == ""


def test_what_cannot_be_asked_or_is_not_known_is_no_change() -> None:
    """A dead disk, and an instance that a release before started."""
    silent = compare(STARTED, "aaaaaaaa", None)
    assert (silent.newer, silent.missing, silent.unknown) == ([], [], [])
    assert "cannot be asked" in silent.words("3 d")
    old = compare(None, "aaaaaaaa", {"/a": "00000001"})
    assert (old.command, old.newer, old.unknown, old.words("3 d")) == (False, [], ["/a"], "")


def test_what_is_learned_later_counts_from_then() -> None:
    """The line last seen is remembered beside that of the start; a file that was named later is as it is now."""
    found = renewed(STARTED, "bbbbbbbb", {"/a": "00000009", "/c": "00000004"})
    assert (found.command, found.latest) == ("aaaaaaaa", "bbbbbbbb")
    assert found.files == {checksum("/a"): "00000001", checksum("/c"): "00000004"}
    assert not compare(found, "bbbbbbbb", {}).unseen
    unknown = renewed(None, "bbbbbbbb", {"/a": "00000009"})
    assert (unknown.command, compare(unknown, "cccccccc", {}).command) == (MISSING, False)
