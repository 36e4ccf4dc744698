"""URLs: read strictly, sent as they are, shown without their secrets."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchdog_tools.checks.http import url


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
    found = url.parse_url(text)
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
    assert str(url.parse_url(text)) == shown


@pytest.mark.parametrize(
    ("text", "host"),
    [("http://[fe80::1%25eth0]/", "fe80::1%eth0"), ("http://[fe80::1%eth0]/", "fe80::1%eth0"),
     ("http://[fe80::1%25]/", "fe80::1%25"), ("http://[fe80::1%2525]:8/", "fe80::1%25")],
)  # fmt: skip
def test_a_zone_is_written_as_the_rfc_and_as_people_have_it(text: str, host: str) -> None:
    """RFC 6874 writes %25 for the percent sign."""
    assert url.parse_url(text).host == host


@given(st.from_regex(r"\Ahttps?://([a-z]{1,9}(:[!-~]{0,9})?@)?[ -~]{0,30}\Z"))
@example("http://u:secret@")
@example("http://u:s/ecret@h/")
def test_a_url_is_read_or_refused_with_a_sentence(text: str) -> None:
    """Nothing but ValueError; what is read can be sent as one line and shown."""
    try:
        found = url.parse_url(text)
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
            url.parse_url(f"http://user:{password}@{rest}")
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
    shown = url.redacted(text)
    assert shown.isprintable() or not shown
    assert "|" not in shown
    assert len(shown) <= 200


@pytest.mark.parametrize(("text", "plain"), [("a%20b", "a b"), ("%", "%"), ("%zz%4", "%zz%4"), ("%%41", "%A")])
def test_percent_is_decoded_where_it_stands_for_a_byte(text: str, plain: str) -> None:
    """Anything else is left as it is."""
    assert url.decoded(text) == plain


@pytest.mark.parametrize(
    ("text", "authority"),
    [
        ("http://h:80/", "h"),
        ("http://h:443/", "h:443"),
        ("https://h:443/", "h"),
        ("https://h:80/", "h:80"),
        ("http://[fe80::1%eth0]:81/", "[fe80::1]:81"),
    ],
)
def test_the_host_header(text: str, authority: str) -> None:
    """Without the port of the scheme, and without a zone, which is of this host alone."""
    assert url.parse_url(text).authority() == authority


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("h", "'h' is not a URL; accepted: "),
        ("http:h", "'http:h' is not a URL; accepted: "),
        ("h:80", "the scheme 'h' is not fetched; accepted: "),
        ("1:80", "'1:80' is not a URL; accepted: "),
        ("ftp://h", "the scheme 'ftp' is not fetched; accepted: "),
        ("x" * 90, "'" + "x" * 80 + "' is not a URL; accepted: "),
        ("a@b", "what was given is not a URL; accepted: "),
        ("a?b", "what was given is not a URL; accepted: "),
        ("http://h/a b", "'/a b' holds what a URL cannot; accepted: "),
        ("http://h/a b?", "what was given holds what a URL cannot; accepted: "),
        ("http://u@h/a b", "what was given holds what a URL cannot; accepted: "),
        ("http://h/\x7f", "'/\\x7f' holds what a URL cannot; accepted: "),
        ("http://h:0/", "'0' is not a port; accepted: "),
        ("http://u@h:0/", "no valid host and port in the URL; accepted: "),
        ("http://[::1]x/", "'1]x' is not a port; accepted: "),
        ("http://[a]/", "'[a]' is not a host; accepted: "),
        ("http://::1]/", "'::1]' is not a host; accepted: "),
        ("http://[::1:80/", "'[::1' is not a host; accepted: "),
    ],
)
def test_what_is_said_of_what_is_no_url(text: str, words: str) -> None:
    """What was wrong, and nothing that may be a secret."""
    with pytest.raises(ValueError, match="^" + re.escape(words)):
        url.parse_url(text)


@pytest.mark.parametrize(
    ("text", "pair"),
    [("h", ("h", 0)), ("h:8080", ("h", 8080)), ("[::1]", ("::1", 0)), ("[::1]:9", ("::1", 9)), ("::1", ("::1", 0))],
)
def test_a_host_and_a_port(text: str, pair: tuple[str, int]) -> None:
    """The port is 0 where there is none; a bare IPv6 address has none."""
    assert url.parse_authority(text) == pair


def test_a_path_is_sent_as_it_is() -> None:
    """With its query; what does not begin with a slash is none."""
    assert url.parse_path("/a?b=c~!") == "/a?b=c~!"
    for wrong in ("", "a", "http://h/"):
        with pytest.raises(ValueError, match="is not a path; accepted: /PATH"):
            url.parse_path(wrong)
    with pytest.raises(ValueError, match=r"^'/ x' holds what a URL cannot"):
        url.parse_path("/ x")
    with pytest.raises(ValueError, match=r"^what was given holds what a URL cannot"):
        url.parse_path("/ x?token=y")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://u:p@h/a?b#c", "http://h/a?..."),
        ("//u@h/@x", "//h/@x"),
        ("/a@b?", "/a@b?..."),
        ("http://u@h?x", "http://h?..."),
        ("a#?", "a"),
    ],
)
def test_a_redirect_is_shown_without_its_secrets(text: str, shown: str) -> None:
    """User and query are left out, the rest is there."""
    assert url.redacted(text) == shown


@pytest.mark.parametrize(
    ("text", "user"),
    [("http://a:b@h/", "a:b"), ("http://a%40:%3a@h/", "a@::"), ("http://h/", ""), ("http://a@b@h/", "a@b")],
)
def test_a_user_is_decoded(text: str, user: str) -> None:
    """A password may hold what a URL cannot."""
    found = url.parse_url(text)
    assert (found.user, found.scheme, found.host) == (user, "http", "h")
    assert [url.decoded(each) for each in ("%4", "%41x", "%4g", "a%7E%0a")] == ["%4", "Ax", "%4g", "a~\n"]
