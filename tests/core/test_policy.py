"""The policy over random histories: whatever an instance does, and whenever a run looks, its promises hold."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools.core import policy
from watchdog_tools.core.config import Limits
from watchdog_tools.core.policy import BACKOFF, HELD, NOW
from watchdog_tools.core.record import History

SECOND = 1_000
MINUTE = 60 * SECOND

limits = st.builds(
    Limits,
    first=st.sampled_from([0, SECOND, 5 * SECOND]),
    longest=st.sampled_from([5 * SECOND, MINUTE, 5 * MINUTE]),
    count=st.integers(0, 6),
    window=st.sampled_from([MINUTE, 10 * MINUTE]),
    hold=st.sampled_from([0, 30 * SECOND, 15 * MINUTE]),
    stable=st.sampled_from([MINUTE, 10 * MINUTE]),
)


@dataclass
class Story:
    """A service over time, as runs meet it: the history that they keep, and what truly happened."""

    limits: Limits
    now: int = 10 * MINUTE
    history: History = field(default_factory=History)
    starts: list[int] = field(default_factory=list)
    holds: list[int] = field(default_factory=list)
    unhealthy: int = 0  # since when, 0 for healthy

    def run(self, *, healthy: bool) -> str:
        """Let one run look, and do what the policy says; return that."""
        if healthy:
            self.history = policy.with_health(self.history, self.now)
            self.unhealthy = 0
            return ""
        self.unhealthy = self.unhealthy or self.now
        self.history = (
            policy.with_failure(self.history, self.limits, self.now, self.now) if self.starts else self.history
        )
        permission = policy.judge(self.history, self.limits, self.now)
        if permission.new_hold:
            self.holds.append(self.now)
            self.history = policy.with_hold(self.history, self.limits, self.now)
        if permission.kind == NOW:
            self.starts.append(self.now)
            self.history = policy.without_old_starts(
                policy.with_attempt(policy.with_start(self.history, self.now)), self.limits, self.now
            )
        return permission.kind


# (milliseconds until the next run, whether it finds the service healthy)
runs = st.lists(st.tuples(st.integers(1, 3 * MINUTE), st.booleans()), min_size=1, max_size=60)
gloomy = st.lists(st.tuples(st.integers(1, MINUTE), st.sampled_from([False, False, False, True])), max_size=80)


@given(limits, runs | gloomy)
def test_never_more_than_the_limit_in_any_window(limits: Limits, runs: list[tuple[int, bool]]) -> None:
    """Above all else: no window of that length, wherever it begins, has more than N starts in it."""
    story = Story(limits)
    for gap, healthy in runs:
        story.now += gap
        story.run(healthy=healthy)
    if limits.count:
        for at in story.starts:
            inside = [each for each in story.starts if at <= each < at + limits.window]
            assert len(inside) <= limits.count


@given(limits, gloomy)
def test_a_hold_lasts(limits: Limits, runs: list[tuple[int, bool]]) -> None:
    """From the moment that it begins, for --hold and until the window has room; only health for --stable ends it."""
    story = Story(limits)
    for gap, healthy in runs:
        story.now += gap
        story.run(healthy=healthy)
    for begun in story.holds:
        early = [at for at in story.starts if begun <= at < begun + limits.hold]
        assert not early or limits.stable <= limits.hold


@given(limits, runs | gloomy)
def test_it_never_surrenders(limits: Limits, runs: list[tuple[int, bool]]) -> None:
    """Unhealthy, it is started at the first run after the hold and the window's room, plus the longest backoff."""
    story = Story(limits)
    for gap, healthy in runs:
        story.now += gap
        story.run(healthy=healthy)
    story.now += 1
    before = len(story.starts)
    kind = story.run(healthy=False)
    waited_for = policy.judge(story.history, limits, story.now).until if kind == HELD else story.now
    story.now = waited_for + limits.longest
    if len(story.starts) == before:
        assert story.run(healthy=False) == NOW


@given(limits, runs)
def test_the_first_death_after_a_stable_life_is_repaired_at_once(limits: Limits, runs: list[tuple[int, bool]]) -> None:
    """If the window has room: no delay, whatever was before."""
    story = Story(limits)
    for gap, healthy in runs:
        story.now += gap
        story.run(healthy=healthy)
    story.run(healthy=True)
    story.now += max(limits.stable, limits.window)
    story.run(healthy=True)
    assert story.history.healthy_since
    assert policy.judge(story.history, limits, story.now).kind == NOW
    assert policy.judge(story.history.replace(attempts=50), limits, story.now).kind == NOW
    dead = policy.with_failure(story.history.replace(attempts=50), limits, story.history.last, story.now)
    assert policy.judge(dead, limits, story.now).kind == NOW


