"""Names and marks: what a NAME is, and whose a mark is."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from watchdog_tools.cli.converters import service
from watchdog_tools.core import marks as names

NAME = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", fullmatch=True)
DIRECTORY = st.binary(max_size=50).map(lambda raw: os.fsdecode(b"/" + raw.replace(b"\0", b"")))
PLACE = st.tuples(st.integers(0, 2**32), st.integers(1, 2**63)).map(lambda pair: f"{pair[0]}.{pair[1]}")
OWNER = st.tuples(NAME, st.integers(0, 2**32 - 2), DIRECTORY)


@given(NAME)
def test_a_name_is_taken_as_it_is(word: str) -> None:
    """Up to 64 of the allowed characters."""
    assert service(word) == word


@given(st.text(max_size=70))
@example("")
@example(".")
@example("..")
@example("-x")
@example("a/b")
@example("a" * 65)
@example("a\n")
@example("é")
@example("٣")
@example("a b")
def test_anything_else_is_refused_with_a_sentence(word: str) -> None:
    """A NAME becomes a file's: no slash, no leading dot or dash, no other script's digits."""
    assume(not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", word))
    with pytest.raises(ValueError, match=r"is not a NAME; accepted: ") as caught:
        service(word)
    assert str(caught.value).isprintable()


def environment(variables: dict[str, str]) -> bytes:
    """Return an environment, as /proc shows it, with a mark among other variables."""
    marks = [f"{key}={value}" for key, value in variables.items()]
    words = ["PATH=/bin", *marks, f"X{names.MARK}=9:9:9:x:/", "HOME=/"]
    return b"\0".join(each.encode("utf-8", "surrogateescape") for each in words) + b"\0"


def owner(name: str, uid: int, directory: str, place: str = "") -> names.Owner:
    """Return an owner."""
    return names.Owner(name=name, uid=uid, directory=directory, place=place)


@given(st.integers(1, 2**22), st.integers(0, 2**40), OWNER, PLACE)
@example(7, 8, ("svc", 0, "/a:b:c"), "1.2")
@example(7, 8, ("svc", 0, "/a\nb=c"), "1.2")
def test_a_mark_is_found_again(pid: int, ticks: int, whose: tuple[str, int, str], place: str) -> None:
    """Whatever the directory is called."""
    one = owner(*whose, place)
    found = names.parse(environment(names.mark_variables(pid, ticks, one)))
    assert found
    assert (found.pid, found.ticks, found.owner.is_same(one)) == (pid, ticks, True)
    assert (found.owner.text, found.owner.place) == (one.text, place)


@given(OWNER, OWNER)
@example(("a", 0, "/x"), ("a", 0, "/x/"))
@example(("a", 1, "/x"), ("a", 11, "/x"))
@example(("a", 1, "/x"), ("a", 1, "/x:y"))
def test_a_mark_is_nobody_else_s(one: tuple[str, int, str], other: tuple[str, int, str]) -> None:
    """Another NAME, uid or directory is another service."""
    assume(one != other)
    found = names.parse(environment(names.mark_variables(1, 2, owner(*one))))
    assert found
    assert not found.owner.is_same(owner(*other))


@pytest.mark.parametrize(("marked", "asked", "same"), [("1.2", "1.2", True), ("1.2", "1.3", False), ("", "1.2", True)])
def test_179_the_same_path_in_another_root_is_another_service(marked: str, asked: str, same: bool) -> None:
    """A mark of an older release has no place, and is what it was."""
    found = names.parse(environment(names.mark_variables(1, 2, owner("a", 0, "/x", marked))))
    assert found
    assert found.owner.is_same(owner("a", 0, "/x", asked)) is same


@given(OWNER, PLACE)
def test_the_form_of_the_mark_is_what_older_releases_compare(whose: tuple[str, int, str], place: str) -> None:
    """They find what we started, should the new release be taken back: the place stands beside it."""
    name, uid, directory = whose
    assert names.mark_variables(7, 8, owner(*whose, place))[names.MARK] == f"7:8:{uid}:{name}:{directory}"


@pytest.mark.parametrize(
    "value",
    ["", ":", "1:2", "1:2:0", "x:2:0:svc:/d", "1:x:0:svc:/d", "-1:2:0:svc:/d", "1:2:0:svc:", "1:2:0:svc",
     " 1:2:0:svc:/d", "1:2:0:svc:d", "1:2::svc:/d", "1:2:0::/d",
     "1" * 5000 + ":2:0:svc:/d", "1:" + "2" * 5000 + ":0:svc:/d", "1:²:0:svc:/d", "1:٢:0:svc:/d"],
)  # fmt: skip
def test_what_only_looks_like_a_mark(value: str) -> None:
    """Anybody can write anything into an environment of their own."""
    assert names.parse(environment({names.MARK: value, names.PLACE: "1.2"})) is None


@given(st.binary(max_size=200))
@example(names.MARK.encode())
@example(b"\0\0" + names.MARK.encode() + b"=")
@example(names.MARK.encode() + b"=\xff:\xfe:0:svc:/d")
def test_any_environment_can_be_read(environ: bytes) -> None:
    """Torn, binary, empty: no mark, no exception."""
    assert names.parse(environ) is None


@pytest.mark.parametrize(
    ("value", "fine"),
    [
        ("1:2:0:svc:/d", True),
        ("4194304:2:0:svc:/d", True),
        ("4194305:2:0:svc:/d", False),
        ("0:2:0:svc:/d", False),
        ("1:" + "9" * 19 + ":0:svc:/d", True),
        ("1:" + "9" * 20 + ":0:svc:/d", False),
        ("1:2:0:svc:/" + "d" * 4188, True),
        ("1:2:0:svc:/" + "d" * 4189, False),
    ],
)
def test_the_bounds_of_a_mark(value: str, fine: bool) -> None:
    """The last that is taken, and the first that is not."""
    assert len(value) in range(11, 4201)
    assert (names.parse(environment({names.MARK: value})) is not None) is fine


def test_the_first_of_several_counts() -> None:
    """Of the mark, and of the place beside it."""
    first, second = (f"{names.MARK}={pid}:2:0:svc:/d".encode() for pid in (7, 8))
    place, other = (f"{names.PLACE}={text}".encode() for text in ("1.2", "3.4"))
    found = names.parse(b"\0".join([b"X", place, first, other, second]))
    assert found
    assert (found.pid, found.ticks, found.owner.uid, found.owner.place) == (7, 2, 0, "1.2")


def test_whose_a_process_is_in_words() -> None:
    """A setuid program's owner is nobody's to know; a command's mark tells of what came from it."""
    assert [names.user_words(uid) for uid in (-1, 0, 1000)] == ["whoever ran a setuid program", "uid 0", "uid 1000"]
    assert names.command_mark(7, 8) == "7:8:"
    assert names.mark_variables(7, 8, owner("a", 0, "/x")) == {names.MARK: "7:8:0:a:/x"}


SERVICE = ("web", 0, "/run/x", "1.2")


@pytest.mark.parametrize(
    "other",
    [("web", 1, "/run/x", "1.2"), ("web", 0, "/run/y", "1.2"), ("web", 0, "/run/x", "1.3"), ("db", 0, "/run/x", "1.2")],
)
def test_two_services_never_share_a_group(other: tuple[str, int, str, str]) -> None:
    """Nor two pid namespaces; the same one always finds its own, from release to release."""
    assert names.group_name(owner(*SERVICE), "4") != names.group_name(owner(*other), "4")
    assert names.group_name(owner(*SERVICE), "4") != names.group_name(owner(*SERVICE), "5")
    assert names.group_name(owner(*SERVICE), "4026531836") == "b04a31388057e57c.web"
    assert re.fullmatch(r"[0-9a-f]{16}\.web", names.group_name(owner("web", 0, "/\udcff", "1.2"), "4"))
