"""What there is of a service besides its record."""

from __future__ import annotations

from watchdog_tools.system.relatives import Relatives


def test_there_is_nothing_at_first() -> None:
    """And no two share what they hold."""
    one, other = Relatives(), Relatives()
    assert [getattr(one, name) for name in Relatives.__slots__] == [[]] * 5
    assert one.remains is not other.remains