@given(limits, st.integers(0, 60), st.integers(0, 1 << 40))
def test_a_delay_is_within_its_bounds(limits: Limits, attempts: int, seed: int) -> None:
    """None before the first start; then from MIN to MAX, and never shorter than the plain doubling allows."""
    found = policy.delay(attempts, limits, seed)
    if attempts == 0:
        assert found == 0
    else:
        assert min(limits.first, limits.longest) <= found <= limits.longest
        assert found >= 0.75 * min(limits.first * 2 ** (attempts - 1), limits.longest)


def test_delays_grow_and_differ() -> None:
    """1 s, 2 s, 4 s …, each with its jitter: a fleet that failed together does not start together."""
    plain = [policy.delay(attempts, Limits(), 0) for attempts in range(1, 12)]
    assert plain == sorted(plain)
    assert len({policy.delay(5, Limits(), seed) for seed in range(1, 100)}) > 50


def test_a_time_ahead_holds_nothing_down() -> None:
    """A start, an end and a hold that lie in the future are of another clock, or lies."""
    future = History((10**15,), attempts=9, failed_at=10**15, held_until=10**15, healthy_since=10**15)
    assert policy.judge(future, Limits(), MINUTE).kind == NOW


def test_backoff_counts_from_the_failure() -> None:
    """An instance that lived for a while and died is started again so long after its death, not after its start."""
    history = policy.with_attempt(policy.with_start(History(), MINUTE))
    dead = policy.with_failure(history, Limits(), 5 * MINUTE, 5 * MINUTE)
    permission = policy.judge(dead, Limits(), 5 * MINUTE)
    assert permission.kind == BACKOFF
    assert SECOND <= permission.until - 5 * MINUTE <= 1.25 * SECOND
    # later looks that find it dead still do not put that off
    assert policy.with_failure(dead, Limits(), 6 * MINUTE, 6 * MINUTE).failed_at == 5 * MINUTE


def test_ten_hours_of_crashing() -> None:
    """A run a minute, an instance that dies at once: bursts of five, then silence; never a start a minute."""
    story = Story(Limits())
    for _ in range(600):
        story.now += MINUTE
        story.run(healthy=False)
    assert 20 <= len(story.starts) <= 5 * (600 / 25 + 1)


# By hand, in seconds: two starts in ten minutes, a hold of fifteen, and stable after five.
BY_HAND = Limits(first=1000, longest=4000, count=2, window=600 * SECOND, hold=900 * SECOND, stable=300 * SECOND)


@pytest.mark.parametrize(
    ("starts", "held_until", "now", "kind", "until", "new_hold"),
    [
        ((100, 200), 0, 250, HELD, 1150, True),  # the hold begins now, and is longer than the window
        ((100, 200), 0, 200, HELD, 1100, True),
        ((100, 200), 1150, 1149, HELD, 1150, False),
        ((100, 200), 1150, 1150, NOW, 0, False),
        ((100, 200), 650, 640, HELD, 700, False),  # the window has room later than the hold ends
        ((100, 200), 650, 699, HELD, 700, False),  # a hold that is over begins no other one
        ((100, 200), 0, 700, NOW, 0, False),
        ((100, 200), 0, 699, HELD, 1599, True),
        ((100,), 0, 250, NOW, 0, False),
        ((50, 100, 200), 0, 250, HELD, 1150, True),
        ((250, 260), 0, 255, NOW, 0, False),  # one of them lies ahead
        ((), 1150, 250, HELD, 1150, False),
        ((), 1151, 250, NOW, 0, False),  # further than any hold reaches: of another clock
    ],
)
def test_the_limit_by_hand(
    starts: tuple[int, ...], held_until: int, now: int, kind: str, until: int, new_hold: bool
) -> None:
    """Each bound of the window and of the hold, to the millisecond."""
    history = History(tuple(at * SECOND for at in starts), held_until=held_until * SECOND)
    found = policy.judge(history, BY_HAND, now * SECOND)
    assert (found.kind, found.until, found.new_hold) == (kind, until * SECOND, new_hold)
    assert policy.next_start(history, BY_HAND, now * SECOND) == (700 * SECOND if new_hold else until * SECOND)


def test_without_a_limit_nothing_is_held() -> None:
    """`--limit 0`, whatever a record says."""
    history = History((1, 2, 3), held_until=MINUTE)
    assert policy.judge(history, Limits(count=0), 10).kind == NOW


