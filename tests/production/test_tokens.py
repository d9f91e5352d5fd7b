"""Tokens are shown once, kept as hashes, and compared in constant time."""

from __future__ import annotations

import hashlib

import pytest

from app.core.errors import SettingsError
from app.production.tokens import Role, TokenEntry, match, new_token, parse_entries
from tests.production.guarded import OPERATE_ENTRY as OPERATE
from tests.production.guarded import OPERATE_TOKEN, READ_TOKEN
from tests.production.guarded import READ_ENTRY as READ

BOTH = (READ, OPERATE)


def test_a_new_token_has_a_prefix_and_256_random_bits():
    """Scanners of leaked secrets know it by its prefix; behind that are 43 characters, never the same."""
    token, _ = new_token(Role.READ)
    assert token.startswith("atalaia_")
    assert len(token) == len("atalaia_") + 43
    assert token != new_token(Role.READ)[0]


def test_only_the_hash_of_a_token_is_kept():
    """The entry is the role and the SHA-256 of the token."""
    token, entry = new_token(Role.READ)
    assert str(entry) == "read:" + hashlib.sha256(token.encode()).hexdigest()
    assert match([entry], token) is entry


def test_entries_survive_the_setting():
    """What is written as a comma-separated setting is read back, whatever white space is around it."""
    assert parse_entries(f" {READ},\n{OPERATE} ,") == BOTH
    assert parse_entries("") == ()


def test_a_token_matches_its_own_entry():
    """Each token gives the entry with its role."""
    assert match(BOTH, READ_TOKEN) is READ
    assert match(BOTH, OPERATE_TOKEN) is OPERATE


@pytest.mark.parametrize(
    "wrong", ["", "x", READ_TOKEN[:-1], READ_TOKEN + " ", READ.hash, str(READ), "é", "\ud800"]
)
def test_anything_else_matches_nothing(wrong):
    """Neither a piece of a token nor its hash nor any text at all enters."""
    assert match(BOTH, wrong) is None
    assert match((), wrong) is None


def test_operate_includes_read():
    """Who may act may look; who may look may not act."""
    assert Role.OPERATE.includes(Role.READ)
    assert Role.OPERATE.includes(Role.OPERATE)
    assert Role.READ.includes(Role.READ)
    assert not Role.READ.includes(Role.OPERATE)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (OPERATE_TOKEN, "token entry 1 is the token itself"),
        (f"{READ},read:{OPERATE_TOKEN}", "token entry 2 is the token itself"),
        (f"admin:{READ.hash}", "token entry 1 does not begin with read: or operate:"),
        (READ.hash, "token entry 1 does not begin with read: or operate:"),
        ("read:abc", "token entry 1 has no SHA-256 of 64 lower-case hex digits"),
        (f"read:{READ.hash.upper()}", "token entry 1 has no SHA-256 of 64 lower-case hex digits"),
        (f"read:{READ.hash},operate:{READ.hash}", "a token is entered twice"),
    ],
)
def test_a_bad_entry_is_a_fact_and_a_hint_and_no_secret(text, fact):
    """What is wrong is said by the place of the entry, and nothing of it is repeated."""
    with pytest.raises(SettingsError) as refused:
        parse_entries(text)
    assert refused.value.fact == fact
    assert refused.value.hint
    for secret in (OPERATE_TOKEN, READ.hash):
        assert secret not in str(refused.value)


def test_an_entry_tells_its_name_but_not_its_hash():
    """Logs name a token by eight digits of its hash; a representation has not even those."""
    assert READ.name == f"token-{READ.hash[:8]}"
    assert READ.hash[:8] not in repr(TokenEntry(READ.role, READ.hash))
