"""The dashboard's session is a signed cookie that ends by itself and with any change of the tokens."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.production.session import cookie_header, cookie_value, is_same_origin, issue, verify
from app.production.tokens import Role, new_token

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ENTRIES = (new_token(Role.READ)[1], new_token(Role.OPERATE)[1])


@pytest.mark.parametrize("role", Role)
def test_a_session_keeps_its_role_until_it_ends(role):
    """It lasts twelve hours unless told otherwise."""
    value = issue(ENTRIES, role, NOW)
    assert verify(ENTRIES, value, NOW) is role
    assert verify(ENTRIES, value, NOW + timedelta(hours=12, seconds=-1)) is role
    assert verify(ENTRIES, value, NOW + timedelta(hours=12)) is None


def test_no_two_sessions_are_alike():
    """A nonce tells apart those that begin at the same moment."""
    assert issue(ENTRIES, Role.READ, NOW) != issue(ENTRIES, Role.READ, NOW)


def test_a_change_of_the_tokens_ends_every_session():
    """Adding, removing or exchanging a token changes the key; their order does not."""
    value = issue(ENTRIES, Role.OPERATE, NOW)
    assert verify(ENTRIES[::-1], value, NOW) is Role.OPERATE
    assert verify(ENTRIES[:1], value, NOW) is None
    assert verify((*ENTRIES, new_token(Role.READ)[1]), value, NOW) is None


def test_without_tokens_there_is_no_session():
    """A key made of nothing is known to everybody, so that nothing is signed or accepted with it."""
    claim = f"operate.{int(NOW.timestamp()) + 60}.nonce"
    key = hashlib.sha256(b"atalaia session\n").digest()
    forged = f"{claim}.{hmac.new(key, claim.encode(), hashlib.sha256).hexdigest()}"
    assert verify((), forged, NOW) is None
    with pytest.raises(ValueError, match="needs a token"):
        issue((), Role.READ, NOW)


def test_no_part_of_a_session_can_be_changed():
    """A better role or a later end needs another signature."""
    role, expiry, nonce, signature = issue(ENTRIES, Role.READ, NOW).split(".")
    for forged in (
        f"operate.{expiry}.{nonce}.{signature}",
        f"{role}.{int(expiry) + 1}.{nonce}.{signature}",
        f"{role}.{expiry}.x.{signature}",
        f"{role}.{expiry}.{nonce}.",
        f"{role}.{expiry}.{nonce}.{signature.upper()}",
        f"{role}.{expiry}.{nonce}",
    ):
        assert verify(ENTRIES, forged, NOW) is None


@given(st.text())
def test_no_text_is_a_session(value):
    """Whatever a cookie holds, it is refused and not an error."""
    assert verify(ENTRIES, value, NOW) is None


def test_the_cookie_is_hidden_from_scripts_and_other_sites():
    """HttpOnly and SameSite=Strict always; __Host- and Secure over https."""
    assert cookie_header("v", secure=False) == (
        "atalaia_session=v; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"
    )
    assert cookie_header("v", secure=True, hours=1) == (
        "__Host-atalaia_session=v; Path=/; Max-Age=3600; HttpOnly; SameSite=Strict; Secure"
    )


def test_an_empty_cookie_ends_the_session():
    """The browser forgets it at once."""
    assert "Max-Age=0;" in cookie_header("", secure=True)


@pytest.mark.parametrize(
    ("cookies", "value"),
    [
        ([b"atalaia_session=v"], "v"),
        ([b"a=1; atalaia_session=v ;b=2"], "v"),
        ([b"a=1", b"atalaia_session=v"], "v"),
        ([b"atalaia_session=planted; __Host-atalaia_session=v"], "v"),
        ([b"atalaia_session=first; atalaia_session=second"], "first"),
        ([b"xatalaia_session=v", b"atalaia_session"], ""),
        ([b"a=1; \xff=\xff; =; ;"], None),
        ([], None),
    ],
)
def test_the_cookie_is_found_among_others(cookies, value):
    """In one header or several, and no subdomain's cookie comes before the __Host- one."""
    assert cookie_value([(b"cookie", cookie) for cookie in cookies]) == value


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-origin", "origin": "https://evil.example", "host": "app.example"}, True),
        ({"sec-fetch-site": "same-site", "origin": "http://app.example", "host": "app.example"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "http://app.example:8000", "host": "app.example:8000"}, True),
        ({"origin": "HTTP://App.example", "host": "app.EXAMPLE"}, True),
        ({"origin": "http://app.example:8001", "host": "app.example:8000"}, False),
        ({"origin": "http://app.example@evil.example", "host": "app.example"}, False),
        ({"origin": "http://evil.example/app.example", "host": "app.example"}, False),
        ({"origin": "http://[", "host": "app.example"}, False),
        ({"origin": "null", "host": "null"}, False),
        ({"origin": "null", "host": ""}, False),
        ({"host": "app.example"}, False),
        ({"origin": "http://app.example"}, False),
        ({}, False),
    ],
)
def test_only_our_own_pages_are_the_same_origin(headers, same):
    """The browser's own word counts; an old browser's Origin has to be our Host."""
    assert is_same_origin([(k.encode(), v.encode()) for k, v in headers.items()]) is same


@pytest.mark.parametrize("twice", [b"origin", b"host", b"sec-fetch-site"])
def test_what_is_said_twice_does_not_count(twice):
    """A second header, which somebody on the way may have added, makes it doubtful."""
    headers = [(b"origin", b"http://app.example"), (b"host", b"app.example")]
    if twice == b"sec-fetch-site":
        headers.append((twice, b"same-origin"))
    assert is_same_origin(headers)
    assert not is_same_origin([*headers, next(h for h in headers if h[0] == twice)])
