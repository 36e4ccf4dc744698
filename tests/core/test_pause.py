"""A pause: what is written is read, nothing else is, and it ends by itself whatever the clocks do."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchdog_tools.core import pause as pauses
from watchdog_tools.core.pause import LONGEST, Pause, escaped
from watchdog_tools.core.record import Corrupt

HOUR = 3_600_000
NUMBER = st.integers(0, 2**40)
PAUSES = st.builds(
    Pause,
    name=st.sampled_from(["web", "a", "x" * 64, "a.b_c-d"]),
    length=st.integers(1, LONGEST),
    boot=st.text("0123456789abcdef-", max_size=40),
    since=NUMBER,
    wall=NUMBER,
    reason=st.text(max_size=300).map(escaped),
)
WHOLE = Pause(name="web", length=HOUR, boot="b", since=1000, wall=5000, reason="new disk")


@given(PAUSES)
def test_what_is_written_is_read(written: Pause) -> None:
    """Nothing is lost, whatever the operator typed, and it fits."""
    data = written.dump()
    read = pauses.parse(data)
    assert [getattr(read, name) for name in Pause.__slots__] == [getattr(written, name) for name in Pause.__slots__]
    assert len(data) < pauses.LARGEST


def test_the_file_is_plain() -> None:
    """The version first, then `key=value`: the format is known to a shell, and to the next release."""
    assert WHOLE.dump() == (
        b"version=1\nlength=3600000\nsince=1000\nwall=5000\nname=web\nboot=b\nreason=new disk\n"
    )  # fmt: skip


@given(st.text())
@example("a\nversion=2\nname=db")
@example("\x1b[2J|<b>`$")
def test_a_reason_is_one_short_printable_line(reason: str) -> None:
    """No text of an operator adds a line to the file, or reaches a terminal as it is."""
    said = escaped(reason)
    assert said.isascii()
    assert said.isprintable()
    assert len(said) <= 200
    assert "|" not in said


@given(st.binary(max_size=300))
@example(b"")
@example(b"=\n")
def test_any_bytes_are_a_pause_or_corrupt(data: bytes) -> None:
    """No other exception, whatever the disk gives back."""
    with contextlib.suppress(Corrupt):
        assert pauses.parse(data).dump() == data


@given(st.integers(0, 100), st.binary(max_size=8), st.integers(0, 20))
def test_a_changed_pause_is_whole_or_corrupt(place: int, put: bytes, cut: int) -> None:
    """Bytes put in and cut out anywhere: what is still taken is just what would be written."""
    data = WHOLE.dump()
    changed = data[:place] + put + data[place + cut :]
    with contextlib.suppress(Corrupt):
        assert pauses.parse(changed).dump() == changed


@pytest.mark.parametrize("length", range(len(WHOLE.dump())))
def test_a_torn_pause_is_corrupt(length: int) -> None:
    """Cut off after any byte."""
    with pytest.raises(Corrupt):
        pauses.parse(WHOLE.dump()[:length])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (WHOLE.dump()[:-1], "torn"),
        (WHOLE.dump() + b"\xff\n", "torn"),
        (WHOLE.dump() + b"x" * pauses.LARGEST + b"\n", "torn"),
        (WHOLE.dump().replace(b"version=1", b"version=2"), "version '2'"),
        (WHOLE.dump() + b"more=1\n", "lines"),
        (WHOLE.dump().replace(b"boot=b\n", b""), "lines"),
        (WHOLE.dump().replace(b"since=1000", b"since=-1"), "not a number"),
        (WHOLE.dump().replace(b"length=3600000", b"length=0"), "that long"),
        (WHOLE.dump().replace(b"length=3600000", b"length=9999999999999999"), "that long"),
        (WHOLE.dump().replace(b"new disk", b"\x1b[2J"), "as this program writes it"),
        (WHOLE.dump().replace(b"new disk", b"a|b"), "as this program writes it"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, says: str) -> None:
    """In one short printable sentence."""
    with pytest.raises(Corrupt, match=says) as caught:
        pauses.parse(data)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 100


@given(PAUSES, NUMBER, st.sampled_from(["b", "other", ""]), st.floats(0, 2**41))
def test_never_longer_than_it_was_asked_for(pause: Pause, now: int, boot: str, wall: float) -> None:
    """Whatever the clocks say."""
    assert 0 <= pauses.remaining(pause, now, boot, wall) <= pause.length


@pytest.mark.parametrize("wall", [0, 4000, 5000, 5000 + 86400, 2**40])
def test_139_in_the_same_boot_the_wall_clock_has_no_say(wall: float) -> None:
    """It jumps a day back, a year forth: the boot clock counts, suspended time (141) included."""
    assert pauses.remaining(WHOLE, 1000, "b", wall) == HOUR
    assert pauses.remaining(WHOLE, 1000 + HOUR - 1, "b", wall) == 1
    assert pauses.remaining(WHOLE, 1000 + HOUR, "b", wall) == 0
    assert pauses.remaining(WHOLE, 1000 + 9 * HOUR, "b", wall) == 0


def test_after_a_reboot_the_wall_clock_counts() -> None:
    """What is left of the hour half an hour later."""
    assert pauses.remaining(WHOLE, 60_000, "other", 5000 + 1800) == HOUR // 2
    assert pauses.remaining(WHOLE, 60_000, "other", 5000 + 3600) == 0


@pytest.mark.parametrize("wall", [0, 1000, 4999, 5000])
def test_140_after_a_reboot_into_the_past_it_ends_an_hour_after_the_boot(wall: float) -> None:
    """A host without a clock boots in 1970: the pause holds, and not for ever."""
    assert pauses.remaining(WHOLE, 60_000, "other", wall) == HOUR - 60_000
    assert pauses.remaining(WHOLE, HOUR, "other", wall) == 0


def test_140_after_a_reboot_into_the_future_it_is_over() -> None:
    """The clock is a year ahead before NTP: the service is kept again, which is the safer side."""
    assert pauses.remaining(WHOLE, 60_000, "other", 5000 + 365 * 86400) == 0


def test_143_one_that_begins_in_the_future_is_void() -> None:
    """It is of another time namespace, or a lie, and would hold for longer than was asked for."""
    assert pauses.begins_in_future(WHOLE, 999, "b")
    assert pauses.remaining(WHOLE, 999, "b", 5000) == 0
    assert not pauses.begins_in_future(WHOLE, 999, "other")


def test_without_a_boot_id_it_is_counted_as_after_a_reboot() -> None:
    """Two empty ids are not the same boot."""
    unknown = Pause(name="web", length=HOUR, boot="", since=1000, wall=5000)
    assert pauses.remaining(unknown, 60_000, "", 5000 + 1800) == HOUR // 2


@pytest.mark.parametrize(
    ("key", "value", "fine"),
    [
        ("length", str(366 * 86_400_000), True),
        ("length", str(366 * 86_400_000 + 1), False),
        ("length", "1", True),
        ("length", "0", False),
        ("since", "9" * 16, True),
        ("since", "9" * 17, False),
        ("reason", "r" * 200, True),
        ("reason", "r" * 201, False),
        ("boot", "b" * 900, True),
        ("boot", "b" * 1000, False),
    ],
)
def test_the_bounds_of_a_pause(key: str, value: str, fine: bool) -> None:
    """The last that is taken, and the first that is not."""
    lines = [f"{key}={value}" if line.startswith(f"{key}=") else line for line in WHOLE.dump().decode().splitlines()]
    data = ("\n".join(lines) + "\n").encode()
    if fine:
        assert pauses.parse(data).dump() == data
    else:
        with pytest.raises(Corrupt):
            pauses.parse(data)


def test_the_longest_file_of_a_pause() -> None:
    """One byte less than LARGEST."""
    data = WHOLE.dump().replace(b"boot=b", b"boot=b" + b"b" * (pauses.LARGEST - 1 - len(WHOLE.dump())))
    assert len(data) == 1023
    assert pauses.parse(data).dump() == data
    with pytest.raises(Corrupt, match="torn"):
        pauses.parse(data.replace(b"boot=b", b"boot=bb"))
    for torn in (WHOLE.dump().replace(b"new", b"n\0w"), WHOLE.dump().replace(b"new", b"n\xffw")):
        with pytest.raises(Corrupt, match="torn"):
            pauses.parse(torn)


def test_what_a_file_says_is_quoted_briefly() -> None:
    """Twenty characters of what is wrong."""
    for data in (
        WHOLE.dump().replace(b"version=1", b"version=" + b"x" * 50),
        WHOLE.dump().replace(b"since=1000", b"since=" + b"x" * 50),
    ):
        with pytest.raises(Corrupt, match=r"'x{17}\.\.\.'"):
            pauses.parse(data)


def test_it_begins_now_or_it_has_begun() -> None:
    """The very moment is not in the future; without a boot id nothing is."""
    assert not pauses.begins_in_future(WHOLE, 1000, "b")
    assert not pauses.begins_in_future(Pause(name="web", length=1, boot="", since=9, wall=0), 1, "")
    assert pauses.remaining(WHOLE, 1000, "b", 0) == HOUR
    assert pauses.remaining(WHOLE, 60_000, "other", 5000.5) == HOUR - 60_000
    assert pauses.remaining(WHOLE, 0, "other", 5000.5) == HOUR - 500
    assert WHOLE.reason == "new disk"
    assert Pause(name="web", length=1, boot="", since=9, wall=0).reason == ""


@given(PAUSES, NUMBER, st.text("0123456789abcdef-", max_size=40), st.integers(0, 2**40))
def test_one_until_the_boot_ends_with_it(pause: Pause, now: int, boot: str, wall: int) -> None:
    """In another boot it is over, whatever the clocks say; in its own it holds, to the longest of all lengths."""
    order = Pause(name="web", length=LONGEST, boot=pause.boot, since=pause.since, wall=0)
    assert order.until_boot
    left = pauses.remaining(order, now, boot, wall)
    if not boot or boot != order.boot or now < order.since:
        assert left == 0
    else:
        assert left == max(order.since + LONGEST - now, 0)


def test_an_older_release_takes_one_until_the_boot_for_one_of_a_year() -> None:
    """It reads the same version, and finds it over in another boot by its clock, which has passed 1971."""
    order = Pause(name="web", length=LONGEST, boot="b", since=1000, wall=0)
    rest = min(int((order.wall - 1_700_000_000) * 1000) + order.length, order.length)
    assert rest < 0
    assert order.dump().startswith(b"version=1\n")
