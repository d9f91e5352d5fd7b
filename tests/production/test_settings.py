"""The settings of access are right from the start, or say what is wrong without repeating a secret."""

from __future__ import annotations

import pytest

from app.core.errors import SettingsError
from app.core.section import knobs
from app.production.settings import AccessSettings
from tests.production.guarded import OPERATE_ENTRY, OPERATE_TOKEN, READ_ENTRY


def settings(**given: object) -> AccessSettings:
    """As read from the environment."""
    return AccessSettings.model_validate(given)


def test_without_settings_only_the_operator_enters():
    """The peer check is on, and there is no token."""
    assert (settings().peer, settings().entries, settings().uids) == (True, (), frozenset())


def test_lists_are_separated_by_commas():
    """Tokens as entries, users as numbers."""
    given = settings(tokens=f"{READ_ENTRY}, {OPERATE_ENTRY}", allowed_uids="33, 1000")
    assert given.entries == (READ_ENTRY, OPERATE_ENTRY)
    assert given.uids == {33, 1000}


def test_a_bad_token_is_refused_at_the_start():
    """With its place and a hint, and nothing of what was pasted."""
    with pytest.raises(SettingsError, match="token entry 1 is the token itself") as refused:
        settings(tokens=OPERATE_TOKEN)
    assert OPERATE_TOKEN not in str(refused.value)


@pytest.mark.parametrize("uid", ["www-data", "-1", "1.5", "²"])
def test_a_bad_uid_is_refused_at_the_start(uid):
    """A name has to be looked up first."""
    with pytest.raises(SettingsError, match="is not a numeric uid"):
        settings(allowed_uids=uid)


def test_the_tokens_are_a_secret():
    """Printing the settings shows stars, and the operator's tools know that they have to."""
    assert READ_ENTRY.hash not in repr(settings(tokens=str(READ_ENTRY)))
    assert [knob.variable for knob in knobs(AccessSettings) if knob.secret] == ["ACCESS_TOKENS"]
