"""Whose an instance is: the scope of "exactly one"."""

from __future__ import annotations

import pytest

from watchdog_tools.core.owner import Owner

ONE = Owner(name="web", uid=0, directory="/run/x", place="1.2")


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({}, True),
        ({"name": "db"}, False),
        ({"uid": 1}, False),
        ({"directory": "/run/y"}, False),
        ({"place": "1.3"}, False),
        ({"place": ""}, True),
    ],
)
def test_a_service_is_its_name_its_keeper_and_its_directory(changed: dict[str, str | int], same: bool) -> None:
    """And the place where both know it: one that does not know it says nothing."""
    other = Owner(**{"name": "web", "uid": 0, "directory": "/run/x", "place": "1.2", **changed})  # type: ignore[arg-type]
    assert (ONE.is_same(other), other.is_same(ONE)) == (same, same)


def test_two_that_know_no_place_are_the_same() -> None:
    """Of an old record nobody knows it."""
    one, other = Owner(name="web", uid=0, directory="/"), Owner(name="web", uid=0, directory="/")
    assert (one.place, one.is_same(other)) == ("", True)


def test_it_is_written_in_printable_ascii() -> None:
    """As a record has it, and as a person would say it."""
    assert (ONE.text, str(ONE)) == ("web 1.2 /run/x", "web (uid 0, /run/x)")
    assert Owner(name="web", uid=0, directory="/a\nb\\c").text == r"web - /a\nb\\c"


@pytest.mark.parametrize(("length", "cut"), [(999, False), (1000, False), (1001, True)])
def test_a_long_directory_is_cut_and_told_apart(length: int, cut: bool) -> None:
    """A record stays small, and two directories stay two."""
    one, other = (Owner(name="web", uid=0, directory="/" * (length - 1) + end) for end in "ab")
    assert one.path != other.path
    assert len(one.path) == (1000 + len("... (01234567)") if cut else length)
    assert one.path.startswith("/" * min(length - 1, 1000))
    assert one.path.endswith("... (b2e33f22)" if cut else "/a")