def test_a_backoff_ends_to_the_millisecond() -> None:
    """Counted from the failure; of one that lies ahead from the start; without either there is none."""
    limits = Limits(first=1000, longest=1000)
    history = History((500,), attempts=1, failed_at=2000)
    assert policy.judge(history, limits, 2000).until == 3000
    assert [policy.judge(history, limits, now).kind for now in (2999, 3000)] == [BACKOFF, NOW]
    ahead = history.replace(failed_at=5000)
    assert [policy.judge(ahead, limits, now).until for now in (1000, 1499)] == [1500, 1500]
    assert policy.judge(History(attempts=1), limits, 1000).kind == NOW
    assert policy.judge(History((1,), attempts=1), limits, 1).until == 1001
    assert policy.judge(History((1,), attempts=1), limits, 1001).until == 0


@pytest.mark.parametrize(
    ("healthy_since", "mended"), [(0, False), (1, True), (700_000, True), (700_001, False), (1_000_001, False)]
)
def test_health_mends_after_the_stable_time(healthy_since: int, mended: bool) -> None:
    """Neither a moment earlier nor by a time that lies ahead: no attempts count then, and no hold."""
    before = History((5,), attempts=4, held_until=9, healthy_since=healthy_since, failed_at=3)
    after = policy.after_stable(before, BY_HAND, 1_000_000)
    assert (after.attempts, after.held_until) == ((0, 0) if mended else (4, 9))
    assert (after.starts, after.healthy_since, after.failed_at) == ((5,), healthy_since, 3)


def test_what_each_event_leaves() -> None:
    """Field by field."""
    before = History((1,), attempts=2, failed_at=3, held_until=4, healthy_since=5)
    assert repr(policy.with_start(before, 9)) == repr(History((1, 9), attempts=2))
    assert repr(policy.with_attempt(before)) == repr(before.replace(attempts=3))
    assert repr(policy.with_health(before, 9)) == repr(before.replace(failed_at=0))
    assert policy.with_health(History(), 9).healthy_since == 9
    assert repr(policy.with_hold(before, BY_HAND, 9)) == repr(before.replace(held_until=900_009))
    alive = before.replace(failed_at=0)
    assert repr(policy.with_failure(alive, BY_HAND, 7, 9)) == repr(alive.replace(failed_at=7, healthy_since=0))
    assert policy.with_failure(History((8,)), BY_HAND, 7, 9).failed_at == 8  # never before the start
    assert repr(policy.with_failure(before, BY_HAND, 8, 9)) == repr(before)
    stable = policy.with_failure(alive, BY_HAND, 400_000, 400_000)
    assert (stable.attempts, stable.held_until, stable.failed_at) == (0, 0, 400_000)


def test_a_hundred_starts_are_remembered() -> None:
    """As many as --limit may count; they leave by age, but for the last."""
    full = History(tuple(range(100)))
    assert policy.with_start(full, 100).starts == tuple(range(1, 101))
    now = 600 * SECOND
    assert policy.without_old_starts(History((0, 1, 2)), BY_HAND, now).starts == (1, 2)
    assert policy.without_old_starts(History((0, 1, 2)), BY_HAND, now + 50).starts == (2,)


def test_the_jitter_is_drawn_from_the_seed_alone() -> None:
    """The same in every release: what a record says of the next start stays true over an upgrade."""
    wide = Limits(first=1_000_000, longest=10**12)
    drawn = [policy.delay(*each) for each in ((1, wide, 0), (1, wide, 1), (2, wide, 1), (3, wide, 7))]
    assert drawn == [1_000_002, 1_154_510, 2_309_026, 4_326_266]
    tiny = Limits(first=1, longest=1 << 40)
    assert [policy.delay(each, tiny, 3) for each in (30, 31, 32)] == [651_544_508, 1_303_091_547, 1_303_094_079]
    assert [policy.delay(each, BY_HAND, 5) for each in (-1, 0, 1, 2, 3, 4, 9)] == [0, 0, 1022, 2045, 3909, 3909, 3909]
    assert policy.delay(1, Limits(first=9000, longest=4000), 5) == 4000
    assert policy.delay(2, BY_HAND) == policy.delay(2, BY_HAND, 0)


def test_a_permission_ends_no_wait_and_begins_no_hold() -> None:
    """Unless it says so."""
    assert repr(policy.Permission(kind=NOW)) == "Permission(kind='now', until=0, new_hold=False)"
