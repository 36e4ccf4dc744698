"""watchdog-tools history: what happened to a service, as a person reads it and as a program does."""

from __future__ import annotations

import calendar
import contextlib
import json
import os
import time
from pathlib import Path

import pytest
from helpers.commands import Ran, command, oracle, run
from helpers.components import need_nobody
from helpers.instances import Kept
from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools.admin.verbs.history import moment

pytestmark = pytest.mark.usefixtures("starts_services")
OLD = '{"time": 1795749127.123, "name": "svc", "event": "paused", "seconds": 7200, "reason": "new disk"}\n'


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a service to keep."""
    return Kept(tmp_path)


def history(kept: Kept, *words: object, **options: object) -> Ran:
    """Ask for the history of the service."""
    return run("watchdog-tools", "history", kept.name, "-s", kept.state, *words, **options)  # type: ignore[arg-type]


def told(ran: Ran) -> list[str]:
    """Return the lines below the first, without their times."""
    return [line[21:] for line in ran.out.splitlines()[1:]]


def test_a_line_an_event_the_newest_last(kept: Kept) -> None:
    """In local time; what a verb ordered says who."""
    kept.run()
    pid = kept.pid()
    assert (
        run("watchdog-tools", "pause", kept.name, "-s", kept.state, "--for", "1h", "--reason", "new | disk").code == 0
    )
    ran = history(kept, "--since", "1h")
    assert (ran.code, ran.out.splitlines()[0]) == (0, "HISTORY OK - svc: 2 events"), ran
    assert told(ran) == [f"started: pid {pid}, attempt 1", f"paused for 60 min: new / disk (by uid {os.getuid()})"]
    shown = time.mktime(time.strptime(ran.out.splitlines()[1][:19], "%Y-%m-%d %H:%M:%S"))
    assert abs(shown - time.time()) < 30


def test_a_death_with_the_end_of_its_log(kept: Kept) -> None:
    """With -v, below its line; without it nothing of the log is shown."""
    kept.run(
        "--log", kept.room / "log", "--start-seconds", "0.5", command=["/bin/sh", "-c", "echo its last words; exit 3"]
    )
    plain, more = history(kept), history(kept, "-v")
    assert "its last words" not in plain.out
    at = next(index for index, line in enumerate(more.out.splitlines()) if "exited with 3" in line)
    assert more.out.splitlines()[at + 1 : at + 3] == [f"    {kept.room}/log ended with:", "    its last words"], more
    (died,) = [each for each in json_of(history(kept, "-v", "-o", "json")) if each["details"]["event"] == "died"]
    assert (died["state"], died["reason"], died["details"]["lines"]) == ("CRITICAL", "died", ["its last words"])


def json_of(ran: Ran) -> list[dict[str, dict[str, object]]]:
    """Return the objects that it printed."""
    return [json.loads(line) for line in ran.out.splitlines()]


def test_json_has_an_object_an_event(kept: Kept) -> None:
    """The details are the event as it stands in the file."""
    kept.run()
    (found,) = json_of(history(kept, "-o", "json"))
    assert {**kept.events()[0], "name": None} == {**found["details"], "name": None}
    assert (found["name"], found["target"], found["state"], found["reason"]) == ("svc", "svc", "OK", "started")


def test_only_the_last_ones(kept: Kept) -> None:
    """The last 50, and it says that there are more; with --since those of that time."""
    kept.run()
    own = (kept.state / "svc.events").read_text()
    (kept.state / "svc.events.1").write_text(OLD * 60)
    (kept.state / "svc.events").write_text(OLD * 40 + own)
    ran = history(kept)
    assert (len(told(ran)), "50 events; the last of 101 (--since shows more)" in ran.out) == (50, True), ran
    assert (told(ran)[0], told(ran)[-1][:7]) == ("paused for 2 h: new disk", "started")
    assert len(told(history(kept, "--since", "1h"))) == 1
    assert len(told(history(kept, "--since", "2026-01-01"))) == 101


@pytest.mark.parametrize("torn", [b'{"schema": 1, "tim', b"\xff\xfe\n", b"[" * 100_000 + b"\n", b"null\n"])
def test_135_what_is_torn_is_skipped_and_counted(kept: Kept, torn: bytes) -> None:
    """What can be read is shown."""
    kept.run()
    with (kept.state / "svc.events").open("ab") as file:
        file.write(torn)
    ran = history(kept)
    assert (ran.code, "1 event; 1 line cannot be read" in ran.out, len(told(ran))) == (0, True, 1), ran


def test_135_untrusted_text_stays_text(kept: Kept) -> None:
    """Whatever stands in the file: printable lines of at most 1 KiB."""
    kept.run()
    event = {"schema": 1, "epoch": 9e99, "event": "\x1b[2J|<b>\n", "why": "\u202e" * 4000, "uid": 5, "sudo_user": "`x`"}
    (kept.state / "svc.events").write_text(json.dumps(event) + "\n")
    for words in ((), ("-v",)):
        ran = history(kept, *words)
        assert (ran.code, ran.err) == (0, ""), ran
        assert all(line.isascii() and line.isprintable() and len(line) < 1024 for line in ran.out.splitlines())
    assert len(json_of(history(kept, "-o", "json"))) == 1


@pytest.mark.parametrize("kind", ["link", "fifo", "directory"])
def test_117_a_file_that_is_none(kept: Kept, kind: str) -> None:
    """Not followed, not waited for: no events."""
    kept.run()
    path = kept.state / "svc.events"
    path.unlink()
    {"link": lambda: path.symlink_to("svc.record"), "fifo": lambda: os.mkfifo(path), "directory": path.mkdir}[kind]()
    assert oracle(history(kept), 5) == "HISTORY OK - svc: 0 events"


def test_one_that_was_never_kept(kept: Kept) -> None:
    """UNKNOWN; nothing is made by asking."""
    ran = history(kept, "-o", "json")
    assert (ran.code, json_of(ran)[0]["reason"]) == (3, "never-kept"), ran
    assert not list(kept.state.iterdir())


@pytest.mark.root(reason="asks as another user")
def test_those_of_another_user(public_path: Path) -> None:
    """An ordinary user is told whose they are; status has no last word, and is as well as it was."""
    options = need_nobody(command("watchdog-tools"))
    kept = Kept(public_path)
    kept.state.chmod(0o755)
    assert kept.run().code == 0
    ran = history(kept, **options)
    assert (ran.code, ran.out) == (3, "HISTORY UNKNOWN - the events of svc are those of root, and not ours to read\n")
    kept.name = "vsc"
    ran = history(kept, **options)
    assert (ran.code, ran.out) == (3, f"HISTORY UNKNOWN - vsc was never kept here ({kept.state})\n")
    ran = run("watchdog-tools", "status", "vsc", "-s", kept.state, **options)  # type: ignore[arg-type]
    assert (ran.code, "vsc was never kept here" in ran.out) == (3, True), ran
    ran = run("watchdog-tools", "status", "-s", kept.state, **options)  # type: ignore[arg-type]
    assert (ran.code, ran.out.splitlines()[-1].split()[-1]) == (0, "-"), ran


@pytest.mark.parametrize("word", ["yesterday", "25:00", "2026-13-01", "1y", "-1h", ""])
def test_a_moment_that_is_none(kept: Kept, word: str) -> None:
    """Wrong usage, with what is accepted."""
    ran = history(kept, f"--since={word}")
    assert (ran.code, "usage: --since: " in ran.out) == (3, True), ran


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("2h", -7200.0),
        ("2026-11-27T03:00:00Z", calendar.timegm((2026, 11, 27, 3, 0, 0)) - 1.8e9),
        ("2026-11-27", time.mktime((2026, 11, 27, 0, 0, 0, 0, 0, -1)) - 1.8e9),
        ("2026-11-27 20:15", time.mktime((2026, 11, 27, 20, 15, 0, 0, 0, -1)) - 1.8e9),
    ],
)
def test_moments(word: str, expected: float) -> None:
    """A time before now, and times of the calendar: local, or UTC where they say so."""
    assert moment(word, 1.8e9) - 1.8e9 == expected


def test_an_hour_alone() -> None:
    """Local, of today; one that is yet to come is that of yesterday."""
    now = time.mktime((2026, 11, 27, 21, 0, 0, 0, 0, -1))
    assert moment("20:15", now) == now - 45 * 60
    now = time.mktime((2026, 12, 1, 0, 10, 0, 0, 0, -1))
    assert moment("23:50", now) == now - 20 * 60


@given(st.text(max_size=40))
def test_any_word_is_a_moment_or_a_sentence(word: str) -> None:
    """No other exception leaves it."""
    with contextlib.suppress(ValueError, OverflowError):
        assert isinstance(moment(word, 1.8e9), float)
