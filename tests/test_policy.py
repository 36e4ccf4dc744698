"""The policy over random histories: whatever an instance does, and whenever a run looks, its promises hold."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools import history, policy
from watchdog_tools.policy import BACKOFF, HELD, NOW, Limits
from watchdog_tools.record import History

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
    past: History = field(default_factory=History)
    starts: list[int] = field(default_factory=list)
    holds: list[int] = field(default_factory=list)
    unhealthy: int = 0  # since when, 0 for healthy

    def run(self, *, healthy: bool) -> str:
        """Let one run look, and do what the policy says; return that."""
        if healthy:
            self.past = history.healthy(self.past, self.now)
            self.unhealthy = 0
            return ""
        self.unhealthy = self.unhealthy or self.now
        self.past = policy.failed(self.past, self.limits, self.now, self.now) if self.starts else self.past
        verdict = policy.judge(self.past, self.limits, self.now)
        if verdict.fresh:
            self.holds.append(self.now)
            self.past = policy.held(self.past, self.limits, self.now)
        if verdict.kind == NOW:
            self.starts.append(self.now)
            self.past = policy.kept(history.counted(history.started(self.past, self.now)), self.limits, self.now)
        return verdict.kind


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
    waited_for = policy.judge(story.past, limits, story.now).until if kind == HELD else story.now
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
    good = story.past.good
    assert good
    assert policy.judge(story.past, limits, story.now).kind == NOW
    assert policy.judge(story.past.but(attempts=50), limits, story.now).kind == NOW
    dead = policy.failed(story.past.but(attempts=50), limits, story.past.last, story.now)
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
    future = History((10**15,), attempts=9, ended=10**15, held=10**15, good=10**15)
    assert policy.judge(future, Limits(), MINUTE).kind == NOW


def test_backoff_counts_from_the_failure() -> None:
    """An instance that lived for a while and died is started again so long after its death, not after its start."""
    past = history.counted(history.started(History(), MINUTE))
    dead = history.failed(past, 5 * MINUTE)
    verdict = policy.judge(dead, Limits(), 5 * MINUTE)
    assert verdict.kind == BACKOFF
    assert SECOND <= verdict.until - 5 * MINUTE <= 1.25 * SECOND
    # later looks that find it dead still do not put that off
    assert history.failed(dead, 6 * MINUTE).ended == 5 * MINUTE


def test_ten_hours_of_crashing() -> None:
    """A run a minute, an instance that dies at once: bursts of five, then silence; never a start a minute."""
    story = Story(Limits())
    for _ in range(600):
        story.now += MINUTE
        story.run(healthy=False)
    assert 20 <= len(story.starts) <= 5 * (600 / 25 + 1)
