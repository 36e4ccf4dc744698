"""A Struct is what its annotations say, no more."""

from __future__ import annotations

import pytest

from watchdog_tools.core.struct import Struct, replace


class Limits(Struct):
    """Two fields, one with a default, and what is made of them."""

    first: int
    longest: int = 300

    @property
    def both(self) -> int:
        """Their sum."""
        return self.first + self.longest


class Named(Limits):
    """A field more."""

    name: str = "x"


def test_fields_are_those_of_the_annotations() -> None:
    """Those that have a default may be left out."""
    assert (Limits(first=1).longest, Limits(first=1, longest=2).both) == (300, 3)
    assert repr(Limits(longest=2, first=1)) == "Limits(first=1, longest=2)"


def test_a_class_inherits_fields() -> None:
    """Its own come behind."""
    assert repr(Named(first=1)) == "Named(first=1, longest=300, name='x')"


@pytest.mark.parametrize(("fields", "error"), [({}, "Limits lacks first$"), ({"longest": 1}, "Limits lacks first$")])
def test_a_missing_field_is_named(fields: dict[str, int], error: str) -> None:
    """Nothing is half made."""
    with pytest.raises(TypeError, match=error):
        Limits(**fields)


@pytest.mark.parametrize("fields", [{"first": 1, "lnogest": 1}, {"frist": 1}, {"first": 1, "longest": 2, "x": 1}])
def test_an_unknown_field_is_refused(fields: dict[str, int]) -> None:
    """It has no place in the slots."""
    with pytest.raises(AttributeError):
        Limits(**fields)


def test_there_is_no_other_attribute() -> None:
    """Neither for whoever writes one later."""
    with pytest.raises(AttributeError):
        Named(first=1).last = 2  # type: ignore[attr-defined]


def test_a_copy_has_the_other_fields() -> None:
    """And the original stays."""
    one = Limits(first=1, longest=2)
    assert (repr(replace(one, first=3)), one.first) == ("Limits(first=3, longest=2)", 1)
