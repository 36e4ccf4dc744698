"""The record: what is written is read, and nothing else is."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchdog_tools import record
from watchdog_tools.record import Corrupt, History, Record

NUMBER = st.integers(0, 2**31 - 1)
WORD = st.text("0123456789abcdef-", max_size=40)
PASTS = st.builds(
    History,
    st.lists(NUMBER, max_size=100).map(lambda found: tuple(sorted(found))),
    **dict.fromkeys(("attempts", "ended", "held", "good"), NUMBER),
)
RECORDS = st.builds(
    Record,
    st.sampled_from([record.STARTING, record.RUNNING, record.FAILED, record.COMMAND, record.ENDED, record.FOUND]),
    pid=st.integers(0, 2**22),  # as many as a kernel gives out
    history=PASTS,
    **dict.fromkeys(("ticks", "since", "wall", "failures", "successes", "trouble", "until"), NUMBER),
    **dict.fromkeys(("boot", "pidns", "timens", "why"), WORD),
)
PAST = History((1, 3), attempts=4, ended=6, held=7, good=8)
WHOLE = Record(
    record.RUNNING, pid=4711, ticks=12, boot="b", pidns="1", timens="2", since=3, wall=5, failures=1, successes=2,
    trouble=1, until=9, history=PAST,
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
