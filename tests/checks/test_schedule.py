"""When a schedule of cron was last due, by the rules of Debian's cron, also where the clock is set."""

from __future__ import annotations

from datetime import datetime

import pytest

from watchdog_tools.checks.heartbeat.schedule import Schedule

BERLIN = "Europe/Berlin"
# The clock is set forward on 29 March 2026 from 02:00 to 03:00, and back on 25 October from 03:00 to 02:00.


def newest(schedule: str, until: str, zone: str = BERLIN) -> str:
    """Return when it was last due at `until`, with the offset from UTC: `10-25 02:30 +01`."""
    found = Schedule(schedule, zone).newest(datetime.fromisoformat(until).timestamp())
    assert found is not None
    return f"{found:%m-%d %H:%M %z}"[:-2]


@pytest.mark.parametrize(
    ("schedule", "until", "due"),
    [
        ("30 2 * * *", "2026-03-10T02:29:59+01:00", "03-09 02:30 +01"),
        ("30 2 * * *", "2026-03-10T02:30:00+01:00", "03-10 02:30 +01"),
        ("*/15 * * * *", "2026-03-10T12:44:59+01:00", "03-10 12:30 +01"),
        ("0 9-17 * * mon-fri", "2026-03-08T12:00:00+01:00", "03-06 17:00 +01"),
        ("0 0 1 * 1", "2026-03-11T12:00:00+01:00", "03-09 00:00 +01"),  # a Monday: either of the two days will do
        ("@daily", "2026-03-10T12:00:00+01:00", "03-10 00:00 +01"),
        ("@hourly", "2026-03-10T12:59:59+01:00", "03-10 12:00 +01"),
        ("@weekly", "2026-03-10T12:00:00+01:00", "03-08 00:00 +01"),
        ("@monthly", "2026-03-10T12:00:00+01:00", "03-01 00:00 +01"),
        ("0 0 29 2 *", "2026-03-10T12:00:00+01:00", "02-29 00:00 +01"),  # of 2024
    ],
)
def test_when_it_was_last_due(schedule: str, until: str, due: str) -> None:
    """At the very moment it is due; before it, it was the time before."""
    assert newest(schedule, until) == due


@pytest.mark.parametrize(
    ("schedule", "until", "due"),
    [
        ("30 2 * * *", "2026-03-29T01:59:59+01:00", "03-28 02:30 +01"),
        ("30 2 * * *", "2026-03-29T03:00:00+02:00", "03-29 03:00 +02"),  # what was skipped, at once
        ("30 2 * * *", "2026-03-29T12:00:00+02:00", "03-29 03:00 +02"),
        ("30 2 * * *", "2026-03-30T02:30:00+02:00", "03-30 02:30 +02"),
        ("*/30 * * * *", "2026-03-29T03:05:00+02:00", "03-29 03:00 +02"),
        ("30 * * * *", "2026-03-29T03:05:00+02:00", "03-29 01:30 +01"),  # follows the clock: there is no 02:30
    ],
)
def test_the_clock_is_set_forward(schedule: str, until: str, due: str) -> None:
    """A job of the hour that is skipped is due right behind it; one of each hour has one less."""
    assert newest(schedule, until) == due


@pytest.mark.parametrize(
    ("schedule", "until", "due"),
    [
        ("30 2 * * *", "2026-10-25T02:29:59+02:00", "10-24 02:30 +02"),
        ("30 2 * * *", "2026-10-25T02:30:00+02:00", "10-25 02:30 +02"),
        ("30 2 * * *", "2026-10-25T02:10:00+01:00", "10-25 02:30 +02"),  # the clock shows less, and it was due
        ("30 2 * * *", "2026-10-25T02:45:00+01:00", "10-25 02:30 +02"),  # not a second time
        ("30 2 * * *", "2026-10-26T02:29:00+01:00", "10-25 02:30 +02"),
        ("30 * * * *", "2026-10-25T02:45:00+01:00", "10-25 02:30 +01"),  # follows the clock: twice
        ("*/30 * * * *", "2026-10-25T02:10:00+01:00", "10-25 02:00 +01"),
    ],
)
def test_the_clock_is_set_back(schedule: str, until: str, due: str) -> None:
    """A job of the hour that is there twice is due in the first; one of each hour in both."""
    assert newest(schedule, until) == due


@pytest.mark.parametrize("zone", ["UTC", BERLIN, "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe"])
@pytest.mark.parametrize("schedule", ["30 2 * * *", "*/7 * * * *", "17 */5 * * *", "15 1,2 * * sun"])
def test_time_goes_on(schedule: str, zone: str) -> None:
    """What was last due is never later than the moment, and never goes back, through each hour of a year."""
    made, before = Schedule(schedule, zone), 0.0
    begin = int(datetime.fromisoformat("2026-01-01T00:00:00+00:00").timestamp())
    for moment in range(begin, begin + 366 * 86400, 53 * 1021):
        found = made.newest(moment)
        assert found is not None
        assert before <= found.timestamp() <= moment
        before = found.timestamp()


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("@reboot", "@reboot is no time of day"),
        ("", "'' has 0 fields"),
        ("* * * *", "'* * * *' has 4 fields"),
        ("0 * * * * *", "has 6 fields"),
        ("60 * * * *", "the minute of '60 * * * *' is out of range"),
        ("0 24 * * *", "the hour of "),
        ("5/10 * * * *", "the minute of '5/10 * * * *' is '5/10', which cron does not take"),
        ("0 0 L * *", "'l', which cron does not take"),
        ("0 0 LW * *", "'lw', which cron does not take"),
        ("0 0 * * 5L", "'5l', which cron does not take"),
        ("0 0 * * L", "the day of week of "),
        ("0 0 * * 1#2", "'1#2', which cron does not take"),
        ("0 0 30 2 *", "the day of month of "),
        ("٣ * * * *", "which cron does not take"),
        ("0 5-2 * * *", "the hour of "),
        ("@never", "'@never' has 1 fields"),
        (f"{'9' * 5000} * * * *", "which cron does not take"),
    ],
)
def test_what_is_no_schedule(schedule: str, said: str) -> None:
    """One sentence that names the field and what is accepted."""
    with pytest.raises(ValueError, match="accepted: '30 2") as caught:
        Schedule(schedule, "UTC")
    assert said in str(caught.value)


@pytest.mark.parametrize("zone", ["Europe/Blin", "../etc/passwd", "/etc/passwd", "Europe", "", "\0", "x" * 5000])
def test_what_is_no_time_zone(zone: str) -> None:
    """One sentence, also for what would leave the directory of the zones."""
    with pytest.raises(ValueError, match="is no time zone here; accepted: Europe/Berlin, UTC"):
        Schedule("@daily", zone)
