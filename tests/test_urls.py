"""URLs: read strictly, sent as they are, shown without their secrets."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchdog_tools import urls


@pytest.mark.parametrize(
    ("text", "host", "port", "path"),
    [
        ("http://h", "h", 80, "/"),
        ("HTTPS://h/", "h", 443, "/"),
        ("http://h:81?a=b", "h", 81, "/?a=b"),
        ("http://h/a/b;c?d=e%20f#g", "h", 80, "/a/b;c?d=e%20f"),
        ("http://h#g", "h", 80, "/"),
        ("http://[::1]:8080/x", "::1", 8080, "/x"),
        ("http://[::1]/x", "::1", 80, "/x"),
        ("http://u:p@h/@x:y", "h", 80, "/@x:y"),
        ("http://h/a?b=http://c/@", "h", 80, "/a?b=http://c/@"),
    ],
)
def test_a_url_is_read(text: str, host: str, port: int, path: str) -> None:
    """Scheme, host, port, and what is sent; the fragment stays here."""
    found = urls.url(text)
    assert (found.host, found.port, found.path) == (host, port, path)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://user:pw@h/a?token=x#y", "http://h/a?..."),
        ("https://h:443/", "https://h/"),
        ("https://[::1]:8443/a|b`$", "https://[::1]:8443/a/b'?"),
        ("http://h/" + "a" * 300, "http://h/" + "a" * 188 + "..."),
    ],
)
def test_a_url_is_shown_without_its_secrets(text: str, shown: str) -> None:
    """No user, no query, nothing that others interpret, not too long."""
    assert str(urls.url(text)) == shown


@pytest.mark.parametrize(
    ("text", "host"),
    [("http://[fe80::1%25eth0]/", "fe80::1%eth0"), ("http://[fe80::1%eth0]/", "fe80::1%eth0"),
     ("http://[fe80::1%25]/", "fe80::1%25"), ("http://[fe80::1%2525]:8/", "fe80::1%25")],
)  # fmt: skip
def test_a_zone_is_written_as_the_rfc_and_as_people_have_it(text: str, host: str) -> None:
    """RFC 6874 writes %25 for the percent sign."""
    assert urls.url(text).host == host


@given(st.from_regex(r"\Ahttps?://([a-z]{1,9}(:[!-~]{0,9})?@)?[ -~]{0,30}\Z"))
@example("http://u:secret@")
@example("http://u:s/ecret@h/")
def test_a_url_is_read_or_refused_with_a_sentence(text: str) -> None:
    """Nothing but ValueError; what is read can be sent as one line and shown."""
    try:
        found = urls.url(text)
    except ValueError as error:
        assert "accepted:" in str(error)  # noqa: PT017 -- either outcome is right, and each has its own promise
        return
    assert found.path.isprintable()
    assert " " not in found.path
    assert str(found).isprintable()


@given(st.text(st.characters(codec="ascii"), min_size=1), st.text())
def test_no_refusal_quotes_what_may_be_a_password(secret: str, rest: str) -> None:
    """Wherever an @ stands, the sentence is the same for every password."""

    def refusal(password: str) -> str:
        try:
            urls.url(f"http://user:{password}@{rest}")
        except ValueError as error:
            return str(error)
        return ""

    if "@" not in secret:
        found = refusal(secret)
        assert not found or f"user:{secret}" not in found


@given(st.text())
@example("//u:p@h/x?y#z")
@example("http://u:p@h?@")
def test_where_a_redirect_leads_is_one_printable_piece(text: str) -> None:
    """Any text of a server."""
    shown = urls.redacted(text)
    assert shown.isprintable() or not shown
    assert "|" not in shown
    assert len(shown) <= 200


@pytest.mark.parametrize(("text", "plain"), [("a%20b", "a b"), ("%", "%"), ("%zz%4", "%zz%4"), ("%%41", "%A")])
def test_percent_is_decoded_where_it_stands_for_a_byte(text: str, plain: str) -> None:
    """Anything else is left as it is."""
    assert urls.decoded(text) == plain
