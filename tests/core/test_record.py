"""The record: what is written is read, and nothing else is."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchdog_tools.core import record
from watchdog_tools.core.record import Corrupt, History, Record

NUMBER = st.integers(0, 2**31 - 1)
WORD = st.text("0123456789abcdef-", max_size=40)
HISTORIES = st.builds(
    History,
    st.lists(NUMBER, max_size=100).map(lambda found: tuple(sorted(found))),
    **dict.fromkeys(("attempts", "failed_at", "held_until", "healthy_since"), NUMBER),
)
RECORDS = st.builds(
    Record,
    st.sampled_from([record.STARTING, record.RUNNING, record.FAILED, record.COMMAND, record.ENDED, record.FOUND]),
    pid=st.integers(0, 2**22),  # as many as a kernel gives out
    history=HISTORIES,
    **dict.fromkeys(("ticks", "since", "wall", "failures", "successes", "in_trouble", "until"), NUMBER),
    **dict.fromkeys(("boot", "pidns", "timens", "reason"), WORD),
)
HISTORY = History((1, 3), attempts=4, failed_at=6, held_until=7, healthy_since=8)
WHOLE = Record(
    record.RUNNING, pid=4711, ticks=12, boot="b", pidns="1", timens="2", since=3, wall=5, failures=1, successes=2,
    in_trouble=1, until=9, history=HISTORY,
)  # fmt: skip


def fields(of: Record) -> dict[str, object]:
    """Return all that a record says."""
    plain = {name: getattr(of, name) for name in Record.__slots__ if name != "history"}
    return plain | {name: getattr(of.history, name) for name in History.__slots__}


@given(RECORDS)
def test_what_is_written_is_read(written: Record) -> None:
    """Nothing is lost, and it fits."""
    data = written.dump()
    assert fields(record.parse(data)) == fields(written)
    assert len(data) < record.LONGEST


def test_the_file_is_plain() -> None:
    """The version first, then `key=value`: the format is known to a shell, and to the next release."""
    assert WHOLE.dump().decode() == (
        "version=2\nphase=running\npid=4711\nticks=12\nsince=3\nwall=5\nfailures=1\nsuccesses=2\ntrouble=1\nuntil=9\n"
        "boot=b\npidns=1\ntimens=2\nwhy=\nattempts=4\nended=6\nheld=7\ngood=8\nstarts=1,3\n"
    )
    assert WHOLE.identity == (4711, 12, "b", "1", "2")


@given(st.binary(max_size=300))
@example(b"")
@example(b"version=2\n")
@example(b"=\n")
def test_any_bytes_are_a_record_or_corrupt(data: bytes) -> None:
    """No other exception, whatever the disk gives back."""
    with contextlib.suppress(Corrupt):
        assert record.parse(data).dump() == data


@given(st.integers(0, 120), st.binary(max_size=8), st.integers(0, 20))
@example(28, b"0", 0)
@example(24, b"pid=1\n", 0)
def test_a_changed_record_is_whole_or_corrupt(place: int, put: bytes, cut: int) -> None:
    """Bytes put in and cut out anywhere: what is still taken is just what would be written."""
    data = WHOLE.dump()
    changed = data[:place] + put + data[place + cut :]
    with contextlib.suppress(Corrupt):
        assert record.parse(changed).dump() == changed


@pytest.mark.parametrize("length", range(len(WHOLE.dump())))
def test_a_torn_record_is_corrupt(length: int) -> None:
    """Cut off after any byte."""
    with pytest.raises(Corrupt):
        record.parse(WHOLE.dump()[:length])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\0" * 100, "torn"),
        (WHOLE.dump()[:-1], "torn"),
        (WHOLE.dump() + b"\xff\n", "torn"),
        (WHOLE.dump() + b"x" * record.LONGEST + b"\n", "torn"),
        (WHOLE.dump().replace(b"version=2", b"version=1"), "version '1'"),
        (WHOLE.dump().replace(b"version=2", b"version=" + b"9" * 5000), "torn"),
        (WHOLE.dump().replace(b"starts=1,3", b"starts=3,1"), "not in order"),
        (WHOLE.dump().replace(b"starts=1,3", b"starts=" + b",".join([b"1"] * 101)), "not in order"),
        (WHOLE.dump().replace(b"starts=1,3", b"starts=1,,3"), "not a number"),
        (WHOLE.dump().replace(b"phase=running", b"phase=flying"), "lines"),
        (WHOLE.dump() + b"more=1\n", "lines"),
        (WHOLE.dump().replace(b"boot=b\n", b""), "lines"),
        (WHOLE.dump().replace(b"pid=4711", b"pid="), "not a number"),
        (WHOLE.dump().replace(b"pid=4711", b"pid=-1"), "not a number"),
        (WHOLE.dump().replace(b"pid=4711", b"pid=4_7"), "not a number"),
        (WHOLE.dump().replace(b"pid=4711", b"pid=" + b"9" * 17), "not a number"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, says: str) -> None:
    """In one short printable sentence."""
    with pytest.raises(Corrupt, match=says) as caught:
        record.parse(data)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize(
    ("key", "value", "fine"),
    [
        ("pid", "4194304", True),
        ("pid", "4194305", False),
        ("ticks", "9" * 16, True),
        ("ticks", "9" * 17, False),
        ("starts", ",".join(map(str, range(100))), True),
        ("starts", ",".join(map(str, range(101))), False),
        ("starts", "3,3", True),
        ("starts", "", True),
        ("boot", "b" * 3890, True),
        ("boot", "b" * 4000, False),
    ],
)
def test_the_bounds_of_a_record(key: str, value: str, fine: bool) -> None:
    """The last that is taken, and the first that is not."""
    lines = [f"{key}={value}" if line.startswith(f"{key}=") else line for line in WHOLE.dump().decode().splitlines()]
    data = ("\n".join(lines) + "\n").encode()
    if fine:
        assert record.parse(data).dump() == data
    else:
        with pytest.raises(Corrupt):
            record.parse(data)


def test_the_longest_record() -> None:
    """One byte less than LONGEST."""
    room = record.LONGEST - 1 - len(WHOLE.dump())
    data = WHOLE.dump().replace(b"boot=b", b"boot=b" + b"b" * room)
    assert len(data) == record.LONGEST - 1 == 4095
    assert record.parse(data).boot == "b" * (room + 1)
    with pytest.raises(Corrupt, match="torn"):
        record.parse(data.replace(b"boot=b", b"boot=bb"))


def test_a_reason_stands_in_front_of_an_owner() -> None:
    """Both are on one line, which older releases pass over; a reason is the more important of the two."""
    owned = Record(record.FAILED, owner="web 1.2 /run/x")
    assert b"\nwhy=of web 1.2 /run/x\n" in owned.dump()
    assert (record.parse(owned.dump()).owner, record.parse(owned.dump()).reason) == ("web 1.2 /run/x", "")
    both = Record(record.FAILED, owner="web 1.2 /run/x", reason=record.DAEMON)
    assert b"\nwhy=daemon\n" in both.dump()
    assert (record.parse(both.dump()).owner, record.parse(both.dump()).reason) == ("", "daemon")


@pytest.mark.parametrize(
    ("phase", "up_to_date", "without_process", "unproven"),
    [
        (record.STARTING, False, False, False),
        (record.RUNNING, True, False, False),
        (record.FAILED, False, False, True),
        (record.FOUND, False, True, False),
        (record.COMMAND, False, False, True),
        (record.ENDED, False, False, True),
    ],
)
def test_what_a_healthy_check_learns_from_it(
    phase: str, up_to_date: bool, without_process: bool, unproven: bool
) -> None:
    """By its phase."""
    found = Record(phase, pid=7, history=History(healthy_since=1))
    assert (found.up_to_date, found.without_process, found.unproven) == (up_to_date, without_process, unproven)


@pytest.mark.parametrize(
    "changed", [{"failures": 1}, {"in_trouble": 1}, {"history": History()}, {"failures": 1, "in_trouble": 1}]
)
def test_after_trouble_there_is_something_to_write(changed: dict[str, object]) -> None:
    """Of --oneshot there is, too: no process of ours lives that would tell."""
    whole = {"pid": 7, "history": History(healthy_since=1), **changed}
    assert not Record(record.RUNNING, **whole).up_to_date  # type: ignore[arg-type]
    assert Record(record.RUNNING, history=History(healthy_since=1)).without_process


def test_the_history_knows_its_last_start_and_whether_it_failed() -> None:
    """A failure of an earlier instance is none of this one."""
    assert (History().last, History((1, 3)).last) == (0, 3)
    assert [History((1, 3), failed_at=at).failed for at in (0, 2, 3, 4)] == [False, False, True, True]
    assert not History().failed
    assert repr(HISTORY.replace(held_until=9)) == (
        "History(attempts=4, failed_at=6, healthy_since=8, held_until=9, starts=(1, 3))"
    )


def test_what_the_state_directory_says() -> None:
    """An instance lived for certain at the time of its record, and of one that runs for --start-seconds longer."""
    starting, running = Record(record.STARTING, since=5000), Record(record.RUNNING, since=5000)
    seen = record.Seen(running, alive=True, note="a", corrupt=True)
    assert (seen.record, seen.alive, seen.note, seen.corrupt, seen.until) == (running, True, "a", True, 5000)
    seen.lived(1.5)
    assert seen.until == 6500
    seen.lived(0.5)
    assert seen.until == 6500  # never earlier than was known
    other = record.Seen(starting, alive=False)
    other.lived(1.5)
    assert (other.until, other.note, other.corrupt) == (5000, "", False)
    nothing = record.Seen(None, alive=False)
    nothing.lived(1.5)
    assert nothing.until == 0


def test_what_is_left_out_of_a_record_is_empty() -> None:
    """Zero, or no text."""
    plain = fields(Record(record.RUNNING))
    assert plain.pop("phase") == "running"
    assert plain.pop("starts") == ()
    assert set(plain.values()) == {0, ""}


@pytest.mark.parametrize(("key", "shown"), [("version", "'x{20}'"), ("pid", "'x{20}'")])
def test_what_is_wrong_is_quoted_briefly(key: str, shown: str) -> None:
    """Twenty characters."""
    lines = [f"{key}={'x' * 30}" if line.startswith(f"{key}=") else line for line in WHOLE.dump().decode().splitlines()]
    with pytest.raises(Corrupt, match=shown):
        record.parse(("\n".join(lines) + "\n").encode())
