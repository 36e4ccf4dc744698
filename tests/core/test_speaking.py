"""What a run from cron says: a change once, a reminder while it lasts, a count of what is done again and again."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING
from watchdog_tools.core.said import Said, aged, parse
from watchdog_tools.core.speaking import BURST, HOUR, condition, is_at_rest, speak

BOOT = "4b0a1f3e"
MINUTE = 60_000
FINE, FAILED, DIED, HELD = (OK, ""), (CRITICAL, "failed"), (CRITICAL, "died"), (CRITICAL, "held")
WAITS, PAUSED, PENDING, BLIND = (CRITICAL, "waiting"), (CRITICAL, "paused"), (OK, "pending"), (UNKNOWN, "blind")
REPAIRING, DEGRADED, CHANGED = (WARNING, "repairing"), (WARNING, ""), (OK, "changed")
EACH = (FINE, FAILED, DIED, HELD, WAITS, PAUSED, PENDING, BLIND, REPAIRING, DEGRADED, CHANGED)
Verdict = tuple[int, str]


class Story:
    """The runs of one NAME, with a clock that only moves when told to; what they print is kept with its minute."""

    def __init__(self, remind: int = HOUR) -> None:
        """Begin with nothing that was ever said."""
        self.remind, self.now = remind, 10 * MINUTE
        self.file: bytes | None = None
        self.lines: list[tuple[float, str]] = []

    def remembered(self) -> Said:
        """Return what the file says now, through its bytes."""
        said = parse(self.file, "x") if self.file else Said(key="x")
        return aged(said, BOOT, self.now, self.now // 1000)

    def run(self, verdict: Verdict, *, after: float = 1, taken: bool = True, **deeds: int) -> str | None:
        """Run `after` minutes later. Return what is appended to its line, None where it is silent. taken: by stdout."""
        self.now += int(after * MINUTE)
        speech = speak(self.remembered(), verdict, deeds, self.remind, lambda age: f"{(self.now - age) / MINUTE:g}")
        printed = speech.words is not None and taken
        if speech.words is not None and taken:
            self.lines.append((self.now / MINUTE, speech.words))
        new = speech.said if printed else speech.unsaid
        self.file = new.dump() if new else None if speech.forget else self.file
        return speech.words

    def runs(self, verdicts: Iterable[Verdict]) -> list[str | None]:
        """Return what a run a minute says."""
        return [self.run(verdict) for verdict in verdicts]


@pytest.mark.parametrize(
    ("verdict", "word"),
    [
        (FINE, "ok"), ((OK, "adopted"), "ok"), (CHANGED, "changed"), (PENDING, ""), (PAUSED, ""), ((OK, "paused"), ""),
        ((CRITICAL, "shutdown"), ""),
        (FAILED, "down"), (DIED, "down"), ((CRITICAL, "backoff"), "down"), ((CRITICAL, "failing"), "down"),
        (REPAIRING, "down"), ((CRITICAL, "refused"), "down"), ((CRITICAL, "timeout"), "down"), ((CRITICAL, ""), "down"),
        (HELD, "held"), (WAITS, "waiting"), (DEGRADED, "warning"), (BLIND, "unknown"), ((UNKNOWN, "usage"), "unknown"),
        ((CRITICAL, "unstoppable"), "unstoppable"), ((CRITICAL, "blind"), "down"),
    ],
)  # fmt: skip
def test_what_is_one_condition(verdict: Verdict, word: str) -> None:
    """Reasons that alternate within one outage are one; a hold, and waiting for something else, are their own."""
    assert condition(*verdict) == word


def test_a_healthy_minute_says_and_remembers_nothing() -> None:
    """Without a file, which is how it mostly is, and how it is after an upgrade."""
    story = Story()
    assert story.runs([FINE] * 5) == [None] * 5
    assert story.file is None


def test_an_outage_is_said_twice() -> None:
    """When it begins, whatever the reasons of its minutes, and when it is over: how long it was, and what was done."""
    story = Story()
    said = [story.run(FAILED, started=1), story.run((CRITICAL, "backoff")), story.run(DIED, started=1)]
    said += [story.run(REPAIRING), story.run((OK, "restarted"), restarted=1), story.run(FINE)]
    assert said == ["", None, None, None, "recovered after 4 min, 3 restarts", None]


def test_reminders_while_it_lasts() -> None:
    """One outage of two and a half reminder periods: one line, two reminders, one recovery."""
    story = Story()
    said = [words for words in story.runs([*[DIED] * 150, FINE, FINE]) if words is not None]
    assert said == ["", "since 11, 60 min", "since 11, 2 h", "recovered after 2.5 h"]


@pytest.mark.parametrize("verdict", [PAUSED, (OK, "paused"), PENDING])
def test_what_is_silent(verdict: Verdict) -> None:
    """What an operator ordered, and what only takes time, says nothing, writes nothing, and is no recovery."""
    story = Story()
    assert story.runs([verdict] * 150 + [FINE]) == [None] * 151
    assert story.file is None
    story.run(DIED)
    assert story.runs([verdict] * 3 + [DIED]) == [None] * 4, "it is as it was said before"
    assert story.run(FINE) == "recovered after 5 min"


def test_a_deed_is_said_once_and_then_counted() -> None:
    """The first at once; the next ones in one line, once --remind is over, also by a run that did nothing."""
    story = Story()
    said = [story.run((OK, "restarted"), after=2.5, restarted=1) for _ in range(10)]
    assert said == ["", *[None] * 9]
    assert story.run(FINE, after=36) is None
    assert story.run(FINE, after=2) == "restarted 9 times since 15"
    assert story.run(FINE) is None


def test_a_deed_that_is_due_counts_itself() -> None:
    """The run that restarts it an hour later says how often that was."""
    story = Story()
    story.run((OK, "restarted"), restarted=1)
    story.run((OK, "restarted"), after=10, restarted=2)
    assert story.run((OK, "restarted"), after=51, restarted=1) == "restarted 3 times since 21"


def test_another_deed_is_news() -> None:
    """It was started; that it is restarted a minute later is something else."""
    story = Story()
    assert [story.run((OK, "started"), started=1), story.run((OK, "restarted"), restarted=1)] == ["", ""]


def test_what_was_done_while_pending_is_said_after_it() -> None:
    """Pending is silent, but what was done then is not lost."""
    story = Story()
    assert story.run(PENDING, started=1) is None
    assert story.run(FINE) == "started at 11"


def test_a_changed_configuration_is_said_once() -> None:
    """It is no trouble: no reminder, and no recovery when it is gone."""
    story = Story()
    assert [words for words in story.runs([CHANGED] * 130) if words is not None] == [""]
    assert story.runs([FINE, FINE]) == [None, None]
    assert story.run(CHANGED) == ""


def test_a_flapping_service() -> None:
    """One that dies every 150 s for two hours, with backoffs in between: three lines, and then one an hour."""
    story = Story()
    for minute in range(120):
        if minute % 5 in (0, 2):
            story.run((OK, "restarted"), restarted=1)
        else:
            story.run(FINE if minute % 5 != 1 or minute < 10 else (CRITICAL, "backoff"))
    assert len(story.lines) <= BURST + 2, story.lines


def test_trouble_that_could_not_be_said_in_time_is_none() -> None:
    """Withheld by the bound, and over: its recovery is no news. What is still other than said is said with room."""
    story = Story()
    first = story.runs([DIED, FINE, DIED, FINE, DIED])
    assert first == ["", "recovered after 60 s", "changes often: nothing more is said for 58 min", None, None]
    assert story.runs([FINE] * 30) == [None] * 30
    late = [words for words in story.runs([FINE] * 40) if words is not None]
    assert late == ["recovered after 3 min, changes often: nothing more is said for 60 min"]
    assert story.runs([DIED, FINE]) == [None] * 2
    story.runs([FINE] * 180)
    assert story.runs([DIED]) == [""]


@pytest.mark.parametrize(
    ("verdict", "deeds", "again"),
    [(DIED, {}, ["since 11, 60 s", "since 11, 2 min", None]),
     (FINE, {"restarted": 1}, ["restarted at 11", "restarted at 11", None])],
    ids=["an outage", "a deed"],
)  # fmt: skip
def test_what_stdout_did_not_take_is_said_by_the_next_run(
    verdict: Verdict, deeds: dict[str, int], again: list[str | None]
) -> None:
    """Once, and with its time: said is what was printed."""
    story = Story()
    assert story.run(verdict, taken=False, **deeds) == ""
    assert [story.run(verdict, taken=False), story.run(verdict), story.run(verdict)] == again


def test_a_recovery_that_stdout_did_not_take() -> None:
    """The next run says it, and how long the outage was, not how long ago it began."""
    story = Story()
    story.runs([DIED] * 5)
    assert story.run(FINE, taken=False) == "recovered after 5 min"
    assert story.run(FINE, after=20) == "recovered after 5 min"


def test_an_outage_that_stdout_did_not_take_and_that_is_over() -> None:
    """The next run says it all the same, once: there was room, the disk of the spool was full."""
    story = Story()
    assert story.run(DIED, taken=False) == ""
    assert story.run(FINE, taken=False) == "recovered after 60 s"
    assert story.runs([FINE] * 2) == ["recovered after 60 s", None]
    assert story.run(DIED) == ""


def test_a_file_that_makes_no_difference_goes() -> None:
    """All is well and was said long ago: the healthy minute finds no file again."""
    story = Story()
    story.run((OK, "restarted"), restarted=1)
    assert story.file is not None
    story.runs([FINE] * 65)
    assert story.file is None


@given(st.lists(st.tuples(st.sampled_from(EACH), st.integers(0, 3), st.booleans(), st.integers(1, 40)), max_size=120),
       st.sampled_from([5 * MINUTE, HOUR, 24 * HOUR]))  # fmt: skip
def test_the_bound(runs: list[tuple[Verdict, int, bool, int]], remind: int) -> None:
    """Never more than three lines in any hour, and one in each reminder period, whatever happens."""
    story = Story(remind)
    for verdict, deeds, taken, after in runs:
        story.run(verdict, after=after / 4, taken=taken, restarted=deeds)
    minutes = [minute for minute, _ in story.lines]
    for first in minutes:
        within = [minute for minute in minutes if first <= minute < first + 60]
        # those that use the bound, and those that wait for a reminder period behind the one before them
        assert len(within) <= BURST + -(-HOUR // remind), story.lines


@given(st.lists(st.tuples(st.sampled_from(EACH), st.integers(0, 2), st.booleans()), max_size=60), st.sampled_from(EACH))
def test_in_the_end_it_is_said(runs: list[tuple[Verdict, int, bool]], last: Verdict) -> None:
    """What lasts is what was last said, within a reminder period; the file stays small and readable throughout."""
    story = Story()
    for verdict, deeds, taken in runs:
        story.run(verdict, taken=taken, restarted=deeds, started=deeds // 2)
        assert story.file is None or len(story.file) < 500
    story.runs([last] * 62)
    now = condition(*last)
    assert not now or story.remembered().said == now


@given(st.binary(max_size=400), st.integers(0, 400))
def test_a_corrupt_file(rubbish: bytes, at: int) -> None:
    """Torn or foreign bytes are refused; what was written is read as it was."""
    whole = Said(key="x", boot=BOOT, said="down", seen="down", since=5, line=5, debt=HOUR).dump()
    for data in (rubbish, whole[:at] + rubbish, whole[: min(at, len(whole) - 1)]):
        if data != whole:
            with pytest.raises(ValueError, match=r".+"):
                parse(data, "x")
    assert parse(whole, "x").dump() == whole
    with pytest.raises(ValueError, match="another NAME"):
        parse(whole, "y")


@pytest.mark.parametrize(
    ("boot", "up", "wall", "age"),
    [
        (BOOT, 70_000, 5, 60_000),  # the wall clock stepped back
        (BOOT, 70_000, 10**9, 60_000),  # and ahead
        ("another", 5_000, 1_000 + 3_600, HOUR),  # a reboot: the wall clock
        ("another", 5_000, 17, 5_000),  # on a host without a clock: since this boot at least
        ("another", 5_000, 10**10, 366 * 24 * HOUR),  # never longer than a year
        ("", 70_000, 1_060, 70_000),
        (BOOT, 5_000, 1_060, 60_000),  # a container made anew, whose boot clock is its own
        (BOOT, 5_000, 5, 0),
    ],
)  # fmt: skip
def test_ages(boot: str, up: int, wall: int, age: int) -> None:
    """The boot clock within a boot, the wall clock within bounds after a reboot."""
    said = Said(key="x", boot=BOOT, up=10_000, wall=1_000, since=0, line=0, debt=HOUR)
    now = aged(said, boot, up, wall)
    assert (now.since, now.line, now.debt) == (age, age, max(HOUR - age, 0))


def test_at_rest() -> None:
    """What differs, or is not said yet, is kept."""
    assert is_at_rest(Said(key="x"), HOUR)
    for kept in (Said(key="x", said="down"), Said(key="x", seen="down"), Said(key="x", line=5), Said(key="x", debt=5)):
        assert not is_at_rest(kept, HOUR)
